#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/fatal.h"
#include "event/stream.h"
#include "front/pump.h"
#include "msg/front.h"
#include "pop3d/pop3d.h"
#include "proc/note.h"

enum { EARLY_MAX = 16384 };

struct client {
	TAILQ_ENTRY(client) entry;
	struct pop3d *d;
	struct listen_client who;
	struct stream *stream;  /* the pump's, once there is one */
	struct door door;
	struct login *login;    /* under way, or NULL */
	struct pump *pump;      /* logged in, or NULL */
	struct timer patience;  /* from the connection to the log-in */
	struct deferred reap;
	char user[DOOR_USER_MAX + 1]; /* the name as typed */
	bool closing;
};

static void
begin_note(struct client *c, enum note_level level, const char *name)
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
	struct pop3d *d = c->d;

	TAILQ_REMOVE(&d->clients, c, entry);
	listen_left(d->listen, &c->who);
	timer_clear(&c->patience);
	door_clear(&c->door);
	free(c);
	if (d->proc.stopping && TAILQ_EMPTY(&d->clients))
		proc_stop(&d->proc);
}

static void
flush(struct client *c)
{
	stream_write(c->stream, buf_str(&c->door.out));
	buf_reset(&c->door.out);
}

/* Before there is a pump: says what is in out, and ends. */
static void
end(struct client *c)
{
	if (c->closing)
		return;
	c->closing = true;
	login_cancel(c->login);
	c->login = NULL;
	flush(c);
	stream_close(c->stream, true);
	deferred_call(&c->reap);
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

/* What the machine must know of the world before it reads on. */
static void
tell_door(struct client *c)
{
	c->door.can_tls = keys_ready(&c->d->keys);
	door_set_mechs(&c->door, logins_mechs(&c->d->logins));
}

static void
greet(struct client *c)
{
	tell_door(c);
	door_greet(&c->door);
	flush(c);
}

/* The worker closes first when all is well: after QUIT. */
static void
on_pump_end(void *arg, bool worker_lost)
{
	struct client *c = arg;

	(void)worker_lost;
	begin_note(c, NOTE_INFO, "left");
	note_u64("sent", pump_to_client(c->pump));
	note_u64("received", pump_to_worker(c->pump));
	note_end();
	c->pump = NULL;
	c->closing = true;
	deferred_call(&c->reap);
}

/* From here on the worker speaks; it also says the +OK of the log-in. */
static void
enter(struct client *c, int worker)
{
	/* The hello must fit the worker's view of its input; what is beyond
	 * stays in the stream and is pumped. */
	struct str early = str_first(stream_peek(c->stream), EARLY_MAX);
	struct front_hello h = { .client = str_c(c->who.text),
		.login = str_c(c->user), .tls = c->door.tls, .early = early };
	struct buf first;

	buf_init(&first, BUF_NO_MAX);
	front_hello_put(&first, &h);
	stream_drop(c->stream, early.n);
	timer_cancel(&c->patience);
	stream_set_deadline(c->stream, 0);
	c->pump = pump_new(c->d->proc.loop, c->stream, worker,
	    buf_str(&first), on_pump_end, c);
	buf_clear(&first);
	door_clear(&c->door);
}

static void
on_ask(void *arg, struct str challenge)
{
	struct client *c = arg;

	door_challenge(&c->door, challenge);
	flush(c);
	stream_resume(c->stream);
}

static void
on_done(void *arg, const struct login_done *done)
{
	struct client *c = arg;
	enum door_event e;

	c->login = NULL;
	if (done->result == AUTH_OK) {
		begin_note(c, NOTE_INFO, "login");
		note_str("account", done->account);
		note_c("tls", stream_tls_text(c->stream));
		note_end();
		enter(c, done->worker);
		return;
	}
	begin_note(c, NOTE_INFO, "login-failed");
	note_u64("result", done->result);
	note_end();
	e = door_refused(&c->door, done->result, done->text);
	if (e == DOOR_BYE) {
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
	struct door *d = &c->door;

	if (!str_copy(c->user, sizeof(c->user), buf_str(&d->user)))
		c->user[0] = '\0';
	stream_pause(c->stream);
	c->login = login_begin_plain(&c->d->logins, buf_str(&d->user),
	    buf_str(&d->secret), str_c(c->who.text), d->tls, &login_ops, c);
}

static void
begin_auth(struct client *c)
{
	struct door *d = &c->door;
	struct msg_auth_begin b = { .tls = d->tls,
		.has_initial = d->has_initial, .mech = str_c(d->mech),
		.client = str_c(c->who.text), .initial = buf_str(&d->secret) };

	c->user[0] = '\0';
	stream_pause(c->stream);
	c->login = login_begin(&c->d->logins, &b, &login_ops, c);
}

static void
begin_stls(struct client *c)
{
	flush(c);
	/* Octets sent in the clear behind STLS: the call refuses. */
	if (!begin_tls(c)) {
		begin_note(c, NOTE_WARN, "stls-refused");
		note_end();
		end(c);
	}
}

static void
act(struct client *c, enum door_event e)
{
	switch (e) {
	case DOOR_MORE:
		return;
	case DOOR_STLS:
		begin_stls(c);
		return;
	case DOOR_LOGIN:
		begin_login(c);
		return;
	case DOOR_AUTH:
		begin_auth(c);
		return;
	case DOOR_SAY:
		stream_pause(c->stream);
		login_say(c->login, buf_str(&c->door.secret));
		return;
	case DOOR_CANCEL:
		login_cancel(c->login);
		c->login = NULL;
		return;
	case DOOR_BYE:
		end(c);
		return;
	}
}

/* The machine may read: nobody else has to answer first. */
static bool
may_read(const struct client *c)
{
	return !c->closing && c->pump == NULL &&
	    (c->door.state == DOOR_COMMANDS ||
	    c->door.state == DOOR_WAITS_CLIENT);
}

static void
read_on(struct client *c)
{
	while (may_read(c) && stream_pending(c->stream) == 0) {
		struct str all = stream_peek(c->stream), in = all;
		enum door_event e;

		if (all.n == 0)
			return;
		tell_door(c);
		e = door_feed(&c->door, &in);
		stream_drop(c->stream, all.n - in.n);
		/* The answer to STLS leaves with the handshake, a last word
		 * with the end. */
		if (e != DOOR_STLS && e != DOOR_BYE)
			flush(c);
		act(c, e);
	}
}

static void
on_input(void *arg)
{
	read_on(arg);
}

static void
on_drained(void *arg)
{
	read_on(arg);
}

static void
on_ready(void *arg, bool tls)
{
	struct client *c = arg;
	bool implicit = c->door.state != DOOR_WAITS_OWNER;

	if (!tls || c->closing)
		return;
	stream_set_deadline(c->stream, 0);
	door_tls_on(&c->door);
	if (implicit)
		greet(c);
}

static void
on_end(void *arg, enum stream_end why)
{
	struct client *c = arg;

	if (why == STREAM_TLS) {
		begin_note(c, NOTE_INFO, "tls-failed");
		note_c("text", stream_error(c->stream));
		note_end();
	}
	buf_reset(&c->door.out);
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
	door_bye(&c->door, "[SYS/TEMP] No log-in in time");
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
client_new(struct pop3d *d, int fd, const struct listen_client *who)
{
	struct client *c = xcalloc(1, sizeof(*c));

	c->d = d;
	c->who = *who;
	door_init(&c->door, &d->conf);
	c->door.plain_ok = d->plaintext == PLAINTEXT_YES ||
	    (d->plaintext == PLAINTEXT_LOOPBACK && is_loopback(who));
	timer_init(&c->patience, d->proc.loop, on_patience, c);
	timer_set(&c->patience, d->login_ms);
	deferred_init(&c->reap, d->proc.loop, on_reap, c);
	c->stream = stream_new(d->proc.loop, fd, &stream_ops, c);
	TAILQ_INSERT_TAIL(&d->clients, c, entry);
	begin_note(c, NOTE_DEBUG, "connected");
	note_end();
	if (!str_eq(who->service, STR("pop3s")))
		greet(c);
	else if (!begin_tls(c))
		end(c);
}

void
client_stop(struct client *c)
{
	if (c->closing || c->pump != NULL)
		return;
	door_bye(&c->door, "[SYS/TEMP] The server stops");
	end(c);
}

struct client *
client_next(struct client *c)
{
	return TAILQ_NEXT(c, entry);
}
