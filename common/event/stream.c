#include "event/stream.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"
#include "event/loop_base.h"

enum {
	PEEK_MAX = 65536,
	DEFAULT_LIMIT = 65536,
	LIBEVENT_READ = 4096, /* octets it reads at most at once */
	FLUSH_MS = 10000 /* how long a close waits for its last octets */
};

struct stream {
	struct loop *loop;
	struct bufferevent *bev;
	const struct stream_ops *ops;
	void *arg;
	int fd;
	struct timer deadline;
	int64_t until;           /* loop_now of the deadline */
	struct timer linger;     /* set while a flushing close waits */
	struct deferred reap;
	struct deferred wake;    /* calls on_input outside the caller's stack */
	struct deferred flush;   /* writes what the round has gathered */
	bool direct;             /* it does: no TLS, connected */
	size_t in_max, out_max;
	bool paused;             /* by the owner */
	bool held;               /* by us: too much output waits */
	bool closing;
	bool ended;              /* on_end was called or is on its way */
	bool eof;                /* it ended by EOF: writing goes on */
	bool shaking;            /* TLS handshake under way */
	bool connecting;
	char error[160];
	char tls_text[64];
};

static void on_read(struct bufferevent *bev, void *arg);
static void on_write(struct bufferevent *bev, void *arg);
static void on_event(struct bufferevent *bev, short what, void *arg);

void
stream_set_ops(struct stream *s, const struct stream_ops *ops, void *arg)
{
	s->ops = ops;
	s->arg = arg;
}

/* Reading stops while the owner or a full output wants it so. */
static void
set_reading(struct stream *s)
{
	if (s->closing || s->paused || s->held || s->ended)
		bufferevent_disable(s->bev, EV_READ);
	else
		bufferevent_enable(s->bev, EV_READ);
}

/*
 * Most output fits into the socket: it is written at the end of the round,
 * and libevent waits for room (two system calls and a wake-up) only when it
 * did not fit.
 */
static void
set_direct(struct stream *s, bool direct)
{
	s->direct = direct;
	if (direct && stream_pending(s) == 0)
		bufferevent_disable(s->bev, EV_WRITE);
	else
		bufferevent_enable(s->bev, EV_WRITE);
}

static void
write_now(struct stream *s)
{
	struct evbuffer *out = bufferevent_get_output(s->bev);

	/* A bufferevent keeps its output shut to all but itself. */
	evbuffer_unfreeze(out, 1);
	(void)evbuffer_write(out, s->fd); /* errors: libevent finds them too */
	evbuffer_freeze(out, 1);
}

static void
on_flush(void *arg)
{
	struct stream *s = arg;

	if (!s->direct || s->closing ||
	    (bufferevent_get_enabled(s->bev) & EV_WRITE) != 0)
		return;
	write_now(s);
	if (stream_pending(s) == 0)
		on_write(s->bev, s);
	else
		bufferevent_enable(s->bev, EV_WRITE);
}

static void
attach(struct stream *s, struct bufferevent *bev)
{
	if (bev == NULL)
		fatal("libevent: no memory for a connection");
	s->bev = bev;
	bufferevent_setcb(bev, on_read, on_write, on_event, s);
	bufferevent_setwatermark(bev, EV_READ, 0, s->in_max);
	set_direct(s, bufferevent_openssl_get_ssl(bev) == NULL &&
	    !s->connecting);
	set_reading(s);
}

static void
on_deadline(void *arg)
{
	struct stream *s = arg;
	int64_t left = s->until - loop_now(s->loop);

	if (left > 0) { /* it was moved */
		timer_set(&s->deadline, left);
		return;
	}
	if (s->closing || (s->ended && !s->eof))
		return;
	s->ended = true;
	s->eof = false;
	snprintf(s->error, sizeof(s->error), "no answer in time");
	s->ops->on_end(s->arg, STREAM_TIMEOUT);
}

/* The owner is gone: frees without a callback. */
static void
on_reap(void *arg)
{
	struct stream *s = arg;
	SSL *ssl = bufferevent_openssl_get_ssl(s->bev);

	timer_clear(&s->deadline);
	timer_clear(&s->linger);
	deferred_cancel(&s->wake);
	deferred_cancel(&s->flush);
	if (ssl != NULL && !s->shaking) {
		SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN);
		SSL_shutdown(ssl);
		ERR_clear_error();
	}
	bufferevent_free(s->bev);
	if (ssl != NULL)
		SSL_free(ssl);
	close(s->fd);
	free(s);
}

static void
on_linger(void *arg)
{
	struct stream *s = arg;

	deferred_call(&s->reap);
}

static void
on_wake(void *arg)
{
	struct stream *s = arg;

	if (!s->closing && !s->ended && !s->paused &&
	    evbuffer_get_length(bufferevent_get_input(s->bev)) != 0)
		s->ops->on_input(s->arg);
}

static struct stream *
make(struct loop *l, int fd, const struct stream_ops *ops, void *arg)
{
	struct stream *s = xcalloc(1, sizeof(*s));
	int on = 1;

	s->loop = l;
	s->fd = fd;
	s->ops = ops;
	s->arg = arg;
	s->in_max = s->out_max = DEFAULT_LIMIT;
	timer_init(&s->deadline, l, on_deadline, s);
	timer_init(&s->linger, l, on_linger, s);
	deferred_init(&s->reap, l, on_reap, s);
	deferred_init(&s->wake, l, on_wake, s);
	deferred_init(&s->flush, l, on_flush, s);
	/* Fails on Unix sockets, where there is nothing to delay. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	attach(s, bufferevent_socket_new(loop_base(l), fd, 0));
	return s;
}

struct stream *
stream_new(struct loop *l, int fd, const struct stream_ops *ops, void *arg)
{
	return make(l, fd, ops, arg);
}

struct stream *
stream_connecting(
    struct loop *l, int fd, const struct stream_ops *ops, void *arg)
{
	struct stream *s = make(l, fd, ops, arg);

	s->connecting = true;
	set_direct(s, false);
	/* A NULL address: the connect was begun by the caller. */
	if (bufferevent_socket_connect(s->bev, NULL, 0) != 0)
		fatal("libevent: watching a connect");
	return s;
}

/*
 * libevent reads 4 KiB a round; when that much came, the rest is taken at
 * once.  Errors and EOF are left for its next read.
 */
static void
read_rest(struct stream *s)
{
	struct evbuffer *in = bufferevent_get_input(s->bev);
	size_t n = evbuffer_get_length(in);
	struct evbuffer_iovec room;
	ssize_t got;

	if (n < LIBEVENT_READ || n >= s->in_max ||
	    bufferevent_openssl_get_ssl(s->bev) != NULL)
		return;
	evbuffer_unfreeze(in, 0);
	if (evbuffer_reserve_space(in, (ev_ssize_t)(s->in_max - n), &room, 1)
	    == 1) {
		if (room.iov_len > s->in_max - n)
			room.iov_len = s->in_max - n;
		got = recv(s->fd, room.iov_base, room.iov_len, MSG_DONTWAIT);
		room.iov_len = got > 0 ? (size_t)got : 0;
		evbuffer_commit_space(in, &room, 1);
	}
	evbuffer_freeze(in, 0);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct stream *s = arg;

	(void)bev;
	if (!s->closing)
		read_rest(s);
	if (!s->closing && !s->ended && !s->paused)
		s->ops->on_input(s->arg);
}

static void
on_write(struct bufferevent *bev, void *arg)
{
	struct stream *s = arg;

	(void)bev;
	/* With TLS libevent says so later, when there may be more again. */
	if (stream_pending(s) != 0)
		return;
	if (s->closing) {
		deferred_call(&s->reap);
		return;
	}
	if (s->ended && !s->eof)
		return;
	if (s->direct)
		bufferevent_disable(s->bev, EV_WRITE);
	if (s->held) {
		s->held = false;
		set_reading(s);
		deferred_call(&s->wake);
	}
	if (s->ops->on_drained != NULL)
		s->ops->on_drained(s->arg);
}

static void
note_tls(struct stream *s)
{
	SSL *ssl = bufferevent_openssl_get_ssl(s->bev);

	if (ssl != NULL)
		snprintf(s->tls_text, sizeof(s->tls_text), "%s %s",
		    SSL_get_version(ssl), SSL_get_cipher_name(ssl));
}

static enum stream_end
why_ended(struct stream *s, short what)
{
	unsigned long tls = bufferevent_get_openssl_error(s->bev);
	bool is_tls = bufferevent_openssl_get_ssl(s->bev) != NULL;

	if (is_tls && tls != 0) {
		const char *reason = ERR_reason_error_string(tls);

		snprintf(s->error, sizeof(s->error), "TLS: %s",
		    reason != NULL ? reason : "failure");
		return STREAM_TLS;
	}
	if (is_tls && s->shaking) {
		snprintf(s->error, sizeof(s->error),
		    "TLS: connection closed in the handshake");
		return STREAM_TLS;
	}
	if ((what & BEV_EVENT_EOF) != 0) {
		snprintf(s->error, sizeof(s->error), "connection closed");
		return STREAM_EOF;
	}
	snprintf(s->error, sizeof(s->error), "%s",
	    strerror(errno != 0 ? errno : ECONNRESET));
	return STREAM_ERROR;
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct stream *s = arg;
	enum stream_end why;

	(void)bev;
	if (s->closing) {
		if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
			deferred_call(&s->reap);
		return;
	}
	if (s->ended && (!s->eof || (what & BEV_EVENT_ERROR) == 0))
		return;
	if ((what & BEV_EVENT_CONNECTED) != 0) {
		bool tls = s->shaking;

		s->connecting = s->shaking = false;
		if (tls)
			note_tls(s);
		else
			set_direct(s, true);
		set_reading(s);
		if (s->ops->on_ready != NULL)
			s->ops->on_ready(s->arg, tls);
		return;
	}
	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) == 0)
		return;
	why = why_ended(s, what);
	ERR_clear_error();
	s->ended = true;
	s->eof = why == STREAM_EOF;
	if (s->eof && !s->direct) /* TLS stops both by itself */
		bufferevent_enable(s->bev, EV_WRITE);
	timer_cancel(&s->deadline);
	s->ops->on_end(s->arg, why);
}

struct str
stream_peek(struct stream *s)
{
	struct evbuffer *in = bufferevent_get_input(s->bev);
	size_t n = evbuffer_get_length(in);

	if (n > PEEK_MAX)
		n = PEEK_MAX;
	if (n == 0)
		return STR_NONE;
	return str_n(evbuffer_pullup(in, (ev_ssize_t)n), n);
}

void
stream_drop(struct stream *s, size_t n)
{
	evbuffer_drain(bufferevent_get_input(s->bev), n);
}

void
stream_write(struct stream *s, struct str out)
{
	if (s->closing || (s->ended && !s->eof) || out.n == 0)
		return;
	if (bufferevent_write(s->bev, out.p, out.n) != 0)
		fatal("libevent: no memory for output");
	if (s->direct)
		deferred_call(&s->flush);
	if (!s->held && stream_pending(s) > s->out_max) {
		s->held = true;
		set_reading(s);
	}
}

size_t
stream_pending(const struct stream *s)
{
	return evbuffer_get_length(bufferevent_get_output(s->bev));
}

void
stream_pause(struct stream *s)
{
	s->paused = true;
	set_reading(s);
}

void
stream_resume(struct stream *s)
{
	if (!s->paused)
		return;
	s->paused = false;
	set_reading(s);
	deferred_call(&s->wake);
}

void
stream_set_limits(struct stream *s, size_t in_max, size_t out_max)
{
	s->in_max = in_max;
	s->out_max = out_max;
	bufferevent_setwatermark(s->bev, EV_READ, 0, in_max);
}

void
stream_set_deadline(struct stream *s, int64_t ms)
{
	int64_t until = loop_now(s->loop) + ms;

	if (ms <= 0) {
		timer_cancel(&s->deadline);
		return;
	}
	/* Deadlines mostly move away: the timer looks again when it fires. */
	if (!timer_is_set(&s->deadline) || until < s->until)
		timer_set(&s->deadline, ms);
	s->until = until;
}

static int
start_tls(struct stream *s, SSL *ssl, enum bufferevent_ssl_state state)
{
	if (ssl == NULL)
		fatal("OpenSSL: no memory for a session");
	if (evbuffer_get_length(bufferevent_get_input(s->bev)) != 0) {
		SSL_free(ssl);
		return -1;
	}
	/* What is still to be said in the clear must go first. */
	write_now(s);
	if (stream_pending(s) != 0) {
		SSL_free(ssl);
		return -1;
	}
	deferred_cancel(&s->flush);
	bufferevent_setcb(s->bev, NULL, NULL, NULL, NULL);
	bufferevent_free(s->bev);
	s->held = false;
	s->shaking = true;
	attach(s, bufferevent_openssl_socket_new(
	    loop_base(s->loop), s->fd, ssl, state, 0));
	bufferevent_openssl_set_allow_dirty_shutdown(s->bev, 1);
	return 0;
}

int
stream_start_tls_server(struct stream *s, struct ssl_ctx_st *ctx)
{
	return start_tls(s, SSL_new(ctx), BUFFEREVENT_SSL_ACCEPTING);
}

int
stream_start_tls_client(
    struct stream *s, struct ssl_ctx_st *ctx, const char *name)
{
	SSL *ssl = SSL_new(ctx);

	if (ssl != NULL && name != NULL) {
		/* What SSL_set_tlsext_host_name is, without its cast. */
		SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
		    TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)name);
		SSL_set1_host(ssl, name);
	}
	return start_tls(s, ssl, BUFFEREVENT_SSL_CONNECTING);
}

struct ssl_st *
stream_ssl(const struct stream *s)
{
	return bufferevent_openssl_get_ssl(s->bev);
}

const char *
stream_tls_text(const struct stream *s)
{
	return s->tls_text;
}

const char *
stream_error(const struct stream *s)
{
	return s->error;
}

int
stream_fd(const struct stream *s)
{
	return s->fd;
}

void
stream_close(struct stream *s, bool flush)
{
	if (s->closing)
		return;
	s->closing = true;
	timer_cancel(&s->deadline);
	deferred_cancel(&s->wake);
	deferred_cancel(&s->flush);
	bufferevent_disable(s->bev, EV_READ);
	flush = flush && (!s->ended || s->eof);
	if (flush && s->direct)
		write_now(s);
	if (flush && stream_pending(s) != 0) {
		bufferevent_enable(s->bev, EV_WRITE);
		timer_set(&s->linger, FLUSH_MS);
	} else {
		deferred_call(&s->reap);
	}
}
