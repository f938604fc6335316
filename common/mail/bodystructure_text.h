/*
 * bodystructure_text -- BODY and BODYSTRUCTURE of a message as IMAP sends
 * them.  Source: RFC 9051 7.5.2 and 9 (body).
 * It has an end whatever the message asks for: all parts are in it, but of
 * the parameters, ids, descriptions and the like (envelopes of messages
 * inside too) those for which there is no room are left out, as if the
 * message did not have them.
 */
#ifndef POSTERN_MAIL_BODYSTRUCTURE_TEXT_H
#define POSTERN_MAIL_BODYSTRUCTURE_TEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "mail/mime.h"

/* Octets that it ever has.  It may be one line, and there are clients that
 * refuse a longer one (Python's imaplib). */
enum { BODYSTRUCTURE_MAX = 1000 * 1000 };

/* extended: BODYSTRUCTURE, with the extension data; else BODY.  msg is what
 * mime_parse read. */
bool bodystructure_text(
    struct buf *out, const struct mime *m, struct str msg, bool extended);

#endif
