/*
 * crlf -- text between its two forms: LF line ends at rest, CRLF on the
 * wire, with dots doubled (RFC 5321 4.5.2) where the protocol wants it.
 * Octet machines: input and output may be cut anywhere.
 */
#ifndef POSTERN_MAIL_CRLF_H
#define POSTERN_MAIL_CRLF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/*
 * Out: LF becomes CRLF; a CRLF in the source stays one CRLF.
 */
struct crlf_out {
	bool dots;    /* double a dot at the start of a line */
	bool strict;  /* a bare CR becomes CRLF: for SMTP, where some peers
	               * take it for a line end (set it after _init) */
	char last;    /* last octet taken: 0 at the start; a CR is held back
	               * until the octet behind it is known */
};
void crlf_out_init(struct crlf_out *o, bool dots);
/* Takes from *in and adds to out, until in is empty or out has grown by
 * about most octets; out must have room for most + 3. */
void crlf_out_feed(
    struct crlf_out *o, struct str *in, struct buf *out, size_t most);
/* Ends the last line if it is open, and with dots adds ".\r\n". */
void crlf_out_end(struct crlf_out *o, struct buf *out);

/* How long text is with CRLF line ends, for text that begins a line.
 * *last carries on between pieces: 0 at first. */
uint64_t crlf_size(struct str text, char *last);
/* Number of LF in text. */
uint64_t crlf_lines(struct str text);

/*
 * In: what a client sends after DATA.  Only CRLF.CRLF ends it (RFC 5321
 * 4.1.1.4).  A bare CR or LF is kept as it is, never taken for a line end,
 * and reported: the receiver refuses the message at its end.
 */
struct crlf_in {
	uint8_t state;
	bool bare_cr, bare_lf; /* seen so far */
	bool nul;              /* seen so far */
	bool eight;            /* an octet above 127 was seen */
	uint32_t line;         /* octets in the current line */
	uint32_t longest;      /* octets in the longest line, without CRLF */
	uint64_t size;         /* octets put out, LF line ends */
};
void crlf_in_init(struct crlf_in *d);
/*
 * Takes octets off *in and adds the text (LF, dots undoubled) to out; true:
 * the end was reached and *in begins behind it.  false: *in is empty.
 * One call adds at most in->n + 2 octets; out must have room for them.
 */
bool crlf_in_feed(struct crlf_in *d, struct str *in, struct buf *out);

/*
 * The same without dots and without end, for BDAT, APPEND and other counted
 * text: crlf_in_init, then this for each piece, then crlf_in_end.
 */
void crlf_in_counted(struct crlf_in *d, struct str in, struct buf *out);
void crlf_in_end(struct crlf_in *d, struct buf *out);

#endif
