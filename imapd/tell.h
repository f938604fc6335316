/*
 * tell -- untagged responses about what changed in the selected mailbox.
 * Source: RFC 3501 5.2, 7.3 and 7.4.
 */
#ifndef POSTERN_IMAPD_TELL_H
#define POSTERN_IMAPD_TELL_H

#include <stdbool.h>

#include "imapd/session.h"

/* Writes a bounded part of the news; true: there is more. */
bool tell_step(struct session *s, bool may_expunge);
void tell_clear(struct session *s);
/* "* FLAGS" and "* OK [PERMANENTFLAGS]". */
void tell_flags(struct session *s);
/* "* n FETCH (FLAGS ...)", with UID and MODSEQ as the session wants them. */
void tell_row(struct session *s, uint32_t msn, const struct row *row);

#endif
