#include "qmgr/sched.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"

enum {
	BULK_EVERY = 5      /* turns: one for lanes with bulk alone */
};

/* Bundles that a class may send before the others have had theirs. */
static const uint32_t parts[CLASSES] = { [CLASS_SINGLE] = 8,
	[CLASS_REPORT] = 1, [CLASS_BULK] = 1 };

void
sched_init(struct sched *s, struct sites *sites,
    const struct sched_options *o, uint64_t seed)
{
	*s = (struct sched){ .o = *o, .sites = sites, .random = seed | 1 };
	for (unsigned i = 0; i < SITE_KINDS; i++) {
		TAILQ_INIT(&s->ring[i][0]);
		TAILQ_INIT(&s->ring[i][1]);
	}
}

static uint32_t
most_of(const struct sched *s, const struct lane *lane)
{
	return lane->most != 0 && lane->most < s->o.most ? lane->most :
	                                                   s->o.most;
}

uint32_t
sched_window(const struct sched *s, const struct lane *lane)
{
	const uint32_t most = most_of(s, lane);

	if (lane->kind == SITE_LOCAL)
		return s->o.local;
	return lane->window < most ? lane->window : most;
}

bool
sched_refuses(const struct lane *lane, int64_t now)
{
	return now < lane->paused_until || now < lane->slow_until ||
	    (lane->dead && (lane->probing || now < lane->probe_at));
}

static void
leave_ring(struct sched *s, struct lane *lane)
{
	heap_remove(&s->later, &lane->later);
	if (!lane->in_ring)
		return;
	lane->in_ring = false;
	TAILQ_REMOVE(&s->ring[lane->kind][lane->bulk_ring], lane, turn);
}

static bool
is_bulk(const struct lane *lane)
{
	for (int i = 0; i < CLASS_BULK; i++)
		if (!TAILQ_EMPTY(&lane->flows[i]))
			return false;
	return true;
}

static bool
has_turn(const struct sched *s, const struct lane *lane)
{
	if (lane->blocked || lane->nready == 0)
		return false;
	return lane->dead ? !lane->probing :
	                    lane->inflight < sched_window(s, lane);
}

/* Into the right ring, if it has work and room for it, else out of it. */
static void
offer(struct sched *s, struct lane *lane)
{
	if (lane->window == 0 && !lane->dead)
		lane->window = s->o.start < s->o.most ? s->o.start : s->o.most;
	if (heap_has(&lane->later))
		return;
	if (!has_turn(s, lane)) {
		leave_ring(s, lane);
		return;
	}
	if (lane->in_ring && lane->bulk_ring == is_bulk(lane))
		return;
	leave_ring(s, lane);
	lane->in_ring = true;
	lane->bulk_ring = is_bulk(lane);
	TAILQ_INSERT_TAIL(&s->ring[lane->kind][lane->bulk_ring], lane, turn);
}

static uint64_t
flow_key(const struct share *share)
{
	return share->sender << 2 | share->class;
}

static struct flow *
flow_of(struct lane *lane, const struct share *share)
{
	struct flow *f = map_get_id(&lane->by_sender, flow_key(share));

	if (f != NULL)
		return f;
	f = xcalloc(1, sizeof(*f));
	f->share = *share;
	f->credit = share->weight;
	TAILQ_INIT(&f->bundles);
	map_set_id(&lane->by_sender, flow_key(share), f);
	TAILQ_INSERT_TAIL(&lane->flows[share->class], f, entry);
	return f;
}

void
sched_add(struct sched *s, struct bundle *b, const struct share *share)
{
	struct lane *lane = b->site->lane;

	if (b->flow != NULL || b->n == 0)
		return;
	b->flow = flow_of(lane, share);
	TAILQ_INSERT_TAIL(&b->flow->bundles, b, entry);
	lane->nready++;
	s->nrcpts += b->n;
	offer(s, lane);
}

void
sched_remove(struct sched *s, struct bundle *b)
{
	struct flow *f = b->flow;
	struct lane *lane = b->site->lane;

	if (f == NULL)
		return;
	TAILQ_REMOVE(&f->bundles, b, entry);
	b->flow = NULL;
	lane->nready--;
	s->nrcpts -= b->n;
	if (!TAILQ_EMPTY(&f->bundles))
		return;
	TAILQ_REMOVE(&lane->flows[f->share.class], f, entry);
	map_del_id(&lane->by_sender, flow_key(&f->share));
	free(f);
	if (lane->nready == 0) {
		map_clear(&lane->by_sender);
		leave_ring(s, lane);
	} else {
		offer(s, lane); /* perhaps bulk alone is left */
	}
}

/* The class whose turn it is: the first that has work and credit.  When none
 * has both, a new round begins. */
static struct flow *
next_flow(struct lane *lane)
{
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < CLASSES; i++)
			if (!TAILQ_EMPTY(&lane->flows[i]) &&
			    lane->credit[i] != 0) {
				lane->credit[i]--;
				return TAILQ_FIRST(&lane->flows[i]);
			}
		memcpy(lane->credit, parts, sizeof(lane->credit));
	}
	return NULL;
}

struct bundle *
sched_take(struct sched *s, struct lane *lane)
{
	struct flow *f = next_flow(lane);
	struct bundle *b;

	if (f == NULL)
		return NULL;
	b = TAILQ_FIRST(&f->bundles);
	if (--f->credit == 0) {
		struct flow_list *list = &lane->flows[f->share.class];

		f->credit = f->share.weight;
		TAILQ_REMOVE(list, f, entry);
		TAILQ_INSERT_TAIL(list, f, entry);
	}
	sched_remove(s, b);
	return b;
}

/* --- a rate --------------------------------------------------------------- */

static bool
has_rate(const struct lane *lane, int64_t now)
{
	return lane->gap_us != 0 && now < lane->rate_until;
}

/* Those whose time has come go back into their ring. */
static void
wake_later(struct sched *s, int64_t now)
{
	struct heap_node *node;

	while ((node = heap_first(&s->later)) != NULL && node->key <= now) {
		struct lane *lane = (struct lane *)(void *)((char *)node -
		    offsetof(struct lane, later));

		heap_remove(&s->later, node);
		offer(s, lane);
	}
}

/* Its next job may not begin yet: it is set aside until then. */
static bool
is_early(struct sched *s, struct lane *lane, int64_t now)
{
	if (!has_rate(lane, now))
		return false;
	if (lane->next_us > now * 1000) {
		leave_ring(s, lane);
		heap_set(&s->later, &lane->later,
		    (lane->next_us + 999) / 1000);
		return true;
	}
	/* Who is late by less than a gap makes up for it; the clock of a new
	 * queue is about 0, as is the time of a lane that sent nothing yet. */
	if (lane->next_us == 0 || lane->next_us + lane->gap_us <= now * 1000)
		lane->next_us = now * 1000;
	lane->next_us += lane->gap_us;
	return false;
}

int64_t
sched_next(const struct sched *s)
{
	const struct heap_node *first = heap_first(&s->later);

	return first != NULL ? first->key : INT64_MAX;
}

int64_t
sched_backlog(const struct lane *lane, int64_t now)
{
	return has_rate(lane, now) ? lane->nready * lane->gap_us / 1000 : 0;
}

int64_t
sched_turn(const struct lane *lane, int64_t now)
{
	const int64_t turn = lane->turn_us / 1000;
	const int64_t queued = now + sched_backlog(lane, now);

	return has_rate(lane, now) && turn > queued ? turn : queued;
}

void
sched_give_turn(struct lane *lane, int64_t now)
{
	const int64_t turn_us = sched_turn(lane, now) * 1000;

	if (lane->turn_us < turn_us)
		lane->turn_us = turn_us;
	lane->turn_us += lane->gap_us;
}

void
sched_rules(struct sched *s, struct lane *lane)
{
	leave_ring(s, lane);
	lane->next_us = lane->turn_us = 0;
	offer(s, lane);
}

void
sched_clear(struct sched *s)
{
	heap_clear(&s->later);
}

/* --- turns ---------------------------------------------------------------- */

static struct lane *
next_lane(struct sched *s, enum site_kind kind)
{
	struct lane *urgent = TAILQ_FIRST(&s->ring[kind][0]);
	struct lane *bulk = TAILQ_FIRST(&s->ring[kind][1]);

	if (urgent == NULL ||
	    (bulk != NULL && s->turn[kind] + 1 >= BULK_EVERY))
		return bulk;
	return urgent;
}

struct bundle *
sched_pick(struct sched *s, enum site_kind kind, int64_t now)
{
	struct lane *lane;
	struct bundle *b;

	wake_later(s, now);
	while ((lane = next_lane(s, kind)) != NULL && is_early(s, lane, now))
		;
	if (lane == NULL)
		return NULL;
	if (lane->bulk_ring)
		s->turn[kind] = 0;
	else
		s->turn[kind]++;
	leave_ring(s, lane);
	/* Before it is taken: what is left is offered with this one counted. */
	lane->inflight++;
	lane->probing = lane->dead;
	lane->tried = true;
	b = sched_take(s, lane);
	b->site->refs++;
	b->site->used_at = now;
	offer(s, lane); /* at the ring's end, if it may have one more */
	return b;
}

/* Up to where the window may grow now. */
static uint32_t
growth(const struct sched *s, const struct lane *lane, int64_t now)
{
	const uint32_t most = most_of(s, lane);

	return now < lane->ceiling_until && lane->ceiling < most ?
	    lane->ceiling : most;
}

static void
succeeded(struct sched *s, struct lane *lane, int64_t now)
{
	lane->failures = 0;
	lane->deaths = 0;
	lane->refusals = 0;
	lane->slows = 0;
	if (lane->window < growth(s, lane, now) &&
	    ++lane->successes >= lane->window) {
		lane->window++;
		lane->successes = 0;
	}
	if (lane->window > lane->ceiling + 1)
		lane->ceilings = 0; /* it was none */
}

static enum site_change
die(struct sched *s, struct lane *lane, int64_t now)
{
	lane->dead = true;
	lane->deaths++;
	lane->window = 0;
	lane->probe_at = now + sched_retry(s, lane->deaths);
	leave_ring(s, lane);
	return SITE_DIED;
}

/* A wait that doubles each time, up to most. */
static int64_t
doubled(int64_t wait, uint32_t times, int64_t most)
{
	while (times-- != 0 && wait < most)
		wait *= 2;
	return wait < 1 ? 1 : wait > most ? most : wait;
}

/* The window is what it takes.  That may have been a bad moment, and one that
 * was long under way all that was left: it is believed for longer each time
 * that it is found. */
static void
set_ceiling(const struct sched *s, struct lane *lane, int64_t now)
{
	const int64_t first = s->o.retry_min / SLOW_PART;

	if (now - lane->ceiling_until > s->o.retry_min)
		lane->ceilings = 0; /* that was another time */
	if (now >= lane->ceiling_until || lane->ceilings == 0)
		lane->ceilings++;
	lane->ceiling = lane->window;
	lane->ceiling_until =
	    now + doubled(first, lane->ceilings - 1, s->o.retry_min);
}

/*
 * One was too many: the others that are under way are what it takes, each of
 * them that is refused too says so itself, and for a while no more is tried.
 * It is left alone only when there are no others, and it has served nobody
 * since the last one: then it takes nothing at all, which does not tell how
 * much it will take when it is well again.
 */
static enum site_change
slow_down(struct sched *s, struct lane *lane, int64_t now)
{
	int64_t wait;

	if (now < lane->slow_until)
		return SITE_SAME;
	lane->successes = 0;
	lane->refusals++;
	if (lane->window > lane->inflight)
		lane->window = lane->inflight;
	if (lane->window == 0)
		lane->window = 1;
	if (lane->inflight != 0) {
		set_ceiling(s, lane, now);
		return SITE_SAME;
	}
	if (lane->refusals + lane->failures < 2)
		return SITE_SAME;
	lane->ceiling_until = now;
	wait = doubled(s->o.retry_min / SLOW_PART, lane->slows++,
	    s->o.retry_max);
	lane->slow_until = now + wait + sched_spread(s, wait / 5);
	leave_ring(s, lane);
	return SITE_SLOWED;
}

bool
sched_is_news(const struct lane *lane, unsigned slows)
{
	return slows < OWN_FROM || lane->inflight > 1 || lane->dead;
}

void
sched_named(struct sched *s, struct lane *lane, uint32_t wait, int64_t now)
{
	const int64_t until = now + sched_believed(s, wait);

	if (wait == 0 || lane->slow_until <= now)
		return;
	/* At first only sooner than we would have thought: it may have been
	 * about these messages. */
	if (lane->slows == 1 ? until < lane->slow_until :
	                       until > lane->slow_until)
		lane->slow_until = until;
}

static enum site_change
failed(struct sched *s, struct lane *lane, enum site_state what, int64_t now)
{
	if (what == SITE_SLOW_DOWN)
		return slow_down(s, lane, now);
	lane->successes = 0;
	lane->window /= 2;
	lane->failures++;
	return lane->window == 0 ? die(s, lane, now) : SITE_SAME;
}

enum site_change
sched_result(struct sched *s, struct site *site, struct lane *lane,
    enum site_state what, int64_t now)
{
	enum site_change change = SITE_SAME;
	const bool probe = lane->probing && lane->inflight == 1;
	const bool was_down = lane->deaths != 0;

	site->refs--;
	site->used_at = now;
	lane->inflight--;
	if (lane->inflight == 0)
		lane->probing = false;
	/* One that wants less now is not dead; to have wanted less before it
	 * died says nothing. */
	if (lane->dead &&
	    (what == SITE_FINE || (what == SITE_SLOW_DOWN && probe))) {
		lane->dead = false;
		lane->window = 1;
	}
	if (what == SITE_FINE) {
		succeeded(s, lane, now);
		if (was_down)
			change = SITE_BACK;
	} else if (lane->dead && probe && what != SITE_UNTRIED)
		change = die(s, lane, now);
	else if (!lane->dead && what != SITE_UNTRIED &&
	    lane->kind == SITE_SMTP)
		change = failed(s, lane, what, now);
	offer(s, lane);
	lane_release(s->sites, lane);
	return change;
}

/* --- which lane ---------------------------------------------------------- */

/* The site's queued bundles of a class leave the lane, into the list. */
static void
unqueue(struct sched *s, struct site *site, struct flow_list *flows,
    struct bundle_list *list)
{
	struct flow *f, *next_f;
	struct bundle *b, *next;

	TAILQ_FOREACH_SAFE(f, flows, entry, next_f) {
		const struct share share = f->share;

		/* The last one takes the flow with it. */
		for (b = TAILQ_FIRST(&f->bundles); b != NULL; b = next) {
			next = TAILQ_NEXT(b, entry);
			if (b->site != site)
				continue;
			sched_remove(s, b);
			b->share = share;
			TAILQ_INSERT_TAIL(list, b, entry);
		}
	}
}

static void
move(struct sched *s, struct site *site, struct lane *to)
{
	const int64_t next_us = site->lane->next_us;
	const int64_t resumed = site->lane->resumed;
	struct bundle_list list;
	struct bundle *b;

	TAILQ_INIT(&list);
	for (int i = 0; i < CLASSES; i++)
		unqueue(s, site, &site->lane->flows[i], &list);
	leave_ring(s, site->lane);
	offer(s, site->lane);
	if (to == NULL)
		lane_new(s->sites, site);
	else
		lane_enter(s->sites, to, site);
	/* What it sent there counts here: its servers are the same. */
	if (site->lane->next_us < next_us)
		site->lane->next_us = next_us;
	if (site->lane->resumed < resumed)
		site->lane->resumed = resumed;
	while ((b = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, b, entry);
		sched_add(s, b, &b->share);
	}
}

bool
sched_hosts(struct sched *s, struct site *site, struct str hosts)
{
	char name[HOSTS_MAX + 16];
	struct lane *lane;

	if (hosts.n == 0 || hosts.n > HOSTS_MAX || site->kind != SITE_SMTP)
		return false;
	snprintf(name, sizeof(name), "%u %.*s", site->tls, STR_ARG(hosts));
	lane = lane_find(s->sites, name);
	if (lane != NULL && lane == site->lane)
		return false;
	/* Not shared, and named for the first time: it keeps what is known. */
	if (lane == NULL && site->lane->hosts == NULL) {
		lane_name(s->sites, site->lane, name);
		return false;
	}
	move(s, site, lane);
	if (lane == NULL)
		lane_name(s->sites, site->lane, name);
	return true;
}

void
sched_block(struct sched *s, struct lane *lane, bool blocked)
{
	lane->blocked = blocked;
	if (blocked)
		leave_ring(s, lane);
	else
		offer(s, lane);
}

void
sched_revive(struct sched *s, struct site *site)
{
	struct lane *lane = site->lane;

	lane->slow_until = lane->ceiling_until = 0;
	lane->refusals = lane->slows = lane->ceilings = 0;
	if (!lane->dead)
		return;
	lane->dead = false;
	lane->deaths = 0;
	lane->window = 1;
	offer(s, lane);
}
