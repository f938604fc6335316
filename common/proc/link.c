#include "proc/link.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"

enum {
	READ_STEP = 128 * 1024, /* octets read at once */
	READ_ENOUGH = 32 * 1024, /* less: the sender has no more */
	READS = 16,             /* of them in a round, while there is more */
	FDS_QUEUED = 256,       /* descriptors received, not yet claimed */
	FLUSH_MS = 10000,
	STRUCT_MAX = 1024,      /* octets of a decoded message */
	SEND_NOW = 128 * 1024   /* written at once, not at the round's end */
};

/* A descriptor goes out with the first octet of its frame. */
struct out_fd {
	uint64_t at; /* offset of that octet in everything ever sent */
	int fd;
};

struct link {
	int fd;
	struct loop *loop;
	const struct link_ops *ops;
	void *arg;
	uint64_t tag;
	uint32_t phase;
	struct watch watch;
	struct buf in, out;
	uint64_t sent;             /* octets ever written */
	struct out_fd out_fds[FDS_QUEUED];
	size_t nout_fds;
	int in_fds[FDS_QUEUED];
	size_t nin_fds;
	struct deferred flush;     /* writes at the end of the round */
	struct deferred end;       /* on_close or free, outside of callbacks */
	struct deferred go;        /* goes on with what waits after a pause */
	struct timer late;         /* writes what was sent lazily */
	struct timer rest;         /* until the next read, see link_pace */
	int64_t pace;
	size_t pace_less;
	const char *why;           /* it is over; words for on_close */
	bool told;                 /* on_close was called */
	bool freed;                /* by the owner */
	bool paused;
	bool dirty;                /* on_drained is owed */
};

struct header {
	uint32_t len;
	uint16_t type;
	uint16_t fds;
	uint64_t cookie;
};
_Static_assert(sizeof(struct header) == LINK_HEADER, "no padding may leak");

static void on_ready(void *arg, unsigned what);
static void on_flush(void *arg);
static void on_end(void *arg);
static void on_go(void *arg);
static void on_rested(void *arg);

struct link *
link_new(struct loop *loop, int fd, const struct link_ops *ops, void *arg)
{
	struct link *l = xcalloc(1, sizeof(*l));
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		fatal_errno("link descriptor %d", fd);
	l->fd = fd;
	l->loop = loop;
	l->ops = ops;
	l->arg = arg;
	l->phase = 1;
	buf_init(&l->in, BUF_NO_MAX);
	buf_init(&l->out, BUF_NO_MAX);
	watch_init(&l->watch, loop, fd, on_ready, l);
	watch_want(&l->watch, WATCH_READ);
	deferred_init(&l->flush, loop, on_flush, l);
	deferred_init(&l->end, loop, on_end, l);
	deferred_init(&l->go, loop, on_go, l);
	timer_init(&l->late, loop, on_flush, l);
	timer_init(&l->rest, loop, on_rested, l);
	return l;
}

/* Nothing is read or written any more; the owner hears it soon. */
static void
fail(struct link *l, const char *why)
{
	if (l->why != NULL)
		return;
	l->why = why;
	watch_want(&l->watch, 0);
	deferred_call(&l->end);
}

static void
destroy(struct link *l)
{
	deferred_cancel(&l->flush);
	deferred_cancel(&l->end);
	deferred_cancel(&l->go);
	timer_clear(&l->late);
	timer_clear(&l->rest);
	watch_clear(&l->watch);
	for (size_t i = 0; i < l->nout_fds; i++)
		close(l->out_fds[i].fd);
	for (size_t i = 0; i < l->nin_fds; i++)
		close(l->in_fds[i]);
	buf_clear(&l->in);
	buf_clear(&l->out);
	close(l->fd);
	free(l);
}

static void
on_end(void *arg)
{
	struct link *l = arg;

	if (!l->freed && !l->told) {
		l->told = true;
		l->ops->on_close(l->arg, l, l->why);
	}
	if (l->freed)
		destroy(l);
}

void
link_free(struct link *l)
{
	if (l == NULL || l->freed)
		return;
	l->freed = true;
	if (l->why == NULL)
		l->why = "freed";
	watch_want(&l->watch, 0);
	/* Freed at the end of the round: a callback may be on the stack. */
	deferred_call(&l->end);
}

static void
update_watch(struct link *l)
{
	unsigned what = 0;

	if (l->why != NULL)
		return;
	if (!l->paused && !timer_is_set(&l->rest))
		what |= WATCH_READ;
	if (buf_len(&l->out) != 0)
		what |= WATCH_WRITE;
	watch_want(&l->watch, what);
}

/* Sends octets up to the next descriptor's frame, with the descriptor if the
 * first octet is the one that carries it.  As write(2). */
static ssize_t
write_some(struct link *l)
{
	struct str out = buf_str(&l->out);
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)out.p,
		.iov_len = out.n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	bool with_fd = l->nout_fds != 0 && l->out_fds[0].at == l->sent;
	size_t next = with_fd ? 1 : 0;
	ssize_t n;

	if (with_fd) {
		struct cmsghdr *c;

		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &l->out_fds[0].fd, sizeof(int));
	}
	if (l->nout_fds > next && l->out_fds[next].at - l->sent < out.n)
		iov.iov_len = (size_t)(l->out_fds[next].at - l->sent);
	n = sendmsg(l->fd, &m, MSG_NOSIGNAL);
	if (n > 0 && with_fd) {
		close(l->out_fds[0].fd);
		l->nout_fds--;
		memmove(l->out_fds, l->out_fds + 1,
		    l->nout_fds * sizeof(l->out_fds[0]));
	}
	return n;
}

/* 0 when all is out, 1 when the socket is full, -1 when the link is over. */
static int
write_all(struct link *l)
{
	while (buf_len(&l->out) != 0) {
		ssize_t n = write_some(l);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && (errno == EAGAIN))
			return 1;
		if (n == -1) {
			fail(l, strerror(errno));
			return -1;
		}
		buf_drop(&l->out, (size_t)n);
		l->sent += (uint64_t)n;
	}
	return 0;
}

static void
on_flush(void *arg)
{
	struct link *l = arg;

	if (l->why != NULL || l->freed)
		return;
	timer_cancel(&l->late);
	if (write_all(l) == 0 && l->dirty) {
		l->dirty = false;
		if (l->ops->on_drained != NULL)
			l->ops->on_drained(l->arg, l);
	}
	update_watch(l);
}

int
link_flush(struct link *l, bool blocking)
{
	int64_t until = clock_mono_ms() + FLUSH_MS;

	while (l->why == NULL) {
		struct pollfd p = { .fd = l->fd, .events = POLLOUT };
		int r = write_all(l);

		if (r <= 0)
			return r;
		if (!blocking || clock_mono_ms() > until)
			return -1;
		poll(&p, 1, 100);
	}
	return -1;
}

static void
put_header(struct link *l, uint16_t type, uint16_t fds, uint64_t cookie)
{
	struct header h = { .type = type, .fds = fds, .cookie = cookie };

	buf_add(&l->out, str_n(&h, sizeof(h)));
}

/* The length is known once the body stands behind the header at from. */
static void
end_frame(struct link *l, size_t from, uint16_t type, bool lazy)
{
	struct str all = buf_str(&l->out);
	uint32_t len = (uint32_t)(all.n - from - LINK_HEADER);

	if (len > LINK_BODY_MAX)
		fatal("link: frame %u of %u octets", type, len);
	memcpy(l->out.p + l->out.at + from, &len, sizeof(len));
	l->dirty = true;
	if (all.n >= SEND_NOW && from < SEND_NOW)
		write_all(l);
	if (!lazy)
		deferred_call(&l->flush);
	else if (!l->flush.queued && !timer_is_set(&l->late))
		timer_set(&l->late, LINK_LAZY_MS);
}

static void
send_frame(struct link *l, uint16_t type, uint64_t cookie,
    const struct wire *wire, const void *msg, struct str tail, int fd,
    bool lazy)
{
	size_t from = buf_len(&l->out);

	if (l->why != NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	if (fd != -1) {
		if (l->nout_fds == FDS_QUEUED) {
			close(fd);
			fail(l, "too many descriptors wait to be sent");
			return;
		}
		l->out_fds[l->nout_fds++] =
		    (struct out_fd){ l->sent + from, fd };
	}
	put_header(l, type, fd != -1, cookie);
	if (wire != NULL && !wire_put(&l->out, wire, msg))
		fatal("link: frame %u does not fit its table", type);
	buf_add(&l->out, tail);
	end_frame(l, from, type, lazy);
}

void
link_send(struct link *l, uint16_t type, uint64_t cookie,
    const struct wire *wire, const void *msg)
{
	send_frame(l, type, cookie, wire, msg, STR_NONE, -1, false);
}

void
link_send_lazy(struct link *l, uint16_t type, uint64_t cookie,
    const struct wire *wire, const void *msg)
{
	send_frame(l, type, cookie, wire, msg, STR_NONE, -1, true);
}

void
link_send_tail(struct link *l, uint16_t type, uint64_t cookie,
    const struct wire *wire, const void *msg, struct str tail)
{
	send_frame(l, type, cookie, wire, msg, tail, -1, false);
}

void
link_send_fd(struct link *l, uint16_t type, uint64_t cookie,
    const struct wire *wire, const void *msg, int fd)
{
	send_frame(l, type, cookie, wire, msg, STR_NONE, fd, false);
}

void
link_send_raw(struct link *l, uint16_t type, uint64_t cookie, struct str body)
{
	send_frame(l, type, cookie, NULL, NULL, body, -1, false);
}

bool
link_is_over(const struct link *l)
{
	char octet;

	return l->why != NULL ||
	    recv(l->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

size_t
link_pending(const struct link *l)
{
	return buf_len(&l->out);
}

static void
keep_fds(struct link *l, struct msghdr *m)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (l->nin_fds < FDS_QUEUED) {
				l->in_fds[l->nin_fds++] = fd;
			} else {
				close(fd);
				fail(l, "too many descriptors");
			}
		}
	}
}

/* One recvmsg: octets read, 0: nothing now. */
static size_t
read_some(struct link *l)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int) * LINK_FDS_MAX)];
	} control;
	struct iovec iov = { .iov_base = buf_reserve(&l->in, READ_STEP),
		.iov_len = READ_STEP };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	ssize_t n = recvmsg(l->fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (n == -1) {
		if (errno != EAGAIN && errno != EINTR)
			fail(l, strerror(errno));
		return 0;
	}
	if (m.msg_controllen != 0)
		keep_fds(l, &m);
	if ((m.msg_flags & MSG_CTRUNC) != 0)
		fail(l, "too many descriptors in one message");
	if (n == 0) {
		fail(l, "closed by the peer");
		return 0;
	}
	buf_commit(&l->in, (size_t)n);
	return (size_t)n;
}

static const struct link_rule *
find_rule(const struct link *l, const struct header *h)
{
	for (size_t i = 0; i < l->ops->nrules; i++) {
		const struct link_rule *r = &l->ops->rules[i];

		if (r->type == h->type &&
		    (r->phases == 0 || (r->phases & l->phase) != 0))
			return r;
	}
	return NULL;
}

static void
close_left(struct link_msg *m)
{
	for (size_t i = 0; i < m->nfds; i++)
		if (m->fds[i] != -1)
			close(m->fds[i]);
}

static void
claim_fds(struct link *l, struct link_msg *m, size_t n)
{
	m->nfds = n;
	memcpy(m->fds, l->in_fds, n * sizeof(int));
	l->nin_fds -= n;
	memmove(l->in_fds, l->in_fds + n, l->nin_fds * sizeof(int));
}

/* Judges one whole frame by its rule and hands it on. */
static void
dispatch(struct link *l, const struct header *h, struct str body)
{
	const struct link_rule *r = find_rule(l, h);
	_Alignas(max_align_t) char decoded[STRUCT_MAX];
	struct link_msg m = { .type = h->type, .cookie = h->cookie,
		.raw = body };

	if (r == NULL) {
		fail(l, "a frame of a type that is not permitted here");
		return;
	}
	if (h->fds != r->fds || l->nin_fds < h->fds) {
		fail(l, "a frame with the wrong number of descriptors");
		return;
	}
	if (r->wire != NULL) {
		if (r->wire->size > sizeof(decoded))
			fatal("link: struct of %s is too large", r->name);
		if (!wire_take(&m.raw, r->wire, decoded)) {
			fail(l, "a frame that does not fit its table");
			return;
		}
		m.body = decoded;
	}
	if (m.raw.n > r->tail) {
		fail(l, "a frame that is too long");
		return;
	}
	claim_fds(l, &m, h->fds);
	r->on(l->arg, l, &m);
	close_left(&m);
}

/* Handlers may pause or free the link: looked at before each frame. */
static void
take_frames(struct link *l)
{
	struct header h;

	while (l->why == NULL && !l->paused && buf_len(&l->in) >= LINK_HEADER) {
		struct str in = buf_str(&l->in);

		memcpy(&h, in.p, sizeof(h));
		if (h.len > LINK_BODY_MAX || h.fds > LINK_FDS_MAX) {
			fail(l, "a frame longer than any may be");
			break;
		}
		if (in.n - LINK_HEADER < h.len)
			break;
		dispatch(l, &h, str_n(in.p + LINK_HEADER, h.len));
		buf_drop(&l->in, LINK_HEADER + h.len);
	}
}

static void
on_ready(void *arg, unsigned what)
{
	struct link *l = arg;
	size_t n, all = 0;

	if ((what & WATCH_WRITE) != 0)
		on_flush(l);
	if ((what & WATCH_READ) == 0 || l->why != NULL)
		return;
	/* All that one sender has ready is one round: what is gathered by round
	 * (a flush, an answer) is then worth its price. */
	for (int i = 0; i < READS && l->why == NULL && !l->paused; i++) {
		n = read_some(l);
		if (n != 0)
			take_frames(l);
		all += n;
		if (n < READ_ENOUGH)
			break;
	}
	if (l->pace != 0 && all < l->pace_less) {
		timer_set(&l->rest, l->pace);
		update_watch(l);
	}
}

static void
on_rested(void *arg)
{
	update_watch(arg);
}

void
link_pause(struct link *l)
{
	l->paused = true;
	update_watch(l);
}

static void
on_go(void *arg)
{
	struct link *l = arg;

	if (l->why != NULL || l->freed || l->paused)
		return;
	take_frames(l);
	update_watch(l);
}

/* Never from inside the caller: what waits is handed on after the round. */
void
link_resume(struct link *l)
{
	if (!l->paused)
		return;
	l->paused = false;
	deferred_call(&l->go);
}

void
link_pace(struct link *l, int64_t ms, size_t less)
{
	l->pace = ms;
	l->pace_less = less;
}

void
link_set_phase(struct link *l, uint32_t phase_bit)
{
	l->phase = phase_bit;
}

void *
link_arg(const struct link *l)
{
	return l->arg;
}

void
link_set_tag(struct link *l, uint64_t tag)
{
	l->tag = tag;
}

uint64_t
link_tag(const struct link *l)
{
	return l->tag;
}

/* Reads exactly n octets before the deadline. */
static int
read_by(int fd, char *p, size_t n, int64_t until)
{
	while (n != 0) {
		struct pollfd w = { .fd = fd, .events = POLLIN };
		int64_t left = until - clock_mono_ms();
		ssize_t got;

		if (left <= 0 || poll(&w, 1, (int)left) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		got = recv(fd, p, n, MSG_DONTWAIT);
		if (got == 0)
			errno = EPIPE;
		if (got == 0 || (got == -1 && errno != EAGAIN && errno != EINTR))
			return -1;
		if (got > 0) {
			p += got;
			n -= (size_t)got;
		}
	}
	return 0;
}

static int
send_by(int fd, struct str out, int64_t until)
{
	while (out.n != 0) {
		struct pollfd w = { .fd = fd, .events = POLLOUT };
		int64_t left = until - clock_mono_ms();
		ssize_t n;

		if (left <= 0 || poll(&w, 1, (int)left) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		n = send(fd, out.p, out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (n > 0)
			str_take(&out, (size_t)n);
	}
	return 0;
}

int
link_ask(int fd, uint16_t type, const struct wire *wire, const void *msg,
    uint16_t wanted, struct buf *answer, int timeout_ms)
{
	int64_t until = clock_mono_ms() + timeout_ms;
	static uint64_t asked;
	struct header h = { .type = type, .cookie = ++asked };
	struct buf out;
	int r;

	buf_init(&out, LINK_HEADER + LINK_BODY_MAX);
	buf_add(&out, str_n(&h, sizeof(h)));
	if (!wire_put(&out, wire, msg))
		fatal("link: question %u does not fit its table", type);
	h.len = (uint32_t)(buf_len(&out) - LINK_HEADER);
	memcpy(out.p, &h, sizeof(h));
	r = send_by(fd, buf_str(&out), until);
	buf_clear(&out);
	/* An answer to an earlier question that timed out is passed over. */
	while (r == 0) {
		char *room;

		if (read_by(fd, (char *)&h, sizeof(h), until) == -1)
			return -1;
		room = h.len <= LINK_BODY_MAX ? buf_reserve(answer, h.len)
		                              : NULL;
		if (room == NULL || h.fds != 0) {
			errno = EPROTO;
			return -1;
		}
		if (read_by(fd, room, h.len, until) == -1)
			return -1;
		if (h.cookie != asked)
			continue;
		if (h.type != wanted) {
			errno = EPROTO;
			return -1;
		}
		buf_commit(answer, h.len);
		return 0;
	}
	return r;
}
