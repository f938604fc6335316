#include "smtpd/conn_int.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"
#include "proc/note.h"

enum {
	IN_MAX = 65536,          /* octets read ahead of the session */
	OUT_MAX = 65536,
	ANSWER_MS = 30000,       /* wait for routerd */
	QUEUE_MS = 600000,       /* wait for qmgr after the final dot */
	LOGIN_MS = 60000,        /* wait for authd */
	RATE_GRACE_MS = 30000    /* before min_rate holds */
};

static void
on_reap(void *arg)
{
	struct conn *c = arg;
	struct smtpd *d = c->d;

	conn_calls_cancel(c);
	smtp_session_clear(&c->session);
	timer_clear(&c->greeting);
	deferred_cancel(&c->pump);
	listen_left(d->listen, &c->client);
	TAILQ_REMOVE(&d->conns, c, entry);
	free(c);
	if (d->proc.stopping && TAILQ_EMPTY(&d->conns))
		proc_stop(&d->proc);
}

static void
conn_close(struct conn *c, const char *reason)
{
	if (c->closing)
		return;
	c->closing = true;
	note(NOTE_INFO, "disconnected");
	note_c("client", c->client.text);
	note_str("service", c->client.service);
	note_u64("messages", c->session.messages);
	note_ms("took", loop_now(c->d->proc.loop) - c->began);
	if (reason[0] != '\0')
		note_c("reason", reason);
	note_end();
	stream_close(c->stream, true);
	deferred_call(&c->reap);
}

static void
write_out(struct conn *c)
{
	struct buf *out = &c->session.out;

	if (buf_len(out) == 0)
		return;
	stream_write(c->stream, buf_str(out));
	buf_reset(out);
}

/* Replies to a group of commands go out together: not while the next one is
 * being looked up. */
static bool
may_write(const struct conn *c)
{
	return (c->session.waiting != SMTP_WAIT_SENDER &&
	           c->session.waiting != SMTP_WAIT_RCPT) ||
	    c->session.state == SMTP_END;
}

static bool
must_log_in(const struct conn *c)
{
	return (c->session.policy->kind == SMTP_SUBMISSION ||
	           c->session.policy->kind == SMTP_SUBMISSIONS) &&
	    c->session.login[0] == '\0';
}

/* How long the session may stay as it is now. */
static int64_t
wait_of(const struct conn *c)
{
	const struct smtpd_waits *w = &c->d->waits;

	switch (c->session.waiting) {
	case SMTP_WAIT_TLS:
		return w->tls;
	case SMTP_WAIT_AUTH:
		return LOGIN_MS;
	case SMTP_WAIT_SENDER:
	case SMTP_WAIT_RCPT:
		return ANSWER_MS;
	case SMTP_WAIT_QUEUED:
		return QUEUE_MS;
	case SMTP_WAIT_NONE:
		break;
	}
	return c->session.state == SMTP_DATA ? w->data : w->command;
}

/* Octets that do not end a line do not prolong the wait for it. */
static void
set_deadline(struct conn *c)
{
	bool timed = line_is_open(&c->session.line);
	int64_t ms = wait_of(c);

	if (timed && c->line_timed)
		return;
	c->line_timed = timed;
	if (must_log_in(c)) {
		int64_t left = c->began + c->d->waits.login -
		    loop_now(c->d->proc.loop);

		if (left < ms)
			ms = left > 0 ? left : 1;
	}
	stream_set_deadline(c->stream, ms);
}

/* A message that trickles is given up. */
static bool
is_too_slow(const struct conn *c)
{
	int64_t took = loop_now(c->d->proc.loop) - c->data_began;

	return c->session.state == SMTP_DATA &&
	    c->session.waiting == SMTP_WAIT_NONE && took > RATE_GRACE_MS &&
	    c->session.received <
	    c->d->waits.min_rate * (uint64_t)(took / 1000);
}

static void
hold(struct conn *c)
{
	if (c->held)
		return;
	c->held = true;
	stream_pause(c->stream);
	stream_set_deadline(c->stream, QUEUE_MS);
}

/* Gives the session what it takes now. */
static void
feed(struct conn *c)
{
	for (;;) {
		struct str in = stream_peek(c->stream);
		enum smtp_state before = c->session.state;
		size_t used;

		if (queue_is_full(&c->d->queue) && before == SMTP_DATA) {
			hold(c);
			return;
		}
		if (in.n == 0 || before == SMTP_END)
			return;
		conn_calls_heard(c);
		used = smtp_session_feed(&c->session, in);
		stream_drop(c->stream, used);
		if (before != SMTP_DATA && c->session.state == SMTP_DATA)
			c->data_began = loop_now(c->d->proc.loop);
		if (may_write(c))
			write_out(c);
		if (c->session.waiting != SMTP_WAIT_NONE ||
		    stream_pending(c->stream) > OUT_MAX)
			return;
	}
}

static void
start_tls(struct conn *c)
{
	c->tls_wanted = false;
	/* Refuses when octets wait: what came in the clear is not executed. */
	if (!keys_ready(&c->d->keys) ||
	    stream_start_tls_server(c->stream, keys_context(&c->d->keys)) != 0) {
		conn_close(c, "octets behind STARTTLS");
		return;
	}
	c->shaking = true;
	stream_set_deadline(c->stream, c->d->waits.tls);
}

/* The client has said its last word, and it was answered. */
static bool
has_left(const struct conn *c)
{
	return c->eof && !c->held &&
	    (c->session.waiting == SMTP_WAIT_NONE || c->tls_wanted);
}

static void
pump(struct conn *c)
{
	if (c->closing || !c->started || c->shaking || c->held)
		return;
	feed(c);
	if (is_too_slow(c))
		smtp_session_timeout(&c->session);
	if (may_write(c))
		write_out(c);
	if (c->session.state == SMTP_END)
		conn_close(c, "");
	else if (has_left(c))
		conn_close(c, "closed by the client");
	else if (c->tls_wanted)
		start_tls(c);
	else if (!c->held)
		set_deadline(c);
}

static void
on_pump(void *arg)
{
	pump(arg);
}

static void
on_input(void *arg)
{
	struct conn *c = arg;

	if (!c->started && !c->shaking) {
		/* It does not wait for the greeting. */
		timer_cancel(&c->greeting);
		c->started = true;
		c->session.client.early = true;
		smtp_session_start(&c->session);
	}
	pump(c);
}

static void
start(struct conn *c)
{
	c->started = true;
	smtp_session_start(&c->session);
	pump(c);
}

static void
on_ready(void *arg, bool tls)
{
	struct conn *c = arg;

	if (!tls || c->closing)
		return;
	c->shaking = false;
	if (!c->started) {
		start(c);
		return;
	}
	smtp_session_on_tls(&c->session);
	pump(c);
}

static void
on_end(void *arg, enum stream_end why)
{
	struct conn *c = arg;

	if (why == STREAM_EOF && c->started && !c->shaking) {
		/* It may have sent all at once and wait for the replies. */
		c->eof = true;
		deferred_call(&c->pump);
		return;
	}
	if (why == STREAM_TIMEOUT && c->started && !c->shaking) {
		/* The daemon that does not answer fails one question only. */
		if (c->session.waiting == SMTP_WAIT_RCPT ||
		    c->session.waiting == SMTP_WAIT_SENDER)
			router_cancel(&c->ask);
		smtp_session_timeout(&c->session);
		write_out(c);
	}
	conn_close(c, why == STREAM_TIMEOUT ? "timeout"
	                                    : stream_error(c->stream));
}

static void
on_drained(void *arg)
{
	pump(arg);
}

static const struct stream_ops stream_ops = {
	.on_input = on_input,
	.on_drained = on_drained,
	.on_ready = on_ready,
	.on_end = on_end,
};

static void
on_greeting(void *arg)
{
	start(arg);
}

static struct smtp_client
describe(const struct conn *c, enum smtp_kind kind)
{
	const struct listen_client *l = &c->client;

	return (struct smtp_client){
		.address = str_c(l->text),
		.trusted = kind == SMTP_LOCAL || (l->family != AF_UNIX &&
		    nets_has(&c->d->relay, l->family, l->addr)),
		.tls = kind == SMTP_SUBMISSIONS,
		.login = kind == SMTP_LOCAL ? str_c(l->text) : STR_NONE,
	};
}

/* Octets that wait before we have said a word. */
static bool
is_early(const struct conn *c)
{
	char octet;

	return c->session.policy->kind == SMTP_MX &&
	    recv(stream_fd(c->stream), &octet, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

static void
begin(struct conn *c)
{
	int64_t delay = c->d->waits.greeting;

	if (c->session.client.tls) {
		c->tls_wanted = true;
		start_tls(c);
		return;
	}
	c->session.client.early = is_early(c);
	if (delay > 0 && c->session.policy->kind == SMTP_MX &&
	    !c->session.client.trusted)
		timer_set(&c->greeting, delay);
	else
		start(c);
}

void
conn_new(struct smtpd *d, int fd, const struct listen_client *client)
{
	struct conn *c = xcalloc(1, sizeof(*c));
	struct smtp_client who;
	enum smtp_kind kind;

	if (!smtpd_kind(client->service, &kind))
		fatal("a client of a service that is not ours");
	c->d = d;
	c->client = *client;
	c->began = loop_now(d->proc.loop);
	c->stream = stream_new(d->proc.loop, fd, &stream_ops, c);
	stream_set_limits(c->stream, IN_MAX, OUT_MAX);
	timer_init(&c->greeting, d->proc.loop, on_greeting, c);
	deferred_init(&c->pump, d->proc.loop, on_pump, c);
	deferred_init(&c->reap, d->proc.loop, on_reap, c);
	TAILQ_INSERT_TAIL(&d->conns, c, entry);
	who = describe(c, kind);
	smtp_session_init(&c->session, &d->policies[kind], &who, &conn_calls,
	    c, &d->work);
	note(NOTE_INFO, "connected");
	note_c("client", c->client.text);
	note_str("service", c->client.service);
	note_end();
	if (client->family != AF_UNIX &&
	    !net_is_loopback(client->family, client->addr)) {
		c->name.name = c->ptr;
		c->name.size = sizeof(c->ptr);
		names_ask(&d->names, &c->name, str_c(c->client.text));
	}
	begin(c);
}

void
conns_on_room(struct smtpd *d)
{
	struct conn *c;

	TAILQ_FOREACH(c, &d->conns, entry) {
		if (!c->held)
			continue;
		c->held = false;
		stream_resume(c->stream);
		deferred_call(&c->pump);
	}
}

void
conns_stop(struct smtpd *d)
{
	struct conn *c;

	TAILQ_FOREACH(c, &d->conns, entry) {
		if (c->closing)
			continue;
		if (!c->started || c->shaking) {
			conn_close(c, "going down");
			continue;
		}
		smtp_session_stop(&c->session);
		deferred_call(&c->pump);
	}
}
