/*
 * num -- numbers in text.  Decimal without sign; overflow is a failure.
 */
#ifndef POSTERN_BASE_NUM_H
#define POSTERN_BASE_NUM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Takes 1*DIGIT off the front.  On failure *s and *out stay unchanged. */
bool num_take_u32(struct str *s, uint32_t *out);
bool num_take_u64(struct str *s, uint64_t *out);
/* The whole of s is one number. */
bool num_u32(struct str s, uint32_t *out);
bool num_u64(struct str s, uint64_t *out);
/* The whole of s is 1..16 hex digits. */
bool num_hex64(struct str s, uint64_t *out);

#endif
