/*
 * name -- addresses and names in the one form in which they are compared,
 * stored and made into paths: lower case, quotes only where needed.
 * Pure functions.
 */
#ifndef POSTERN_ROUTERD_NAME_H
#define POSTERN_ROUTERD_NAME_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* Adds local@domain; without "@" the domain given is put behind it.  false
 * (out unchanged) when it is no address, or has no domain at all. */
bool name_address(struct buf *out, struct str address, struct str domain);
/* Splits what name_address made. */
void name_split(struct str address, struct str *local, struct str *domain);
/* Adds the domain in lower case; false when it is no domain name. */
bool name_domain(struct buf *out, struct str domain);
/* Adds the text in lower case (ASCII). */
bool name_lower(struct buf *out, struct str s);
/* An account may have this local part: it stays readable as a folder. */
bool name_account_ok(struct str local);
/* Adds "domain/local" as names of folders: octets that mean something in
 * paths become %XX, so that no two accounts share one and none leaves the
 * mail root. */
bool name_path(struct buf *out, struct str address);
/* Pattern with "*" and "?" against all of s. */
bool name_like(struct str pattern, struct str s);

#endif
