#include "helpers/authd/hasher.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fatal.h"

STAILQ_HEAD(jobs, hash_job);

struct hasher {
	pthread_mutex_t lock; /* todo, ndone, done */
	pthread_cond_t more;
	struct jobs todo, done;
	size_t waiting, most;
	int bell;             /* rung by threads: something is done */
	struct watch watch;
};

void
hash_job_init(struct hash_job *j, void (*on_done)(void *arg), void *arg)
{
	*j = (struct hash_job){ .on_done = on_done, .arg = arg };
	buf_init(&j->password, BUF_NO_MAX);
	buf_init(&j->stored, BUF_NO_MAX);
}

void
hash_job_clear(struct hash_job *j)
{
	buf_clear_secret(&j->password);
	buf_clear_secret(&j->stored);
}

static void
work(struct hash_job *j)
{
	if (j->make) {
		buf_reset(&j->stored);
		j->ok = scheme_make(j->how, buf_str(&j->password), &j->stored);
	} else {
		j->ok = scheme_check(
		    buf_str(&j->stored), buf_str(&j->password));
	}
}

static void *
thread_main(void *arg)
{
	struct hasher *h = arg;
	uint64_t one = 1;

	pthread_mutex_lock(&h->lock);
	for (;;) {
		struct hash_job *j = STAILQ_FIRST(&h->todo);

		if (j == NULL) {
			pthread_cond_wait(&h->more, &h->lock);
			continue;
		}
		STAILQ_REMOVE_HEAD(&h->todo, entry);
		h->waiting--;
		pthread_mutex_unlock(&h->lock);
		work(j);
		pthread_mutex_lock(&h->lock);
		STAILQ_INSERT_TAIL(&h->done, j, entry);
		if (write(h->bell, &one, sizeof(one)) != sizeof(one))
			abort(); /* an eventfd takes it, always */
	}
	return NULL;
}

static void
on_bell(void *arg, unsigned what)
{
	struct hasher *h = arg;
	struct jobs done = STAILQ_HEAD_INITIALIZER(done);
	struct hash_job *j;
	uint64_t n;

	(void)what;
	if (read(h->bell, &n, sizeof(n)) != sizeof(n))
		return;
	pthread_mutex_lock(&h->lock);
	STAILQ_CONCAT(&done, &h->done);
	pthread_mutex_unlock(&h->lock);
	while ((j = STAILQ_FIRST(&done)) != NULL) {
		STAILQ_REMOVE_HEAD(&done, entry);
		j->on_done(j->arg);
	}
}

static void
start_thread(struct hasher *h)
{
	pthread_t t;
	sigset_t all, was;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	if (pthread_create(&t, NULL, thread_main, h) != 0)
		fatal("cannot start a hash thread");
	pthread_detach(t);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
}

struct hasher *
hasher_new(struct loop *loop, unsigned threads, size_t waiting)
{
	struct hasher *h = xcalloc(1, sizeof(*h));

	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->more, NULL);
	STAILQ_INIT(&h->todo);
	STAILQ_INIT(&h->done);
	h->most = waiting;
	h->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->bell == -1)
		fatal_errno("eventfd");
	watch_init(&h->watch, loop, h->bell, on_bell, h);
	watch_want(&h->watch, WATCH_READ);
	for (unsigned i = 0; i < threads; i++)
		start_thread(h);
	return h;
}

bool
hasher_submit(struct hasher *h, struct hash_job *j)
{
	bool room;

	pthread_mutex_lock(&h->lock);
	room = h->waiting < h->most;
	if (room) {
		h->waiting++;
		STAILQ_INSERT_TAIL(&h->todo, j, entry);
		pthread_cond_signal(&h->more);
	}
	pthread_mutex_unlock(&h->lock);
	return room;
}
