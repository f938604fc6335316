#include "qmgr/sched.h"

#include <stdlib.h>

#include "base/fatal.h"

void
sched_init(struct sched *s, const struct sched_options *o, uint64_t seed)
{
	*s = (struct sched){ .o = *o, .random = seed | 1 };
	for (unsigned i = 0; i < SITE_KINDS; i++)
		TAILQ_INIT(&s->ring[i]);
}

/* xorshift64: times need no better randomness. */
static uint64_t
draw(struct sched *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random;
}

int64_t
sched_retry(struct sched *s, unsigned attempts)
{
	int64_t wait = s->o.retry_min;
	int64_t spread;

	while (attempts-- > 1 && wait < s->o.retry_max)
		wait *= 2;
	if (wait > s->o.retry_max)
		wait = s->o.retry_max;
	spread = wait * 2 / 5;
	if (spread > 0)
		wait += (int64_t)(draw(s) % (uint64_t)spread) - spread / 2;
	return wait > 0 ? wait : 1;
}

struct bundle *
sched_bundle(struct message *m, struct site *site)
{
	struct bundle *b;

	LIST_FOREACH(b, &m->bundles, of_message)
		if (b->site == site)
			return b;
	b = xcalloc(1, sizeof(*b));
	b->m = m;
	b->site = site;
	site->refs++;
	TAILQ_INIT(&b->ready);
	LIST_INSERT_HEAD(&m->bundles, b, of_message);
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
	LIST_REMOVE(b, of_message);
	free(b);
}

static uint32_t
window(const struct sched *s, const struct site *site)
{
	return site->kind == SITE_LOCAL ? s->o.local : site->window;
}

bool
sched_refuses(const struct site *site, int64_t now)
{
	return site->dead && (site->probing || now < site->probe_at);
}

/* Into the ring, if it has work and room for it. */
static void
offer(struct sched *s, struct site *site)
{
	if (site->window == 0 && !site->dead)
		site->window = s->o.start < s->o.most ? s->o.start : s->o.most;
	if (site->in_ring || site->blocked || TAILQ_EMPTY(&site->flows))
		return;
	if (site->dead ? site->probing : site->inflight >= window(s, site))
		return;
	site->in_ring = true;
	TAILQ_INSERT_TAIL(&s->ring[site->kind], site, turn);
}

static void
leave_ring(struct sched *s, struct site *site)
{
	if (!site->in_ring)
		return;
	site->in_ring = false;
	TAILQ_REMOVE(&s->ring[site->kind], site, turn);
}

void
sched_add(struct sched *s, struct bundle *b, uint64_t sender, uint32_t weight)
{
	struct site *site = b->site;
	struct flow *f;

	if (b->flow != NULL || b->n == 0)
		return;
	f = map_get_id(&site->by_sender, sender);
	if (f == NULL) {
		f = xcalloc(1, sizeof(*f));
		f->sender = sender;
		f->weight = f->credit = weight != 0 ? weight : 1;
		TAILQ_INIT(&f->bundles);
		map_set_id(&site->by_sender, sender, f);
		TAILQ_INSERT_TAIL(&site->flows, f, entry);
	}
	b->flow = f;
	TAILQ_INSERT_TAIL(&f->bundles, b, entry);
	site->nready++;
	offer(s, site);
}

void
sched_remove(struct sched *s, struct bundle *b)
{
	struct flow *f = b->flow;
	struct site *site = b->site;

	if (f == NULL)
		return;
	TAILQ_REMOVE(&f->bundles, b, entry);
	b->flow = NULL;
	site->nready--;
	if (!TAILQ_EMPTY(&f->bundles))
		return;
	TAILQ_REMOVE(&site->flows, f, entry);
	map_del_id(&site->by_sender, f->sender);
	free(f);
	if (TAILQ_EMPTY(&site->flows)) {
		map_clear(&site->by_sender);
		leave_ring(s, site);
	}
}

struct bundle *
sched_take(struct sched *s, struct site *site)
{
	struct flow *f = TAILQ_FIRST(&site->flows);
	struct bundle *b;

	if (f == NULL)
		return NULL;
	b = TAILQ_FIRST(&f->bundles);
	if (--f->credit == 0) {
		f->credit = f->weight;
		TAILQ_REMOVE(&site->flows, f, entry);
		TAILQ_INSERT_TAIL(&site->flows, f, entry);
	}
	sched_remove(s, b);
	return b;
}

struct bundle *
sched_pick(struct sched *s, enum site_kind kind, int64_t now)
{
	struct site *site = TAILQ_FIRST(&s->ring[kind]);
	struct bundle *b;

	if (site == NULL)
		return NULL;
	leave_ring(s, site);
	b = sched_take(s, site);
	site->inflight++;
	site->probing = site->dead;
	site->used_at = now;
	site->tried = true;
	offer(s, site); /* at the ring's end, if it may have one more */
	return b;
}

static void
succeeded(struct sched *s, struct site *site)
{
	site->failures = 0;
	site->deaths = 0;
	if (site->window < s->o.most && ++site->successes >= site->window) {
		site->window++;
		site->successes = 0;
	}
}

static enum site_change
die(struct sched *s, struct site *site, int64_t now)
{
	site->dead = true;
	site->deaths++;
	site->window = 0;
	site->probe_at = now + sched_retry(s, site->deaths);
	leave_ring(s, site);
	return SITE_DIED;
}

static enum site_change
failed(struct sched *s, struct site *site, enum site_state what, int64_t now)
{
	site->successes = 0;
	site->window /= 2;
	if (what == SITE_SLOW_DOWN) {
		if (site->window == 0)
			site->window = 1;
		return SITE_SAME;
	}
	site->failures++;
	return site->window == 0 ? die(s, site, now) : SITE_SAME;
}

enum site_change
sched_result(
    struct sched *s, struct site *site, enum site_state what, int64_t now)
{
	enum site_change change = SITE_SAME;
	const bool probe = site->probing && site->inflight == 1;

	site->inflight--;
	site->used_at = now;
	if (site->inflight == 0)
		site->probing = false;
	if (site->dead && what == SITE_FINE) {
		site->dead = false;
		site->window = 1;
		change = SITE_BACK;
	}
	if (what == SITE_FINE)
		succeeded(s, site);
	else if (site->dead && probe && what != SITE_UNTRIED)
		change = die(s, site, now);
	else if (!site->dead && what != SITE_UNTRIED &&
	    site->kind == SITE_SMTP)
		change = failed(s, site, what, now);
	offer(s, site);
	return change;
}

void
sched_block(struct sched *s, struct site *site, bool blocked)
{
	site->blocked = blocked;
	if (blocked)
		leave_ring(s, site);
	else
		offer(s, site);
}

void
sched_revive(struct sched *s, struct site *site)
{
	if (!site->dead)
		return;
	site->dead = false;
	site->deaths = 0;
	site->window = 1;
	offer(s, site);
}
