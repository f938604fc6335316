/*
 * addrlist -- the addresses in From, To, Cc and the like.
 * Source: RFC 5322 3.4 and 4.4.  One pass, linear, iterative; whatever
 * stands there, something sensible comes out and the end is reached.
 * Strings live in the caller's pool.
 */
#ifndef POSTERN_MAIL_ADDRLIST_H
#define POSTERN_MAIL_ADDRLIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"
#include "base/str.h"

enum { ADDRLIST_MAX = 1000 }; /* addresses; the rest is not read */

enum addrlist_kind {
	ADDRLIST_MAILBOX,
	ADDRLIST_GROUP,    /* begins: name is the group's */
	ADDRLIST_GROUP_END
};
struct addrlist_item {
	enum addrlist_kind kind;
	bool has_name;     /* a phrase or, without one, a comment */
	struct str name;   /* quotes and escapes removed, not decoded */
	struct str local;  /* quotes removed */
	struct str domain; /* "" when missing */
};
struct addrlist {
	struct str in;
	struct pool *pool;
	size_t count;
	bool in_group;
	bool end_group;    /* the group's end is to be given next */
};

void addrlist_init(struct addrlist *l, struct pool *pool, struct str value);
bool addrlist_next(struct addrlist *l, struct addrlist_item *out);

#endif
