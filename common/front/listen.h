/*
 * listen -- takes clients from the listening sockets that master gave, with
 * limits.  In total: over it nothing is accepted until somebody leaves (the
 * others wait in the kernel).  For each address (IPv6: each /64): one more
 * gets the refusal's octets and is closed.
 * Owns the listening sockets; an accepted one is the callee's.
 */
#ifndef POSTERN_FRONT_LISTEN_H
#define POSTERN_FRONT_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"
#include "event/loop.h"

enum { LISTEN_CLIENT_TEXT = 64, LISTEN_SERVICE_MAX = 16 };

/* Who connected.  Keep it for listen_left. */
struct listen_client {
	char text[LISTEN_CLIENT_TEXT]; /* "192.0.2.1", "unix:1000" */
	int family;          /* AF_INET, AF_INET6 or AF_UNIX; an IPv4 address
	                      * mapped into IPv6 is AF_INET */
	uint8_t addr[16];    /* network order: 4 or 16 octets */
	uint16_t port;       /* the client's */
	uid_t uid;           /* AF_UNIX: who it is */
	struct str service;  /* "smtp", "imaps", ...: as long as the listen */
	bool counted;        /* against per_client */
};

struct listen_ops {
	/* A client: fd is non-blocking and the callee's; call listen_left
	 * when it has gone. */
	void (*on_client)(void *arg, int fd, const struct listen_client *c);
	/* What a client over the limit is told in plain octets; NULL or an
	 * empty string closes without a word. */
	struct str (*refusal)(void *arg, const struct listen_client *c);
	/* true: per_client does not hold for this one.  May be NULL. */
	bool (*exempt)(void *arg, const struct listen_client *c);
};

struct listen;

/* total, per_client: at least 1. */
struct listen *listen_new(struct loop *loop, size_t total, size_t per_client,
    const struct listen_ops *ops, void *arg);
void listen_free(struct listen *l);
/* A listening socket (GIVE_LISTENER): taken over, not yet accepting. */
void listen_add(struct listen *l, struct str service, int fd);
/* Accept, or stop accepting for good (orderly stop). */
void listen_start(struct listen *l);
void listen_stop(struct listen *l);
/* A client has gone: its place is free. */
void listen_left(struct listen *l, const struct listen_client *c);
/* Clients now. */
size_t listen_count(const struct listen *l);

#endif
