/* bundle -- the recipients of a message that are ready for one site; sched.h. */
#include <stdlib.h>

#include "base/fatal.h"
#include "qmgr/sched.h"

enum { BUNDLES_LISTED = 32 /* of a message, before there is a map of them */ };

/* A list goes to very many sites: then there is a map of them all. */
static struct bundle *
bundle_find(struct message *m, struct site *site)
{
	unsigned n = 0;
	struct bundle *b;

	if (m->more != NULL && m->more->bundles.n != 0)
		return map_get_id(&m->more->bundles, (uintptr_t)site);
	LIST_FOREACH(b, &m->bundles, of_message) {
		if (b->site == site)
			return b;
		n++;
	}
	if (n >= BUNDLES_LISTED)
		LIST_FOREACH(b, &m->bundles, of_message)
			map_set_id(&message_more(m)->bundles,
			    (uintptr_t)b->site, b);
	return NULL;
}

struct bundle *
sched_bundle(struct message *m, struct site *site)
{
	struct bundle *b = bundle_find(m, site);

	if (b != NULL)
		return b;
	b = xcalloc(1, sizeof(*b));
	b->m = m;
	b->site = site;
	site->refs++;
	TAILQ_INIT(&b->ready);
	LIST_INSERT_HEAD(&m->bundles, b, of_message);
	if (m->more != NULL && m->more->bundles.n != 0)
		map_set_id(&m->more->bundles, (uintptr_t)site, b);
	return b;
}

void
bundle_add(struct bundle *b, struct rcpt *r)
{
	r->state = RCPT_READY;
	TAILQ_INSERT_TAIL(&b->ready, r, entry);
	b->n++;
}

struct rcpt *
bundle_take(struct bundle *b)
{
	struct rcpt *r = TAILQ_FIRST(&b->ready);

	if (r == NULL)
		return NULL;
	TAILQ_REMOVE(&b->ready, r, entry);
	b->n--;
	return r;
}

void
bundle_free(struct bundle *b)
{
	if (b->n != 0 || b->flow != NULL)
		fatal("a bundle in use is freed");
	b->site->refs--;
	if (b->m->more != NULL)
		map_del_id(&b->m->more->bundles, (uintptr_t)b->site);
	LIST_REMOVE(b, of_message);
	free(b);
}
