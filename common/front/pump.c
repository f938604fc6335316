#include "front/pump.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "base/fatal.h"

enum {
	HOLD = 128 * 1024, /* octets waiting on one side that stop the other */
	HALF_MS = 120000   /* one side has said all: most without progress */
};

struct side {
	struct pump *pump;
	struct stream *stream;
	struct side *other;
	uint64_t sent;   /* octets written to this side */
	bool eof;        /* it has said all */
	bool shut;       /* it was told that the other has said all */
	bool waits;      /* the other is full: this one is paused */
};

struct pump {
	struct side client, worker;
	pump_end_fn *on_end;
	void *arg;
	bool over;
};

static void
pump_close(struct pump *p)
{
	stream_close(p->client.stream, true);
	stream_close(p->worker.stream, false);
	free(p);
}

static void
finish(struct pump *p, bool worker_lost)
{
	if (p->over)
		return;
	p->over = true;
	p->on_end(p->arg, worker_lost);
	pump_close(p);
}

/* from has said all and to has got it: tell to. */
static void
pass_eof(struct side *to)
{
	if (!to->other->eof || to->shut || stream_pending(to->stream) != 0)
		return;
	to->shut = true;
	if (to == &to->pump->worker) {
		shutdown(stream_fd(to->stream), SHUT_WR);
		stream_set_deadline(to->stream, HALF_MS);
	}
}

static void
on_input(void *arg)
{
	struct side *from = arg, *to = from->other;
	struct str in;

	while ((in = stream_peek(from->stream)).n != 0) {
		/* The last octets before EOF are few and cannot wait. */
		if (!from->eof && stream_pending(to->stream) > HOLD) {
			from->waits = true;
			stream_pause(from->stream);
			return;
		}
		stream_write(to->stream, in);
		to->sent += in.n;
		stream_drop(from->stream, in.n);
	}
	if (to->eof) /* progress of the side that still speaks */
		stream_set_deadline(from->stream, HALF_MS);
}

static void
on_drained(void *arg)
{
	struct side *to = arg;

	if (to->other->waits) {
		to->other->waits = false;
		stream_resume(to->other->stream);
	}
	if (to->pump->worker.eof && to == &to->pump->client)
		finish(to->pump, !to->eof);
	else
		pass_eof(to);
}

static void
on_end(void *arg, enum stream_end why)
{
	struct side *s = arg;
	struct pump *p = s->pump;

	if (why != STREAM_EOF) {
		finish(p, s == &p->worker && !p->client.eof);
		return;
	}
	s->eof = true;
	on_input(s); /* what came just before */
	if (s == &p->client) {
		pass_eof(&p->worker);
		return;
	}
	/* The worker's end is the end, once the client has all of it. */
	if (stream_pending(p->client.stream) == 0)
		finish(p, !p->client.eof);
	else
		stream_set_deadline(p->client.stream, HALF_MS);
}

static const struct stream_ops ops = {
	.on_input = on_input,
	.on_drained = on_drained,
	.on_end = on_end,
};

struct pump *
pump_new(struct loop *loop, struct stream *client, int worker,
    struct str first, pump_end_fn *end, void *arg)
{
	struct pump *p = xcalloc(1, sizeof(*p));

	p->on_end = end;
	p->arg = arg;
	p->client = (struct side){ .pump = p, .stream = client,
		.other = &p->worker };
	p->worker = (struct side){ .pump = p, .other = &p->client };
	p->worker.stream = stream_new(loop, worker, &ops, &p->worker);
	stream_set_ops(client, &ops, &p->client);
	stream_set_deadline(client, 0);
	stream_set_limits(p->worker.stream, 65536, HOLD);
	stream_set_limits(client, 65536, HOLD);
	stream_write(p->worker.stream, first);
	stream_resume(client);
	return p;
}

void
pump_free(struct pump *p)
{
	if (p == NULL || p->over)
		return;
	p->over = true;
	pump_close(p);
}

uint64_t
pump_to_client(const struct pump *p)
{
	return p->client.sent;
}

uint64_t
pump_to_worker(const struct pump *p)
{
	return p->worker.sent;
}
