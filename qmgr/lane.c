#include "qmgr/lane.h"

#include <stdlib.h>

#include "base/fatal.h"

static void
enter(struct lane *lane, struct site *site)
{
	site->lane = lane;
	if (site->to_wake != 0) /* those stand in front: lane_wake() */
		TAILQ_INSERT_HEAD(&lane->sites, site, of_lane);
	else
		TAILQ_INSERT_TAIL(&lane->sites, site, of_lane);
	lane->nsites++;
}

static void
changed(struct sites *s, struct lane *lane)
{
	if (s->on_lane != NULL)
		s->on_lane(s->arg, lane);
}

void
lane_said(struct sites *s, struct lane *lane, struct reason *reason)
{
	if (s->reasons == NULL || reason == lane->last)
		return;
	reason_drop(s->reasons, lane->last);
	lane->last = reason != NULL ? reason_ref(reason) : NULL;
}

bool
lane_was_long(const struct lane *lane, int64_t end, int64_t lifetime)
{
	return end - lane->paused_at >= lifetime / GRACE_PART;
}

static void
lane_free(struct sites *s, struct lane *lane)
{
	if (lane->in_ring || heap_has(&lane->later) || lane->nready != 0)
		fatal("a lane in use is freed");
	if (lane->hosts != NULL)
		map_del(&s->by_hosts, str_c(lane->hosts));
	TAILQ_REMOVE(&s->lanes, lane, entry);
	s->nlanes--;
	map_clear(&lane->by_sender);
	lane_said(s, lane, NULL);
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
	if (--old->nsites != 0)
		changed(s, old);
	lane_release(s, old);
	site->lane = NULL;
	if (lane == NULL)
		return;
	enter(lane, site);
	changed(s, lane);
}

struct lane *
lane_new(struct sites *s, struct site *site)
{
	struct lane *lane = xcalloc(1, sizeof(*lane));

	lane->kind = site->kind;
	TAILQ_INIT(&lane->sites);
	for (int i = 0; i < CLASSES; i++)
		TAILQ_INIT(&lane->flows[i]);
	TAILQ_INSERT_TAIL(&s->lanes, lane, entry);
	s->nlanes++;
	if (site->lane != NULL)
		lane_enter(s, lane, site);
	else
		enter(lane, site);
	changed(s, lane);
	return lane;
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
	changed(s, lane);
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

struct reason *
rcpt_why(const struct rcpt *r, int64_t now, struct str *order)
{
	const struct lane *lane = r->site != NULL ? r->site->lane : NULL;
	const bool deferred = r->state == RCPT_DEFERRED;

	*order = STR_NONE;
	if (r->reason != NULL || lane == NULL ||
	    (!deferred && r->state != RCPT_READY))
		return r->reason;
	if (deferred && lane->paused_until > now)
		*order = STR("its site is paused");
	else if (deferred && (lane->dead || lane->failures != 0 ||
	             lane->slow_until > now))
		return lane->last;
	else if (lane->gap_us != 0 && lane->rate_until > now)
		*order = STR("it waits for its turn: its site has a rate");
	return NULL;
}

struct str
rcpt_words(const struct rcpt *r, int64_t now, bool with_code)
{
	struct str order;
	const struct reason *why = rcpt_why(r, now, &order);

	return why == NULL ? order : with_code ? why->said : why->text;
}
