/*
 * line -- gathers command lines from octets that arrive in any pieces.
 * Strict (RFC 5321 2.3.8): a line ends with CRLF and with nothing else; a CR
 * or LF alone, or a NUL, is reported and never ends a line early.
 * Owns a buffer of at most max octets.
 */
#ifndef POSTERN_MAIL_LINE_H
#define POSTERN_MAIL_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

enum line_result {
	LINE_MORE, /* all of in is used; no line yet */
	LINE_OK,   /* *line is it, without CRLF; valid until the next call */
	LINE_LONG, /* longer than max with its CRLF; read to its end */
	LINE_BARE, /* held a bare CR, a bare LF or a NUL; read to its end */
	LINE_ENDLESS /* longer than 64 times max: hang up */
};

struct line {
	struct buf buf;
	size_t max;    /* octets, CRLF included */
	size_t seen;   /* octets of this line */
	bool cr;       /* the last octet was CR */
	bool bare;     /* this line has been found bad */
	bool lf_ends;  /* a lenient reader: LF alone ends a line too */
};

void line_init(struct line *l, size_t max);
/* max may change between lines. */
void line_set_max(struct line *l, size_t max);
/* Frees; the octets are zeroed, for they may have been a password. */
void line_clear(struct line *l);
/* Takes octets off *in up to the end of one line. */
enum line_result line_feed(struct line *l, struct str *in, struct str *line);
/* Octets of an unfinished line wait inside. */
bool line_is_open(const struct line *l);

#endif
