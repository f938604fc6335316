/* serve -- questions of smtpd, qmgr and authd. */
#include <stdlib.h>

#include "base/fatal.h"
#include "helpers/routerd/routerd.h"
#include "proc/note.h"

enum {
	TAIL_MAX = 48 * 1024,  /* octets of a list in one frame */
	WAITING_MAX = 20000
};

struct peer {
	TAILQ_ENTRY(peer) entry;
	struct routerd *d;
	struct link *link;
	enum role role;
};

/* A question that waits for what nssd says. */
struct question {
	TAILQ_ENTRY(question) entry;
	struct peer *peer;
	uint64_t cookie;
	uint16_t type;
	char *address, *login;
	uint32_t may_relay, depth;
};

/* An answer that waits for the commit. */
struct done {
	TAILQ_ENTRY(done) entry;
	struct peer *peer;
	uint64_t cookie;
	struct change change;
};

/* Long lists go in several frames, the last with more = 0. */
static void
send_list(struct link *l, uint64_t cookie, struct resolved *r)
{
	struct buf tail;
	size_t i = 0;

	buf_init(&tail, BUF_NO_MAX);
	do {
		buf_reset(&tail);
		while (i < r->n && buf_len(&tail) < TAIL_MAX)
			wire_put_str(&tail, r->list[i++]);
		r->is.more = i < r->n;
		link_send_tail(l, MSG_ROUTE_IS, cookie, &msg_route_is_wire,
		    &r->is, buf_str(&tail));
	} while (i < r->n);
	buf_clear(&tail);
}

static void
wait_for_user(struct peer *p, uint16_t type, uint64_t cookie,
    const struct msg_route *q)
{
	struct question *w = xcalloc(1, sizeof(*w));

	*w = (struct question){ .peer = p, .cookie = cookie, .type = type,
		.address = str_dup(q->address), .login = str_dup(q->login),
		.may_relay = q->may_relay, .depth = q->depth };
	TAILQ_INSERT_TAIL(&p->d->waiting, w, entry);
}

/* false: it has to wait for nssd. */
static bool
answer(struct peer *p, uint16_t type, uint64_t cookie,
    const struct msg_route *q)
{
	const struct resolver *r = &p->d->resolver;
	struct resolved out;
	struct pool pool;

	pool_init(&pool);
	if (type == MSG_ROUTE_ACCOUNT)
		resolve_account(r, &pool, q->address, &out);
	else if (type == MSG_ROUTE_MAY_SEND)
		resolve_may_send(r, &pool, q->login, q->address, &out);
	else
		resolve(r, &pool, q, &out);
	out.is.keep = type == MSG_ROUTE && !out.is_live &&
	    (out.is.kind == ROUTE_LOCAL || out.is.kind == ROUTE_REMOTE);
	if (!out.ask)
		send_list(p->link, cookie, &out);
	pool_clear(&pool);
	return !out.ask;
}

static void
on_route(void *arg, struct link *l, struct link_msg *m)
{
	struct peer *p = arg;

	(void)l;
	if (!answer(p, m->type, m->cookie, m->body))
		wait_for_user(p, m->type, m->cookie, m->body);
}

static void
question_free(struct routerd *d, struct question *w)
{
	TAILQ_REMOVE(&d->waiting, w, entry);
	free(w->address);
	free(w->login);
	free(w);
}

void
serve_waiting(struct routerd *d)
{
	struct question *w, *next;

	TAILQ_FOREACH_SAFE(w, &d->waiting, entry, next) {
		struct msg_route q = { str_c(w->address), str_c(w->login),
			w->may_relay, w->depth };

		if (answer(w->peer, w->type, w->cookie, &q))
			question_free(d, w);
	}
}

void
serve_changed(struct routerd *d)
{
	struct peer *p;

	TAILQ_FOREACH(p, &d->peers, entry)
		if (p->role != ROLE_AUTHD)
			link_send_raw(p->link, MSG_ROUTE_CHANGED, 0, STR_NONE);
}

static void
on_full(void *arg, struct link *l, struct link_msg *m)
{
	struct peer *p = arg;
	const struct msg_route_full *f = m->body;
	struct account *a = directory_account(&p->d->dir, f->account);

	(void)l;
	if (a == NULL || a->full == (f->full != 0))
		return;
	a->full = f->full != 0;
	serve_changed(p->d);
}

static void
promise(struct peer *p, uint64_t cookie, const struct change *c)
{
	struct done *done = xcalloc(1, sizeof(*done));

	done->peer = p;
	done->cookie = cookie;
	done->change = *c;
	TAILQ_INSERT_TAIL(&p->d->dones, done, entry);
	routerd_commit_later(p->d);
}

static void
on_add(void *arg, struct link *l, struct link_msg *m)
{
	struct peer *p = arg;
	struct change c;

	(void)l;
	change_add_account(p->d, m->body, &c);
	promise(p, m->cookie, &c);
}

static void
on_lock(void *arg, struct link *l, struct link_msg *m)
{
	struct peer *p = arg;
	const struct msg_route_lock *lock = m->body;
	struct change c;

	(void)l;
	change_lock(p->d, lock->account, lock->locked != 0, &c);
	promise(p, m->cookie, &c);
}

void
serve_dones(struct routerd *d)
{
	struct done *done;

	while ((done = TAILQ_FIRST(&d->dones)) != NULL) {
		const struct change *c = &done->change;
		struct msg_route_done msg = { c->exit, str_c(c->account),
			str_c(c->text), str_c(c->fix) };

		link_send(done->peer->link, MSG_ROUTE_DONE, done->cookie,
		    &msg_route_done_wire, &msg);
		TAILQ_REMOVE(&d->dones, done, entry);
		free(done);
	}
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	struct peer *p = arg;
	struct question *w, *next;
	struct done *done, *next_done;

	(void)why;
	TAILQ_FOREACH_SAFE(w, &p->d->waiting, entry, next)
		if (w->peer == p)
			question_free(p->d, w);
	TAILQ_FOREACH_SAFE(done, &p->d->dones, entry, next_done)
		if (done->peer == p) {
			TAILQ_REMOVE(&p->d->dones, done, entry);
			free(done);
		}
	TAILQ_REMOVE(&p->d->peers, p, entry);
	link_free(l);
	free(p);
}

/* Who may ask what. */
static const struct link_rule smtpd_rules[] = {
	LINK_RULE(MSG_ROUTE, &msg_route_wire, on_route),
	LINK_RULE(MSG_ROUTE_MAY_SEND, &msg_route_wire, on_route),
};
static const struct link_rule qmgr_rules[] = {
	LINK_RULE(MSG_ROUTE, &msg_route_wire, on_route),
	LINK_RULE(MSG_ROUTE_FULL, &msg_route_full_wire, on_full),
};
static const struct link_rule authd_rules[] = {
	LINK_RULE(MSG_ROUTE_ACCOUNT, &msg_route_wire, on_route),
	LINK_RULE(MSG_ROUTE_ADD, &msg_route_add_wire, on_add),
	LINK_RULE(MSG_ROUTE_LOCK, &msg_route_lock_wire, on_lock),
};
#define OPS(rules)                                                             \
	{ (rules), sizeof(rules) / sizeof((rules)[0]), on_close, NULL }
static const struct {
	enum role role;
	struct link_ops ops;
} kinds[] = {
	{ ROLE_SMTPD, OPS(smtpd_rules) },
	{ ROLE_QMGR, OPS(qmgr_rules) },
	{ ROLE_AUTHD, OPS(authd_rules) },
};

void
serve_peer(struct routerd *d, enum role role, int fd)
{
	struct peer *p;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].role != role)
			continue;
		p = xcalloc(1, sizeof(*p));
		p->d = d;
		p->role = role;
		p->link = link_new(d->proc.loop, fd, &kinds[i].ops, p);
		TAILQ_INSERT_TAIL(&d->peers, p, entry);
		return;
	}
	fatal("a link to %s, which asks nothing here", role_name(role));
}
