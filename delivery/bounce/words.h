/*
 * words -- what a report says to people: paragraphs, then each recipient with
 * what its server said, then paragraphs again.  The admin may write both
 * (`report` sections of postern.conf), with names as {until} in them.  Pure.
 */
#ifndef POSTERN_BOUNCE_WORDS_H
#define POSTERN_BOUNCE_WORDS_H

#include "delivery/bounce/dsn.h"
#include "delivery/bounce/excerpt.h"

/* Adds the subject, encoded for a header (RFC 2047). */
void words_subject(
    struct buf *out, const struct dsn *d, const struct excerpt *x);
/* Adds the text; UTF-8 when the admin's words or an address are. */
void words_put(
    struct buf *out, const struct dsn *d, const struct excerpt *x);

#endif
