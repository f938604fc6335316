/*
 * router -- questions of this process to routerd (msg/route.h).
 * What was not answered when routerd went away is asked again when it is
 * back; until then the asker waits, with its own deadline.
 */
#ifndef POSTERN_SMTPD_ROUTER_H
#define POSTERN_SMTPD_ROUTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "event/loop.h"
#include "msg/route_cache.h"
#include "proc/link.h"

struct router {
	struct loop *loop;
	struct link *link;    /* NULL while routerd is away */
	uint64_t next;        /* cookie */
	struct map under_way; /* cookie -> struct router_ask */
	struct route_cache cache;
	TAILQ_HEAD(, router_ask) known; /* answered from it when the round ends */
	struct deferred tell;
};

/* One question; embedded in the asker.  The strings of q stay valid until
 * the answer. */
struct router_ask {
	struct router *router; /* NULL: nothing is asked */
	TAILQ_ENTRY(router_ask) entry;
	uint64_t cookie;       /* 0: in router.known */
	uint16_t type;         /* MSG_ROUTE or MSG_ROUTE_MAY_SEND */
	struct msg_route q;
	void (*on_answer)(void *arg, const struct msg_route_is *is);
	void *arg;
};

void router_init(struct router *r, struct loop *loop, uint64_t cookie0);
void router_clear(struct router *r);
/* proc_desc.on_peer for ROLE_ROUTERD.  Takes over fd. */
void router_on_peer(struct router *r, int fd);

/* type, q, on_answer and arg are set; on_answer comes from the loop. */
void router_ask(struct router *r, struct router_ask *ask);
/* No-op when nothing is asked. */
void router_cancel(struct router_ask *ask);

#endif
