/* retry -- when who was put off may try again: the times of the scheduler. */
#include "qmgr/sched.h"

enum {
	GREY_TRIES = 6,     /* that a greylist gets at short distance */
	GREY_LEAST = 5000,  /* ms; whatever time it names */
	FULL_FACTOR = 3
};

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

int64_t
sched_spread(struct sched *s, int64_t most)
{
	return most <= 0 ? 0 : (int64_t)(draw(s) % (uint64_t)(most + 1));
}

static int64_t
cut(int64_t n, int64_t least, int64_t most)
{
	return n < least ? least : n > most ? most : n;
}

int64_t
sched_believed(const struct sched *s, uint32_t seconds)
{
	return cut((int64_t)seconds * 1000, 0, s->o.retry_max);
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
	return wait + sched_spread(s, wait / 5);
}

/* One too many just then, until the time that is named; or, when that is said
 * again and again, a message that is too much by itself. */
static int64_t
wait_slow(struct sched *s, const struct reply_hint *hint, unsigned attempts)
{
	const int64_t named = sched_believed(s, hint->wait);
	const int64_t wait = attempts < OWN_FROM ?
	    1 + sched_retry(s, attempts) / SLOW_PART :
	    sched_retry(s, attempts - OWN_FROM + 1);

	if (named > wait || (named != 0 && attempts < OWN_FROM))
		return named + sched_spread(s, named / 5);
	return wait;
}

/* When it may be tried again, if that is later than now. */
static int64_t
opens_at(const struct sched *s, const struct lane *lane, int64_t now)
{
	int64_t at = now;

	/* A pause without an end is looked at now and then. */
	if (lane->paused_until == LANE_EVER)
		return now + s->o.retry_max;
	if (lane->dead && lane->probe_at > at)
		at = lane->probe_at;
	if (lane->paused_until > at)
		at = lane->paused_until;
	return lane->slow_until > at ? lane->slow_until : at;
}

/* ms within which those come that wait for the site to open. */
static int64_t
crowd(const struct sched *s, const struct lane *lane, int64_t now)
{
	const int64_t wait = opens_at(s, lane, now) - now;

	return cut(wait > 0 ? wait : s->o.retry_min, 0, s->o.retry_min) / 4;
}

int64_t
sched_after(struct sched *s, const struct lane *lane, int64_t now)
{
	const int64_t at = opens_at(s, lane, now);

	return at + 1 + sched_spread(s, crowd(s, lane, now));
}

int64_t
sched_wait(struct sched *s, const struct reply_hint *hint, unsigned attempts,
    const struct lane *lane, int64_t now)
{
	int64_t wait, after;

	switch (hint->kind) {
	case REPLY_GREY:
		return wait_grey(s, hint, attempts);
	case REPLY_FULL:
		wait = FULL_FACTOR * sched_retry(s, attempts);
		return cut((int64_t)hint->wait * 1000, wait,
		    FULL_FACTOR * s->o.retry_max);
	case REPLY_SLOW:
		wait = wait_slow(s, hint, attempts);
		if (lane == NULL || opens_at(s, lane, now) <= now)
			return wait;
		/* Behind those that it never refused. */
		after = sched_after(s, lane, now) + crowd(s, lane, now) - now;
		return attempts < OWN_FROM || after > wait ? after : wait;
	case REPLY_USUAL:
	case REPLY_DOWN:
		break;
	}
	return sched_retry(s, attempts);
}
