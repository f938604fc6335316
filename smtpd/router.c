#include "smtpd/router.h"

#include "proc/note.h"

static void
send_ask(struct router *r, struct router_ask *ask)
{
	if (r->link != NULL)
		link_send(r->link, ask->type, ask->cookie, &msg_route_wire,
		    &ask->q);
}

static void
on_is(void *arg, struct link *l, struct link_msg *m)
{
	struct router *r = arg;
	const struct msg_route_is *is = m->body;
	struct router_ask *ask = map_get_id(&r->under_way, m->cookie);

	(void)l;
	if (ask == NULL)
		return; /* its asker has gone */
	if (ask->type == MSG_ROUTE)
		route_cache_keep(&r->cache, &ask->q, is, loop_now(r->loop));
	router_cancel(ask);
	ask->on_answer(ask->arg, is);
}

static void
on_changed(void *arg, struct link *l, struct link_msg *m)
{
	struct router *r = arg;

	(void)l;
	(void)m;
	route_cache_forget(&r->cache);
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	struct router *r = arg;

	if (r->link == l) {
		r->link = NULL;
		route_cache_forget(&r->cache);
		note(NOTE_WARN, "peer-gone");
		note_c("peer", "routerd");
		note_c("reason", why);
		note_end();
	}
	link_free(l);
}

static const struct link_rule rules[] = {
	LINK_RULE_TAIL(MSG_ROUTE_IS, &msg_route_is_wire, LINK_BODY_MAX, on_is),
	LINK_RULE_RAW(MSG_ROUTE_CHANGED, 0, on_changed),
};
static const struct link_ops ops = { .rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close };

static void
ask_routerd(struct router *r, struct router_ask *ask)
{
	ask->cookie = ++r->next;
	map_set_id(&r->under_way, ask->cookie, ask);
	send_ask(r, ask);
}

/* What was known when it was asked may be forgotten by now. */
static void
tell_known(void *arg)
{
	struct router *r = arg;
	struct router_ask *ask;

	while ((ask = TAILQ_FIRST(&r->known)) != NULL) {
		const struct msg_route_is *is =
		    route_cache_find(&r->cache, &ask->q, loop_now(r->loop));

		router_cancel(ask);
		if (is != NULL) {
			ask->on_answer(ask->arg, is);
			continue;
		}
		ask->router = r;
		ask_routerd(r, ask);
	}
}

void
router_init(struct router *r, struct loop *loop, uint64_t cookie0)
{
	*r = (struct router){ .loop = loop, .next = cookie0 };
	map_init(&r->under_way);
	route_cache_init(&r->cache);
	TAILQ_INIT(&r->known);
	deferred_init(&r->tell, loop, tell_known, r);
}

void
router_clear(struct router *r)
{
	link_free(r->link);
	map_clear(&r->under_way);
	route_cache_forget(&r->cache);
	deferred_cancel(&r->tell);
}

void
router_on_peer(struct router *r, int fd)
{
	struct router_ask *ask;
	size_t pos = 0;

	link_free(r->link);
	route_cache_forget(&r->cache);
	r->link = link_new(r->loop, fd, &ops, r);
	while ((ask = map_next(&r->under_way, &pos, NULL)) != NULL)
		send_ask(r, ask);
}

void
router_ask(struct router *r, struct router_ask *ask)
{
	ask->router = r;
	if (ask->type != MSG_ROUTE ||
	    route_cache_find(&r->cache, &ask->q, loop_now(r->loop)) == NULL) {
		ask_routerd(r, ask);
		return;
	}
	/* From the loop, as every answer. */
	ask->cookie = 0;
	TAILQ_INSERT_TAIL(&r->known, ask, entry);
	deferred_call(&r->tell);
}

void
router_cancel(struct router_ask *ask)
{
	if (ask->router == NULL)
		return;
	if (ask->cookie == 0)
		TAILQ_REMOVE(&ask->router->known, ask, entry);
	else
		map_del_id(&ask->router->under_way, ask->cookie);
	ask->router = NULL;
}
