/*
 * reason -- what a server or we last said about a recipient.  The same words
 * come for many recipients, so they are kept once and counted.
 */
#ifndef POSTERN_QMGR_REASON_H
#define POSTERN_QMGR_REASON_H

#include <stdint.h>

#include "base/map.h"
#include "base/str.h"
#include "mail/reply_kind.h"

struct reason {
	uint32_t refs;
	uint32_t code;      /* 451, 550, 250 ... */
	struct str said;    /* "451 4.4.1 and the text": of it */
	struct str status;  /* "4.4.1" */
	struct str text;    /* are these two */
	struct str remote;  /* "mx.example.org [192.0.2.1]": its reply; "": the
	                     * words are ours */
	struct reply_hint hint; /* what it means for the next attempt */
	uint64_t mark;      /* encoder: which run gave it number */
	uint32_t number;
};

struct reasons {
	struct map by_text;
	uint64_t octets; /* of memory, about */
};

/* A reference of the caller's. */
struct reason *reason_get(struct reasons *rs, uint32_t code,
    struct str status, struct str text, struct str remote);
struct reason *reason_ref(struct reason *r);
void reason_drop(struct reasons *rs, struct reason *r);
/* Frees what is left. */
void reasons_clear(struct reasons *rs);

#endif
