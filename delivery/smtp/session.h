/*
 * session -- one connection: a stream, the client machine on it, and the
 * mail that it carries now.  Owned by the engine's list; frees itself at the
 * end of its connection.
 */
#ifndef POSTERN_SMTP_SESSION_H
#define POSTERN_SMTP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "delivery/smtp/client.h"
#include "delivery/smtp/resolve.h"
#include "event/loop.h"
#include "event/stream.h"
#include "msg/agent.h"

struct engine;
struct session;

/* What the user of a session (a delivery) learns.  The session is gone after
 * on_over. */
struct session_ops {
	void (*on_ready)(void *arg, struct session *s);
	void (*on_done)(void *arg, struct session *s);
	void (*on_over)(void *arg, struct session *s,
	    const struct client_failure *failure);
};

struct session {
	TAILQ_ENTRY(session) entry; /* engine: busy or idle */
	struct engine *engine;
	const struct session_ops *ops;
	void *arg;                  /* the user; NULL while idle */
	struct stream *stream;
	struct client client;
	struct target target;
	char key[700];              /* next hop and TLS policy: for reuse */
	char remote[TARGET_TEXT]; /* "mx.example.org [192.0.2.1]" */
	struct agent_job *job;      /* whose text is sent */
	uint64_t text_at;           /* octets of it sent */
	bool literal;               /* host is an address */
	bool connected;             /* a server answered */
	bool was_ready;             /* it got through EHLO */
	bool shaking;               /* TLS handshake under way or failed */
	bool reused;                /* this mail is not its first */
	bool idle;
	bool dead;
};

/* Connects to target; words (in ops->on_over) when even that fails: then
 * NULL is returned, error is set, and on_over does not come. */
struct session *session_new(struct engine *e, const struct target *target,
    const char *key, const struct client_conf *conf,
    const struct session_ops *ops, void *arg, int *error);
/* In READY: sends the mail, its text from job. */
void session_send(struct session *s, const struct client_mail *mail,
    struct agent_job *job);
/* Its user is done with it: kept for the next mail of the same key, or
 * closed. */
void session_release(struct session *s);
/* Taken from the idle ones: a new user. */
void session_take(struct session *s, const struct session_ops *ops, void *arg);
/* Breaks it off; its user is not told. */
void session_abort(struct session *s);

#endif
