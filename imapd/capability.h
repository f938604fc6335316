/*
 * capability -- what CAPABILITY says, before and after the log-in.
 * Source: RFC 3501 7.2.1 and the IMAP capabilities registry.
 */
#ifndef POSTERN_IMAPD_CAPABILITY_H
#define POSTERN_IMAPD_CAPABILITY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* Adds the list, without "CAPABILITY " before it. */
void capability_before(
    struct buf *out, bool starttls, bool logins, struct str mechs);
void capability_after(struct buf *out);
/* One IMAP ID response line (RFC 2971). */
void capability_id(struct buf *out);

#endif
