/*
 * loop -- the event loop of a process: timers, readiness of descriptors, and
 * work put off to the end of a round.  One per process, one thread.
 * Only common/event includes libevent.
 */
#ifndef POSTERN_EVENT_LOOP_H
#define POSTERN_EVENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct loop;
struct event;

struct loop *loop_new(void);
void loop_free(struct loop *l);
/* Runs until loop_stop; returns the status given to it. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int status);
/* Monotonic milliseconds, read once a round. */
int64_t loop_now(const struct loop *l);

/* timer -- calls once, after a while.  Embedded; may be set in its callback. */
struct timer {
	struct event *ev;
	void (*on_time)(void *arg);
	void *arg;
};
void timer_init(
    struct timer *t, struct loop *l, void (*on_time)(void *arg), void *arg);
/* ms >= 0 from now; replaces what was set. */
void timer_set(struct timer *t, int64_t ms);
void timer_cancel(struct timer *t);
bool timer_is_set(const struct timer *t);
void timer_clear(struct timer *t);

/* watch -- readiness of one descriptor, which it does not own. */
enum { WATCH_READ = 1, WATCH_WRITE = 2 };
struct watch {
	struct event *read, *write;
	int fd;
	void (*on_ready)(void *arg, unsigned what);
	void *arg;
};
void watch_init(struct watch *w, struct loop *l, int fd,
    void (*on_ready)(void *arg, unsigned what), void *arg);
/* What to wait for: WATCH_READ | WATCH_WRITE, or 0. */
void watch_want(struct watch *w, unsigned what);
void watch_clear(struct watch *w);

/*
 * deferred -- a call at the end of this round, after all callbacks: the place
 * to free what called you, and to send what a round has gathered.
 */
struct deferred {
	TAILQ_ENTRY(deferred) entry;
	struct loop *loop;
	void (*on_end)(void *arg);
	void *arg;
	bool queued;
};
void deferred_init(struct deferred *d, struct loop *l,
    void (*on_end)(void *arg), void *arg);
/* Once a round however often it is called. */
void deferred_call(struct deferred *d);
void deferred_cancel(struct deferred *d);

/* Signals as callbacks: signo, or fatal. */
void loop_signal(
    struct loop *l, int signo, void (*on_signal)(void *arg), void *arg);

#endif
