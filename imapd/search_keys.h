/*
 * search_keys -- the program of a SEARCH command, read.
 * Source: RFC 3501 6.4.4 and 9 (search), RFC 4731 (RETURN), RFC 5032
 * (OLDER, YOUNGER), RFC 7162 3.1.5 (MODSEQ).
 *
 * Keys are in postfix order, so that reading and evaluating need a small
 * stack and no recursion.
 */
#ifndef POSTERN_IMAPD_SEARCH_KEYS_H
#define POSTERN_IMAPD_SEARCH_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/str.h"
#include "imapd/seq.h"

enum {
	SEARCH_KEYS_MAX = 1024, /* keys in one command */
	SEARCH_DEPTH_MAX = 32,  /* "(", NOT and OR within each other */
	SEARCH_STACK_MAX = 2 * SEARCH_DEPTH_MAX + 4
};

enum search_kind {
	/* operators */
	SEARCH_AND, SEARCH_OR, SEARCH_NOT,
	/* known from the row */
	SEARCH_ALL, SEARCH_FLAG, SEARCH_KEYWORD, SEARCH_RECENT, SEARCH_NEW,
	SEARCH_OLD, SEARCH_SET, SEARCH_UIDS, SEARCH_LARGER, SEARCH_SMALLER,
	SEARCH_BEFORE, SEARCH_ON, SEARCH_SINCE, SEARCH_OLDER, SEARCH_YOUNGER,
	SEARCH_MODSEQ,
	/* known from the header */
	SEARCH_SENTBEFORE, SEARCH_SENTON, SEARCH_SENTSINCE, SEARCH_HEADER,
	/* known from the whole message */
	SEARCH_BODY, SEARCH_TEXT
};
/* How much must be read to know a key. */
enum search_cost { SEARCH_ROW, SEARCH_HEAD, SEARCH_WHOLE, SEARCH_COSTS };

struct search_key {
	enum search_kind kind;
	bool negate;          /* UNSEEN and the like */
	struct str name;      /* field of HEADER; flag or keyword */
	struct str text;      /* what is sought, folded UTF-8; "" is always in */
	struct seq_set set;
	uint64_t number;      /* octets, seconds, mod-sequence */
	int64_t day;          /* days since 1970 */
};

/* RETURN options */
enum {
	SEARCH_MIN = 1, SEARCH_MAX = 2, SEARCH_RETURN_ALL = 4, SEARCH_COUNT = 8
};
struct search {
	struct search_key *keys; /* count of them, postfix */
	size_t count;
	bool extended;           /* RETURN was said: answer with ESEARCH */
	unsigned returns;        /* SEARCH_MIN | ... */
	bool has_modseq;
	bool has_recent;
};

enum search_result {
	SEARCH_OK,
	SEARCH_SYNTAX,
	SEARCH_TOO_MUCH, /* a cap: keys or depth */
	SEARCH_CHARSET   /* not UTF-8 or US-ASCII: NO [BADCHARSET] */
};
/* [RETURN (...)] [CHARSET astring] key *(SP key); takes all of in. */
enum search_result search_take(
    struct str in, struct pool *pool, struct search *out);
enum search_cost search_cost(enum search_kind kind);

#endif
