#include "front/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/list.h"
#include "base/map.h"
#include "proc/note.h"

enum {
	BATCH = 32,        /* accepted from one socket in one round */
	SHORT_MS = 1000    /* wait after the system is out of descriptors */
};

struct socket {
	TAILQ_ENTRY(socket) entry;
	struct listen *listen;
	struct watch watch;
	int fd;
	char service[LISTEN_SERVICE_MAX];
};

struct listen {
	struct loop *loop;
	const struct listen_ops *ops;
	void *arg;
	size_t total, per_client;
	size_t count;
	TAILQ_HEAD(, socket) sockets;
	struct map by_network; /* uintptr_t: clients of it now */
	struct timer rest;     /* out of descriptors */
	bool wanted;
	bool accepting;
};

static void
set_accepting(struct listen *l)
{
	bool on = l->wanted && l->count < l->total && !timer_is_set(&l->rest);
	struct socket *s;

	if (on == l->accepting)
		return;
	l->accepting = on;
	TAILQ_FOREACH(s, &l->sockets, entry)
		watch_want(&s->watch, on ? WATCH_READ : 0);
}

/* What per_client counts: an IPv4 address, the /64 of an IPv6 one. */
static struct str
network(const struct listen_client *c)
{
	return str_n(c->addr, c->family == AF_INET ? 4 : 8);
}

static void
set_inet(struct listen_client *c, const struct in_addr *a, in_port_t port)
{
	c->family = AF_INET;
	c->port = ntohs(port);
	memcpy(c->addr, a, 4);
	inet_ntop(AF_INET, a, c->text, sizeof(c->text));
}

static void
set_inet6(struct listen_client *c, const struct sockaddr_in6 *a)
{
	struct in_addr v4;

	if (IN6_IS_ADDR_V4MAPPED(&a->sin6_addr)) {
		memcpy(&v4, a->sin6_addr.s6_addr + 12, 4);
		set_inet(c, &v4, a->sin6_port);
		return;
	}
	c->family = AF_INET6;
	c->port = ntohs(a->sin6_port);
	memcpy(c->addr, &a->sin6_addr, 16);
	inet_ntop(AF_INET6, &a->sin6_addr, c->text, sizeof(c->text));
}

/* false: the peer is gone already. */
static bool
set_unix(struct listen_client *c, int fd)
{
	struct ucred cred;
	socklen_t n = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == -1)
		return false;
	c->family = AF_UNIX;
	c->uid = cred.uid;
	snprintf(c->text, sizeof(c->text), "unix:%lu",
	    (unsigned long)cred.uid);
	return true;
}

static bool
identify(struct listen_client *c, int fd, const struct sockaddr_storage *a)
{
	switch (a->ss_family) {
	case AF_INET: {
		struct sockaddr_in in;

		memcpy(&in, a, sizeof(in));
		set_inet(c, &in.sin_addr, in.sin_port);
		return true;
	}
	case AF_INET6: {
		struct sockaddr_in6 in6;

		memcpy(&in6, a, sizeof(in6));
		set_inet6(c, &in6);
		return true;
	}
	default:
		return set_unix(c, fd);
	}
}

static void
refuse(struct listen *l, int fd, const struct listen_client *c)
{
	struct str text = l->ops->refusal != NULL
	    ? l->ops->refusal(l->arg, c) : STR_NONE;

	/* A fresh connection takes a line at once, or never mind. */
	if (text.n != 0)
		(void)!send(fd, text.p, text.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
	note(NOTE_INFO, "client-refused");
	note_c("client", c->text);
	note_str("service", c->service);
	note_c("reason", "too many connections of this address");
	note_end();
}

/* false: over the limit. */
static bool
count_client(struct listen *l, struct listen_client *c)
{
	uintptr_t n;

	c->counted = c->family != AF_UNIX &&
	    (l->ops->exempt == NULL || !l->ops->exempt(l->arg, c));
	if (c->counted) {
		n = (uintptr_t)map_get(&l->by_network, network(c));
		if (n >= l->per_client)
			return false;
		map_set(&l->by_network, network(c), (void *)(n + 1));
	}
	l->count++;
	return true;
}

/* false: nothing more to accept now. */
static bool
accept_one(struct listen *l, struct socket *s)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof(a);
	struct listen_client c = { .service = str_c(s->service) };
	int fd = accept4(s->fd, (struct sockaddr *)&a, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd == -1) {
		/* The others mean one lost connection, not a lost socket. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS) {
			timer_set(&l->rest, SHORT_MS);
			note(NOTE_ERROR, "accept-failed");
			note_errno(errno);
			note_end();
		}
		return errno == ECONNABORTED || errno == EINTR;
	}
	if (!identify(&c, fd, &a))
		close(fd);
	else if (!count_client(l, &c))
		refuse(l, fd, &c);
	else
		l->ops->on_client(l->arg, fd, &c);
	return true;
}

static void
on_ready(void *arg, unsigned what)
{
	struct socket *s = arg;
	struct listen *l = s->listen;

	(void)what;
	for (int i = 0; i < BATCH && l->wanted && l->count < l->total; i++)
		if (!accept_one(l, s))
			break;
	set_accepting(l);
}

static void
on_rest(void *arg)
{
	set_accepting(arg);
}

struct listen *
listen_new(struct loop *loop, size_t total, size_t per_client,
    const struct listen_ops *ops, void *arg)
{
	struct listen *l = xcalloc(1, sizeof(*l));

	l->loop = loop;
	l->ops = ops;
	l->arg = arg;
	l->total = total;
	l->per_client = per_client;
	TAILQ_INIT(&l->sockets);
	map_init(&l->by_network);
	timer_init(&l->rest, loop, on_rest, l);
	return l;
}

void
listen_free(struct listen *l)
{
	struct socket *s;

	if (l == NULL)
		return;
	while ((s = TAILQ_FIRST(&l->sockets)) != NULL) {
		TAILQ_REMOVE(&l->sockets, s, entry);
		watch_clear(&s->watch);
		close(s->fd);
		free(s);
	}
	timer_clear(&l->rest);
	map_clear(&l->by_network);
	free(l);
}

void
listen_add(struct listen *l, struct str service, int fd)
{
	struct socket *s = xcalloc(1, sizeof(*s));
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		fatal_errno("listening socket");
	if (!str_copy(s->service, sizeof(s->service), service))
		fatal("no such service: %.*s", STR_ARG(service));
	s->listen = l;
	s->fd = fd;
	watch_init(&s->watch, l->loop, fd, on_ready, s);
	TAILQ_INSERT_TAIL(&l->sockets, s, entry);
	if (l->accepting)
		watch_want(&s->watch, WATCH_READ);
}

void
listen_start(struct listen *l)
{
	l->wanted = true;
	set_accepting(l);
}

void
listen_stop(struct listen *l)
{
	l->wanted = false;
	set_accepting(l);
}

void
listen_left(struct listen *l, const struct listen_client *c)
{
	uintptr_t n;

	if (c->counted) {
		n = (uintptr_t)map_get(&l->by_network, network(c));
		if (n > 1)
			map_set(&l->by_network, network(c), (void *)(n - 1));
		else
			map_del(&l->by_network, network(c));
	}
	l->count--;
	set_accepting(l);
}

size_t
listen_count(const struct listen *l)
{
	return l->count;
}
