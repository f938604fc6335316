/*
 * seq -- sequence sets: "1:3,7,9:*".  Source: RFC 3501 section 9 and 6.4.8.
 * Resolved against the largest number in use, a set is sorted and its ranges
 * neither overlap nor touch, so that a walk gives each number once.
 */
#ifndef POSTERN_IMAPD_SEQ_H
#define POSTERN_IMAPD_SEQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pool.h"
#include "base/str.h"

#define SEQ_STAR UINT32_MAX /* "*": the largest number in use */
enum { SEQ_RANGES_MAX = 1000 };

struct seq_range {
	uint32_t first, last; /* as written until resolved; then first <= last */
};
struct seq_set {
	struct seq_range *ranges; /* count of them */
	size_t count;
};

/* seq-number = nz-number / "*" */
bool seq_take_number(struct str *in, uint32_t *out);
/* sequence-set; at most SEQ_RANGES_MAX ranges, in the pool. */
bool seq_take(struct str *in, struct pool *pool, struct seq_set *out);
/*
 * Puts largest in the place of "*", turns ranges the right way round, sorts
 * and joins them.  largest 0: nothing exists, and the set becomes empty.
 */
void seq_resolve(struct seq_set *set, uint32_t largest);
/* In a resolved set. */
bool seq_has(const struct seq_set *set, uint32_t number);
/* The largest number of a resolved set, or 0. */
uint32_t seq_last(const struct seq_set *set);

/* seq_out -- builds the text of a set from numbers in rising order. */
struct seq_out {
	struct buf *out;
	uint32_t first, last; /* the range not yet written; 0: none */
	bool any;
};
void seq_out_init(struct seq_out *o, struct buf *out);
void seq_out_add(struct seq_out *o, uint32_t number);
void seq_out_end(struct seq_out *o);

#endif
