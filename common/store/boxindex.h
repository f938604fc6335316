/*
 * boxindex -- the index of one mailbox in memory: its rows, keywords and
 * counters, as a snapshot holds them, and how a frame of the log changes
 * them.  No I/O.
 */
#ifndef POSTERN_STORE_BOXINDEX_H
#define POSTERN_STORE_BOXINDEX_H

#include "store/frame.h"
#include "store/keywords.h"
#include "store/rows.h"

struct boxindex {
	struct rows rows;
	struct keywords keywords;
	struct frame_state state;
	uint8_t guid[STORE_GUID];
	bool damaged;   /* a frame did not fit: files may lack rows */
};

enum boxindex_news { ROW_CAME, ROW_LEFT, ROW_CHANGED };

/* A zeroed one is empty. */
void boxindex_clear(struct boxindex *x);
/*
 * Applies a frame; ops that make no sense are passed over and set damaged.
 * on_news (may be NULL) hears of each row.  Counters are made from the rows,
 * so a wrong count in a frame does no harm.
 */
void boxindex_apply(struct boxindex *x, const struct frame *f,
    void (*on_news)(void *arg, enum boxindex_news what, uint32_t uid),
    void *arg);
/* Counters again from the rows (after a snapshot was read). */
void boxindex_count(struct boxindex *x);

/* Where a cold record is: in a log or in a meta file. */
#define COLD_AT(meta, gen, at)                                                 \
	((uint64_t)((meta) ? 1 : 0) << 63 | (uint64_t)((gen) & 0x7fffff) << 40 | \
	    ((at) & 0xffffffffff))
#define COLD_IS_META(c) ((c) >> 63 != 0)
#define COLD_GEN(c) ((uint32_t)((c) >> 40 & 0x7fffff))
#define COLD_OFFSET(c) ((c) & 0xffffffffff)

#endif
