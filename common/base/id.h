/*
 * id -- a message id: 64 bits, unique for ever, sortable by time; for people
 * 13 characters of Crockford's base32 (no I L O U), which sort alike.
 */
#ifndef POSTERN_BASE_ID_H
#define POSTERN_BASE_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { ID_TEXT = 13 };

/* out: 13 characters and a NUL. */
void id_text(uint64_t id, char out[ID_TEXT + 1]);
/* Case does not matter; false when text is no id. */
bool id_parse(struct str text, uint64_t *id);

#endif
