/*
 * pool -- an arena: many small allocations, freed together.
 * One per connection and one per transaction; nothing is freed in the middle.
 */
#ifndef POSTERN_BASE_POOL_H
#define POSTERN_BASE_POOL_H

#include <stddef.h>

#include "base/str.h"

struct pool_chunk;

struct pool {
	struct pool_chunk *chunks; /* newest first */
	size_t used;               /* octets handed out since pool_clear */
};

/* A zeroed pool is ready for use. */
void pool_init(struct pool *p);
/* Frees all that came out of it. */
void pool_clear(struct pool *p);
/* Zeroed, aligned for any type, never NULL. */
void *pool_alloc(struct pool *p, size_t size);
/* A copy of s that lives as long as the pool; a NUL stands behind it. */
struct str pool_str(struct pool *p, struct str s);

#endif
