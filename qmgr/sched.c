#include "qmgr/sched.h"

#include <stdlib.h>

#include "base/fatal.h"

enum {
	GREY_TRIES = 6,     /* that a greylist gets at short distance */
	GREY_LEAST = 5000,  /* ms; whatever time it names */
	FULL_FACTOR = 3,
	SLOW_PART = 10      /* of retry_min: the first wait of a slow site */
};

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
	int64_t part;

	while (attempts-- > 1 && wait < s->o.retry_max)
		wait *= 2;
	if (wait > s->o.retry_max)
		wait = s->o.retry_max;
	part = wait * 2 / 5;
	if (part > 0)
		wait += (int64_t)(draw(s) % (uint64_t)part) - part / 2;
	return wait > 0 ? wait : 1;
}

/* 0..most */
static int64_t
spread(struct sched *s, int64_t most)
{
	return most <= 0 ? 0 : (int64_t)(draw(s) % (uint64_t)(most + 1));
}

static int64_t
cut(int64_t n, int64_t least, int64_t most)
{
	return n < least ? least : n > most ? most : n;
}

static int64_t
wait_grey(struct sched *s, const struct reply_hint *hint, unsigned attempts)
{
	const int64_t least =
	    s->o.retry_min < GREY_LEAST ? s->o.retry_min : GREY_LEAST;
	int64_t wait = s->o.retry_min;

	if (attempts > GREY_TRIES)
		return sched_retry(s, attempts - GREY_TRIES + 1);
	if (hint->wait != 0)
		wait = cut((int64_t)hint->wait * 1000, least, s->o.retry_max);
	return wait + spread(s, wait / 5);
}

/* When the site may be tried again, if that is later than now. */
static int64_t
opens_at(const struct site *site, int64_t now)
{
	int64_t at = now;

	if (site->dead && site->probe_at > at)
		at = site->probe_at;
	return site->slow_until > at ? site->slow_until : at;
}

int64_t
sched_after(struct sched *s, const struct site *site, int64_t now)
{
	const int64_t at = opens_at(site, now);
	const int64_t most = at > now ? at - now : s->o.retry_min;

	return at + 1 + spread(s, cut(most, 0, s->o.retry_min) / 4);
}

int64_t
sched_wait(struct sched *s, const struct reply_hint *hint, unsigned attempts,
    const struct site *site, int64_t now)
{
	int64_t wait;

	switch (hint->kind) {
	case REPLY_GREY:
		return wait_grey(s, hint, attempts);
	case REPLY_FULL:
		wait = FULL_FACTOR * sched_retry(s, attempts);
		return cut((int64_t)hint->wait * 1000, wait,
		    FULL_FACTOR * s->o.retry_max);
	case REPLY_SLOW:
		if (site != NULL && opens_at(site, now) > now)
			return sched_after(s, site, now) - now;
		break;
	case REPLY_USUAL:
	case REPLY_DOWN:
		break;
	}
	return sched_retry(s, attempts);
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
	return now < site->slow_until ||
	    (site->dead && (site->probing || now < site->probe_at));
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
	site->slows = 0;
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

/* Those that were under way when it first said so say nothing new. */
static enum site_change
slow_down(struct sched *s, struct site *site, int64_t now)
{
	int64_t wait = s->o.retry_min / SLOW_PART;

	if (now < site->slow_until)
		return SITE_SAME;
	site->successes = 0;
	site->window = site->window > 1 ? site->window / 2 : 1;
	for (uint32_t i = 0; i < site->slows && wait < s->o.retry_max; i++)
		wait *= 2;
	site->slows++;
	wait = cut(wait, 1, s->o.retry_max);
	site->slow_until = now + wait + spread(s, wait / 5);
	leave_ring(s, site);
	return SITE_SLOWED;
}

void
sched_named(struct sched *s, struct site *site, uint32_t wait, int64_t now)
{
	const int64_t until =
	    now + cut((int64_t)wait * 1000, 0, s->o.retry_max);

	if (wait != 0 && site->slow_until < until)
		site->slow_until = until;
}

static enum site_change
failed(struct sched *s, struct site *site, enum site_state what, int64_t now)
{
	if (what == SITE_SLOW_DOWN)
		return slow_down(s, site, now);
	site->successes = 0;
	site->window /= 2;
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
	site->slow_until = 0;
	site->slows = 0;
	if (!site->dead)
		return;
	site->dead = false;
	site->deaths = 0;
	site->window = 1;
	offer(s, site);
}
