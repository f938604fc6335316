/*
 * boxlog -- the log of one mailbox: ix/log.<gen>, frames appended under the
 * lock ix/lock.  A reader needs no lock: it looks at the end of the file.
 * When a log has grown long, log.<gen+1> is begun and the old one ends with
 * NEXT.
 *
 * Owns its descriptors.  Two kinds of users: those who read every frame
 * (boxlog_next, boxlog_find), and deliver, which needs only the last one
 * (boxlog_tail), for it carries the counters.
 */
#ifndef POSTERN_STORE_BOXLOG_H
#define POSTERN_STORE_BOXLOG_H

#include "store/frame.h"

enum {
	BOXLOG_VERSION = 1,
	BOXLOG_UIDS = 1024,     /* reserved ahead of use */
	BOXLOG_MODSEQS = 65536,
	BOXLOG_GEN_MAX = 0x7ffffe, /* what COLD_AT has room for */
	BOXLOG_LONG = 4 * 1024 * 1024 /* octets: deliver begins another */
};

struct boxlog {
	int ix;        /* the directory ix */
	int lock;      /* ix/lock */
	int fd;        /* log.<gen>, -1: none open */
	uint32_t gen;
	uint64_t end;  /* what was read of it */
	struct frame_state state; /* after the frame that ends there */
	uint64_t epoch;           /* ours */
	uint32_t uid_durable;     /* limits that we know are on disk */
	uint64_t modseq_durable;
	bool locked;
	bool unsynced; /* we wrote since boxlog_synced */
	bool ended;    /* the frame at the end was NEXT */
	bool follows;  /* reading came here from the log before */
	bool damaged;  /* octets were passed over; cleared by the user */
	int failed;    /* errno of a sync that failed, or 0: what the log holds
	                * is unknown, nothing is added any more */
	bool from_disk; /* it is read as it is there: disk_forget */
	bool over;     /* a sync of another log failed: none is made anew */
	struct buf in; /* what was read ahead, from offset in_at */
	uint64_t in_at;
};

/* ix is taken over; -1 and errno, then ix is closed. */
int boxlog_open(struct boxlog *l, int ix, uint64_t epoch);
void boxlog_close(struct boxlog *l);

/* -1 and errno; EAGAIN when somebody held it for too long. */
int boxlog_lock(struct boxlog *l);
void boxlog_unlock(struct boxlog *l);

/* Lowest and highest generation of files "PREFIX.<gen>" in ix; 0: none. */
int boxlog_gens(int ix, const char *prefix, uint32_t *low, uint32_t *high);

/* Begins reading log.<gen> at its start.  -1 and errno (ENOENT). */
int boxlog_start(struct boxlog *l, uint32_t gen);
/*
 * The next frame, across the change to the next log: 1, views valid until the
 * next call; 0 at the end; -1 and errno.  Octets that are no frame: with the
 * lock they are damage and passed over (or cut off, if no frame is behind
 * them); without it they may be a frame that is being written: 0.
 * ESTALE: the log was removed, the mailbox deleted or rebuilt.
 */
int boxlog_next(struct boxlog *l, struct frame *f);
/* There are octets behind what was read, or the log is gone. */
bool boxlog_has_more(const struct boxlog *l);
/*
 * Goes to the last frame of the newest log.  -1: ENOENT when there is no log,
 * ESTALE as above, EILSEQ when it has no good frame.  Without the lock it may
 * be that of a log that ended, boxlog_has_more then: the next one is missing.
 */
int boxlog_tail(struct boxlog *l);

/* The rest: with the lock, and everything read. */

/* A log of its own: head says whether it is the first of all. */
int boxlog_create(struct boxlog *l, uint32_t gen,
    const struct frame_state *state, const struct op_head *head);
/* The HEAD at the start of the open log; false: it is damaged. */
bool boxlog_head(const struct boxlog *l, struct op_head *head);
/*
 * Makes l->state ready for nuids new UIDs and one new modseq: after a change
 * of epoch they go on from the limits.  May write a frame and sync it; with
 * later != NULL it only writes, sets *later, and the caller syncs, calls
 * boxlog_synced and then this again.
 */
int boxlog_reserve(struct boxlog *l, uint32_t nuids, bool *later);
/* Frames may be lost: whatever they gave is not given again. */
int boxlog_skip(struct boxlog *l);
/*
 * Begins a frame in an empty buf; *after is to be changed by the ops, its
 * modseq is new already.  Then boxlog_append writes it: -1 leaves all as it
 * was.  The frame can then be read from f (NULL: not wanted).
 */
void boxlog_begin(
    struct boxlog *l, struct buf *out, struct frame_state *after);
int boxlog_append(struct boxlog *l, struct buf *out, struct frame_state *after,
    uint32_t nops, struct frame *f);
/* Ends this log with NEXT and begins the next one, both synced. */
int boxlog_rotate(struct boxlog *l);
/* The second half of it, when a crash left a log that ended and no next. */
int boxlog_go_on(struct boxlog *l);

/* Has the open log on disk.  -1 and errno: l->failed. */
int boxlog_sync(struct boxlog *l);
/* What was written until now is on disk (limits as of then). */
struct boxlog_mark {
	uint32_t uid_limit;
	uint64_t modseq_limit;
};
struct boxlog_mark boxlog_mark(const struct boxlog *l);
void boxlog_synced(struct boxlog *l, struct boxlog_mark mark);

#endif
