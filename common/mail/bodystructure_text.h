/*
 * bodystructure_text -- BODY and BODYSTRUCTURE of a message as IMAP sends
 * them.  Source: RFC 9051 7.5.2 and 9 (body).
 */
#ifndef POSTERN_MAIL_BODYSTRUCTURE_TEXT_H
#define POSTERN_MAIL_BODYSTRUCTURE_TEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "mail/mime.h"

/* extended: BODYSTRUCTURE, with the extension data; else BODY.  msg is what
 * mime_parse read. */
bool bodystructure_text(
    struct buf *out, const struct mime *m, struct str msg, bool extended);

#endif
