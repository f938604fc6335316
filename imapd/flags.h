/*
 * flags -- lists of flags in commands and responses.
 * Source: RFC 3501 2.3.2 and 9 (flag-list).
 */
#ifndef POSTERN_IMAPD_FLAGS_H
#define POSTERN_IMAPD_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pool.h"
#include "base/str.h"
#include "store/mailbox.h"

struct flags {
	uint16_t system;      /* FLAG_ bits */
	struct str *keywords; /* keyword_n of them */
	size_t keyword_n;
};

/* flag-list in parentheses; with bare also flags without them (STORE). */
bool flags_take(
    struct str *in, struct pool *pool, bool bare, struct flags *out);
/* The bit of "\Seen" in any case, 0: none. */
uint16_t flags_bit(struct str name);
/* Adds "(\Seen ...)" of a row; more: bits it has beyond. */
void flags_put_row(struct buf *out, const struct mailbox *m,
    const struct row *row, uint16_t more);
/* Adds "(...)" with all flags the mailbox knows; any: "\*" too. */
void flags_put_all(struct buf *out, const struct mailbox *m, bool any);

#endif
