/*
 * excerpt -- as much of the original's header as a report may have: whole
 * fields in their order, without those for which there is no room.  The fields
 * by which people know a message come before all others.  Pure.
 */
#ifndef POSTERN_BOUNCE_EXCERPT_H
#define POSTERN_BOUNCE_EXCERPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum {
	EXCERPT_NAMED = 5,     /* fields left out that are named */
	EXCERPT_NAME_MAX = 60  /* octets of a name that are shown */
};

struct excerpt {
	struct str text;       /* the header, with the empty line if it had one */
	size_t octets;         /* left out: fields, and lines that are none */
	struct str names[EXCERPT_NAMED]; /* of fields left out, each once */
	size_t nnames;
	bool more;             /* fields of other names too */
	struct buf kept;       /* what text is if something was left out */
};

/* original: all of its header at least; most: octets of text.  Keeps views of
 * original. */
void excerpt_init(struct excerpt *x, struct str original, uint64_t most);
void excerpt_clear(struct excerpt *x);
/* Adds what was left out: "the fields Received, X-Long (12345 octets)". */
void excerpt_tell(struct buf *out, const struct excerpt *x);

#endif
