#include "delivery/smtp/names.h"

static void
send_ask(struct names *n, const struct name_ask *ask)
{
	const struct msg_dns m = { .kind = ask->kind,
		.name = str_c(ask->name) };

	link_send(n->link, MSG_DNS, ask->cookie, &msg_dns_wire, &m);
}

void
names_forget(struct name_ask *ask)
{
	struct names *n = ask->names;

	if (n == NULL)
		return;
	ask->names = NULL;
	map_del_id(&n->by_cookie, ask->cookie);
	TAILQ_REMOVE(&n->asks, ask, entry);
	timer_clear(&ask->timer);
}

static void
on_late(void *arg)
{
	struct name_ask *ask = arg;
	const struct msg_dns_is is = { .result = DNS_TEMPORARY };

	names_forget(ask);
	ask->on_answer(ask, &is, STR_NONE);
}

static void
on_is(void *arg, struct link *l, struct link_msg *m)
{
	struct names *n = arg;
	struct name_ask *ask = map_get_id(&n->by_cookie, m->cookie);

	(void)l;
	if (ask == NULL)
		return; /* forgotten meanwhile */
	names_forget(ask);
	ask->on_answer(ask, m->body, m->raw);
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	struct names *n = arg;

	(void)why;
	if (n->link == l)
		n->link = NULL;
	link_free(l);
}

static const struct link_rule rules[] = {
	LINK_RULE_TAIL(MSG_DNS_IS, &msg_dns_is_wire, LINK_BODY_MAX, on_is),
};

static const struct link_ops ops = {
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close,
};

void
names_init(struct names *n, struct loop *l)
{
	*n = (struct names){ .loop = l };
	map_init(&n->by_cookie);
	TAILQ_INIT(&n->asks);
}

void
names_clear(struct names *n)
{
	while (!TAILQ_EMPTY(&n->asks))
		names_forget(TAILQ_FIRST(&n->asks));
	map_clear(&n->by_cookie);
	if (n->link != NULL)
		link_free(n->link);
	n->link = NULL;
}

void
names_peer(struct names *n, int fd)
{
	struct name_ask *ask;

	if (n->link != NULL)
		link_free(n->link);
	n->link = link_new(n->loop, fd, &ops, n);
	TAILQ_FOREACH(ask, &n->asks, entry)
		send_ask(n, ask);
}

void
names_ask(struct names *n, struct name_ask *ask, enum dns_kind kind,
    struct str name, names_fn *on_answer, void *arg)
{
	*ask = (struct name_ask){ .names = n, .cookie = ++n->last,
		.kind = kind, .on_answer = on_answer, .arg = arg };
	/* A longer name is none: dnsd says so. */
	if (!str_copy(ask->name, sizeof(ask->name), name))
		ask->name[0] = '\0';
	timer_init(&ask->timer, n->loop, on_late, ask);
	timer_set(&ask->timer, NAMES_WAIT_MS);
	map_set_id(&n->by_cookie, ask->cookie, ask);
	TAILQ_INSERT_TAIL(&n->asks, ask, entry);
	if (n->link != NULL)
		send_ask(n, ask);
}
