/*
 * seven_bit -- a message made fit for servers that take seven bits only:
 * each part that has more is written as quoted-printable, and the headers
 * say so.  Source: RFC 2045 6, RFC 6152 3; RFC 1428 for a charset that
 * nobody named.  Signatures over what is changed do not hold any more.
 * Pure.  Texts have LF line ends.
 */
#ifndef POSTERN_MAIL_SEVEN_BIT_H
#define POSTERN_MAIL_SEVEN_BIT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* Adds the message; false: it cannot be done (eight bits in a header, between
 * parts, or where another encoding should have left none; a CR; too many or
 * too intricate parts),
 * or out is too small: then what was added is of no use.  At most four octets
 * for one, and 200 for each part. */
bool seven_bit(struct buf *out, struct str msg);
/* A body as quoted-printable; its last line has an end if it had one. */
void seven_bit_qp(struct buf *out, struct str body);
/* Nothing above 127, no NUL, no line over 998 octets. */
bool seven_bit_is(struct str text);

#endif
