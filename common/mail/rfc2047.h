/*
 * rfc2047 -- encoded words in header fields, to UTF-8 and from it.
 */
#ifndef POSTERN_MAIL_RFC2047_H
#define POSTERN_MAIL_RFC2047_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* Adds the field value in (unfolded or not) as UTF-8.  A word that cannot be
 * decoded stays as it is; 8-bit octets that are no UTF-8 become U+FFFD. */
bool rfc2047_decode(struct buf *out, struct str in);
/* Adds UTF-8 (valid, without controls) as the value of an unstructured field:
 * as it is when it is ASCII, else as encoded words, one a line. */
void rfc2047_encode(struct buf *out, struct str in);

#endif
