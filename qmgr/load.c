#include "qmgr/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/dir.h"
#include "proc/note.h"
#include "qmgr/disk.h"
#include "qmgr/logscan.h"
#include "qmgr/replay.h"

struct loading {
	struct queue *q;
	struct load_report *report;
	struct replay replay;
	int corruptfd;
	const struct load_watch *watch; /* or NULL */
};

static int
open_segments(struct queue *q, struct load_report *report)
{
	const int fd =
	    openat(q->log.dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *e;
	int r = 0, error;

	if (d == NULL)
		return -1;
	while (r == 0 && (e = dir_next(d)) != NULL) {
		uint64_t number, answered;
		bool bad;
		int seg;

		if (!segment_parse_name(
		        e->d_name, &number, &bad, &answered))
			continue;
		seg = disk_open(q->log.dirfd, e->d_name, O_RDONLY);
		if (seg == -1)
			r = -1;
		else if (bad)
			qlog_add_bad(&q->log, number, seg, answered);
		else
			qlog_add_segment(&q->log, number, seg);
		report->bad_segments += bad;
	}
	/* Segments that were not seen would be mail that never was. */
	error = errno;
	closedir(d);
	errno = error;
	return error != 0 ? -1 : r;
}

static void
on_message(void *arg, struct message *m, uint64_t segment, uint32_t off,
    uint32_t size)
{
	struct loading *l = arg;
	struct segment *seg = qlog_find_segment(&l->q->log, segment);

	if (m->nleft == 0) {
		entry_free(m, &l->q->reasons);
		return;
	}
	queue_add(l->q, m, seg, off, size);
}

static void
on_bad_state(void *arg, const char *name)
{
	struct loading *l = arg;

	l->report->bad_states++;
	if (l->watch != NULL) {
		l->watch->on_bad_state(l->watch->arg, name);
		return;
	}
	note(NOTE_ERROR, "queue-state-damaged");
	note_c("file", name);
	note_end();
	/* Out of the way, so that it is not read again. */
	if (l->corruptfd != -1)
		renameat(l->q->log.dirfd, name, l->corruptfd, name);
}

/* Its id is not given again: the log of the server has it. */
static void
forget_refused(struct loading *l, const struct record *r)
{
	if (r->id > l->q->last_id)
		l->q->last_id = r->id;
	l->report->refused++;
	if (l->watch != NULL)
		return;
	note(NOTE_INFO, "queue-forgets-refused");
	note_id("id", r->id);
	note_end();
}

static void
on_record(void *arg, const struct record *r, struct segment *seg, uint32_t off,
    uint32_t size)
{
	struct loading *l = arg;
	const struct load_watch *w = l->watch;
	bool ok;

	l->report->records++;
	if (qlog_was_refused(&l->q->log, seg, r)) {
		forget_refused(l, r);
		return;
	}
	if (w != NULL)
		w->before(w->arg, r);
	ok = replay_record(&l->replay, r, seg, off, size);
	l->report->malformed += !ok;
	if (w != NULL)
		w->after(w->arg, r, seg, off, ok);
	if (ok || w != NULL)
		return;
	note(NOTE_ERROR, "queue-record-malformed");
	note_id("id", r->id);
	note_u64("type", r->type);
	note_u64("lsn", r->lsn);
	note_end();
}

static void
keep_aside(int corruptfd, const struct segment *seg, uint64_t off,
    struct str octets)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "%08llu-%llu",
	    (unsigned long long)seg->number, (unsigned long long)off);
	fd = disk_open(corruptfd, name, O_WRONLY | O_CREAT | O_TRUNC);
	if (fd == -1)
		return;
	disk_write(fd, octets.p, octets.n, 0);
	disk_sync(fd);
	close(fd);
}

static void
on_damage(void *arg, struct segment *seg, uint64_t off, struct str octets,
    uint64_t lsn, uint64_t count)
{
	struct loading *l = arg;

	l->report->damaged += count;
	if (l->watch != NULL) {
		l->watch->on_damage(
		    l->watch->arg, seg, off, octets, lsn, count);
		return;
	}
	note(NOTE_ERROR, "queue-log-damaged");
	if (seg != NULL) {
		note_u64("segment", seg->number);
		note_u64("offset", off);
		note_u64("octets", octets.n);
	}
	note_u64("first-lsn", lsn);
	note_u64("records", count);
	note_end();
	if (seg != NULL && l->corruptfd != -1)
		keep_aside(l->corruptfd, seg, off, octets);
}

static int
scan(struct loading *l, struct logscan *s)
{
	const struct state_head *h = &l->report->head;
	struct segment *seg;

	TAILQ_FOREACH(seg, &l->q->log.segments, entry) {
		uint64_t from = 0;

		if (l->report->had_state && seg->number < h->segment) {
			/* All that it tells is in the state. */
			seg->last_lsn = h->lsn - 1;
			continue;
		}
		if (l->report->had_state && seg->number == h->segment)
			from = h->off;
		seg->last_lsn = s->next_lsn != 0 ? s->next_lsn - 1 : 0;
		if (logscan_segment(s, seg, from) == -1)
			return -1;
	}
	return 0;
}

/* What a killed process wrote may be in the cache only.  Who hears of it now
 * relies on it, as pickup does that removes the file: so it is flushed. */
static int
flush_read(const struct queue *q, const struct load_report *report)
{
	const struct segment *seg;

	TAILQ_FOREACH(seg, &q->log.segments, entry) {
		int error;

		if (seg->bad || (report->had_state &&
		    seg->number < report->head.segment))
			continue;
		if (disk_datasync(seg->fd) == 0)
			continue;
		error = errno;
		/* A former run may have said 250 to any of it. */
		qlog_set_bad(&q->log, seg, SEGMENT_ALL);
		errno = error;
		return -1;
	}
	return 0;
}

/* An older state was taken, and the log between it and the damaged one is
 * used again: a message whose segment is gone was at its end by then. */
static void
remove_finished(struct queue *q)
{
	struct message *m, *next;

	TAILQ_FOREACH_SAFE(m, &q->table.all, entry, next) {
		struct rcpt *r;

		if (m->seg != NULL)
			continue;
		note(NOTE_WARN, "queue-forgets-finished");
		note_id("id", m->id);
		note_end();
		RCPT_FOREACH(r, m)
			rcpt_done(q, r);
		queue_remove(q, m);
	}
}

static int
load(struct queue *q, int corruptfd, struct load_report *report,
    const struct load_watch *watch)
{
	struct loading l = { .q = q, .report = report,
		.corruptfd = corruptfd, .watch = watch };
	struct logscan s = { .on_record = on_record, .on_damage = on_damage,
		.arg = &l, .seed = q->log.seed };
	struct message *m;
	int r;

	*report = (struct load_report){ 0 };
	if (open_segments(q, report) == -1)
		return -1;
	report->had_state = state_read(q->log.dirfd, q->log.seed, &q->reasons,
	    &q->sites, &q->tokens, &report->head, &report->state_number,
	    on_message, on_bad_state, &l);
	replay_init(&l.replay, q);
	if (report->had_state) {
		s.next_lsn = report->head.lsn;
		l.replay.clock = report->head.clock;
		l.replay.wall = report->head.wall;
		if (report->head.last_id > q->last_id)
			q->last_id = report->head.last_id;
	}
	if (!report->had_state && !TAILQ_EMPTY(&q->log.segments) &&
	    TAILQ_FIRST(&q->log.segments)->number == 1)
		s.next_lsn = 1; /* the log from its very beginning */
	r = scan(&l, &s);
	logscan_end(&s);
	/* Not by who only reads: qmgr-read, an audit. */
	if (r == 0 && q->log.syncer != NULL)
		r = flush_read(q, report);
	report->torn = s.torn;
	report->clock = l.replay.clock;
	report->wall = l.replay.wall;
	replay_clear(&l.replay);
	if (report->bad_states != 0 && watch == NULL)
		remove_finished(q);
	TAILQ_FOREACH(m, &q->table.all, entry) {
		queue_set_timer(q, m);
		/* A copy behind the state may have given it one. */
		report->missing_texts += m->seg == NULL;
	}
	q->log.next_lsn = s.next_lsn != 0 ? s.next_lsn : 1;
	if (report->had_state && report->head.segment >= q->log.next_number)
		q->log.next_number = report->head.segment + 1;
	return r;
}

int
queue_load(struct queue *q, int corruptfd, struct load_report *report)
{
	return load(q, corruptfd, report, NULL);
}

int
queue_load_watched(struct queue *q, struct load_report *report,
    const struct load_watch *watch)
{
	return load(q, -1, report, watch);
}
