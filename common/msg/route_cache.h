/*
 * route_cache -- answers of routerd that hold until it says MSG_ROUTE_CHANGED
 * (or its link ends): who is asked about again and again is known.
 * Owns copies.  Its users forget all when the word comes or the link goes.
 */
#ifndef POSTERN_MSG_ROUTE_CACHE_H
#define POSTERN_MSG_ROUTE_CACHE_H

#include "base/map.h"
#include "msg/route.h"

enum {
	ROUTE_CACHE_MOST = 4096,  /* answers; at one more all are forgotten */
	ROUTE_CACHE_MS = 60000    /* an answer is asked for again after it */
};

struct route_cache {
	struct map known; /* question -> struct known */
};

void route_cache_init(struct route_cache *c);
void route_cache_forget(struct route_cache *c);
/* The answer to that MSG_ROUTE, valid until the next call here; or NULL. */
const struct msg_route_is *route_cache_find(
    const struct route_cache *c, const struct msg_route *q, int64_t now);
/* Only what has is->keep is kept.  now: ms, of one clock. */
void route_cache_keep(struct route_cache *c, const struct msg_route *q,
    const struct msg_route_is *is, int64_t now);

#endif
