/* orders -- brings into force what the administrator says of sites. */
#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "conf/conf.h"
#include "proc/note.h"
#include "qmgr/qmgr.h"

static void
on_lane(void *arg, struct lane *lane)
{
	struct qmgr *d = arg;

	rules_apply(&d->rules, lane);
}

/* A route without via is about the domains themselves. */
static void
load_limits(struct qmgr *d)
{
	const struct conf_section *root = conf_root(d->proc.conf);
	const struct conf_section *s = NULL;

	while ((s = conf_next(root, "route", s)) != NULL) {
		const struct str via = conf_str(s, "via");
		struct rule_limit limit = {
			.hop = via.n != 0 ? via : conf_word(s, 0),
			.most = (uint32_t)conf_u64(s, "max_connections") };
		int64_t per_ms;
		const uint64_t n = conf_rate(s, "rate", &per_ms);

		if (n != 0)
			limit.gap_us = per_ms * 1000 / (int64_t)n;
		if (limit.most != 0 || limit.gap_us != 0)
			rules_limit(&d->rules, &limit);
	}
}

void
orders_init(struct qmgr *d)
{
	struct lane *lane;

	rules_init(&d->rules);
	if (d->proc.conf != NULL)
		load_limits(d);
	if (rules_load(&d->rules, d->spool.dirfd) == -1) {
		note(NOTE_ERROR, "site-orders-unreadable");
		note_c("file", "spool/sites");
		note_errno(errno);
		note_end();
	}
	d->q.sites.on_lane = on_lane;
	d->q.sites.arg = d;
	TAILQ_FOREACH(lane, &d->q.sites.lanes, entry)
		rules_apply(&d->rules, lane);
}

/* until: of the pause as it was. */
static void
note_pause(const struct qmgr *d, struct lane *lane, int64_t until)
{
	const int64_t end = until < d->q.now ? until : d->q.now;

	if (until <= d->q.now && lane->paused_until > d->q.now)
		lane->paused_at = d->q.now;
	else if (until != 0 && lane->paused_until <= d->q.now &&
	    lane_was_long(lane, end, d->o.lifetime))
		lane->resumed = end;
}

void
orders_changed(struct qmgr *d)
{
	struct lane *lane;

	TAILQ_FOREACH(lane, &d->q.sites.lanes, entry) {
		const int64_t until = lane->paused_until;
		const bool paused = until > d->q.now;
		const int64_t gap_us = lane->gap_us;

		rules_apply(&d->rules, lane);
		sched_rules(&d->q.sched, lane);
		note_pause(d, lane, until);
		if (lane->paused_until > d->q.now) {
			lane_defer_ready(d, lane);
		} else if (paused || lane->gap_us != gap_us) {
			/* Their turns were those of the former rate. */
			lane_back(d, lane, true);
			lane_wake(d, lane, LANE_WOKEN);
		}
	}
	qmgr_pump(d);
}

void
orders_look(struct qmgr *d)
{
	if (rules_sweep(&d->rules, d->q.now))
		orders_changed(d);
}
