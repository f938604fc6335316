/*
 * text_search -- is some text in a message?  Source: RFC 3501 6.4.4 (BODY,
 * TEXT, HEADER): decoded from transfer encodings, encoded words and charsets,
 * compared without case.
 * A large message is looked through in steps.
 */
#ifndef POSTERN_IMAPD_TEXT_SEARCH_H
#define POSTERN_IMAPD_TEXT_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pool.h"
#include "base/str.h"
#include "mail/mime.h"
#include "mail/transfer.h"

/* A field of that name whose value has needle (folded); with needle "" a
 * field of that name. */
bool text_search_header(struct str head, struct str name, struct str needle);

/* What is sought: folded; found is the answer so far. */
struct text_need {
	struct str needle;
	bool headers; /* TEXT: header fields count too */
	bool found;
};

struct text_search {
	struct str msg;
	struct pool pool;
	struct mime mime;
	const struct mime_part *part; /* now being read; NULL: done */
	bool in_body;                 /* of part; else its header is next */
	uint64_t at;                  /* in msg */
	struct transfer transfer;
	struct str charset;
	struct buf raw;               /* decoded, not yet converted */
	struct buf text;              /* folded UTF-8; begins with what a match
	                               * across pieces needs */
	struct text_need *needs;      /* count of them */
	size_t count;
};

void text_search_init(struct text_search *t, struct str msg,
    struct text_need *needs, size_t count);
void text_search_clear(struct text_search *t);
/* Looks at about 64 KiB.  false: done, all that is there was found. */
bool text_search_step(struct text_search *t);

#endif
