#include <stdlib.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "event/stream.h"
#include "imapd/session.h"
#include "imapd/worker.h"
#include "msg/front.h"
#include "proc/note.h"

enum {
	OUT_HIGH = 65536, /* octets the client has not taken: we wait */
	OUT_WRITE = 16384 /* octets gathered before they are written */
};

struct conn {
	TAILQ_ENTRY(conn) entry;
	struct worker *w;
	struct stream *stream;
	struct session *session; /* NULL until the hello is complete */
	struct buf hello;        /* what the front sends first */
	struct str early[2];     /* the client's octets in it, not yet fed:
	                          * those within the hello, those behind */
	struct timer turn;       /* goes on after the others had theirs */
	struct timer silence;    /* of the client */
	bool eof;                /* the client has said all */
	struct deferred reap;
	bool closing;
};

static void
on_reap(void *arg)
{
	struct conn *c = arg;

	TAILQ_REMOVE(&c->w->conns, c, entry);
	c->w->conn_n--;
	timer_clear(&c->turn);
	timer_clear(&c->silence);
	session_free(c->session);
	buf_clear(&c->hello);
	worker_left(c->w);
	free(c);
}

static void
end(struct conn *c, bool flush)
{
	if (c->closing)
		return;
	c->closing = true;
	timer_cancel(&c->turn);
	timer_cancel(&c->silence);
	stream_close(c->stream, flush);
	deferred_call(&c->reap);
}

static void
flush(struct conn *c)
{
	struct buf *out = &c->session->out;

	stream_write(c->stream, buf_str(out));
	buf_reset(out);
}

/* Feeds what waits; false: nothing does. */
static bool
feed(struct conn *c)
{
	struct str all, in;

	for (size_t i = 0; i < 2; i++)
		if (c->early[i].n != 0) {
			session_feed(c->session, &c->early[i]);
			return true;
		}
	all = in = stream_peek(c->stream);
	if (in.n == 0)
		return false;
	session_feed(c->session, &in);
	stream_drop(c->stream, all.n - in.n);
	return true;
}

/*
 * Works until nothing is left to do, the client is slow, or the turn is over.
 */
static void
work(struct conn *c)
{
	struct session *s = c->session;
	int64_t until = clock_mono_ms() + c->w->step_ms;

	for (;;) {
		if (buf_len(&s->out) >= OUT_WRITE)
			flush(c);
		if (stream_pending(c->stream) >= OUT_HIGH)
			break; /* on_drained */
		if (session_is_busy(s)) {
			session_step(s);
		} else if (s->state == SESSION_ENDED) {
			flush(c);
			end(c, true);
			return;
		} else if (!feed(c)) {
			if (c->eof) {
				flush(c);
				end(c, true);
				return;
			}
			break;
		}
		if (clock_mono_ms() >= until) {
			timer_set(&c->turn, 0);
			break;
		}
	}
	flush(c);
}

static void
take_turn(struct conn *c)
{
	work(c);
	worker_spread(c->w);
}

static void
on_turn(void *arg)
{
	struct conn *c = arg;

	if (!c->closing && c->session != NULL)
		take_turn(c);
}

static void
on_wake(void *arg)
{
	struct conn *c = arg;

	timer_set(&c->turn, 0);
}

static void
greet(struct conn *c, const struct front_hello *h)
{
	note(NOTE_INFO, "session");
	note_str("account", str_c(c->w->user->name));
	note_str("client", h->client);
	note_end();
	c->session = session_new(c->w->user, h->tag);
	c->session->on_wake = on_wake;
	c->session->arg = c;
	if (c->w->conn_n > c->w->per_user)
		session_bye(c->session,
		    "[LIMIT] Too many connections of this account");
}

static void
take_hello(struct conn *c)
{
	struct str all = stream_peek(c->stream), in;
	struct front_hello h;

	buf_add(&c->hello, all);
	stream_drop(c->stream, all.n);
	in = buf_str(&c->hello);
	switch (front_hello_take(&in, &h)) {
	case 0:
		return;
	case 1:
		break;
	default:
		end(c, false);
		return;
	}
	c->early[0] = h.early;
	c->early[1] = in; /* the pump may already have sent more */
	greet(c, &h);
}

static void
on_input(void *arg)
{
	struct conn *c = arg;

	if (c->closing)
		return;
	timer_set(&c->silence, c->w->silence_ms);
	if (c->session == NULL)
		take_hello(c);
	if (!c->closing && c->session != NULL && !timer_is_set(&c->turn))
		take_turn(c);
}

static void
on_drained(void *arg)
{
	struct conn *c = arg;

	if (!c->closing && c->session != NULL && !timer_is_set(&c->turn))
		take_turn(c);
}

static void
on_end(void *arg, enum stream_end why)
{
	struct conn *c = arg;

	if (why != STREAM_EOF || c->session == NULL) {
		end(c, false);
		return;
	}
	c->eof = true;
	if (!timer_is_set(&c->turn))
		take_turn(c);
}

static void
on_silence(void *arg)
{
	struct conn *c = arg;

	if (c->session != NULL) {
		session_bye(c->session, "Silent for too long");
		flush(c);
	}
	end(c, true);
}

static const struct stream_ops ops = {
	.on_input = on_input,
	.on_drained = on_drained,
	.on_end = on_end,
};

void
conn_new(struct worker *w, int fd)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	c->w = w;
	buf_init(&c->hello, 4 * (size_t)FRONT_EARLY_MAX);
	timer_init(&c->turn, w->proc.loop, on_turn, c);
	timer_init(&c->silence, w->proc.loop, on_silence, c);
	deferred_init(&c->reap, w->proc.loop, on_reap, c);
	c->stream = stream_new(w->proc.loop, fd, &ops, c);
	timer_set(&c->silence, w->silence_ms);
	TAILQ_INSERT_TAIL(&w->conns, c, entry);
	w->conn_n++;
}

void
conn_stop(struct conn *c)
{
	if (c->closing)
		return;
	if (c->session == NULL) {
		end(c, false);
		return;
	}
	session_bye(c->session, "[UNAVAILABLE] The server stops");
	flush(c);
	end(c, true);
}

struct conn *
conn_next(struct conn *c)
{
	return TAILQ_NEXT(c, entry);
}
