/*
 * qclock -- the queue's own time, in milliseconds: runs with the monotonic
 * clock, and over a restart advances by what the calendar says, but never
 * back and at most a day.  A step of the machine's clock so neither expires
 * nor wakes anything.
 */
#ifndef POSTERN_QMGR_QCLOCK_H
#define POSTERN_QMGR_QCLOCK_H

#include <stdint.h>

struct qclock {
	int64_t base; /* queue time at */
	int64_t mono; /* this monotonic time */
};

/* Goes on from queue time then, which was written at calendar time wall. */
void qclock_start(struct qclock *c, int64_t then, int64_t wall,
    int64_t mono_now, int64_t wall_now);
int64_t qclock_at(const struct qclock *c, int64_t mono);

#endif
