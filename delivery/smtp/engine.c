#include "delivery/smtp/engine.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "event/tls.h"
#include "proc/link.h"
#include "proc/note.h"

/* --- rounds ------------------------------------------------------------ */

static void
reap(void *arg)
{
	struct engine *e = arg;
	struct session *s;
	struct delivery *d;

	while ((s = TAILQ_FIRST(&e->gone)) != NULL) {
		TAILQ_REMOVE(&e->gone, s, entry);
		client_clear(&s->client);
		free(s);
	}
	while ((d = TAILQ_FIRST(&e->ended)) != NULL) {
		TAILQ_REMOVE(&e->ended, d, entry);
		delivery_free(d);
	}
	if (e->stopping && agent_running(&e->agent) == 0 &&
	    TAILQ_EMPTY(&e->busy))
		e->on_empty(e->arg);
}

/* Who waits may go on while there is room. */
static void
wake(void *arg)
{
	struct engine *e = arg;
	struct delivery *d;

	while ((d = TAILQ_FIRST(&e->waiting)) != NULL && engine_may_connect(e))
		delivery_go_on(d);
	deferred_call(&e->reap);
}

void
engine_wake(struct engine *e)
{
	deferred_call(&e->wake);
}

/* --- connections ------------------------------------------------------- */

struct session *
engine_idle(struct engine *e, const char *key)
{
	struct session *s;

	TAILQ_FOREACH(s, &e->idle, entry)
		if (strcmp(s->key, key) == 0)
			return s;
	return NULL;
}

bool
engine_may_connect(struct engine *e)
{
	if (e->nsessions >= e->conf.sessions && !TAILQ_EMPTY(&e->idle))
		session_abort(TAILQ_LAST(&e->idle, idle_sessions));
	return e->nsessions < e->conf.sessions;
}

/* --- qmgr -------------------------------------------------------------- */

static void
on_job(void *arg, struct agent_job *job)
{
	struct engine *e = arg;

	delivery_start(e, job);
	if (e->stopping && job->own != NULL)
		delivery_cancel(job->own, "the server stops");
}

static void
on_forget(void *arg, struct agent_job *job)
{
	(void)arg;
	if (job->own != NULL)
		delivery_forget(job->own);
}

static void
on_cancel(void *arg, struct agent_job *job)
{
	struct delivery *d = job->own;

	(void)arg;
	if (d != NULL)
		delivery_cancel(d, "the queue manager took it back");
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	struct agent *a = arg;

	if (a->link == l) {
		note(NOTE_WARN, "link-closed");
		note_c("peer", "qmgr");
		note_c("why", why);
		note_end();
		agent_unlink(a);
	}
	link_free(l);
}

static void
on_broken(void *arg, struct link *l, const char *why)
{
	struct engine *e = arg;

	on_close(&e->agent, l, why);
}

static const struct agent_ops agent_ops = {
	.on_job = on_job,
	.on_cancel = on_cancel,
	.on_broken = on_broken,
	.on_forget = on_forget,
};

static const struct link_rule qmgr_rules[] = { AGENT_RULES };

static const struct link_ops qmgr_ops = {
	.rules = qmgr_rules,
	.nrules = sizeof(qmgr_rules) / sizeof(qmgr_rules[0]),
	.on_close = on_close,
};

void
engine_qmgr(struct engine *e, int fd)
{
	if (e->agent.link != NULL)
		on_close(&e->agent, e->agent.link, "a fresh one came");
	agent_link(&e->agent, link_new(e->loop, fd, &qmgr_ops, &e->agent));
}

/* --- life -------------------------------------------------------------- */

void
engine_init(struct engine *e, struct loop *l, const struct engine_conf *conf,
    struct ssl_ctx_st *tls_any, struct ssl_ctx_st *tls_verify)
{
	*e = (struct engine){ .loop = l, .conf = *conf, .tls_any = tls_any,
		.tls_verify = tls_verify };
	TAILQ_INIT(&e->busy);
	TAILQ_INIT(&e->idle);
	TAILQ_INIT(&e->gone);
	TAILQ_INIT(&e->running);
	TAILQ_INIT(&e->waiting);
	TAILQ_INIT(&e->ended);
	names_init(&e->names, l);
	agent_init(&e->agent, l, &agent_ops, e);
	deferred_init(&e->reap, l, reap, e);
	deferred_init(&e->wake, l, wake, e);
}

void
engine_stop(struct engine *e, void (*on_empty)(void *arg), void *arg)
{
	struct session *s, *next;

	e->stopping = true;
	e->on_empty = on_empty;
	e->arg = arg;
	TAILQ_FOREACH_SAFE(s, &e->idle, entry, next)
		session_abort(s);
	deferred_call(&e->reap);
}

void
engine_clear(struct engine *e)
{
	struct delivery *d, *next;
	struct session *s;

	e->stopping = false;
	TAILQ_FOREACH_SAFE(d, &e->running, entry, next)
		delivery_cancel(d, "the server stops");
	TAILQ_FOREACH_SAFE(d, &e->waiting, entry, next)
		delivery_cancel(d, "the server stops");
	while ((s = TAILQ_FIRST(&e->idle)) != NULL)
		session_abort(s);
	reap(e);
	names_clear(&e->names);
	if (e->agent.link != NULL)
		link_free(e->agent.link);
	e->agent.link = NULL;
	agent_clear(&e->agent);
	deferred_cancel(&e->reap);
	deferred_cancel(&e->wake);
	if (e->tls_any != NULL)
		tls_free(e->tls_any);
	if (e->tls_verify != NULL)
		tls_free(e->tls_verify);
}
