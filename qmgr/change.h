/* change -- the payloads of the records that change a message; FORMAT.md. */
#ifndef POSTERN_QMGR_CHANGE_H
#define POSTERN_QMGR_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "qmgr/message.h"

enum { INDEX_MAX = 1 << 22 /* recipients of one message */ };

/* Recipient numbers as first-last pairs, by rising index. */
void ranges_put(struct buf *out, struct rcpt *const *rs, size_t n);
void ranges_put_indexes(struct buf *out, const uint32_t *indexes, size_t n);

struct ranges {
	struct str pairs; /* 8 octets each */
};
/* Takes them off the front; false: malformed, not rising, or too many. */
bool ranges_take(struct str *in, struct ranges *r);
/* One index after the other; false at the end. */
struct ranges_walk {
	struct str rest;
	uint32_t next, last;
	bool open;
};
void ranges_walk(const struct ranges *r, struct ranges_walk *w);
bool ranges_next(struct ranges_walk *w, uint32_t *index);

/* A member of a list. */
void member_put(struct buf *out, const struct rcpt_init *in);
bool member_take(struct str *in, struct rcpt_init *out);

#endif
