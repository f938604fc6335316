#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "event/stream.h"
#include "msg/front.h"
#include "pop3d/maildrop.h"
#include "pop3d/worker.h"
#include "proc/note.h"

/* One connection from a front: its hello, then the client's octets. */
struct conn {
	TAILQ_ENTRY(conn) entry;
	struct worker *w;
	struct stream *stream;
	bool greeted;          /* inbox, drop and session are there */
	struct mailbox *inbox;
	struct maildrop drop;
	struct session session;
	struct buf early;      /* octets that came to the front already */
	struct deferred reap;
	bool eof;              /* the client has said all */
	bool closing;
};

static void
on_reap(void *arg)
{
	struct conn *c = arg;
	struct worker *w = c->w;

	TAILQ_REMOVE(&w->conns, c, entry);
	w->conn_n--;
	if (c->greeted) {
		session_clear(&c->session);
		maildrop_clear(&c->drop);
	}
	if (c->inbox != NULL)
		mailbox_close(c->inbox);
	buf_clear(&c->early);
	free(c);
	worker_left(w);
}

/* flush: what was written still goes out. */
static void
end(struct conn *c, bool flush)
{
	if (c->closing)
		return;
	c->closing = true;
	stream_close(c->stream, flush);
	deferred_call(&c->reap);
}

static void
say_last(struct conn *c, struct str text)
{
	stream_write(c->stream, text);
	end(c, true);
}

static void
flush(struct conn *c)
{
	stream_write(c->stream, buf_str(&c->session.out));
	buf_reset(&c->session.out);
}

/* UPDATE state: what was marked goes, and is gone for good before the +OK. */
static void
update(struct conn *c)
{
	bool changed, ok = maildrop_update(&c->drop, &changed);

	if (!ok) {
		note(NOTE_ERROR, "delete-failed");
		note_c("account", c->w->name);
		note_errno(errno);
		note_end();
	} else if (changed) {
		worker_flush(c->w);
	}
	session_updated(&c->session, ok);
	flush(c);
	end(c, true);
}

static void
act(struct conn *c, enum session_event e)
{
	switch (e) {
	case SESSION_MORE:
		flush(c);
		return;
	case SESSION_UPDATE:
		update(c);
		return;
	case SESSION_BYE:
		flush(c);
		end(c, true);
		return;
	case SESSION_BROKEN:
		note(NOTE_ERROR, "read-failed");
		note_c("account", c->w->name);
		note_errno(errno);
		note_end();
		end(c, false);
		return;
	}
}

/* Feeds the session: from the front's early octets first. */
static enum session_event
feed(struct conn *c)
{
	struct str all, in;
	enum session_event e;

	if (buf_len(&c->early) != 0) {
		in = buf_str(&c->early);
		e = session_feed(&c->session, &in);
		buf_drop(&c->early, buf_len(&c->early) - in.n);
		return e;
	}
	all = in = stream_peek(c->stream);
	e = session_feed(&c->session, &in);
	stream_drop(c->stream, all.n - in.n);
	return e;
}

static bool
has_input(struct conn *c)
{
	return buf_len(&c->early) != 0 || stream_peek(c->stream).n != 0;
}

/* Goes on as long as the client takes what it is told. */
static void
go_on(struct conn *c)
{
	while (!c->closing && c->greeted && stream_pending(c->stream) == 0) {
		enum session_event e;

		if (session_is_busy(&c->session))
			e = session_more(&c->session);
		else if (has_input(c))
			e = feed(c);
		else
			break;
		act(c, e);
		stream_set_deadline(c->stream, c->w->silence_ms);
	}
	/* Who says QUIT and closes is still served; who closes without is
	 * gone, and nothing is deleted (RFC 1939 3). */
	if (c->eof && (!c->greeted || stream_pending(c->stream) == 0))
		end(c, true);
}

static bool
open_drop(struct conn *c)
{
	enum store_result r =
	    mailbox_open(c->w->account, STR("INBOX"), &c->inbox);

	if (r != STORE_OK)
		c->inbox = NULL;
	else if (maildrop_init(&c->drop, c->inbox))
		return true;
	note(NOTE_ERROR, "mailbox-unusable");
	note_c("account", c->w->name);
	note_errno(errno);
	note_end();
	return false;
}

/* The front's hello is complete: the session begins. */
static void
greet(struct conn *c, const struct front_hello *h)
{
	buf_add(&c->early, h->early);
	if (c->w->conn_n > c->w->per_user) {
		say_last(c, STR("-ERR [IN-USE] Too many connections\r\n"));
		return;
	}
	if (!open_drop(c)) {
		say_last(c, STR("-ERR [SYS/TEMP] The mailbox cannot be "
		    "opened now\r\n"));
		return;
	}
	session_init(&c->session, &c->drop.drop, c->w->errors);
	c->greeted = true;
	session_greet(&c->session);
	flush(c);
}

static void
on_input(void *arg)
{
	struct conn *c = arg;

	if (c->closing)
		return;
	if (!c->greeted) {
		struct str all = stream_peek(c->stream), in = all;
		struct front_hello h;
		int got = front_hello_take(&in, &h);

		if (got == 0)
			return;
		if (got == -1) {
			end(c, false);
			return;
		}
		greet(c, &h);
		stream_drop(c->stream, all.n - in.n);
	}
	go_on(c);
}

static void
on_drained(void *arg)
{
	go_on(arg);
}

static void
on_end(void *arg, enum stream_end why)
{
	struct conn *c = arg;

	if (why == STREAM_EOF) {
		c->eof = true;
		go_on(c);
	} else if (why == STREAM_TIMEOUT && c->greeted &&
	    !session_is_busy(&c->session)) {
		say_last(c, STR("-ERR [SYS/TEMP] Too long without a "
		    "command\r\n"));
	} else {
		end(c, false);
	}
}

static const struct stream_ops stream_ops = {
	.on_input = on_input,
	.on_drained = on_drained,
	.on_end = on_end,
};

void
conn_new(struct worker *w, int fd)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	c->w = w;
	buf_init(&c->early, FRONT_EARLY_MAX);
	deferred_init(&c->reap, w->proc.loop, on_reap, c);
	c->stream = stream_new(w->proc.loop, fd, &stream_ops, c);
	stream_set_limits(c->stream, FRONT_EARLY_MAX * 2,
	    (size_t)SESSION_STEP * 2);
	stream_set_deadline(c->stream, w->silence_ms);
	TAILQ_INSERT_TAIL(&w->conns, c, entry);
	w->conn_n++;
}

void
conn_stop(struct conn *c)
{
	if (c->closing)
		return;
	if (c->greeted && !session_is_busy(&c->session))
		say_last(c, STR("-ERR [SYS/TEMP] The server stops\r\n"));
	else
		end(c, false);
}

struct conn *
conn_next(struct conn *c)
{
	return TAILQ_NEXT(c, entry);
}
