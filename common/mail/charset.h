/*
 * charset -- text in any of the charsets that mail uses, to UTF-8.
 * UTF-8, US-ASCII and ISO-8859-1 are done here, the others by iconv(3), and
 * only those of a fixed table: a message cannot name a converter.
 */
#ifndef POSTERN_MAIL_CHARSET_H
#define POSTERN_MAIL_CHARSET_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* Loads all converters (about 5 ms); once, before the process is confined: it
 * cannot load any later. */
void charset_prepare(void);
bool charset_known(struct str name);
/*
 * Adds in as UTF-8; what cannot be converted becomes U+FFFD.  false: the
 * charset is not known (out unchanged) or out is full.
 */
bool charset_to_utf8(struct buf *out, struct str charset, struct str in);

#endif
