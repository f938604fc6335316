/*
 * frame -- one entry of a mailbox's log: a list of operations that happened
 * together, and the mailbox's counters after them.  Pure; FORMAT.md has the
 * octets.  A frame knows its place (generation and offset), so that a stale
 * block of the disk is never taken for one, and ends with its length and CRC,
 * so that the last one can be found from the end.
 */
#ifndef POSTERN_STORE_FRAME_H
#define POSTERN_STORE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "store/store.h"

enum {
	FRAME_HEAD = 96,
	FRAME_TAIL = 8,
	FRAME_LEAST = FRAME_HEAD + FRAME_TAIL,
	FRAME_MAX = 16 * 1024 * 1024,
	FRAME_STATE = 72 /* octets of a frame_state */
};

/* The mailbox after a frame. */
struct frame_state {
	uint64_t modseq;       /* of the frame; never goes back */
	uint64_t epoch;        /* of its writer */
	uint64_t octets;       /* sum of the sizes of living messages */
	uint64_t modseq_safe, modseq_limit;
	uint32_t uidvalidity;
	uint32_t uidnext;
	uint32_t exists, unseen, deleted;
	uint32_t uid_safe;     /* UIDs below it may be given: a frame with
	                        * this as its limit was on disk */
	uint32_t uid_limit;    /* safe once this frame is on disk */
	uint32_t slot;         /* the mailbox's place in the usage file */
};
void frame_state_put(struct buf *out, const struct frame_state *s);
bool frame_state_take(struct str *in, struct frame_state *s);

struct frame {
	uint32_t gen;
	uint64_t at;           /* offset in its log */
	size_t n;              /* octets of the whole frame */
	struct frame_state after;
	uint32_t nops;
	struct str ops;
};

enum frame_result {
	FRAME_OK,
	FRAME_SHORT, /* begins well, but more octets are needed */
	FRAME_BAD
};
/* in begins at offset at of log gen.  Views point into in. */
enum frame_result frame_read(
    struct str in, uint32_t gen, uint64_t at, struct frame *out);
/* The length in the last 8 octets of a log, 0: it cannot be one. */
size_t frame_length_from_end(const char tail[FRAME_TAIL]);
/* Offset of the next frame in in, whose first octet stands at offset at of
 * log gen, or in.n. */
size_t frame_seek(struct str in, uint32_t gen, uint64_t at);

/* Begins one in an empty buf; ops are added; frame_end completes it. */
void frame_begin(struct buf *out, uint32_t gen, uint64_t at);
void frame_end(struct buf *out, const struct frame_state *after, uint32_t nops);

enum op_type {
	OP_HEAD = 1, /* first of each log */
	OP_KEYWORD,
	OP_APPEND,
	OP_FLAGS,
	OP_EXPUNGE,
	OP_NEXT,     /* last of a log: the next generation has begun */
	OP_LOST      /* EXPUNGE of rows whose file was not there, or not whole */
};

struct op {
	enum op_type type;
	struct str body;
};
/* Takes the next op off a frame's ops; false: end or malformed. */
bool op_take(struct str *ops, struct op *out);

struct op_head {
	uint32_t version;
	uint32_t first;           /* 1: nothing came before this log */
	uint8_t guid[STORE_GUID]; /* of the mailbox */
};
struct op_keyword {
	uint32_t id;              /* 1.. in order */
	struct str name;
};
struct op_append {
	uint32_t uid, size, date, saved;
	uint16_t flags;
	int16_t zone;
	uint32_t nkeywords;
	struct str keywords;      /* u32 ids */
	struct str cold;          /* cold record */
	size_t cold_at;           /* offset of cold in the op's body */
};
struct op_flags {
	uint16_t keep, add;       /* flags = flags & keep | add */
	bool clear_keywords;
	struct str keywords_add, keywords_remove; /* u32 ids */
	struct str ranges;        /* pairs of u32: first, last */
};

bool op_head_take(struct str body, struct op_head *out);
bool op_keyword_take(struct str body, struct op_keyword *out);
bool op_append_take(struct str body, struct op_append *out);
bool op_flags_take(struct str body, struct op_flags *out);
/* EXPUNGE, LOST: pairs; NEXT: one u32. */
bool op_ranges_take(struct str body, struct str *ranges);
/* A list element; false at the end. */
bool op_u32(struct str *list, uint32_t *v);
bool op_range(struct str *ranges, uint32_t *first, uint32_t *last);

void op_head_put(struct buf *out, const struct op_head *o);
void op_keyword_put(struct buf *out, const struct op_keyword *o);
void op_append_put(struct buf *out, const struct op_append *o);
void op_flags_put(struct buf *out, const struct op_flags *o);
void op_ranges_put(struct buf *out, enum op_type type, struct str ranges);
void op_next_put(struct buf *out, uint32_t gen);

#endif
