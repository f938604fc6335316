/* retry -- when who was put off may try again: the times of the scheduler. */
#include "qmgr/sched.h"

enum {
	GREY_TRIES = 6,     /* that a greylist gets at short distance */
	GREY_LEAST = 5000,  /* ms; whatever time it names */
	FULL_FACTOR = 3,
	OWN_FROM = 3        /* attempts with "slow down": its own time too */
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

/* When it may be tried again, if that is later than now. */
static int64_t
opens_at(const struct lane *lane, int64_t now)
{
	int64_t at = now;

	if (lane->dead && lane->probe_at > at)
		at = lane->probe_at;
	if (lane->paused_until > at)
		at = lane->paused_until;
	return lane->slow_until > at ? lane->slow_until : at;
}

int64_t
sched_after(struct sched *s, const struct lane *lane, int64_t now)
{
	int64_t at = opens_at(lane, now);
	int64_t most;

	/* A pause without an end is looked at now and then. */
	if (lane->paused_until == LANE_EVER)
		at = now + s->o.retry_max;
	most = at > now ? at - now : s->o.retry_min;
	return at + 1 + sched_spread(s, cut(most, 0, s->o.retry_min) / 4);
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
		/* One too many for it just then. */
		wait = 1 + cut(sched_retry(s, attempts) / SLOW_PART, 0,
		    s->o.retry_min);
		if (lane == NULL || opens_at(lane, now) <= now)
			return wait;
		/* Again and again: it may be this message that is too much,
		 * which then waits longer than the site. */
		after = sched_after(s, lane, now) - now;
		return attempts < OWN_FROM || after > wait ? after : wait;
	case REPLY_USUAL:
	case REPLY_DOWN:
		break;
	}
	return sched_retry(s, attempts);
}
