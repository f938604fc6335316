/*
 * state -- a snapshot of the queue in a file "state.NNNNNNNN" beside the
 * segments: with it a start reads only the log behind it.  FORMAT.md.
 *
 * It is written while the queue changes, message by message.  That is sound
 * since every record from its beginning on is applied again at a start, and
 * applying one twice changes nothing (replay.c).
 */
#ifndef POSTERN_QMGR_STATE_H
#define POSTERN_QMGR_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "qmgr/queue.h"

/* What a state says besides messages. */
struct state_head {
	uint64_t number;       /* of the state */
	uint64_t lsn;          /* first record to be applied */
	uint64_t segment, off; /* where it is, or will be */
	int64_t clock, wall;   /* queue time and calendar when it was begun */
	uint64_t last_id;
};

/* --- writing ----------------------------------------------------------- */

struct state_writer {
	struct queue *q;
	struct state_head head;
	struct table_cursor cursor;
	struct entry_writer entries;
	struct qlog_wait wait;
	struct work work;
	struct buf chunk;      /* one frame, or what is left to be written */
	uint64_t at;           /* octets written */
	uint64_t unsynced;
	uint64_t count;        /* messages */
	uint64_t size;         /* octets of the last one that was completed */
	uint64_t last;         /* number of the last one, 0: none */
	bool too_large;        /* a frame is: STATE_FRAME_MAX */
	int fd;
	int error;
	enum { STATE_IDLE, STATE_CHUNK, STATE_TAIL, STATE_WAIT, STATE_PUBLISH }
	    step;
	/* done: 0, or an errno; then head.lsn is what the log may forget. */
	void (*on_done)(void *arg, int error);
	void *arg;
};

void state_writer_init(struct state_writer *w, struct queue *q,
    uint64_t last_number, void (*on_done)(void *arg, int error), void *arg);
void state_writer_clear(struct state_writer *w);
/* Nothing happens while one is being written. */
void state_write(struct state_writer *w, int64_t wall_ms);
bool state_writing(const struct state_writer *w);

/* --- reading ----------------------------------------------------------- */

/* The newest state below dirfd that is whole; its tokens are added to tokens,
 * its messages are given to on_message with the number of the segment.  true:
 * head is set.  number is the highest of any state, good or not. */
bool state_read(int dirfd, uint32_t seed, struct reasons *reasons,
    struct sites *sites, struct tokens *tokens, struct state_head *head,
    uint64_t *number,
    void (*on_message)(void *arg, struct message *m, uint64_t segment,
        uint32_t off, uint32_t size),
    void (*on_bad)(void *arg, const char *name), void *arg);

enum { STATE_NAME = 32 };
void state_name(uint64_t number, char name[STATE_NAME]);

/* On disk; all little-endian. */
enum {
	STATE_HEAD = 80,                  /* octets before the tokens */
	STATE_FRAME = 16,                 /* octets before a frame */
	STATE_FRAME_MAX = 512 * 1024 * 1024
};
#define STATE_MAGIC UINT64_C(0x3145544154535150) /* "PQSTATE1" */

#endif
