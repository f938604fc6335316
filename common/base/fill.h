/*
 * fill -- texts with names in braces: "until {until}" and what they stand for.
 * "{{" is one brace.  Pure.
 */
#ifndef POSTERN_BASE_FILL_H
#define POSTERN_BASE_FILL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

struct fill {
	const char *name;
	struct str value;
};

/* Takes the next piece off text: octets that stand for themselves, or a name
 * (*is_name).  false: the end, or (text not empty) a brace that has no end. */
bool fill_take(struct str *text, struct str *piece, bool *is_name);
/* Adds text with its names replaced; a name that fills lack, and a brace
 * without an end, stay as they are. */
void fill_put(struct buf *out, struct str text, const struct fill *fills,
    size_t n);

#endif
