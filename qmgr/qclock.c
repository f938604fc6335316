#include "qmgr/qclock.h"

enum { DAY = 24 * 3600 * 1000 };

void
qclock_start(struct qclock *c, int64_t then, int64_t wall, int64_t mono_now,
    int64_t wall_now)
{
	int64_t away = wall == 0 ? 0 : wall_now - wall;

	if (away < 0)
		away = 0;
	if (away > DAY)
		away = DAY;
	c->base = then + away;
	c->mono = mono_now;
}

int64_t
qclock_at(const struct qclock *c, int64_t mono)
{
	return c->base + (mono - c->mono);
}
