/*
 * smtp_reply -- the reply of a remote server, from octets in any pieces.
 * Source: RFC 5321 4.2, RFC 2034/3463 (enhanced codes).  The server may be
 * hostile: text is capped, control and 8-bit octets become "?", so that it
 * cannot break a log line or a record, and lines are counted.
 */
#ifndef POSTERN_MAIL_SMTP_REPLY_H
#define POSTERN_MAIL_SMTP_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum {
	SMTP_REPLY_LINE_MAX = 2048, /* octets with CRLF; RFC wants 512 */
	SMTP_REPLY_LINES_MAX = 100, /* lines in one reply */
	SMTP_REPLY_TEXT_MAX = 8192  /* octets kept; the rest is dropped */
};

enum smtp_reply_result {
	SMTP_REPLY_MORE,   /* *in is empty, the reply is not complete */
	SMTP_REPLY_DONE,   /* complete; *in begins behind it */
	SMTP_REPLY_BROKEN /* no SMTP reply, codes differ, a limit passed:
	                    * end the connection */
};

struct smtp_reply {
	unsigned code;        /* 200..599, of the last complete line */
	unsigned class, subject, detail; /* enhanced code; class 0: none */
	struct buf text;      /* lines without code, joined by LF; without
	                       * the enhanced code on the first line */
	struct buf line;
	unsigned lines;
};

void smtp_reply_init(struct smtp_reply *r);
void smtp_reply_clear(struct smtp_reply *r);
/* Ready for the next reply; the memory is kept. */
void smtp_reply_reset(struct smtp_reply *r);
enum smtp_reply_result smtp_reply_feed(struct smtp_reply *r, struct str *in);
/* Adds "550 5.1.1 text text" on one line, at most max octets, for people. */
void smtp_reply_words(const struct smtp_reply *r, struct buf *out, size_t max);

#endif
