/*
 * utf8 -- RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef POSTERN_MAIL_UTF8_H
#define POSTERN_MAIL_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* Takes one character; false changes nothing. */
bool utf8_take(struct str *in, uint32_t *c);
bool utf8_put(struct buf *out, uint32_t c);
bool utf8_ok(struct str in);
/* No octet above 127. */
bool utf8_is_ascii(struct str in);
/* Adds in with each wrong octet as U+FFFD. */
bool utf8_repair(struct buf *out, struct str in);

#endif
