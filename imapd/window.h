/*
 * window -- octets of a stored message on their way out: LF becomes CRLF,
 * and of the result only the part from some octet on is given.
 * Works in steps; what it reads belongs to the caller and must stay.
 */
#ifndef POSTERN_IMAPD_WINDOW_H
#define POSTERN_IMAPD_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct window {
	struct str in;   /* not yet read */
	uint64_t skip;   /* octets of the result still to be left out */
	uint64_t left;   /* octets still to be given */
	bool cr;         /* the last octet read was CR */
	uint64_t crlf_at; /* octets of the result before in */
	/* Where the last step began: text, result, and whether CR is before
	 * it.  A window that begins there needs no skip over all before. */
	const char *mark;
	uint64_t mark_crlf;
	bool mark_cr;
};

/* The octets [from, from + count) of text with CRLF line ends. */
void window_init(
    struct window *w, struct str text, uint64_t from, uint64_t count);
/* Reads at most most octets and adds what is in the window.  false: all was
 * given, or the text ended before (left is not 0 then). */
bool window_step(struct window *w, struct buf *out, size_t most);

#endif
