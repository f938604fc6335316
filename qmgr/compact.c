/* compact -- keeps the log short: states, and copies out of sparse segments. */
#include <stdio.h>

#include "base/clock.h"
#include "proc/note.h"
#include "qmgr/disk.h"
#include "qmgr/qmgr.h"

enum {
	COPIES = 64,         /* messages moved in one step */
	LOOKS = 20000,       /* messages looked at in one step */
	STATE_AGAIN = 10000, /* ms, after one could not be made */
	LEFT = 100,          /* ms until what was in a segment has mostly gone */
	SEGMENTS_LEAST = 4   /* with fewer, compaction is not worth it */
};

/* Moves the record; false: it cannot be read. */
static bool
move(struct qmgr *d, struct message *m)
{
	const struct str text = message_text(d, m);

	if (text.p == NULL)
		return false;
	queue_copy(&d->q, m, text);
	return true;
}

static size_t
count_segments(const struct qmgr *d)
{
	const struct segment *seg;
	size_t n = 0;

	TAILQ_FOREACH(seg, &d->q.log.segments, entry)
		n++;
	return n;
}

static void
begin(struct qmgr *d)
{
	struct compaction *c = &d->compact;

	/* What is copied has to have room beside what it is copied from. */
	if (count_segments(d) < SEGMENTS_LEAST || !d->q.log.have_spare)
		return;
	c->seg = qlog_sparse(&d->q.log);
	if (c->seg == NULL || c->seg == c->unreadable) {
		c->seg = NULL;
		return;
	}
	c->seg->leaving = true;
	cursor_open(&c->cursor, &d->q.table);
}

static void
step(struct qmgr *d)
{
	struct compaction *c = &d->compact;
	size_t copies = 0, looks = 0;
	struct message *m;

	while (copies < COPIES && looks++ < LOOKS && c->seg->living != 0) {
		m = cursor_next(&c->cursor);
		if (m == NULL)
			break;
		if (m->seg != c->seg)
			continue;
		copies++;
		if (!move(d, m))
			c->unreadable = c->seg; /* stays for the admin */
	}
	if (looks <= LOOKS && copies < COPIES) {
		cursor_close(&c->cursor);
		c->seg->leaving = false;
		c->seg = NULL;
	}
}

void
compact_look(struct qmgr *d)
{
	struct compaction *c = &d->compact;
	const uint64_t since = d->q.log.octets - d->state_octets;
	const uint64_t enough = d->state.size > d->o.segment ? d->state.size :
	                                                       d->o.segment;

	c->is_soon = false;
	if (d->q.log.failed || d->q.log.full != 0) {
		timer_set(&d->compact.again, 1000);
		return;
	}
	if (c->seg == NULL)
		begin(d);
	if (c->seg != NULL)
		step(d);
	if (!state_writing(&d->state) && d->q.now >= c->wait &&
	    (since >= enough ||
	        (since != 0 && qlog_dead_octets(&d->q.log) != 0)))
		compact_state(d);
	timer_set(&d->compact.again, c->seg != NULL ? 1 : 1000);
}

void
compact_soon(struct qmgr *d)
{
	/* Once: small segments may be left faster than that. */
	if (d->compact.seg == NULL && !d->compact.is_soon)
		timer_set(&d->compact.again, LEFT);
	d->compact.is_soon = true;
}

void
compact_state(struct qmgr *d)
{
	d->state_octets = d->q.log.octets;
	state_write(&d->state, clock_wall_ms());
}

static void
on_again(void *arg)
{
	struct qmgr *d = arg;

	qmgr_now(d);
	compact_look(d);
}

static void
on_state(void *arg, int error)
{
	struct qmgr *d = arg;

	d->compact.wait = error == 0 ? 0 : d->q.now + STATE_AGAIN;
	if (error == 0)
		qlog_release(&d->q.log, d->state.head.lsn);
	if (error == 0 || d->compact.is_failing) {
		d->compact.is_failing = error != 0;
		return;
	}
	d->compact.is_failing = true;
	note(NOTE_ERROR, "queue-state-failed");
	note_errno(error);
	note_end();
}

void
compact_init(struct qmgr *d, uint64_t last_state)
{
	state_writer_init(&d->state, &d->q, last_state, on_state, d);
	timer_init(&d->compact.again, d->proc.loop, on_again, d);
	timer_set(&d->compact.again, 1000);
}

static void
finish_state(struct qmgr *d)
{
	while (state_writing(&d->state) && !d->q.log.failed &&
	    d->q.log.full == 0) {
		qlog_flush(&d->q.log);
		syncer_wait(d->syncer);
	}
}

/* A state that waits for no loop, of what is so now: one that is being written
 * began earlier. */
void
compact_state_now(struct qmgr *d)
{
	finish_state(d);
	compact_state(d);
	finish_state(d);
}

static void
set_bad_aside(struct qmgr *d, struct segment *seg)
{
	char name[SEGMENT_NAME];

	segment_bad_name(seg->number, seg->answered, name);
	renameat(d->spool.logfd, name, d->spool.corruptfd, name);
	TAILQ_REMOVE(&d->q.log.segments, seg, entry);
	segment_free(seg);
}

void
compact_bad(struct qmgr *d)
{
	struct segment *seg, *next;
	struct table_cursor c;
	struct message *m;
	size_t moved = 0;

	cursor_open(&c, &d->q.table);
	while ((m = cursor_next(&c)) != NULL)
		if (m->seg != NULL && m->seg->bad)
			moved += move(d, m);
	cursor_close(&c);
	qlog_flush_wait(&d->q.log);
	compact_state_now(d);
	/* Without a state what the segment tells is needed at the next start. */
	if (d->q.log.failed || d->q.log.full != 0 || d->compact.is_failing)
		return;
	note(NOTE_WARN, "bad-segment-left");
	note_u64("moved", moved);
	note_end();
	TAILQ_FOREACH_SAFE(seg, &d->q.log.segments, entry, next)
		if (seg->bad && seg->living == 0)
			set_bad_aside(d, seg);
}
