/*
 * keywords -- the keywords of a mailbox, and the sets of them that its
 * messages have.  Both only grow while the mailbox is loaded; a row names its
 * set by a number, so comparing keywords is comparing numbers.
 * Keywords compare without case and keep the case they came with.
 */
#ifndef POSTERN_STORE_KEYWORDS_H
#define POSTERN_STORE_KEYWORDS_H

#include "base/buf.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/str.h"
#include "store/store.h"

struct kwset {
	uint32_t n;
	const uint16_t *ids; /* ascending, 1.. */
};

struct keywords {
	struct pool pool;
	struct str *names;   /* id 1 is names[0] */
	uint32_t n, cap;
	struct map by_name;  /* lower case -> id */
	struct kwset *sets;  /* set 0 is the empty one and not here */
	uint32_t nsets, sets_cap;
	struct map by_set;
	struct str *row_names; /* scratch of keywords_of */
};

/* A zeroed one is empty. */
void keywords_clear(struct keywords *k);
/* A keyword as RFC 9051 has it: an atom, not beginning with "\". */
bool keyword_ok(struct str name);
/* 0: not known. */
uint32_t keywords_id(const struct keywords *k, struct str name);
/* The id of a new or known one; 0 when there are too many. */
uint32_t keywords_add(struct keywords *k, struct str name);
/* The set of these ids, sorted here, duplicates dropped. */
uint32_t keywords_set(struct keywords *k, uint16_t *ids, size_t n);
const struct kwset *keywords_get(const struct keywords *k, uint32_t set);
bool keywords_has(const struct keywords *k, uint32_t set, uint32_t id);
/* (set or nothing) - remove + add; lists of u32 ids, unknown ones ignored. */
uint32_t keywords_change(struct keywords *k, uint32_t set, bool clear,
    struct str add, struct str remove);
/* Names of a set; valid until the next call. */
const struct str *keywords_of(struct keywords *k, uint32_t set, size_t *n);

/* As the snapshot has them.  take: into an empty one; false: malformed. */
void keywords_put(struct buf *out, const struct keywords *k);
bool keywords_take(struct str in, struct keywords *k);

#endif
