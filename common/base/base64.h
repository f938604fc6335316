/*
 * base64 -- RFC 4648 section 4, strict: no white space, padding required,
 * unused bits zero.  And hexadecimal.
 */
#ifndef POSTERN_BASE_BASE64_H
#define POSTERN_BASE_BASE64_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* Adds the encoded form of in to out; false when out is full. */
bool base64_encode(struct buf *out, struct str in);
/* Adds the decoded form; false (out unchanged) on any wrong octet. */
bool base64_decode(struct buf *out, struct str in);
/* Adds two lower-case hex digits an octet. */
bool hex_encode(struct buf *out, struct str in);
/* Adds the octets that pairs of hex digits name; false leaves out as it was. */
bool hex_decode(struct buf *out, struct str in);

#endif
