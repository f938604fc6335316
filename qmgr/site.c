#include "qmgr/site.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "base/num.h"
#include "msg/route.h"
#include "qmgr/lane.h"

enum {
	KEY_MAX = NEXT_HOP_MAX + 64,
	SITES_KEPT = 20000 /* that nothing refers to */
};

void
sites_init(struct sites *s)
{
	*s = (struct sites){ 0 };
	TAILQ_INIT(&s->all);
	TAILQ_INIT(&s->lanes);
}

static void
site_free(struct sites *s, struct site *site)
{
	map_del(&s->by_key, site->key);
	TAILQ_REMOVE(&s->all, site, entry);
	s->n--;
	lane_enter(s, NULL, site);
	free(site);
}

void
sites_clear(struct sites *s)
{
	struct lane *lane;

	while (!TAILQ_EMPTY(&s->all))
		site_free(s, TAILQ_FIRST(&s->all));
	while ((lane = TAILQ_FIRST(&s->lanes)) != NULL) {
		lane->inflight = 0; /* whoever has the job is gone, too */
		lane_release(s, lane);
	}
	map_clear(&s->by_key);
	map_clear(&s->by_hosts);
}

/* Keys: "M3 example.org" is SMTP with TLS policy 3, "L0 1000 1000" root, uid
 * and gid of mailboxes. */
static bool
parse(struct site *site)
{
	struct str s = site->key;

	if (str_take_char(&s, 'M')) {
		site->kind = SITE_SMTP;
		if (!num_take_u32(&s, &site->tls) ||
		    site->tls > ROUTE_TLS_VERIFY || !str_take_char(&s, ' '))
			return false;
		site->next_hop = s;
		return s.n != 0;
	}
	site->kind = SITE_LOCAL;
	return str_take_char(&s, 'L') && num_take_u32(&s, &site->root) &&
	    str_take_char(&s, ' ') && num_take_u32(&s, &site->uid) &&
	    str_take_char(&s, ' ') && num_u32(s, &site->gid);
}

struct site *
site_by_key(struct sites *s, struct str key)
{
	struct site *site = map_get(&s->by_key, key);

	if (site != NULL)
		return site;
	if (key.n > KEY_MAX)
		return NULL;
	site = xcalloc(1, sizeof(*site) + key.n);
	memcpy(site + 1, key.p, key.n);
	site->key = str_n(site + 1, key.n);
	if (!parse(site)) {
		free(site);
		return NULL;
	}
	TAILQ_INIT(&site->waiting);
	lane_new(s, site);
	map_set(&s->by_key, key, site);
	TAILQ_INSERT_TAIL(&s->all, site, entry);
	s->n++;
	return site;
}

struct site *
site_smtp(struct sites *s, struct str next_hop, uint32_t tls)
{
	char key[KEY_MAX];
	int n = snprintf(key, sizeof(key), "M%u %.*s", tls, STR_ARG(next_hop));

	return site_by_key(s, str_n(key, (size_t)n));
}

struct site *
site_local(struct sites *s, uint32_t root, uint32_t uid, uint32_t gid)
{
	char key[64];
	int n = snprintf(key, sizeof(key), "L%u %u %u", root, uid, gid);

	return site_by_key(s, str_n(key, (size_t)n));
}

struct str
site_name(const struct site *site)
{
	return site->kind == SITE_LOCAL ? STR("local") : site->next_hop;
}

static bool
is_needed(const struct site *site, int64_t since)
{
	const struct lane *lane = site->lane;

	if (site->refs != 0 || site->worker != NULL)
		return true;
	return lane->nsites == 1 &&
	    (lane->inflight != 0 || (lane->dead && lane->probe_at >= since) ||
	        lane->slow_until >= since);
}

void
sites_sweep(struct sites *s, int64_t since)
{
	struct site *site, *next;

	TAILQ_FOREACH_SAFE(site, &s->all, entry, next)
		if (!is_needed(site, since) &&
		    (site->used_at < since || s->n > SITES_KEPT))
			site_free(s, site);
}

void
rcpt_set_site(struct rcpt *r, struct site *site)
{
	if (site != NULL)
		site->refs++;
	if (r->site != NULL)
		r->site->refs--;
	r->site = site;
}
