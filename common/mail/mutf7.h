/*
 * mutf7 -- mailbox names as IMAP4rev1 sends them.  Source: RFC 3501 5.1.3.
 */
#ifndef POSTERN_MAIL_MUTF7_H
#define POSTERN_MAIL_MUTF7_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* false (out unchanged): in is not UTF-8. */
bool mutf7_encode(struct buf *out, struct str in);
/* false (out unchanged): in is not the one right form: 8-bit or control
 * octets, a printable character in base64, odd bits left, "&-" misused. */
bool mutf7_decode(struct buf *out, struct str in);

#endif
