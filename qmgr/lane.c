#include "qmgr/lane.h"

#include <stdlib.h>

#include "base/fatal.h"

static void
enter(struct lane *lane, struct site *site)
{
	site->lane = lane;
	TAILQ_INSERT_TAIL(&lane->sites, site, of_lane);
	lane->nsites++;
}

struct lane *
lane_new(struct sites *s, struct site *site)
{
	struct lane *lane = xcalloc(1, sizeof(*lane));

	lane->kind = site->kind;
	TAILQ_INIT(&lane->sites);
	TAILQ_INIT(&lane->flows);
	TAILQ_INSERT_TAIL(&s->lanes, lane, entry);
	s->nlanes++;
	if (site->lane != NULL)
		lane_enter(s, lane, site);
	else
		enter(lane, site);
	return lane;
}

static void
lane_free(struct sites *s, struct lane *lane)
{
	if (lane->in_ring || !TAILQ_EMPTY(&lane->flows))
		fatal("a lane in use is freed");
	if (lane->hosts != NULL)
		map_del(&s->by_hosts, str_c(lane->hosts));
	TAILQ_REMOVE(&s->lanes, lane, entry);
	s->nlanes--;
	map_clear(&lane->by_sender);
	free(lane->hosts);
	free(lane);
}

void
lane_release(struct sites *s, struct lane *lane)
{
	if (lane->nsites == 0 && lane->inflight == 0)
		lane_free(s, lane);
}

void
lane_enter(struct sites *s, struct lane *lane, struct site *site)
{
	struct lane *old = site->lane;

	TAILQ_REMOVE(&old->sites, site, of_lane);
	old->nsites--;
	lane_release(s, old);
	site->lane = NULL;
	if (lane != NULL)
		enter(lane, site);
}

struct lane *
lane_find(struct sites *s, const char *hosts)
{
	return map_get(&s->by_hosts, str_c(hosts));
}

void
lane_name(struct sites *s, struct lane *lane, const char *hosts)
{
	if (lane->hosts != NULL)
		map_del(&s->by_hosts, str_c(lane->hosts));
	free(lane->hosts);
	lane->hosts = str_dup(str_c(hosts));
	map_set(&s->by_hosts, str_c(lane->hosts), lane);
}

struct str
lane_text(const struct lane *lane)
{
	struct str hosts = str_c(lane->hosts);

	if (hosts.n == 0)
		return lane->nsites == 0 ? STR_NONE :
		    site_name(TAILQ_FIRST(&lane->sites));
	str_take_until(&hosts, ' ');
	return hosts;
}
