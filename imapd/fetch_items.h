/*
 * fetch_items -- the list of items behind FETCH, read.
 * Source: RFC 3501 6.4.5 and 9 (fetch), RFC 7162 3.1.4.1 (MODSEQ).
 */
#ifndef POSTERN_IMAPD_FETCH_ITEMS_H
#define POSTERN_IMAPD_FETCH_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pool.h"
#include "base/str.h"
#include "imapd/section.h"

enum { FETCH_ITEMS_MAX = 128 };

enum fetch_kind {
	FETCH_UID,
	FETCH_FLAGS,
	FETCH_INTERNALDATE,
	FETCH_SIZE,          /* RFC822.SIZE */
	FETCH_MODSEQ,
	FETCH_ENVELOPE,
	FETCH_BODY,          /* the structure without extension data */
	FETCH_BODYSTRUCTURE,
	FETCH_SECTION,       /* BODY[...] and BODY.PEEK[...] */
	FETCH_RFC822,        /* = BODY[] */
	FETCH_RFC822_HEADER, /* = BODY.PEEK[HEADER] */
	FETCH_RFC822_TEXT,   /* = BODY[TEXT] */
	FETCH_KINDS
};
struct fetch_item {
	enum fetch_kind kind;
	struct section section; /* also of the RFC822 forms */
	bool partial;
	uint32_t offset, count; /* octets, of <offset.count> */
};
struct fetch_items {
	struct fetch_item *list; /* count of them */
	size_t count;
	bool sets_seen;          /* an item without PEEK is among them */
	bool has_uid, has_flags, has_modseq;
};

/* Takes "ALL", one item or a list in parentheses. */
bool fetch_items_take(
    struct str *in, struct pool *pool, struct fetch_items *out);
/* Adds an item without argument unless it is there. */
void fetch_items_add(struct fetch_items *items, enum fetch_kind kind);
/* Adds the item's name as the response carries it, without a space. */
void fetch_item_put(struct buf *out, const struct fetch_item *item);

#endif
