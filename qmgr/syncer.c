#include "qmgr/syncer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fatal.h"
#include "event/loop.h"

TAILQ_HEAD(works, work);

struct syncer {
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows, up to event */
	struct works urgent, later, finished;
	bool stop;
	/* Both are told with the lock given up: who wakes must not have to
	 * wait for it. */
	sem_t posted;         /* the thread: look at urgent and later */
	int event;            /* the loop, readable: finished is not empty */
	bool threaded;
	unsigned open;        /* posted and not yet told; loop's thread only */
	struct watch watch;
};

/* lock is held. */
static struct work *
next_work(struct syncer *s)
{
	struct works *from = TAILQ_EMPTY(&s->urgent) ? &s->later : &s->urgent;
	struct work *w = TAILQ_FIRST(from);

	if (w != NULL)
		TAILQ_REMOVE(from, w, entry);
	return w;
}

static void
tell_loop(struct syncer *s)
{
	const uint64_t one = 1;

	if (s->threaded && write(s->event, &one, sizeof(one)) == -1 &&
	    errno != EAGAIN)
		fatal_errno("eventfd");
}

/* All there is; *stop tells whether more may come. */
static void
run_all(struct syncer *s, bool *stop)
{
	struct work *w;

	pthread_mutex_lock(&s->lock);
	while ((w = next_work(s)) != NULL) {
		bool again;

		pthread_mutex_unlock(&s->lock);
		again = w->run(w);
		pthread_mutex_lock(&s->lock);
		if (again) {
			TAILQ_INSERT_HEAD(
			    w->urgent ? &s->urgent : &s->later, w, entry);
			continue;
		}
		TAILQ_INSERT_TAIL(&s->finished, w, entry);
		pthread_mutex_unlock(&s->lock);
		tell_loop(s);
		pthread_mutex_lock(&s->lock);
	}
	*stop = s->stop;
	pthread_mutex_unlock(&s->lock);
}

static void *
serve(void *arg)
{
	struct syncer *s = arg;
	bool stop = false;

	while (!stop) {
		if (sem_wait(&s->posted) == 0)
			run_all(s, &stop);
		else if (errno != EINTR)
			fatal_errno("semaphore");
	}
	return NULL;
}

static void
tell_finished(struct syncer *s)
{
	struct works told = TAILQ_HEAD_INITIALIZER(told);
	struct work *w;

	pthread_mutex_lock(&s->lock);
	TAILQ_CONCAT(&told, &s->finished, entry);
	pthread_mutex_unlock(&s->lock);
	while ((w = TAILQ_FIRST(&told)) != NULL) {
		TAILQ_REMOVE(&told, w, entry);
		s->open--;
		w->done(w);
	}
}

static void
on_event(void *arg, unsigned what)
{
	struct syncer *s = arg;
	uint64_t n;

	(void)what;
	if (read(s->event, &n, sizeof(n)) == -1 && errno != EAGAIN)
		fatal_errno("eventfd");
	tell_finished(s);
}

struct syncer *
syncer_new(struct loop *loop)
{
	struct syncer *s = xcalloc(1, sizeof(*s));
	sigset_t all, before;

	TAILQ_INIT(&s->urgent);
	TAILQ_INIT(&s->later);
	TAILQ_INIT(&s->finished);
	pthread_mutex_init(&s->lock, NULL);
	sem_init(&s->posted, 0, 0);
	s->threaded = loop != NULL;
	if (!s->threaded)
		return s;
	s->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->event == -1)
		fatal_errno("eventfd");
	watch_init(&s->watch, loop, s->event, on_event, s);
	watch_want(&s->watch, WATCH_READ);
	sigfillset(&all); /* signals are for the loop */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&s->thread, NULL, serve, s) != 0)
		fatal("no thread for the disk");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return s;
}

void
syncer_post(struct syncer *s, struct work *w)
{
	s->open++;
	pthread_mutex_lock(&s->lock);
	TAILQ_INSERT_TAIL(w->urgent ? &s->urgent : &s->later, w, entry);
	pthread_mutex_unlock(&s->lock);
	sem_post(&s->posted);
}

bool
syncer_run_here(struct syncer *s, struct work *w)
{
	if (s->open != 0)
		return false;
	while (w->run(w))
		;
	w->done(w);
	return true;
}

void
syncer_wait(struct syncer *s)
{
	bool stop;

	while (s->open != 0) {
		if (s->threaded) {
			struct pollfd p = { .fd = s->event, .events = POLLIN };

			poll(&p, 1, -1);
			on_event(s, WATCH_READ);
		} else {
			run_all(s, &stop);
			tell_finished(s);
		}
	}
}

void
syncer_free(struct syncer *s)
{
	if (s == NULL)
		return;
	syncer_wait(s);
	if (s->threaded) {
		pthread_mutex_lock(&s->lock);
		s->stop = true;
		pthread_mutex_unlock(&s->lock);
		sem_post(&s->posted);
		pthread_join(s->thread, NULL);
		watch_clear(&s->watch);
		close(s->event);
	}
	sem_destroy(&s->posted);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
