#include "smtpd/names.h"

#include "mail/addr.h"

static void
on_is(void *arg, struct link *l, struct link_msg *m)
{
	struct names *n = arg;
	const struct msg_dns_is *is = m->body;
	struct names_ask *ask = map_get_id(&n->under_way, m->cookie);
	struct dns_record rec;
	struct str tail = m->raw;

	(void)l;
	if (ask == NULL)
		return;
	names_cancel(ask);
	if (is->result != DNS_FOUND || is->count == 0 ||
	    !wire_take(&tail, &dns_record_wire, &rec) ||
	    !addr_domain_ok(rec.data, 0) ||
	    !str_copy(ask->name, ask->size, rec.data))
		ask->name[0] = '\0';
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	struct names *n = arg;
	struct names_ask *ask;
	size_t pos = 0;

	(void)why;
	if (n->link == l) {
		n->link = NULL;
		while ((ask = map_next(&n->under_way, &pos, NULL)) != NULL)
			names_cancel(ask);
	}
	link_free(l);
}

static const struct link_rule rules[] = {
	LINK_RULE_TAIL(MSG_DNS_IS, &msg_dns_is_wire, LINK_BODY_MAX, on_is),
};
static const struct link_ops ops = { .rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close };

void
names_init(struct names *n, struct loop *loop, uint64_t cookie0)
{
	*n = (struct names){ .loop = loop, .next = cookie0 };
	map_init(&n->under_way);
}

void
names_clear(struct names *n)
{
	link_free(n->link);
	map_clear(&n->under_way);
}

void
names_on_peer(struct names *n, int fd)
{
	link_free(n->link);
	n->link = link_new(n->loop, fd, &ops, n);
}

void
names_ask(struct names *n, struct names_ask *ask, struct str address)
{
	struct msg_dns q = { .kind = DNS_PTR, .name = address };

	if (n->link == NULL || n->under_way.n >= NAMES_MAX)
		return;
	ask->names = n;
	ask->cookie = ++n->next;
	map_set_id(&n->under_way, ask->cookie, ask);
	link_send(n->link, MSG_DNS, ask->cookie, &msg_dns_wire, &q);
}

void
names_cancel(struct names_ask *ask)
{
	if (ask->names == NULL)
		return;
	map_del_id(&ask->names->under_way, ask->cookie);
	ask->names = NULL;
}
