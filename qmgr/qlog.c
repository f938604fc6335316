#include "qmgr/qlog.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "qmgr/disk.h"

enum {
	DIRECT_ALIGN = 4096,
	FILL_AHEAD = 8 * SPARE_STEP, /* octets of zeros ahead of the records */
	IDLE_MOST = SPARE_STEP       /* octets in a second that are no load */
};

static bool run_flush(struct work *w);
static void done_flush(struct work *w);
static bool run_fill(struct work *w);
static void done_fill(struct work *w);

void
qlog_init(struct qlog *log, int dirfd, uint64_t segment_size, uint32_t seed,
    struct syncer *syncer, const struct qlog_ops *ops, void *arg)
{
	*log = (struct qlog){ .dirfd = dirfd, .segment_size = segment_size,
		.seed = seed, .syncer = syncer, .ops = ops, .arg = arg,
		.next_number = 1, .next_lsn = 1 };
	TAILQ_INIT(&log->segments);
	TAILQ_INIT(&log->waits);
	for (unsigned i = 0; i < 2; i++) {
		struct qlog_batch *b = &log->batches[i];

		b->log = log;
		b->work = (struct work){ .run = run_flush,
			.done = done_flush, .urgent = true };
		buf_init(&b->octets, BUF_NO_MAX);
	}
	log->fill = (struct work){ .run = run_fill, .done = done_fill };
	log->spares.fd = -1;
	if (syncer != NULL)
		spares_open(&log->spares, dirfd, segment_size);
	log->have_spare = spares_ready(&log->spares);
}

void
qlog_clear(struct qlog *log)
{
	struct segment *seg;

	if (log->syncer != NULL)
		syncer_wait(log->syncer);
	spares_close(&log->spares);
	while ((seg = TAILQ_FIRST(&log->segments)) != NULL) {
		TAILQ_REMOVE(&log->segments, seg, entry);
		segment_free(seg);
	}
	for (unsigned i = 0; i < 2; i++) {
		buf_clear(&log->batches[i].octets);
		free(log->batches[i].parts);
	}
}

/* The list is by number, and new ones come last. */
static void
insert(struct qlog *log, struct segment *seg)
{
	struct segment *at = TAILQ_LAST(&log->segments, segment_list);

	while (at != NULL && at->number > seg->number)
		at = TAILQ_PREV(at, segment_list, entry);
	if (at == NULL)
		TAILQ_INSERT_HEAD(&log->segments, seg, entry);
	else
		TAILQ_INSERT_AFTER(&log->segments, at, seg, entry);
}

struct segment *
qlog_add_segment(struct qlog *log, uint64_t number, int fd)
{
	struct segment *seg = segment_new(number, log->segment_size);

	seg->fd = fd;
	insert(log, seg);
	if (number >= log->next_number)
		log->next_number = number + 1;
	return seg;
}

void
qlog_add_bad(struct qlog *log, uint64_t number, int fd, uint64_t answered)
{
	struct segment *seg = qlog_add_segment(log, number, fd);

	seg->bad = true;
	seg->answered = answered;
	log->nbad++;
}

/*
 * The flush that failed was the last of its run, and began above answered: 250
 * follows a flush that succeeded.  Its first parts may stand in segments before
 * the bad one; what stands behind that is of later runs.  Earlier ones had
 * lower numbers: this run began above all that it had read.
 */
bool
qlog_was_refused(const struct qlog *log, const struct segment *seg,
    const struct record *r)
{
	if (r->type != RECORD_ACCEPT || log->nbad == 0)
		return false;
	for (; seg != NULL; seg = TAILQ_NEXT(seg, entry))
		if (seg->bad && r->lsn > seg->answered)
			return true;
	return false;
}

struct segment *
qlog_find_segment(const struct qlog *log, uint64_t number)
{
	struct segment *seg;

	TAILQ_FOREACH(seg, &log->segments, entry)
		if (seg->number == number)
			return seg;
	return NULL;
}

/* Zeros are written while nobody waits, but for what will be used soon.  A
 * spare is what keeps a queue going on a full disk, so there should be one
 * always: the segment before this one, as soon as a state is written; if there
 * is none, or it has not gone when half of this is used, another.
 * look: after a while, so there may be room where there was none. */
static void
fill_ahead(struct qlog *log, bool look, bool idle)
{
	const uint64_t end = log->current == NULL ? 0 : log->current->end;
	const bool is_near = log->filled_to < end + FILL_AHEAD / 2;
	const bool is_first = log->current == NULL ||
	    log->current == TAILQ_FIRST(&log->segments);
	const bool spare = !log->have_spare && (idle || (log->no_room ? look :
	    is_first || end > log->segment_size / 2));

	if (log->fill_posted || log->failed ||
	    (log->current != NULL && log->current->making))
		return;
	if (log->filled_to < log->segment_size && (idle || is_near))
		log->filled_to = idle ? log->segment_size :
		    (end + FILL_AHEAD) / SPARE_STEP * SPARE_STEP;
	else if (!spare)
		return;
	log->fill_posted = true;
	log->fill_seg = log->current;
	log->fill_to = log->filled_to;
	log->fill_spare = spare;
	syncer_post(log->syncer, &log->fill);
}

void
qlog_start(struct qlog *log, uint64_t next_number, uint64_t next_lsn)
{
	if (next_number > log->next_number)
		log->next_number = next_number;
	log->next_lsn = next_lsn;
	log->durable = log->flushed = next_lsn - 1;
	fill_ahead(log, false, false);
}

static void
begin_segment(struct qlog *log)
{
	struct segment *seg =
	    segment_new(log->next_number++, log->segment_size);

	seg->making = true;
	insert(log, seg);
	log->current = seg;
	log->filled_to = 0;
}

struct buf *
qlog_begin(struct qlog *log)
{
	struct qlog_batch *b = &log->batches[log->filling];

	log->begun = buf_len(&b->octets);
	record_begin(&b->octets);
	return &b->octets;
}

/* Makes room in the segment, beginning a new one when it is full. */
static void
assign(struct qlog *log, struct qlog_batch *b, size_t size)
{
	struct qlog_part *part = b->nparts == 0 ? NULL :
	    &b->parts[b->nparts - 1];

	if (log->current == NULL ||
	    log->current->end + size > log->current->size) {
		begin_segment(log);
		/* A record larger than a segment has one of its own. */
		if (size > log->current->size)
			log->current->size = size;
		part = NULL;
	}
	if (part == NULL || part->seg != log->current) {
		if (b->nparts == b->cap) {
			b->cap = b->cap == 0 ? 4 : b->cap * 2;
			b->parts = xreallocarray(
			    b->parts, b->cap, sizeof(*b->parts));
		}
		part = &b->parts[b->nparts++];
		*part = (struct qlog_part){ log->current, log->current->end,
			log->begun, 0 };
	}
	part->n += size;
}

struct place
qlog_end(struct qlog *log, enum record_type type, uint64_t id)
{
	struct qlog_batch *b = &log->batches[log->filling];
	const size_t size = record_size(
	    buf_len(&b->octets) - log->begun - RECORD_HEADER);
	struct record r = { .type = type, .id = id, .lsn = log->next_lsn++,
		.durable = log->durable };
	struct place at;
	bool was_clean = b->nparts == 0;

	assign(log, b, size);
	r.use = log->current->number;
	record_end(&b->octets, log->begun, &r, log->seed);
	at = (struct place){ log->current, (uint32_t)log->current->end,
		(uint32_t)size, r.lsn };
	log->current->end += size;
	log->current->last_lsn = r.lsn;
	b->last_lsn = r.lsn;
	log->octets += size;
	if (was_clean)
		log->ops->on_dirty(log->arg);
	return at;
}

void
qlog_wait(struct qlog *log, struct qlog_wait *w)
{
	w->lsn = log->next_lsn - 1;
	w->waiting = true;
	TAILQ_INSERT_TAIL(&log->waits, w, entry);
	/* Nothing may be on its way: then the next flush, empty, tells it. */
	if (log->batches[log->filling].nparts == 0)
		log->ops->on_dirty(log->arg);
}

void
qlog_hurry(struct qlog *log)
{
	log->hurry = true;
	log->ops->on_dirty(log->arg);
}

void
qlog_wait_cancel(struct qlog *log, struct qlog_wait *w)
{
	if (w->waiting)
		TAILQ_REMOVE(&log->waits, w, entry);
	w->waiting = false;
}

static void
tell_waits(struct qlog *log)
{
	struct qlog_wait *w;

	while ((w = TAILQ_FIRST(&log->waits)) != NULL &&
	    w->lsn <= log->durable) {
		TAILQ_REMOVE(&log->waits, w, entry);
		w->waiting = false;
		w->on_flushed(w);
	}
}

/* The batch to be flushed now, or NULL. */
static struct qlog_batch *
take_batch(struct qlog *log)
{
	struct qlog_batch *b = &log->batches[log->filling];

	if (log->failed || log->flushing)
		return NULL;
	if (b->nparts == 0) {
		tell_waits(log);
		return NULL;
	}
	log->flushing = true;
	log->hurry = false;
	log->filling ^= 1;
	log->flushes++;
	return b;
}

void
qlog_flush(struct qlog *log)
{
	struct qlog_batch *b = take_batch(log);

	if (b != NULL)
		syncer_post(log->syncer, &b->work);
}

void
qlog_flush_here(struct qlog *log)
{
	struct qlog_batch *b = take_batch(log);

	if (b != NULL && !syncer_run_here(log->syncer, &b->work))
		syncer_post(log->syncer, &b->work);
}

void
qlog_flush_wait(struct qlog *log)
{
	qlog_again(log);
	while (!log->failed && !log->parked && (log->flushing ||
	    log->batches[log->filling].nparts != 0)) {
		qlog_flush(log);
		syncer_wait(log->syncer);
	}
}

void
qlog_again(struct qlog *log)
{
	if (log->parked) {
		log->parked = false;
		syncer_post(log->syncer, &log->batches[log->filling ^ 1].work);
	}
}

void
qlog_look(struct qlog *log)
{
	const bool idle = log->octets - log->octets_seen < IDLE_MOST;

	log->octets_seen = log->octets;
	fill_ahead(log, true, idle);
}

/* In the syncer's thread from here on, up to done_flush. */

/* -1 and errno: it is not written; -2 and errno: and its flush failed. */
static int
write_part(struct qlog *log, const struct qlog_batch *b,
    const struct qlog_part *part)
{
	struct segment *seg = part->seg;
	int r = seg->fd == -1 ? spares_use(&log->spares, seg) : 0;

	if (r != 0)
		return r;
	if (disk_write(seg->fd, buf_str(&b->octets).p + part->from, part->n,
	        part->off) == -1)
		return -1;
	if (seg->filled < part->off + part->n)
		seg->filled = part->off + part->n;
	return disk_datasync(seg->fd) == -1 ? -2 : 0;
}

void
qlog_set_bad(
    const struct qlog *log, const struct segment *seg, uint64_t answered)
{
	char from[SEGMENT_NAME], to[SEGMENT_NAME];

	segment_name(seg->number, from);
	segment_bad_name(seg->number, answered, to);
	if (disk_rename(log->dirfd, from, to) == 0)
		disk_sync(log->dirfd);
}

static bool
run_flush(struct work *w)
{
	struct qlog_batch *b = (struct qlog_batch *)(void *)w;
	const int64_t begun = clock_mono_us();
	int r = 0;

	b->error = 0;
	b->is_full = false;
	while (b->written < b->nparts) {
		r = write_part(b->log, b, &b->parts[b->written]);
		if (r != 0)
			break;
		b->written++;
	}
	if (r != 0) {
		b->error = errno;
		b->is_full = r == -1 && disk_is_full(b->error);
		if (!b->is_full)
			qlog_set_bad(b->log, b->parts[b->written].seg,
			    b->log->flushed);
	} else {
		b->log->flushed = b->last_lsn;
	}
	b->spare = spares_ready(&b->log->spares);
	b->took_us = clock_mono_us() - begun;
	return false;
}

static void
park(struct qlog *log, int error)
{
	const bool is_news = log->full == 0;

	log->parked = true;
	log->full = error;
	if (is_news)
		log->ops->on_full(log->arg, error);
}

static void
unpark(struct qlog *log)
{
	if (log->full == 0)
		return;
	log->full = 0;
	log->ops->on_full(log->arg, 0);
}

static void
done_flush(struct work *w)
{
	struct qlog_batch *b = (struct qlog_batch *)(void *)w;
	struct qlog *log = b->log;
	bool made = false;

	if (b->is_full) {
		park(log, b->error);
		return;
	}
	log->flushing = false;
	if (b->error != 0) {
		log->failed = true;
		log->ops->on_failed(log->arg, b->error);
		return;
	}
	for (size_t i = 0; i < b->nparts; i++) {
		made = made || b->parts[i].seg->making;
		b->parts[i].seg->making = false;
	}
	log->took_us += (b->took_us - log->took_us) / 8;
	log->durable = b->last_lsn;
	log->have_spare = b->spare;
	b->nparts = b->written = 0;
	buf_reset(&b->octets);
	if (b->octets.cap > 4 * 1024 * 1024)
		buf_clear(&b->octets);
	fill_ahead(log, false, false);
	if (made)
		log->ops->on_segment(log->arg);
	unpark(log);
	tell_waits(log);
	if (log->batches[log->filling].nparts == 0)
		return;
	if (log->hurry)
		qlog_flush(log);
	else
		log->ops->on_dirty(log->arg);
}

static bool
run_fill(struct work *w)
{
	struct qlog *log = (struct qlog *)(void *)((char *)w -
	    offsetof(struct qlog, fill));
	int more = 0;

	log->fill_error = 0;
	if (log->fill_seg != NULL)
		more = spares_fill_segment(log->fill_seg, log->fill_to);
	if (more == -1) {
		log->fill_error = errno;
		/* It says nothing of records: a flush may come in between. */
		qlog_set_bad(log, log->fill_seg, SEGMENT_ALL);
		return false;
	}
	/* Without a spare the next segment is filled as it is used: slower,
	 * nothing worse. */
	if (more == 0 && (log->fill_spare || log->fill_seg == NULL)) {
		more = spares_fill(&log->spares,
		    log->fill_spare ? log->segment_size : log->fill_to);
		log->fill_short = more == -1;
	}
	log->fill_found = spares_ready(&log->spares);
	return more == 1;
}

static void
done_fill(struct work *w)
{
	struct qlog *log = (struct qlog *)(void *)((char *)w -
	    offsetof(struct qlog, fill));

	log->fill_posted = false;
	log->fill_seg = NULL;
	log->no_room = log->fill_short;
	log->have_spare = log->fill_found;
	if (log->fill_error != 0 && !log->failed) {
		log->failed = true;
		log->ops->on_failed(log->arg, log->fill_error);
	}
}

/* --- giving back ------------------------------------------------------- */

struct release {
	struct work work;
	struct qlog *log;
	struct segment *seg;
	bool spare; /* there is one now */
};

static bool
run_release(struct work *w)
{
	struct release *r = (struct release *)(void *)w;

	spares_give(&r->log->spares, r->seg);
	r->spare = spares_ready(&r->log->spares);
	return false;
}

static void
done_release(struct work *w)
{
	struct release *r = (struct release *)(void *)w;

	r->log->have_spare = r->spare;
	segment_free(r->seg);
	free(r);
}

/* Nothing in it is needed: neither a text nor, given that state, a record.
 * Nor would a restart miss it, should what was not flushed be lost. */
static bool
is_dead(const struct qlog *log, const struct segment *seg)
{
	return seg != log->current && !seg->making && !seg->leaving &&
	    seg->living == 0 &&
	    seg != log->fill_seg && seg->last_lsn <= log->durable &&
	    seg->left_lsn <= log->durable;
}

void
qlog_release(struct qlog *log, uint64_t lsn)
{
	struct segment *seg, *next;

	TAILQ_FOREACH_SAFE(seg, &log->segments, entry, next) {
		struct release *r;

		if (!is_dead(log, seg) || seg->last_lsn >= lsn || seg->bad)
			continue;
		TAILQ_REMOVE(&log->segments, seg, entry);
		r = xcalloc(1, sizeof(*r));
		*r = (struct release){ { .run = run_release,
		    .done = done_release }, log, seg, false };
		syncer_post(log->syncer, &r->work);
	}
}

uint64_t
qlog_dead_octets(const struct qlog *log)
{
	const struct segment *seg;
	uint64_t octets = 0;

	TAILQ_FOREACH(seg, &log->segments, entry)
		if (is_dead(log, seg) && !seg->bad)
			octets += seg->size;
	return octets;
}

struct segment *
qlog_sparse(const struct qlog *log)
{
	struct segment *seg;

	TAILQ_FOREACH(seg, &log->segments, entry)
		if (seg != log->current && !seg->making && seg->living != 0 &&
		    (seg->bad || seg->living_octets < seg->size / 4))
			return seg;
	return NULL;
}

/* Both: false and errno, EBADMSG when it is not all there. */
static bool
read_cached(int fd, uint32_t off, uint32_t size, struct buf *out)
{
	char *p = buf_reserve(out, size);
	const ssize_t got = disk_read(fd, p, size, off);

	if (got >= 0 && got < (ssize_t)size)
		errno = EBADMSG; /* the file ends before */
	if (got != (ssize_t)size)
		return false;
	buf_commit(out, size);
	return true;
}

/* From a bad segment: past the page cache, so in aligned pieces. */
static bool
read_direct(int fd, uint32_t off, uint32_t size, struct buf *out)
{
	const uint64_t begin = off & ~(uint64_t)(DIRECT_ALIGN - 1);
	const uint64_t end = ((uint64_t)off + size + DIRECT_ALIGN - 1) &
	    ~(uint64_t)(DIRECT_ALIGN - 1);
	char *p = aligned_alloc(DIRECT_ALIGN, (size_t)(end - begin));
	ssize_t got;
	int error;

	if (p == NULL)
		fatal("no memory for a record");
	got = disk_read(fd, p, (size_t)(end - begin), begin);
	error = got == -1 ? errno : EBADMSG;
	if (got >= (ssize_t)(off - begin + size)) {
		buf_add(out, str_n(p + (off - begin), size));
		error = 0;
	}
	free(p);
	errno = error;
	return error == 0;
}

/* What a batch holds stays as it is until the batch is on disk, also while the
 * syncer writes it: before that the file has none of it, or is not there. */
static bool
read_unwritten(const struct qlog *log, const struct segment *seg, uint32_t off,
    uint32_t size, struct buf *out)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct qlog_batch *b = &log->batches[i];

		for (size_t k = 0; k < b->nparts; k++) {
			const struct qlog_part *part = &b->parts[k];

			if (part->seg != seg || off < part->off ||
			    off + (uint64_t)size > part->off + part->n)
				continue;
			buf_add(out, str_n(buf_str(&b->octets).p + part->from +
			    (off - part->off), size));
			return true;
		}
	}
	return false;
}

bool
qlog_read(const struct qlog *log, const struct segment *seg, uint32_t off,
    uint32_t size, struct buf *out, struct record *r)
{
	buf_reset(out);
	if (!read_unwritten(log, seg, off, size, out) &&
	    !(seg->bad ? read_direct : read_cached)(seg->fd, off, size, out))
		return false;
	if (record_read(buf_str(out), r, log->seed) && r->use == seg->number)
		return true;
	errno = EBADMSG;
	return false;
}
