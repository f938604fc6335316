#include "delivery/smtp/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"
#include "delivery/smtp/engine.h"

enum { TEXT_PIECE = 65536 };

static void handle(struct session *s, enum client_event event);

/* --- its end ----------------------------------------------------------- */

/* The stream goes at the end of the round; so does the rest, since a
 * callback of ours may be on the stack. */
static void
bury(struct session *s, bool flush)
{
	struct engine *e = s->engine;

	if (s->dead)
		return;
	s->dead = true;
	stream_close(s->stream, flush);
	if (s->idle)
		TAILQ_REMOVE(&e->idle, s, entry);
	else
		TAILQ_REMOVE(&e->busy, s, entry);
	TAILQ_INSERT_TAIL(&e->gone, s, entry);
	e->nsessions--;
	engine_wake(e);
}

static void
over(struct session *s)
{
	const struct session_ops *ops = s->ops;
	void *arg = s->arg;

	/* It is not worth the wait for an answer to be polite. */
	if (s->client.failure.end == END_REPLY && !s->client.closing)
		stream_write(s->stream, STR("QUIT\r\n"));
	bury(s, true);
	if (arg != NULL)
		ops->on_over(arg, s, &s->client.failure);
}

void
session_abort(struct session *s)
{
	s->arg = NULL;
	bury(s, false);
}

/* --- octets ------------------------------------------------------------ */

static void
send_out(struct session *s)
{
	struct buf *out = &s->client.out;

	if (buf_len(out) == 0)
		return;
	stream_write(s->stream, buf_str(out));
	buf_reset(out);
}

static void
set_deadline(struct session *s)
{
	const struct engine_conf *c = &s->engine->conf;
	int64_t ms = c->command_ms;

	switch (s->client.state) {
	case AT_GREETING:
		ms = s->connected ? c->greeting_ms : c->connect_ms;
		break;
	case AT_TLS:
		ms = c->tls_ms;
		break;
	case AT_DATA:
	case AT_TEXT:
	case AT_DOT_OUT:
		ms = c->data_ms;
		break;
	case AT_DOT:
		ms = c->dot_ms;
		break;
	case AT_READY:
		ms = s->idle ? c->reuse_ms : c->command_ms;
		break;
	case AT_EHLO:
	case AT_HELO:
	case AT_STARTTLS:
	case AT_MAIL:
	case AT_RCPT:
	case AT_RSET:
	case AT_QUIT:
	case AT_OVER:
		break;
	}
	stream_set_deadline(s->stream, ms);
}

/* Sends text while the peer takes it; a full buffer waits for on_drained. */
static void
send_text(struct session *s)
{
	static char piece[TEXT_PIECE];

	while (s->client.state == AT_TEXT &&
	    stream_pending(s->stream) < TEXT_PIECE) {
		const ssize_t n = agent_text_read(
		    s->job, s->text_at, piece, sizeof(piece));

		if (n == -1) {
			/* Without the dot the peer has no mail. */
			handle(s, client_unread(&s->client));
			return;
		}
		if (n == 0) {
			agent_commit(s->job);
			client_dot(&s->client);
		} else {
			client_text(&s->client, str_n(piece, (size_t)n));
			s->text_at += (uint64_t)n;
		}
		send_out(s);
	}
	set_deadline(s);
}

static void
start_tls(struct session *s)
{
	struct engine *e = s->engine;
	struct ssl_ctx_st *ctx = s->client.conf.tls == ROUTE_TLS_VERIFY ?
	    e->tls_verify : e->tls_any;

	s->shaking = true;
	/* RFC 6066 3: an address is no server name. */
	if (ctx == NULL ||
	    stream_start_tls_client(s->stream, ctx,
	        s->literal && ctx == e->tls_any ? NULL : s->target.host) == -1)
		handle(s, client_lost(&s->client, "TLS cannot be started"));
	else
		set_deadline(s);
}

static void
handle(struct session *s, enum client_event event)
{
	send_out(s);
	switch (event) {
	case CLIENT_WAIT:
		set_deadline(s);
		break;
	case CLIENT_TLS:
		start_tls(s);
		break;
	case CLIENT_READY:
		s->was_ready = true;
		set_deadline(s);
		s->ops->on_ready(s->arg, s);
		break;
	case CLIENT_TEXT:
		s->text_at = 0;
		send_text(s);
		break;
	case CLIENT_DONE:
		set_deadline(s);
		s->ops->on_done(s->arg, s);
		break;
	case CLIENT_OVER:
		over(s);
		break;
	}
}

/* --- the stream's callbacks -------------------------------------------- */

static void
on_input(void *arg)
{
	struct session *s = arg;
	struct str in = stream_peek(s->stream);
	const unsigned replies = s->client.replies;
	const size_t n = in.n;
	enum client_event event;

	if (s->dead || s->client.state == AT_TLS)
		return;
	/* What came after all was out is an answer to it. */
	if (stream_pending(s->stream) == 0)
		client_drained(&s->client);
	event = client_feed(&s->client, &in);
	stream_drop(s->stream, n - in.n);
	/* A part of a reply is not worth another wait: it may come by octets. */
	if (event == CLIENT_WAIT && s->client.replies == replies)
		return;
	handle(s, event);
}

static void
on_drained(void *arg)
{
	struct session *s = arg;

	if (s->dead)
		return;
	client_drained(&s->client);
	if (s->client.state == AT_TEXT)
		send_text(s);
	else if (s->client.state == AT_DOT)
		set_deadline(s);
}

static void
on_ready(void *arg, bool tls)
{
	struct session *s = arg;

	if (s->dead)
		return;
	if (tls) {
		s->shaking = false;
		handle(s, client_tls_started(&s->client));
		return;
	}
	s->connected = true;
	set_deadline(s);
}

static void
on_end(void *arg, enum stream_end why)
{
	struct session *s = arg;
	char words[300];

	if (s->dead)
		return;
	if (why == STREAM_TIMEOUT && s->idle) {
		client_quit(&s->client);
		send_out(s);
		bury(s, true);
		return;
	}
	if (why == STREAM_TIMEOUT)
		snprintf(words, sizeof(words), s->connected ?
		    "the server did not answer in time" :
		    "no connection in time");
	else if (why == STREAM_EOF)
		snprintf(words, sizeof(words),
		    "the server closed the connection");
	else
		snprintf(words, sizeof(words), "%s%s",
		    !s->connected  ? "no connection: " :
		    s->shaking     ? "TLS failed: " :
		                     "connection lost: ",
		    stream_error(s->stream));
	handle(s, client_lost(&s->client, words));
}

static const struct stream_ops stream_ops = {
	.on_input = on_input,
	.on_drained = on_drained,
	.on_ready = on_ready,
	.on_end = on_end,
};

/* --- what its user does ------------------------------------------------ */

static int
connecting_socket(const struct target *t, int *error)
{
	const int fd = socket(t->at.sa.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1 ||
	    (connect(fd, &t->at.sa, t->length) == -1 && errno != EINPROGRESS)) {
		*error = errno;
		if (fd != -1)
			close(fd);
		return -1;
	}
	return fd;
}

struct session *
session_new(struct engine *e, const struct target *target, const char *key,
    const struct client_conf *conf, const struct session_ops *ops, void *arg,
    int *error)
{
	const int fd = connecting_socket(target, error);
	char address[TARGET_ADDRESS];
	struct session *s;

	if (fd == -1)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->engine = e;
	s->ops = ops;
	s->arg = arg;
	s->target = *target;
	snprintf(s->key, sizeof(s->key), "%s", key);
	target_address(target, address);
	target_text(target, s->remote);
	s->literal = strcmp(target->host, address) == 0;
	client_init(&s->client, conf);
	s->stream = stream_connecting(e->loop, fd, &stream_ops, s);
	set_deadline(s);
	TAILQ_INSERT_TAIL(&e->busy, s, entry);
	e->nsessions++;
	return s;
}

void
session_send(struct session *s, const struct client_mail *mail,
    struct agent_job *job)
{
	s->job = job;
	client_begin(&s->client, mail);
	send_out(s);
	set_deadline(s);
}

void
session_release(struct session *s)
{
	struct engine *e = s->engine;

	s->arg = NULL;
	s->job = NULL;
	if (s->client.state != AT_READY) {
		bury(s, false);
		return;
	}
	if (s->client.closing || e->stopping || e->conf.reuse_ms == 0 ||
	    s->client.mails >= e->conf.messages ||
	    (s->client.ehlo.mail_max != 0 &&
	        s->client.mails >= s->client.ehlo.mail_max)) {
		client_quit(&s->client);
		send_out(s);
		bury(s, true);
		return;
	}
	TAILQ_REMOVE(&e->busy, s, entry);
	s->idle = true;
	TAILQ_INSERT_HEAD(&e->idle, s, entry);
	set_deadline(s);
	engine_wake(e);
}

void
session_take(struct session *s, const struct session_ops *ops, void *arg)
{
	TAILQ_REMOVE(&s->engine->idle, s, entry);
	s->idle = false;
	s->reused = true;
	TAILQ_INSERT_TAIL(&s->engine->busy, s, entry);
	s->ops = ops;
	s->arg = arg;
	set_deadline(s);
}
