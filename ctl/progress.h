/*
 * progress -- how far something long has come: a bar on stderr, only at a
 * terminal, and only when it takes longer than a second.
 */
#ifndef POSTERN_CTL_PROGRESS_H
#define POSTERN_CTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/ctl.h"

struct progress {
	const char *what;   /* "checking" */
	int64_t begun, told; /* ms of the monotonic clock */
	bool wanted, shown;
};

void progress_init(struct progress *p, const struct ctl *c, const char *what);
/* So many of all, in any unit; all 0: not known. */
void progress_set(struct progress *p, uint64_t done, uint64_t all);
/* Takes the bar away: before other words on stderr or at the end. */
void progress_clear(struct progress *p);

#endif
