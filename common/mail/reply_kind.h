/*
 * reply_kind -- what a temporary refusal means for the next attempt.  Codes
 * alone do not tell: a greylist, a full mailbox and a server that is tired of
 * us all say 45x.  Pure and driven by a table (reply_kind.c).
 * Source: RFC 5321 4.2.3, RFC 3463, and the words that servers use.
 */
#ifndef POSTERN_MAIL_REPLY_KIND_H
#define POSTERN_MAIL_REPLY_KIND_H

#include <stdint.h>

#include "base/str.h"

enum reply_kind {
	REPLY_USUAL, /* later, and later still */
	REPLY_GREY,  /* come back soon: a greylist, or a time was named */
	REPLY_FULL,  /* this mailbox takes nothing for a while */
	REPLY_SLOW,  /* the server wants less from us, whoever it is for */
	REPLY_DOWN   /* it could not be talked to */
};

struct reply_hint {
	enum reply_kind kind;
	uint32_t wait; /* seconds that the server named; 0: none */
};

/* code 451, status "4.7.1" or "", text: the words behind both. */
struct reply_hint reply_hint(
    uint32_t code, struct str status, struct str text);

#endif
