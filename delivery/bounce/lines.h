/*
 * lines -- pieces of a report that the words and the report for programs
 * share.  All add to out and cannot fail but by its overflow.
 */
#ifndef POSTERN_BOUNCE_LINES_H
#define POSTERN_BOUNCE_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* Seconds since 1970 as RFC 5322 writes them, in UTC. */
void lines_date(struct buf *out, int64_t seconds);
/* What others said, in a header or in words: controls become spaces, and what
 * is no UTF-8 becomes U+FFFD. */
void lines_clean(struct buf *out, struct str s);
/* The same in ASCII: what is above it as \x{F6} (RFC 6533 3).  Of an address
 * the octets that this form gives a meaning are written so too
 * (utf-8-addr-xtext). */
void lines_ascii(struct buf *out, struct str s);
void lines_xtext(struct buf *out, struct str address);
/* Words with line ends at most every 76 columns, continued by indent; the
 * line has column columns already.  Ends with a line end. */
void lines_folded(
    struct buf *out, size_t column, const char *indent, struct str words);

#endif
