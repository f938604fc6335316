/*
 * match -- the patterns of LIST and LSUB.  Source: RFC 3501 6.3.8.
 * "*" is any octets, "%" any but the hierarchy delimiter.  Time grows with
 * name times pattern, never more.
 */
#ifndef POSTERN_IMAPD_MATCH_H
#define POSTERN_IMAPD_MATCH_H

#include <stdbool.h>

#include "base/str.h"

/* INBOX, and INBOX as the first level, matches in any case. */
bool match_mailbox(struct str pattern, struct str name, char delimiter);

#endif
