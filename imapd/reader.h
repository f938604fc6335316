/*
 * reader -- gathers IMAP commands, literals included, from octets that
 * arrive in any pieces.  Source: RFC 3501 2.2 and 4.3, RFC 7888.
 *
 * Memory grows with what was received, never with what was announced.  A
 * literal is reported before any of its octets is read, and the owner says
 * what becomes of it: kept in the command, handed on as a stream (APPEND),
 * or refused.
 */
#ifndef POSTERN_IMAPD_READER_H
#define POSTERN_IMAPD_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum reader_event {
	READER_MORE,    /* *in is empty */
	READER_COMMAND, /* complete: reader_text is all of it */
	READER_LITERAL, /* announced: reader_text ends with "{n}" CRLF; call
	                 * one of _keep, _stream and _refuse */
	READER_STREAM,  /* octets of a streamed literal: take some of them with
	                 * reader_take */
	READER_LONG,    /* over the cap; its end was read; reader_text begins
	                 * as it began */
	READER_BARE,    /* ended with LF alone, or holds a NUL or a bare CR */
	READER_ENDLESS  /* nothing will come of this: hang up */
};

enum reader_state {
	READER_IN_LINE,
	READER_AT_LITERAL,   /* reported, not yet decided */
	READER_IN_LITERAL,   /* kept */
	READER_IN_STREAM,
	READER_SKIP_LITERAL, /* refused and sent all the same */
	READER_SKIP_LINE,    /* the rest of a refused command */
	READER_DONE          /* reader_text is valid until the next feed */
};

struct reader {
	enum reader_state state;
	struct buf cmd;       /* the command so far */
	size_t line_at;       /* where the current line begins in cmd */
	size_t line_max;      /* octets of all lines of a command */
	size_t literal_max;   /* octets of one kept literal */
	size_t literals;      /* octets of kept literals in this command */
	uint64_t left;        /* octets of the literal still to come */
	uint64_t size;        /* of the literal announced last */
	bool sync;            /* it waits for a "+" */
	uint64_t skipped;     /* octets thrown away in this command */
	uint64_t skip_max;    /* more than this is READER_ENDLESS */
	char tail[32];        /* end of a line that is not kept */
	size_t tail_n;
};

void reader_init(struct reader *r, size_t line_max, size_t literal_max);
/* What it holds may have been a password: zeroed. */
void reader_clear(struct reader *r);

/* Takes octets off *in up to the next event. */
enum reader_event reader_feed(struct reader *r, struct str *in);
struct str reader_text(const struct reader *r);
/* A command has begun and is not complete. */
bool reader_is_open(const struct reader *r);

/* The announced literal is within the caps. */
bool reader_fits(const struct reader *r);
void reader_keep(struct reader *r);
void reader_stream(struct reader *r);
/* A synchronising literal never comes; the octets of the other kind and the
 * rest of the command are thrown away. */
void reader_refuse(struct reader *r);
/* Octets of the stream that are in *in, at most most. */
struct str reader_take(struct reader *r, struct str *in, size_t most);
/* The rest of a streamed literal, and of its command, is not wanted. */
void reader_abandon(struct reader *r);

#endif
