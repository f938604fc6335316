/*
 * penalty -- wrong passwords make answers slow: counted for each pair of
 * account and client network, and for each network over all accounts, so
 * that trying costs time whoever is asked for.  Pure: the clock is given.
 */
#ifndef POSTERN_AUTHD_PENALTY_H
#define POSTERN_AUTHD_PENALTY_H

#include <stdint.h>

#include "base/map.h"
#include "base/str.h"

struct penalties {
	uint64_t most;     /* failures that are free, 0: no penalties */
	int64_t per_ms;    /* in this time */
	int64_t delay_max; /* milliseconds */
	struct map counts;
};

void penalties_init(struct penalties *p, uint64_t most, int64_t per_ms,
    int64_t delay_max);
void penalties_clear(struct penalties *p);
/* How long the next answer has to wait, in milliseconds. */
int64_t penalty_delay(struct penalties *p, struct str client,
    struct str account, int64_t now);
void penalty_failed(struct penalties *p, struct str client,
    struct str account, int64_t now);
/* The account's count from there starts anew; the network's stays. */
void penalty_succeeded(struct penalties *p, struct str client,
    struct str account);

#endif
