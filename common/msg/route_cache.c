#include "msg/route_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

struct known {
	struct msg_route_is is;
	int64_t until;
	char strings[];
};

/* The question as one string.  The login makes no difference to a MSG_ROUTE,
 * and of the depth only whether there is one: then no alias is followed. */
struct key {
	char room[ADDRESS_MAX + 1];
};

static struct str
key_of(struct key *k, const struct msg_route *q)
{
	if (q->address.n > ADDRESS_MAX)
		return STR_NONE;
	k->room[0] = (char)('0' + (q->may_relay != 0) + 2 * (q->depth != 0));
	if (q->address.n != 0)
		memcpy(k->room + 1, q->address.p, q->address.n);
	return str_n(k->room, q->address.n + 1);
}

void
route_cache_init(struct route_cache *c)
{
	map_init(&c->known);
}

void
route_cache_forget(struct route_cache *c)
{
	struct known *known;
	size_t pos = 0;

	while ((known = map_next(&c->known, &pos, NULL)) != NULL)
		free(known);
	map_clear(&c->known);
}

const struct msg_route_is *
route_cache_find(
    const struct route_cache *c, const struct msg_route *q, int64_t now)
{
	struct key k;
	const struct known *known = map_get(&c->known, key_of(&k, q));

	return known != NULL && now < known->until ? &known->is : NULL;
}

void
route_cache_keep(struct route_cache *c, const struct msg_route *q,
    const struct msg_route_is *is, int64_t now)
{
	struct known *known;
	struct str key;
	struct key k;
	char *at;

	if (is->keep == 0 || (key = key_of(&k, q)).n == 0)
		return;
	if (c->known.n >= ROUTE_CACHE_MOST)
		route_cache_forget(c);
	known = xmalloc(sizeof(*known) + is->text.n + is->account.n +
	    is->path.n + is->mailbox.n + is->next_hop.n);
	at = known->strings;
	known->is = *is;
	known->is.text = str_put(&at, is->text);
	known->is.account = str_put(&at, is->account);
	known->is.path = str_put(&at, is->path);
	known->is.mailbox = str_put(&at, is->mailbox);
	known->is.next_hop = str_put(&at, is->next_hop);
	known->until = now + ROUTE_CACHE_MS;
	free(map_set(&c->known, key, known));
}
