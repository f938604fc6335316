/*
 * mime -- the parts of a message: what they are and where they stand.
 * Source: RFC 2045, 2046, 5322.  The message has LF line ends (CRLF is read
 * too); offsets count its octets as they are, the *_crlf sizes count what
 * IMAP and POP3 send.  Iterative and linear; 32 deep and 1,000 parts, what
 * lies beyond is one opaque part.
 * Parts live in the caller's pool; their strings point into the message or
 * into the pool.
 */
#ifndef POSTERN_MAIL_MIME_H
#define POSTERN_MAIL_MIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/str.h"
#include "mail/param.h"

enum { MIME_DEPTH_MAX = 32, MIME_PARTS_MAX = 1000 };

enum mime_kind {
	MIME_LEAF,
	MIME_MULTIPART, /* children: the parts, at least one */
	MIME_MESSAGE    /* message/rfc822: one child, the message inside */
};

struct mime_part {
	struct mime_part *parent, *child, *next;
	enum mime_kind kind;
	uint16_t depth;       /* 0: the message itself */
	uint32_t index;       /* in document order, 0 the message itself */

	/* Header: [head_at, body_at) with the empty line; body:
	 * [body_at, end), without the line end before a delimiter. */
	uint64_t head_at, body_at, end;
	uint64_t head_crlf, body_crlf; /* octets with CRLF line ends */
	uint32_t head_lines, body_lines; /* a last line without end counts */

	/* Header fields as far as BODYSTRUCTURE wants them; values raw. */
	struct str type, subtype; /* defaults filled in: TEXT/PLAIN, in a
	                           * digest MESSAGE/RFC822 */
	struct params params;
	struct str encoding;      /* token; "" when absent */
	bool has_id, has_description, has_md5, has_location;
	struct str id, description, md5, location; /* unfolded */
	struct str disposition;   /* token; "" when absent */
	struct params disposition_params;
	struct str *languages;    /* tokens */
	size_t language_count;
};

struct mime {
	struct mime_part *root;
	uint32_t parts;
	bool capped;  /* a limit was met */
};

void mime_parse(struct mime *m, struct pool *pool, struct str msg);
/*
 * The part that an IMAP section number names ("1.2"): path of count numbers.
 * With count 0 the root.  NULL: no such part.  For text of a message whose
 * root is no multipart, "1" is the root itself.
 */
const struct mime_part *mime_find(
    const struct mime *m, const uint32_t *path, size_t count);
/* Document order; NULL after the last. */
const struct mime_part *mime_walk(const struct mime_part *part);

#endif
