#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"
#include "event/stream.h"
#include "front/pump.h"
#include "imapd/imapd.h"
#include "msg/front.h"
#include "proc/note.h"

enum { EARLY_MAX = 16384 }; /* octets of the client that go in the hello */

struct client {
	TAILQ_ENTRY(client) entry;
	struct imapd *d;
	struct listen_client who;
	struct stream *stream;   /* the pump's, once there is one */
	struct prelogin session;
	struct login *login;     /* under way, or NULL */
	struct pump *pump;       /* logged in, or NULL */
	struct timer patience;   /* from the connection to the log-in */
	struct deferred reap;
	char user[512];          /* the name as typed, for the worker's log */
	bool closing;
};

static void
note_client(enum note_level level, const char *name, struct client *c)
{
	note(level, name);
	note_c("client", c->who.text);
	note_str("service", c->who.service);
	if (c->user[0] != '\0')
		note_c("login", c->user);
}

static void
on_reap(void *arg)
{
	struct client *c = arg;
	struct imapd *d = c->d;

	TAILQ_REMOVE(&d->clients, c, entry);
	listen_left(d->listen, &c->who);
	timer_clear(&c->patience);
	prelogin_clear(&c->session);
	free(c);
	if (d->proc.stopping && TAILQ_EMPTY(&d->clients))
		proc_stop(&d->proc);
}

/* Before there is a pump: says what is in out and ends. */
static void
end(struct client *c)
{
	if (c->closing)
		return;
	c->closing = true;
	login_cancel(c->login);
	c->login = NULL;
	stream_write(c->stream, buf_str(&c->session.out));
	stream_close(c->stream, true);
	deferred_call(&c->reap);
}

static void
flush(struct client *c)
{
	stream_write(c->stream, buf_str(&c->session.out));
	buf_reset(&c->session.out);
}

static bool
begin_tls(struct client *c)
{
	struct ssl_ctx_st *ctx =
	    keys_ready(&c->d->keys) ? keys_context(&c->d->keys) : NULL;

	if (ctx == NULL || stream_start_tls_server(c->stream, ctx) == -1)
		return false;
	stream_set_deadline(c->stream, c->d->tls_ms);
	return true;
}

static void
set_session_facts(struct client *c)
{
	c->session.can_tls = keys_ready(&c->d->keys);
	prelogin_set_mechs(&c->session, logins_mechs(&c->d->logins));
}

static void
on_pump_end(void *arg, bool worker_lost)
{
	struct client *c = arg;

	/* The worker ends first after LOGOUT and at the end of all. */
	note_client(NOTE_INFO, "left", c);
	note_c("ended_by", worker_lost ? "worker" : "client");
	note_u64("sent", pump_to_client(c->pump));
	note_u64("received", pump_to_worker(c->pump));
	note_end();
	c->pump = NULL;
	c->closing = true;
	deferred_call(&c->reap);
}

/* From here on the worker speaks; it also says the tagged OK. */
static void
enter(struct client *c, int worker)
{
	/* The pump moves the rest. */
	struct str early = str_first(stream_peek(c->stream), EARLY_MAX);
	struct front_hello h = { .tag = buf_str(&c->session.tag),
		.client = str_c(c->who.text), .login = str_c(c->user),
		.tls = c->session.tls, .early = early };
	struct buf first;

	buf_init(&first, BUF_NO_MAX);
	front_hello_put(&first, &h);
	stream_drop(c->stream, early.n);
	timer_cancel(&c->patience);
	stream_set_deadline(c->stream, 0);
	c->pump = pump_new(c->d->proc.loop, c->stream, worker,
	    buf_str(&first), on_pump_end, c);
	buf_clear(&first);
	prelogin_clear(&c->session);
}

static void
on_ask(void *arg, struct str challenge)
{
	struct client *c = arg;

	prelogin_challenge(&c->session, challenge);
	flush(c);
	stream_resume(c->stream);
}

static void
on_done(void *arg, const struct login_done *done)
{
	struct client *c = arg;

	c->login = NULL;
	if (done->result == AUTH_OK) {
		note_client(NOTE_INFO, "login", c);
		note_str("account", done->account);
		note_c("tls", stream_tls_text(c->stream));
		note_end();
		enter(c, done->worker);
		return;
	}
	note_client(NOTE_INFO, "login-failed", c);
	note_u64("result", done->result);
	note_end();
	set_session_facts(c);
	if (prelogin_refused(&c->session, done->result, done->text) ==
	    PRELOGIN_BYE) {
		end(c);
		return;
	}
	flush(c);
	stream_resume(c->stream);
}

static const struct login_ops login_ops = { .on_ask = on_ask,
	.on_done = on_done };

/* Nothing more is taken from the client until authd has answered. */
static void
begin_login(struct client *c)
{
	struct prelogin *s = &c->session;

	if (!str_copy(c->user, sizeof(c->user), s->user))
		c->user[0] = '\0';
	stream_pause(c->stream);
	c->login = login_begin_plain(&c->d->logins, s->user, s->password,
	    str_c(c->who.text), s->tls, &login_ops, c);
}

static void
begin_auth(struct client *c)
{
	struct prelogin *s = &c->session;
	struct msg_auth_begin b = { .tls = s->tls,
		.has_initial = s->has_initial, .mech = s->mech,
		.client = str_c(c->who.text), .initial = buf_str(&s->response) };

	c->user[0] = '\0';
	stream_pause(c->stream);
	c->login = login_begin(&c->d->logins, &b, &login_ops, c);
}

static void
starttls(struct client *c)
{
	flush(c);
	/* Octets sent in the clear behind STARTTLS: the call refuses. */
	if (!begin_tls(c)) {
		note_client(NOTE_WARN, "starttls-refused", c);
		note_end();
		end(c);
	}
}

static void
act(struct client *c, enum prelogin_event e)
{
	switch (e) {
	case PRELOGIN_MORE:
		return;
	case PRELOGIN_STARTTLS:
		starttls(c);
		return;
	case PRELOGIN_LOGIN:
		begin_login(c);
		return;
	case PRELOGIN_AUTH:
		begin_auth(c);
		return;
	case PRELOGIN_SAY:
		stream_pause(c->stream);
		login_say(c->login, buf_str(&c->session.response));
		return;
	case PRELOGIN_CANCEL:
		login_cancel(c->login);
		c->login = NULL;
		return;
	case PRELOGIN_BYE:
		end(c);
		return;
	}
}

/* Takes what waits until an event must be answered first. */
static void
handle(struct client *c)
{
	enum prelogin_event e = PRELOGIN_MORE;

	while (!c->closing && e != PRELOGIN_STARTTLS && c->login == NULL) {
		struct str all = stream_peek(c->stream), in = all;

		if (all.n == 0 || stream_pending(c->stream) != 0)
			break;
		set_session_facts(c);
		e = prelogin_feed(&c->session, &in);
		stream_drop(c->stream, all.n - in.n);
		if (e != PRELOGIN_STARTTLS && e != PRELOGIN_BYE)
			flush(c);
		act(c, e);
	}
}

/* Answers of a challenge come while a log-in is under way. */
static void
on_input(void *arg)
{
	struct client *c = arg;
	struct str all, in;
	enum prelogin_event e;

	if (c->closing)
		return;
	if (c->login == NULL ||
	    c->session.state != PRELOGIN_WAITS_CLIENT) {
		handle(c);
		return;
	}
	all = in = stream_peek(c->stream);
	e = prelogin_feed(&c->session, &in);
	stream_drop(c->stream, all.n - in.n);
	if (e != PRELOGIN_BYE)
		flush(c);
	act(c, e);
	if (e == PRELOGIN_CANCEL)
		handle(c);
}

static void
on_drained(void *arg)
{
	struct client *c = arg;

	if (!c->closing && c->login == NULL)
		handle(c);
}

static void
on_ready(void *arg, bool tls)
{
	struct client *c = arg;

	if (!tls)
		return;
	stream_set_deadline(c->stream, 0);
	set_session_facts(c);
	if (c->session.state == PRELOGIN_WAITS_OWNER) {
		prelogin_tls_on(&c->session);
		return;
	}
	prelogin_tls_on(&c->session);
	prelogin_greet(&c->session);
	flush(c);
}

static void
on_end(void *arg, enum stream_end why)
{
	struct client *c = arg;

	if (why == STREAM_TLS) {
		note_client(NOTE_INFO, "tls-failed", c);
		note_c("text", stream_error(c->stream));
		note_end();
	}
	buf_reset(&c->session.out);
	end(c);
}

static const struct stream_ops stream_ops = {
	.on_input = on_input,
	.on_drained = on_drained,
	.on_ready = on_ready,
	.on_end = on_end,
};

static void
on_patience(void *arg)
{
	struct client *c = arg;

	if (c->closing || c->pump != NULL)
		return;
	prelogin_bye(&c->session, "[UNAVAILABLE] No log-in in time");
	end(c);
}

static bool
is_loopback(const struct listen_client *who)
{
	if (who->family == AF_INET)
		return who->addr[0] == 127;
	if (who->family == AF_INET6)
		return memcmp(who->addr, &in6addr_loopback, 16) == 0;
	return who->family == AF_UNIX;
}

void
client_new(struct imapd *d, int fd, const struct listen_client *who)
{
	struct client *c = xcalloc(1, sizeof(*c));

	c->d = d;
	c->who = *who;
	prelogin_init(&c->session, &d->conf);
	c->session.plain_ok = d->plaintext == PLAINTEXT_YES ||
	    (d->plaintext == PLAINTEXT_LOOPBACK && is_loopback(who));
	timer_init(&c->patience, d->proc.loop, on_patience, c);
	timer_set(&c->patience, d->login_ms);
	deferred_init(&c->reap, d->proc.loop, on_reap, c);
	c->stream = stream_new(d->proc.loop, fd, &stream_ops, c);
	TAILQ_INSERT_TAIL(&d->clients, c, entry);
	note_client(NOTE_DEBUG, "connected", c);
	note_end();
	if (str_eq(who->service, STR("imaps"))) {
		if (!begin_tls(c))
			end(c);
		return;
	}
	set_session_facts(c);
	prelogin_greet(&c->session);
	flush(c);
}

void
client_stop(struct client *c)
{
	if (c->closing || c->pump != NULL)
		return;
	prelogin_bye(&c->session, "[UNAVAILABLE] The server stops");
	end(c);
}

struct client *
client_next(struct client *c)
{
	return TAILQ_NEXT(c, entry);
}
