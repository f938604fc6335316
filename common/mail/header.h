/*
 * header -- the header section of a message with LF line ends (CRLF is read
 * too).  Source: RFC 5322 2.2, obsolete forms 4.5 ("From :").
 * Owns nothing: views point into the message.
 */
#ifndef POSTERN_MAIL_HEADER_H
#define POSTERN_MAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum {
	HEADER_FIELD_MAX = 65536,  /* octets in one field */
	HEADER_MAX = 262144,       /* octets in all */
	HEADER_FIELDS_MAX = 1000,
	HEADER_HOPS_MAX = 50       /* Received fields; more: a loop.  What the
	                            * configuration says if there is none */
};

struct header_field {
	struct str name;  /* without colon and the white space before it */
	struct str value; /* all behind the colon, folds and all, without
	                   * the last line end */
	struct str whole; /* name to last line end, included */
};

/* Offset of the body: behind the first empty line, or msg.n. */
size_t header_end(struct str msg);
/*
 * Takes the next field off *head (the header, or a whole message).  false:
 * the empty line or the end.  A line that is no field (no colon, a name with
 * odd octets, a fold at the start) is skipped.
 */
bool header_next(struct str *head, struct header_field *f);
/* The first field of that name, or false. */
bool header_get(struct str head, struct str name, struct header_field *f);
/* Adds the value on one line: line ends of folds removed, white space at both
 * ends trimmed, NUL dropped. */
bool header_unfold(struct buf *out, struct str value);

/*
 * header_scan -- the same facts from a message that passes by in pieces, as
 * the receiver needs them to judge it.
 */
enum header_verdict {
	HEADER_FINE,
	HEADER_TOO_BIG,    /* a field, the whole or the count: 552 5.3.4 */
	HEADER_LOOP,       /* too many hops: 554 5.4.6 */
	HEADER_TWO_FROM,   /* From more than once: 550 */
	HEADER_BAD_FIELD   /* "From :", or another of the known: 550 */
};
enum {
	HEADER_HAS_FROM = 1,
	HEADER_HAS_DATE = 2,
	HEADER_HAS_MESSAGE_ID = 4,
	HEADER_HAS_TO = 8,
	HEADER_HAS_SUBJECT = 16,
	HEADER_HAS_SENDER = 32,
	HEADER_HAS_CC = 64,
	HEADER_HAS_REPLY_TO = 128,
	HEADER_HAS_BCC = 256
};
struct header_scan {
	uint8_t state;
	bool done;           /* the body has begun */
	bool eight;          /* octets above 127 in the header */
	unsigned has;        /* HEADER_HAS_FROM ... */
	unsigned twice;      /* of these more than once */
	unsigned fields, hops;
	unsigned hops_max;   /* Received fields; more: a loop */
	size_t size, field_size; /* octets */
	enum header_verdict limit; /* HEADER_FINE or the first limit passed */
	bool bad_field;
	uint8_t name_n;
	char name[16];       /* lower case, cut */
};
void header_scan_init(struct header_scan *s, unsigned hops_max);
void header_scan_feed(struct header_scan *s, struct str text);
/* At the end of the message. */
enum header_verdict header_scan_verdict(const struct header_scan *s);
/* A whole message, in one piece. */
enum header_verdict header_judge(struct str msg, unsigned hops_max);
/* How it is refused: the code, and "5.4.6 ..." in *text; 0: HEADER_FINE,
 * *text unchanged. */
unsigned header_refusal(enum header_verdict v, struct str *text);

#endif
