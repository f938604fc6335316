#include "store/syncpick.h"

enum {
	SKIP_MAX = 64,  /* then syncfs is tried again: it may be fast by now */
	GUESS_PART = 4  /* before it is known, a file takes so much of slow_us */
};

void
syncpick_init(struct syncpick *p, int64_t slow_ms)
{
	*p = (struct syncpick){ .slow_us = slow_ms * 1000,
		.file_us = slow_ms * 1000 / GUESS_PART };
}

bool
syncpick_may_be_files(const struct syncpick *p)
{
	return p->slow_us < 0 || (p->slow_us > 0 && p->all_us > p->slow_us);
}

bool
syncpick_is_files(const struct syncpick *p, size_t n)
{
	if (p->slow_us < 0)
		return true;
	return syncpick_may_be_files(p) && p->skipped < SKIP_MAX &&
	    (int64_t)n * p->file_us < p->all_us;
}

/* What is faster counts at once, what is slower little by little: a single
 * hiccup must not turn the way of working over. */
static int64_t
mean(int64_t before, int64_t now)
{
	return now < before ? now : before + (now - before) / 4;
}

void
syncpick_took_all(struct syncpick *p, int64_t us)
{
	p->all_us = mean(p->all_us, us);
	p->skipped = 0;
}

void
syncpick_took_files(struct syncpick *p, size_t n, int64_t us)
{
	if (n > 0)
		p->file_us = mean(p->file_us, us / (int64_t)n);
	p->skipped++;
}
