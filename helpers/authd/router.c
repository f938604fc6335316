#include "helpers/authd/router.h"

#include <stdlib.h>

#include "base/fatal.h"

struct router_ask {
	STAILQ_ENTRY(router_ask) entry;
	router_is_fn *on_is;
	router_done_fn *on_done;
	void *arg;
};

/* NULL: it could not be asked. */
static void
finish(struct router_ask *a, const void *body)
{
	if (a->on_is != NULL)
		a->on_is(a->arg, body);
	else
		a->on_done(a->arg, body);
	free(a);
}

static void
on_fail(void *arg)
{
	struct router *r = arg;
	struct router_ask *a;

	while ((a = STAILQ_FIRST(&r->failed)) != NULL) {
		STAILQ_REMOVE_HEAD(&r->failed, entry);
		finish(a, NULL);
	}
}

static void
fail(struct router *r, struct router_ask *a)
{
	STAILQ_INSERT_TAIL(&r->failed, a, entry);
	deferred_call(&r->fail);
}

static void
fail_all(struct router *r)
{
	size_t pos = 0;
	struct router_ask *a;

	while ((a = map_next(&r->asked, &pos, NULL)) != NULL)
		fail(r, a);
	map_clear(&r->asked);
}

static void
on_answer(void *arg, struct link *l, struct link_msg *m)
{
	struct router *r = arg;
	struct router_ask *a = map_get_id(&r->asked, m->cookie);

	(void)l;
	if (a == NULL || (a->on_is != NULL) != (m->type == MSG_ROUTE_IS))
		return;
	map_del_id(&r->asked, m->cookie);
	finish(a, m->body);
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	struct router *r = arg;

	(void)why;
	if (r->link == l) {
		r->link = NULL;
		fail_all(r);
	}
	link_free(l);
}

static const struct link_rule rules[] = {
	LINK_RULE(MSG_ROUTE_IS, &msg_route_is_wire, on_answer),
	LINK_RULE(MSG_ROUTE_DONE, &msg_route_done_wire, on_answer),
};
static const struct link_ops ops = {
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close,
};

void
router_init(struct router *r, struct loop *loop, void (*on_up)(void *arg),
    void *arg)
{
	*r = (struct router){ .loop = loop, .on_up = on_up, .arg = arg };
	map_init(&r->asked);
	STAILQ_INIT(&r->failed);
	deferred_init(&r->fail, loop, on_fail, r);
}

void
router_on_peer(struct router *r, int fd)
{
	if (r->link != NULL) {
		link_free(r->link);
		fail_all(r);
	}
	r->link = link_new(r->loop, fd, &ops, r);
	r->on_up(r->arg);
}

static void
ask(struct router *r, struct router_ask what, uint16_t type,
    const struct wire *wire, const void *msg)
{
	struct router_ask *a = xcalloc(1, sizeof(*a));

	*a = what;
	if (r->link == NULL) {
		fail(r, a);
		return;
	}
	map_set_id(&r->asked, ++r->next, a);
	link_send(r->link, type, r->next, wire, msg);
}

void
router_account(
    struct router *r, struct str name, router_is_fn *on_is, void *arg)
{
	/* What is too long is no address: the question says so. */
	struct msg_route q = {
		.address = name.n > ADDRESS_MAX ? STR_NONE : name };

	ask(r, (struct router_ask){ .on_is = on_is, .arg = arg },
	    MSG_ROUTE_ACCOUNT, &msg_route_wire, &q);
}

void
router_add(struct router *r, const struct msg_route_add *m,
    router_done_fn *on_done, void *arg)
{
	ask(r, (struct router_ask){ .on_done = on_done, .arg = arg },
	    MSG_ROUTE_ADD, &msg_route_add_wire, m);
}

void
router_lock(struct router *r, struct str account, bool locked,
    router_done_fn *on_done, void *arg)
{
	struct msg_route_lock m = { account, locked };

	if (account.n > ADDRESS_MAX)
		m.account = STR_NONE;
	ask(r, (struct router_ask){ .on_done = on_done, .arg = arg },
	    MSG_ROUTE_LOCK, &msg_route_lock_wire, &m);
}
