/*
 * rfc2047 -- encoded words in header fields, decoded to UTF-8.
 */
#ifndef POSTERN_MAIL_RFC2047_H
#define POSTERN_MAIL_RFC2047_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* Adds the field value in (unfolded or not) as UTF-8.  A word that cannot be
 * decoded stays as it is; 8-bit octets that are no UTF-8 become U+FFFD. */
bool rfc2047_decode(struct buf *out, struct str in);

#endif
