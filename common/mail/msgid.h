/*
 * msgid -- message identifiers: Message-ID, In-Reply-To, References.
 * Source: RFC 5322 3.6.4, read leniently: what stands between < and >.
 */
#ifndef POSTERN_MAIL_MSGID_H
#define POSTERN_MAIL_MSGID_H

#include <stdbool.h>

#include "base/str.h"

/*
 * Takes the next <id> off a field value (folded or not), without brackets;
 * white space inside, or more than 998 octets, is no id.  false: none left.
 */
bool msgid_take(struct str *value, struct str *id);

#endif
