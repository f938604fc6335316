/*
 * qlog -- the queue log: records appended by the loop, made durable together
 * by the syncer.  All that is appended during one flush shares the next.
 * Source: MECHANISMS section 2; layout in FORMAT.md.
 *
 * Owns the segments.  Segments of earlier runs are only read.  A flush that
 * failed is never tried again: the log is over, its owner has to end.  A write
 * that found no room was never flushed, so it may be: it waits until there is
 * room, and with it all that is appended meanwhile.
 *
 *	struct buf *b = qlog_begin(log);
 *	...add the payload to b...
 *	struct place at = qlog_end(log, RECORD_ACCEPT, id);
 *	qlog_wait(log, &w);	calls w.on_flushed when it is on disk
 */
#ifndef POSTERN_QMGR_QLOG_H
#define POSTERN_QMGR_QLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "qmgr/record.h"
#include "qmgr/segment.h"
#include "qmgr/spare.h"
#include "qmgr/syncer.h"

/* Where a record is. */
struct place {
	struct segment *seg;
	uint32_t off;  /* octets from the segment's beginning */
	uint32_t size; /* octets of the whole record */
	uint64_t lsn;
};

/* Embedded in who waits; called once, in the order of waiting. */
struct qlog_wait {
	TAILQ_ENTRY(qlog_wait) entry;
	uint64_t lsn;
	void (*on_flushed)(struct qlog_wait *w);
	bool waiting;
};

struct qlog_part {
	struct segment *seg;
	uint64_t off; /* in the segment */
	size_t from;  /* in the batch's octets */
	size_t n;
};

/* What one flush writes. */
struct qlog_batch {
	struct work work;
	struct qlog *log;
	struct buf octets;
	struct qlog_part *parts;
	size_t nparts, cap;
	size_t written;   /* of the parts; they are on disk */
	uint64_t last_lsn;
	int64_t took_us;
	int error;
	bool is_full;     /* error is of a write that may be tried again */
	bool spare;       /* there is one still */
};

struct qlog_ops {
	/* Something waits for qlog_flush; log->hurry: somebody for it. */
	void (*on_dirty)(void *arg);
	/* A flush failed; nothing appended since the last good one counts. */
	void (*on_failed)(void *arg, int error);
	/* There is no room for a flush, which waits for qlog_again; with 0:
	 * there is room again. */
	void (*on_full)(void *arg, int error);
	/* A segment is in use, so another may not be needed any more. */
	void (*on_segment)(void *arg);
};

struct qlog {
	int dirfd;
	uint64_t segment_size;
	uint32_t seed;
	struct syncer *syncer;
	const struct qlog_ops *ops;
	void *arg;
	struct segment_list segments;
	struct segment *current;     /* appended to; NULL before the first */
	uint64_t next_number, next_lsn, durable;
	struct qlog_batch batches[2];
	unsigned filling;            /* the batch being appended to */
	bool flushing, failed;
	bool parked;                 /* the flush waits for room on the disk */
	int full;                    /* why, or 0 */
	bool hurry;                  /* a 250 waits for the next flush */
	size_t begun;                /* offset of the record being built */
	TAILQ_HEAD(, qlog_wait) waits;
	unsigned nbad;               /* segments */
	/* the syncer's */
	uint64_t flushed;            /* highest lsn whose flush succeeded; the
	                              * loop may not know it yet */
	struct spares spares;
	/* what is filled with zeros ahead of the records; set while it is not
	 * posted: */
	struct work fill;
	struct segment *fill_seg;    /* NULL: what will be the next */
	uint64_t fill_to;            /* octets of it, or all */
	bool fill_spare;             /* a whole spare as well */
	int fill_error;
	bool fill_short;             /* there was no room */
	bool fill_found;             /* there is a spare in the end */
	bool fill_posted;
	/* the loop's: */
	uint64_t filled_to;          /* of current, as far as was asked for */
	bool have_spare;             /* as the syncer said last */
	bool no_room;                /* for a spare, at the last try */
	uint64_t octets_seen;        /* at the last qlog_look */
	/* for the status page */
	uint64_t flushes, octets;    /* since the start */
	int64_t took_us;             /* about what the last flushes took */
};

/* syncer NULL: only for reading. */
void qlog_init(struct qlog *log, int dirfd, uint64_t segment_size,
    uint32_t seed, struct syncer *syncer, const struct qlog_ops *ops,
    void *arg);
/* Waits for the syncer; frees all. */
void qlog_clear(struct qlog *log);
/* A segment of an earlier run, for reading; takes over its descriptor. */
struct segment *qlog_add_segment(struct qlog *log, uint64_t number, int fd);
/* The same of one that is bad; answered as in segment.h. */
void qlog_add_bad(
    struct qlog *log, uint64_t number, int fd, uint64_t answered);
/* An ACCEPT whose sender has heard 451, or nothing, and sends it again. */
bool qlog_was_refused(const struct qlog *log, const struct segment *seg,
    const struct record *r);
struct segment *qlog_find_segment(const struct qlog *log, uint64_t number);
/* After the segments of earlier runs were added: where counting goes on. */
void qlog_start(struct qlog *log, uint64_t next_number, uint64_t next_lsn);

struct buf *qlog_begin(struct qlog *log);
struct place qlog_end(struct qlog *log, enum record_type type, uint64_t id);
/* Until everything appended so far is on disk.  Never called at once. */
void qlog_wait(struct qlog *log, struct qlog_wait *w);
/* The next flush should not wait for company. */
void qlog_hurry(struct qlog *log);
void qlog_wait_cancel(struct qlog *log, struct qlog_wait *w);
void qlog_flush(struct qlog *log);
/* In this thread, if the syncer is idle: who waits was told on return. */
void qlog_flush_here(struct qlog *log);
/* Its flush failed: the next qmgr reads it past the cache, by its name.
 * answered as in segment.h. */
void qlog_set_bad(const struct qlog *log, const struct segment *seg,
    uint64_t answered);
/* All that was appended is on disk, or the log failed or is full. */
void qlog_flush_wait(struct qlog *log);
/* There may be room now for what found none; else nothing happens. */
void qlog_again(struct qlog *log);
/* Each second, when there is room on the disk: fills ahead what is missing, all
 * of it if little was appended since the last time. */
void qlog_look(struct qlog *log);

/* Gives back what no message lives in and is older than lsn, from which the
 * newest durable state goes on. */
void qlog_release(struct qlog *log, uint64_t lsn);
/* A segment worth copying from: little in it lives.  NULL: none. */
struct segment *qlog_sparse(const struct qlog *log);
/* Octets in segments that hold nothing but waiting for a newer state. */
uint64_t qlog_dead_octets(const struct qlog *log);
/* The record at a place into out, whether it is on disk yet or not.  false and
 * errno when it cannot be read whole: EBADMSG if it is damaged. */
bool qlog_read(const struct qlog *log, const struct segment *seg, uint32_t off,
    uint32_t size, struct buf *out, struct record *r);

#endif
