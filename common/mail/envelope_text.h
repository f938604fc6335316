/*
 * envelope_text -- the ENVELOPE of a message as IMAP sends it.
 * Source: RFC 9051 7.5.2 and 9 (envelope).
 */
#ifndef POSTERN_MAIL_ENVELOPE_TEXT_H
#define POSTERN_MAIL_ENVELOPE_TEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

enum { ENVELOPE_MAX = 512 * 1024 }; /* octets that it ever has */

/* Adds "(date subject from ... message-id)" for the header (or message).  A
 * field with which it would be longer than ENVELOPE_MAX is NIL. */
bool envelope_text(struct buf *out, struct str head);

#endif
