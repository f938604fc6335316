/*
 * fold -- text in the form in which SEARCH compares it: UTF-8, each
 * character in lower case (Unicode's simple mapping, no locale).
 */
#ifndef POSTERN_IMAPD_FOLD_H
#define POSTERN_IMAPD_FOLD_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/pool.h"
#include "base/str.h"

/* Adds in folded; octets that are no UTF-8 become U+FFFD. */
void fold_add(struct buf *out, struct str in);
struct str fold_pool(struct pool *pool, struct str in);
/* Both folded. */
bool fold_has(struct str text, struct str needle);

#endif
