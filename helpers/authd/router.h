/*
 * router -- authd's questions to routerd.  Owns the link.
 * Each question ends with one call of on_is or on_done from the loop; when
 * routerd is away or goes away, with NULL: that is temporary.
 */
#ifndef POSTERN_AUTHD_ROUTER_H
#define POSTERN_AUTHD_ROUTER_H

#include "base/list.h"
#include "base/map.h"
#include "base/str.h"
#include "event/loop.h"
#include "msg/route.h"
#include "proc/link.h"

struct router_ask;
STAILQ_HEAD(router_asks, router_ask);

typedef void router_is_fn(void *arg, const struct msg_route_is *is);
typedef void router_done_fn(void *arg, const struct msg_route_done *done);

struct router {
	struct loop *loop;
	struct link *link;         /* NULL while routerd is away */
	uint64_t next;             /* cookie */
	struct map asked;          /* cookie -> struct router_ask */
	struct router_asks failed; /* told at the end of the round */
	struct deferred fail;
	void (*on_up)(void *arg);  /* a fresh link */
	void *arg;
};

void router_init(struct router *r, struct loop *loop,
    void (*on_up)(void *arg), void *arg);
/* proc_desc.on_peer for ROLE_ROUTERD. */
void router_on_peer(struct router *r, int fd);

/* The account of a log-in name. */
void router_account(
    struct router *r, struct str name, router_is_fn *on_is, void *arg);
void router_add(struct router *r, const struct msg_route_add *m,
    router_done_fn *on_done, void *arg);
void router_lock(struct router *r, struct str account, bool locked,
    router_done_fn *on_done, void *arg);

#endif
