#include "event/loop.h"

#include <event2/event.h>

#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "event/loop_base.h"

enum { SIGNALS_MAX = 4 };

struct signal_call {
	struct event *ev;
	void (*on_signal)(void *arg);
	void *arg;
};

struct loop {
	struct event_base *base;
	TAILQ_HEAD(, deferred) ends; /* to be called when the round ends */
	struct signal_call signals[SIGNALS_MAX];
	size_t nsignals;
	int64_t now; /* of this round, 0: not read yet */
	int status;
	bool stopped;
};

struct loop *
loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));
	struct event_config *config = event_config_new();

	if (config == NULL)
		fatal("libevent: no memory");
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	l->base = event_base_new_with_config(config);
	event_config_free(config);
	if (l->base == NULL)
		fatal("libevent: no event base");
	TAILQ_INIT(&l->ends);
	signal(SIGPIPE, SIG_IGN);
	return l;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->nsignals; i++)
		event_free(l->signals[i].ev);
	event_base_free(l->base);
	free(l);
}

struct event_base *
loop_base(struct loop *l)
{
	return l->base;
}

/* What a deferred call defers again runs in the same turn. */
static void
run_deferred(struct loop *l)
{
	struct deferred *d;

	while ((d = TAILQ_FIRST(&l->ends)) != NULL) {
		TAILQ_REMOVE(&l->ends, d, entry);
		d->queued = false;
		d->on_end(d->arg);
	}
}

int
loop_run(struct loop *l)
{
	l->stopped = false;
	run_deferred(l);
	while (!l->stopped) {
		l->now = 0;
		if (event_base_loop(l->base, EVLOOP_ONCE) == -1)
			fatal_errno("event loop");
		run_deferred(l);
	}
	return l->status;
}

void
loop_stop(struct loop *l, int status)
{
	l->stopped = true;
	l->status = status;
	event_base_loopbreak(l->base);
}

int64_t
loop_now(const struct loop *l)
{
	/* Cached per round: the struct is ours, only the cache changes. */
	struct loop *mine = (struct loop *)(uintptr_t)l;

	if (mine->now == 0)
		mine->now = clock_mono_ms();
	return mine->now;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct timer *t = arg;

	(void)fd;
	(void)what;
	t->on_time(t->arg);
}

void
timer_init(
    struct timer *t, struct loop *l, void (*on_time)(void *arg), void *arg)
{
	*t = (struct timer){ .on_time = on_time, .arg = arg };
	t->ev = evtimer_new(l->base, on_timer, t);
	if (t->ev == NULL)
		fatal("libevent: no memory");
}

void
timer_set(struct timer *t, int64_t ms)
{
	struct timeval tv;

	if (ms < 0)
		ms = 0;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	evtimer_add(t->ev, &tv);
}

void
timer_cancel(struct timer *t)
{
	if (t->ev != NULL)
		evtimer_del(t->ev);
}

bool
timer_is_set(const struct timer *t)
{
	return t->ev != NULL && evtimer_pending(t->ev, NULL) != 0;
}

void
timer_clear(struct timer *t)
{
	if (t->ev != NULL)
		event_free(t->ev);
	t->ev = NULL;
}

static void
on_fd(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	unsigned ready = 0;

	(void)fd;
	if ((what & EV_READ) != 0)
		ready |= WATCH_READ;
	if ((what & EV_WRITE) != 0)
		ready |= WATCH_WRITE;
	w->on_ready(w->arg, ready);
}

void
watch_init(struct watch *w, struct loop *l, int fd,
    void (*on_ready)(void *arg, unsigned what), void *arg)
{
	*w = (struct watch){ .fd = fd, .on_ready = on_ready, .arg = arg };
	w->read = event_new(l->base, fd, EV_READ | EV_PERSIST, on_fd, w);
	w->write = event_new(l->base, fd, EV_WRITE | EV_PERSIST, on_fd, w);
	if (w->read == NULL || w->write == NULL)
		fatal("libevent: no memory");
}

static void
want(struct event *ev, short what, bool on)
{
	bool is = event_pending(ev, what, NULL) != 0;

	if (on && !is && event_add(ev, NULL) != 0)
		fatal_errno("event_add");
	if (!on && is)
		event_del(ev);
}

void
watch_want(struct watch *w, unsigned what)
{
	want(w->read, EV_READ, (what & WATCH_READ) != 0);
	want(w->write, EV_WRITE, (what & WATCH_WRITE) != 0);
}

void
watch_clear(struct watch *w)
{
	if (w->read != NULL)
		event_free(w->read);
	if (w->write != NULL)
		event_free(w->write);
	w->read = w->write = NULL;
}

void
deferred_init(struct deferred *d, struct loop *l, void (*on_end)(void *arg),
    void *arg)
{
	*d = (struct deferred){ .loop = l, .on_end = on_end, .arg = arg };
}

void
deferred_call(struct deferred *d)
{
	if (d->queued)
		return;
	d->queued = true;
	TAILQ_INSERT_TAIL(&d->loop->ends, d, entry);
}

void
deferred_cancel(struct deferred *d)
{
	if (!d->queued)
		return;
	d->queued = false;
	TAILQ_REMOVE(&d->loop->ends, d, entry);
}

static void
on_signo(evutil_socket_t fd, short what, void *arg)
{
	struct signal_call *c = arg;

	(void)fd;
	(void)what;
	c->on_signal(c->arg);
}

void
loop_signal(struct loop *l, int signo, void (*on_signal)(void *arg), void *arg)
{
	struct signal_call *c;

	if (l->nsignals == SIGNALS_MAX)
		fatal("more than %d signals", SIGNALS_MAX);
	c = &l->signals[l->nsignals++];
	*c = (struct signal_call){ .on_signal = on_signal, .arg = arg };
	c->ev = evsignal_new(l->base, signo, on_signo, c);
	if (c->ev == NULL || evsignal_add(c->ev, NULL) != 0)
		fatal("libevent: signal %d", signo);
}
