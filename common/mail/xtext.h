/*
 * xtext -- the encoding of ENVID, ORCPT and AUTH values.
 * Source: RFC 3461 section 4.
 */
#ifndef POSTERN_MAIL_XTEXT_H
#define POSTERN_MAIL_XTEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* Adds in, with "+", "=" and all but printable ASCII as +XX. */
bool xtext_encode(struct buf *out, struct str in);
/*
 * Adds what in stands for.  false (out unchanged): not xtext, or it hides a
 * control octet (RFC 3461 4.4 allows printable characters only), so a
 * decoded value never breaks a line or a record.  utf8: octets above 127 are
 * legal if they are UTF-8.
 */
bool xtext_decode(struct buf *out, struct str in, bool utf8);
/* Whether xtext of at most `most` octets can stand for plain: what
 * xtext_decode gives back. */
bool xtext_can(struct str plain, bool utf8, size_t most);

#endif
