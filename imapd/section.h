/*
 * section -- what BODY[...] names: the text inside the brackets, and the
 * octets of a message that it stands for.  Source: RFC 3501 6.4.5 and 9.
 */
#ifndef POSTERN_IMAPD_SECTION_H
#define POSTERN_IMAPD_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pool.h"
#include "base/str.h"
#include "mail/mime.h"

enum { SECTION_FIELDS_MAX = 256 };

enum section_text {
	SECTION_ALL,        /* [] or [1.2] */
	SECTION_HEADER,
	SECTION_FIELDS,     /* HEADER.FIELDS */
	SECTION_FIELDS_NOT, /* HEADER.FIELDS.NOT */
	SECTION_TEXT,
	SECTION_MIME
};
struct section {
	uint32_t path[MIME_DEPTH_MAX]; /* path_n part numbers */
	size_t path_n;
	enum section_text text;
	struct str *fields;            /* field_n names */
	size_t field_n;
};

/* section = "[" [section-spec] "]" */
bool section_take(struct str *in, struct pool *pool, struct section *out);
/* Adds it as responses carry it, brackets included. */
bool section_put(struct buf *out, const struct section *s);
/* The parts of the message must be known to answer it. */
bool section_needs_mime(const struct section *s);

/* Octets of a message, as they are stored. */
struct section_span {
	bool exists;        /* false: no such part */
	uint64_t at, end;
	uint64_t crlf;      /* how many they are with CRLF line ends */
};
/*
 * Where the octets stand; of SECTION_FIELDS and _NOT the whole header, from
 * which section_fields picks.  m may be NULL for sections that need no mime;
 * size is the message's with CRLF line ends.
 */
void section_find(const struct section *s, const struct mime *m,
    struct str msg, uint64_t size, struct section_span *out);
/* Adds the fields of head that s names, with CRLF line ends and the empty
 * line behind them. */
void section_fields(
    const struct section *s, struct str head, struct buf *out);

#endif
