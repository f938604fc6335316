/*
 * imap_text -- strings as IMAP servers send them.  Source: RFC 9051 9.
 * Quoted where that is possible; a literal for 8-bit octets, line ends and
 * long strings; NUL, which neither can carry, is dropped.
 */
#ifndef POSTERN_MAIL_IMAP_TEXT_H
#define POSTERN_MAIL_IMAP_TEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

bool imap_text_string(struct buf *out, struct str s);
/* NIL when there is none. */
bool imap_text_nstring(struct buf *out, bool has, struct str s);
/* An atom where it can be one, else a string: mailbox names. */
bool imap_text_astring(struct buf *out, struct str s);

#endif
