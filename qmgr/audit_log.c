/* audit_log -- the records of the queue log: all that is behind the state by
 * applying it, and what is before it for damage. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "base/wire.h"
#include "qmgr/audit.h"
#include "qmgr/change.h"
#include "qmgr/entry.h"
#include "qmgr/logscan.h"

/* What is known of an id behind the state. */
static char fresh_mark, old_mark;
#define FRESH ((void *)&fresh_mark) /* its ACCEPT was read */
#define OLD ((void *)&old_mark)     /* no further word on it */

static const char restart[] =
    "postern stop; postern start: all other records are kept, and the octets "
    "are put aside in spool/corrupt";
static const char look[] = "no mail is lost by it; see whether the disk has "
                           "errors";

static void
where_segment(const struct segment *seg, uint64_t off, char where[64])
{
	snprintf(where, 64, "log/%08llu.%s at %llu",
	    (unsigned long long)seg->number, seg->bad ? "bad" : "seg",
	    (unsigned long long)off);
}

/* --- what a record says, against what was said before -------------------- */

static bool
take_ranges(struct audit *a, const struct record *r, struct ranges *which)
{
	struct entry_reader reader;
	struct str in = r->payload;
	struct site *site;
	struct reason *reason;
	bool ok;

	if (r->type == RECORD_DONE || r->type == RECORD_WARNED)
		return ranges_take(&in, which);
	if (r->type != RECORD_DEFER && r->type != RECORD_REPORT &&
	    r->type != RECORD_REROUTE)
		return false;
	entry_reader_init(&reader, &a->q->reasons, &a->q->sites);
	str_take(&in, r->type == RECORD_DEFER ? 12 :
	    r->type == RECORD_REPORT ? 4 : 0);
	ok = site_take(&reader, &in, &site) &&
	    (r->type == RECORD_REROUTE || reason_take(&reader, &in, &reason)) &&
	    ranges_take(&in, which);
	entry_reader_clear(&reader);
	return ok;
}

static void
check_rcpts(struct audit *a, const struct record *r, struct message *m,
    const char *where, bool fresh)
{
	struct ranges which;
	struct ranges_walk w;
	uint32_t index;

	if (!take_ranges(a, r, &which))
		return;
	ranges_walk(&which, &w);
	while (ranges_next(&w, &index)) {
		const struct rcpt *rcpt = message_rcpt(m, index);

		if (index >= m->nrcpts)
			audit_found(a, "recipient-unknown", m->id, where, look,
			    "names recipient %u, the message has %u", index,
			    m->nrcpts);
		else if (fresh && rcpt != NULL && rcpt->state == RCPT_DONE &&
		    (r->type == RECORD_DEFER || r->type == RECORD_REPORT))
			audit_found(a, "recipient-decided-twice", m->id, where,
			    look, "recipient %u was done before", index);
	}
}

static void
check_unknown(struct audit *a, const struct record *r, const char *where)
{
	/* It may have gone before the state came to it. */
	if (r->id <= a->report.head.last_id || (!a->report.had_state &&
	        !TAILQ_EMPTY(&a->q->log.segments) &&
	        TAILQ_FIRST(&a->q->log.segments)->number != 1))
		return;
	map_set_id(&a->fresh, r->id, OLD);
	audit_found(a, "message-missing", r->id, where, "look for the message "
	    "ID in the log of the server, and ask its sender", "changes a "
	    "message whose acceptance cannot be read");
}

static bool
is_accept(const struct record *r)
{
	return r->type == RECORD_ACCEPT || r->type == RECORD_DROPPED;
}

/* A file of the drop folder that was accepted before is no new message. */
static void
check_token(struct audit *a, const struct record *r, const char *where)
{
	const uint64_t known = r->type == RECORD_DROPPED ?
	    tokens_get(&a->q->tokens, str_first(r->payload, TOKEN)) : 0;
	char id[ID_TEXT + 1];

	if (known == 0 || known == r->id)
		return;
	id_text(known, id);
	audit_found(a, "accepted-twice", r->id, where, look, "the dropped file "
	    "was accepted before as message %s", id);
}

static void
before(void *arg, const struct record *r)
{
	struct audit *a = arg;
	struct message *m = table_find(&a->q->table, r->id);
	void *mark = map_get_id(&a->fresh, r->id);
	char where[64];

	snprintf(where, sizeof(where), "record %llu", (unsigned long long)r->lsn);
	if (r->id == 0)
		return;
	check_token(a, r, where);
	if (is_accept(r) && mark == FRESH)
		audit_found(a, "accepted-twice", r->id, where, look,
		    "the message was accepted before");
	else if (is_accept(r) && m == NULL)
		map_set_id(&a->fresh, r->id, FRESH);
	else if (r->type == RECORD_COPY && m == NULL && mark == NULL)
		map_set_id(&a->fresh, r->id, OLD);
	else if (m != NULL)
		check_rcpts(a, r, m, where, mark == FRESH);
	else if (mark == NULL)
		check_unknown(a, r, where);
}

/* A message's text stands here, and can be read. */
static void
see_text(struct audit *a, const struct record *r, const struct segment *seg,
    uint32_t off)
{
	struct message *m;

	if (!is_accept(r) && r->type != RECORD_COPY)
		return;
	m = table_find(&a->q->table, r->id);
	if (m != NULL && m->seg == seg && m->off == off &&
	    r->payload.n >= message_logged(m))
		m->flags |= MSG_READ;
}

static void
after(void *arg, const struct record *r, struct segment *seg, uint32_t off,
    bool ok)
{
	struct audit *a = arg;
	char where[64];

	if (a->records++ == 0 && !a->report.had_state)
		ledger_missing(&a->ledger, r->lsn);
	audit_progress(a, record_size(r->payload.n));
	if (ok) {
		see_text(a, r, seg, off);
		ledger_see(&a->ledger, a->q, r);
		return;
	}
	ledger_missing(&a->ledger, r->lsn + 1);
	where_segment(seg, off, where);
	audit_found(a, "record-malformed", r->id, where,
	    r->type > RECORD_LAST ? "run the version of the server that "
	    "wrote it" : look, "a record of type %u that cannot be understood",
	    r->type);
}

/* --- damage -------------------------------------------------------------- */

static void
on_bad_state(void *arg, const char *name)
{
	struct audit *a = arg;
	char where[64];

	snprintf(where, sizeof(where), "log/%.50s", name);
	audit_found(a, "state-damaged", 0, where, "postern stop; postern "
	    "start: the one before it is used, with the log since",
	    "cannot be read, or is not whole");
}

/* A start has seen it already. */
static bool
was_put_aside(const struct audit *a, const struct segment *seg, uint64_t off)
{
	char name[64];
	struct stat st;

	snprintf(name, sizeof(name), "%08llu-%llu",
	    (unsigned long long)seg->number, (unsigned long long)off);
	return fstatat(a->spool->corruptfd, name, &st, 0) == 0;
}

static void
on_damage(void *arg, struct segment *seg, uint64_t off, struct str octets,
    uint64_t lsn, uint64_t count)
{
	struct audit *a = arg;
	char where[64];

	ledger_missing(&a->ledger, lsn + count);
	if (seg != NULL && was_put_aside(a, seg, off))
		return;
	if (seg != NULL)
		where_segment(seg, off, where);
	else
		snprintf(where, sizeof(where), "record %llu",
		    (unsigned long long)lsn);
	if (seg != NULL)
		audit_found(a, "record-damaged", 0, where, restart,
		    "%llu records in %zu octets cannot be read; a message or "
		    "what became of one may be lost",
		    (unsigned long long)count, octets.n);
	else
		audit_found(a, "record-missing", 0, where, restart,
		    "%llu records from there on are missing, as if a segment "
		    "or its end was cut off", (unsigned long long)count);
}

/* --- before the state ------------------------------------------------------ */

static void
on_old_record(void *arg, const struct record *r, struct segment *seg,
    uint32_t off, uint32_t size)
{
	struct audit *a = arg;

	if (r->lsn >= a->report.head.lsn)
		return; /* applied already */
	a->records++;
	audit_progress(a, size);
	/* Segments between them were given back. */
	if (seg->number > a->old_segment + 1)
		ledger_missing(&a->ledger, r->lsn);
	a->old_segment = seg->number;
	a->old_lsn = r->lsn;
	if (qlog_was_refused(&a->q->log, seg, r))
		return;
	see_text(a, r, seg, off);
	ledger_see(&a->ledger, a->q, r);
}

/* The text of a message that lives, which is looked for by itself. */
static bool
has_text(const struct audit *a, const struct segment *seg, uint64_t off,
    size_t n)
{
	const struct message *m;

	TAILQ_FOREACH(m, &a->q->table.all, entry)
		if (m->seg == seg && m->off >= off && m->off < off + n)
			return true;
	return false;
}

static void
on_old_damage(void *arg, struct segment *seg, uint64_t off, struct str octets,
    uint64_t lsn, uint64_t count)
{
	struct audit *a = arg;
	char where[64];

	if (lsn >= a->report.head.lsn)
		return;
	ledger_missing(&a->ledger, lsn + count);
	if (seg == NULL || was_put_aside(a, seg, off) ||
	    has_text(a, seg, off, octets.n))
		return;
	where_segment(seg, off, where);
	audit_found(a, "record-damaged", 0, where, look,
	    "%llu records in %zu octets cannot be read; none is needed any "
	    "more", (unsigned long long)count, octets.n);
}

static int
scan_old(struct audit *a)
{
	const struct state_head *h = &a->report.head;
	struct logscan s = { .on_record = on_old_record,
		.on_damage = on_old_damage, .arg = a, .seed = a->q->log.seed };
	struct segment *seg;
	uint64_t last = 0;

	if (!a->report.had_state)
		return 0;
	TAILQ_FOREACH(seg, &a->q->log.segments, entry) {
		if (seg->number > h->segment ||
		    (seg->number == h->segment && h->off == 0))
			break;
		if (seg->number != last + 1)
			s.next_lsn = 0;
		last = seg->number;
		if (logscan_segment(&s, seg, 0) == -1)
			return -1;
	}
	if (a->old_lsn + 1 != h->lsn)
		ledger_missing(&a->ledger, h->lsn);
	return 0;
}

/* --- all ------------------------------------------------------------------- */

static void
check_segments(struct audit *a)
{
	const struct segment *seg, *prev = NULL;
	char where[64];

	TAILQ_FOREACH(seg, &a->q->log.segments, entry) {
		where_segment(seg, 0, where);
		a->segments++;
		if (seg->bad)
			audit_found(a, "segment-bad", 0, where, "postern "
			    "start: what can be read is copied out; see "
			    "whether the disk has errors",
			    "a flush into this segment failed");
		if (prev != NULL && prev->number == seg->number)
			audit_found(a, "segment-twice", 0, where, "move the "
			    "copy elsewhere", "another segment has its number");
		prev = seg;
	}
	seg = TAILQ_FIRST(&a->q->log.segments);
	if (!a->report.had_state && seg != NULL && seg->number != 1)
		audit_found(a, "state-missing", 0, "log", "put back the files "
		    "log/state.* from the copy that the segments are from",
		    "no state can be read, and the log begins with segment "
		    "%llu: what was before is unknown",
		    (unsigned long long)seg->number);
}

static void
check_texts(struct audit *a)
{
	const struct message *m;
	char where[64];

	TAILQ_FOREACH(m, &a->q->table.all, entry) {
		/* After a damaged state an older one shows messages that were
		 * at their end when their segment went. */
		if ((m->flags & MSG_READ) != 0 ||
		    (m->seg == NULL && a->report.bad_states != 0))
			continue;
		if (m->seg != NULL)
			where_segment(m->seg, m->off, where);
		else
			snprintf(where, sizeof(where), "log");
		audit_found(a, "text-damaged", m->id, where,
		    "postern queue bounce ID: tells the sender", m->seg != NULL ?
		    "the text of a message cannot be read" :
		    "the segment with the text of a message is not there");
	}
}

/* Octets of the segments, so that progress has an end. */
static void
measure(struct audit *a)
{
	const int fd = openat(
	    a->spool->logfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *e;
	struct stat st;
	uint64_t number, answered;
	bool bad;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (segment_parse_name(
		        e->d_name, &number, &bad, &answered) &&
		    fstatat(a->spool->logfd, e->d_name, &st, 0) == 0)
			a->octets += (uint64_t)st.st_size;
	closedir(d);
	a->all += a->octets;
}

int
audit_log(struct audit *a)
{
	const struct load_watch watch = { on_bad_state, before, after,
		on_damage, a };

	measure(a);
	if (queue_load_watched(a->q, &a->report, &watch) == -1)
		return -1;
	check_segments(a);
	if (scan_old(a) == -1)
		return -1;
	check_texts(a);
	if (a->done < a->octets)
		audit_progress(a, a->octets - a->done);
	return 0;
}
