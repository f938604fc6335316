/*
 * engine -- all deliveries and connections of one smtp process: how many
 * there may be, which are idle and can be used again, which jobs wait.
 */
#ifndef POSTERN_SMTP_ENGINE_H
#define POSTERN_SMTP_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "delivery/smtp/delivery.h"
#include "delivery/smtp/names.h"
#include "delivery/smtp/session.h"
#include "event/loop.h"
#include "msg/agent.h"

struct ssl_ctx_st;

struct engine_conf {
	char hostname[256];      /* ours, for loops */
	char helo[256];          /* said in EHLO */
	uint16_t port;           /* for hosts found by MX */
	int64_t connect_ms, greeting_ms, command_ms, data_ms, dot_ms, tls_ms;
	int64_t reuse_ms;        /* an idle connection is kept */
	unsigned addresses;      /* tried in one attempt */
	unsigned messages;       /* over one connection */
	size_t sessions;         /* connections at once */
	enum route_tls tls;      /* where no route asks for more than "may" */
};

struct engine {
	struct loop *loop;
	struct engine_conf conf;
	struct names names;
	struct agent agent;
	struct ssl_ctx_st *tls_any, *tls_verify;
	TAILQ_HEAD(, session) busy;
	TAILQ_HEAD(idle_sessions, session) idle; /* last used first */
	size_t nsessions;
	TAILQ_HEAD(, session) gone;      /* freed at the end of the round */
	TAILQ_HEAD(, delivery) running;
	TAILQ_HEAD(, delivery) waiting;  /* for a free session */
	TAILQ_HEAD(, delivery) ended;    /* freed at the end of the round */
	struct deferred reap;
	struct deferred wake;
	bool stopping;
	void (*on_empty)(void *arg);     /* stopping, and nothing runs */
	void *arg;
};

/* The contexts are the engine's from here on; they may be NULL in tests. */
void engine_init(struct engine *e, struct loop *l,
    const struct engine_conf *conf, struct ssl_ctx_st *tls_any,
    struct ssl_ctx_st *tls_verify);
void engine_clear(struct engine *e);
/* Fresh link ends. */
void engine_qmgr(struct engine *e, int fd);
/* Finishes what is under way, takes nothing new, then on_empty. */
void engine_stop(struct engine *e, void (*on_empty)(void *arg), void *arg);

/* An idle session for this key that is good for another mail, or NULL. */
struct session *engine_idle(struct engine *e, const char *key);
/* There may be one more connection; if need be an idle one is closed. */
bool engine_may_connect(struct engine *e);
/* A session or delivery ended: the next one may begin. */
void engine_wake(struct engine *e);

#endif
