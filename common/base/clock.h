/*
 * clock -- the two clocks.  Timers use the monotonic one, in milliseconds;
 * people and file names get the calendar one.
 */
#ifndef POSTERN_BASE_CLOCK_H
#define POSTERN_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds since some fixed moment before this process began. */
int64_t clock_mono_ms(void);
/* The same clock in microseconds, to measure with. */
int64_t clock_mono_us(void);
/* Milliseconds since 1970, as the machine's clock says now. */
int64_t clock_wall_ms(void);
/* Seconds since 1970. */
time_t clock_wall(void);

#endif
