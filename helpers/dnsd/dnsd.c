#include "helpers/dnsd/dnsd.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "base/num.h"
#include "proc/link.h"

struct dnsd_peer {
	TAILQ_ENTRY(dnsd_peer) entry;
	struct dnsd *dnsd;
	struct link *link;
	TAILQ_HEAD(, query) queries;
	size_t open;
};

static void
reap(void *arg)
{
	struct dnsd *d = arg;
	struct query *q;

	while ((q = TAILQ_FIRST(&d->done)) != NULL) {
		TAILQ_REMOVE(&d->done, q, entry);
		query_free(q);
	}
}

static void
on_done(void *arg, struct query *q)
{
	struct dnsd_peer *peer = arg;
	struct dnsd *d = peer->dnsd;
	struct buf records;

	buf_init(&records, LINK_BODY_MAX);
	query_put(q, &records);
	link_send_tail(peer->link, MSG_DNS_IS, q->cookie, &msg_dns_is_wire,
	    &q->is, buf_str(&records));
	buf_clear(&records);
	TAILQ_REMOVE(&peer->queries, q, entry);
	peer->open--;
	d->open--;
	TAILQ_INSERT_TAIL(&d->done, q, entry);
	deferred_call(&d->reap);
}

static void
refuse(struct link *l, uint64_t cookie, enum dns_result result)
{
	const struct msg_dns_is is = { .result = result };

	link_send_tail(
	    l, MSG_DNS_IS, cookie, &msg_dns_is_wire, &is, STR_NONE);
}

static void
on_dns(void *arg, struct link *l, struct link_msg *m)
{
	struct dnsd_peer *peer = arg;
	struct dnsd *d = peer->dnsd;
	struct query *q;

	if (peer->open == DNSD_PEER_MAX || d->open == d->most) {
		refuse(l, m->cookie, DNS_TEMPORARY);
		return;
	}
	q = query_new(d->loop, d->resolver, m->body);
	if (q == NULL) {
		refuse(l, m->cookie, DNS_NXDOMAIN);
		return;
	}
	q->cookie = m->cookie;
	TAILQ_INSERT_TAIL(&peer->queries, q, entry);
	peer->open++;
	d->open++;
	query_start(q, d->most_ms, on_done, peer);
}

static void
peer_free(struct dnsd_peer *peer)
{
	struct dnsd *d = peer->dnsd;
	struct query *q;

	while ((q = TAILQ_FIRST(&peer->queries)) != NULL) {
		TAILQ_REMOVE(&peer->queries, q, entry);
		d->open--;
		query_free(q);
	}
	TAILQ_REMOVE(&d->peers, peer, entry);
	link_free(peer->link);
	free(peer);
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	(void)l;
	(void)why;
	peer_free(arg);
}

static const struct link_rule rules[] = {
	LINK_RULE(MSG_DNS, &msg_dns_wire, on_dns),
};

static const struct link_ops ops = {
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close,
};

void
dnsd_peer(struct dnsd *d, int fd)
{
	struct dnsd_peer *peer = xcalloc(1, sizeof(*peer));

	peer->dnsd = d;
	TAILQ_INIT(&peer->queries);
	peer->link = link_new(d->loop, fd, &ops, peer);
	TAILQ_INSERT_TAIL(&d->peers, peer, entry);
}

void
dnsd_init(struct dnsd *d, struct loop *l, struct resolver *r, int64_t most_ms,
    size_t most)
{
	*d = (struct dnsd){ .loop = l, .resolver = r, .most_ms = most_ms,
		.most = most };
	TAILQ_INIT(&d->peers);
	TAILQ_INIT(&d->done);
	deferred_init(&d->reap, l, reap, d);
}

void
dnsd_clear(struct dnsd *d)
{
	while (!TAILQ_EMPTY(&d->peers))
		peer_free(TAILQ_FIRST(&d->peers));
	reap(d);
	deferred_cancel(&d->reap);
}

/* --- servers ----------------------------------------------------------- */

static bool
is_address(struct str s)
{
	char text[INET6_ADDRSTRLEN], octets[16];

	return str_copy(text, sizeof(text), s) &&
	    (inet_pton(AF_INET, text, octets) == 1 ||
	    inet_pton(AF_INET6, text, octets) == 1);
}

bool
dnsd_server(struct str in, char out[64])
{
	struct str address = in;
	uint32_t port = 53;

	if (str_take_char(&in, '[')) {
		address = str_take_until(&in, ']');
		if (in.n > 0 && (!str_take_char(&in, ':') ||
		    !num_u32(in, &port)))
			return false;
	} else if (!is_address(in)) {
		const size_t colon = str_rfind(in, ':');

		address = str_first(in, colon);
		if (colon == in.n || !num_u32(str_from(in, colon + 1), &port))
			return false;
	}
	if (!is_address(address) || port == 0 || port > 65535)
		return false;
	snprintf(out, 64, "%.*s@%u", STR_ARG(address), (unsigned)port);
	return true;
}

size_t
dnsd_resolv_conf(struct str text, char (*servers)[64], size_t most)
{
	size_t n = 0;

	while (text.n > 0 && n < most) {
		struct str line = str_trim(str_take_until(&text, '\n'));

		if (!str_take_prefix(&line, STR("nameserver")) ||
		    line.n == 0 || !chr_is_wsp(line.p[0]))
			continue;
		line = str_trim(line);
		line = str_first(line, str_find(line, ' '));
		line = str_first(line, str_find(line, '\t'));
		if (is_address(line) && dnsd_server(line, servers[n]))
			n++;
	}
	return n;
}
