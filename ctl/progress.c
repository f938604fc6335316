#include "ctl/progress.h"

#include <unistd.h>

#include "base/clock.h"

enum { FIRST = 1000, AGAIN = 100 /* ms */, WIDTH = 40 /* columns */ };

void
progress_init(struct progress *p, const struct ctl *c, const char *what)
{
	*p = (struct progress){ .what = what, .begun = clock_mono_ms(),
		.wanted = !c->quiet && isatty(STDERR_FILENO) == 1 };
}

void
progress_set(struct progress *p, uint64_t done, uint64_t all)
{
	const int64_t now = clock_mono_ms();
	char bar[WIDTH + 1];
	size_t n;

	if (!p->wanted || now - p->begun < FIRST || now - p->told < AGAIN ||
	    all == 0)
		return;
	if (done > all)
		done = all;
	p->told = now;
	p->shown = true;
	n = (size_t)((double)done / (double)all * WIDTH);
	for (size_t i = 0; i < WIDTH; i++)
		bar[i] = i < n ? '#' : '.';
	bar[WIDTH] = '\0';
	fprintf(stderr, "\r%s [%s] %3.0f %%\033[K", p->what, bar,
	    (double)done / (double)all * 100);
	fflush(stderr);
}

void
progress_clear(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
