/* routes -- asks routerd where recipients go: no receiver is trusted. */
#include <stdlib.h>

#include "base/fatal.h"
#include "base/pool.h"
#include "base/wire.h"
#include "proc/note.h"
#include "qmgr/qmgr.h"
#include "qmgr/via.h"

enum {
	WINDOW = 256,        /* questions on their way */
	READY_MOST = 20000,  /* recipients that wait for agents at which bulk
	                      * waits */
	LIST_MAX = 200000,   /* members of one list */
	DEPTH_MAX = 10,
	BULK_EVERY = 5,
	KNOWN_A_ROUND = 256  /* recipients whose way is known */
};

struct question {
	struct rcpt *r;
	struct message *m;         /* a reference */
	/* A list in several frames: its members so far. */
	struct pool pool;
	struct rcpt_init *members;
	uint32_t n, cap;
	uint64_t memory;           /* octets of them */
	bool too_long;
	bool useless;              /* its recipient's way is known without it */
};

/* Members that no agent gets before the log has them on disk. */
struct listed {
	struct qlog_wait wait;
	struct qmgr *d;
	struct message *m;         /* a reference */
};

static void
question_free(struct qmgr *d, struct question *qu)
{
	message_drop_ref(&d->q, qu->m);
	d->routes.memory -= qu->memory;
	free(qu->members);
	pool_clear(&qu->pool);
	free(qu);
	d->routes.open--;
}

static struct msg_route
route_of(const struct rcpt *r)
{
	return (struct msg_route){ .address = rcpt_address(r),
		.may_relay = 1, .depth = r->depth };
}

static struct question *
question_new(struct qmgr *d, struct rcpt *r)
{
	struct question *qu = xcalloc(1, sizeof(*qu));

	TAILQ_REMOVE((r->flags & RCPT_BULK) != 0 ? &d->q.routing_bulk :
	    &d->q.routing, r, entry);
	r->flags |= RCPT_ASKED;
	qu->r = r;
	qu->m = r->m;
	message_hold_ref(qu->m);
	d->routes.open++;
	return qu;
}

static void
ask(struct qmgr *d, struct rcpt *r)
{
	const uint64_t cookie = ++d->routes.cookie;
	const struct msg_route route = route_of(r);

	map_set_id(&d->routes.questions, cookie, question_new(d, r));
	link_send(d->routes.link, MSG_ROUTE, cookie, &msg_route_wire, &route);
}

/* A held message's recipients wait until it is released. */
static bool
set_aside(struct qmgr *d, struct rcpt *r)
{
	if ((r->m->flags & MSG_HELD) == 0)
		return false;
	rcpt_wait(&d->q, r, d->q.now);
	return true;
}

/* The administrator said where it goes. */
static bool
go_via(struct qmgr *d, struct rcpt *r)
{
	struct message *m = r->m;
	struct site *via = rcpt_via(r);

	if (via == NULL)
		return false;
	message_ready_bundle(d, rcpt_ready(&d->q, r, via, NULL));
	if (m->asking == 0)
		message_ready(d, m);
	return true;
}

/* The next to be asked about: every fifth is of the bulk, while that has
 * room; the rest of a message whose first ones are ready always has, since
 * they wait for it. */
static struct rcpt *
next_rcpt(struct qmgr *d)
{
	struct rcpt *new = TAILQ_FIRST(&d->q.routing);
	struct rcpt *bulk = TAILQ_FIRST(&d->q.routing_bulk);

	/* Not those that wait for others of their message: these may stand
	 * behind any number, and nothing would move. */
	if (bulk != NULL &&
	    d->q.sched.nrcpts + d->routes.open > READY_MOST &&
	    !message_half_routed(bulk->m))
		bulk = NULL;
	if (new == NULL || bulk == NULL)
		return new != NULL ? new : bulk;
	if (++d->routes.turn < BULK_EVERY)
		return new;
	d->routes.turn = 0;
	return bulk;
}

/* --- answers ------------------------------------------------------------ */

/* "5.1.1 no such mailbox" is status and text. */
static struct reason *
reason_of(struct qmgr *d, const struct msg_route_is *is)
{
	struct str text = is->text;
	const struct str first = str_take_word(&text);
	const bool has_status = first.n >= 5 && first.n <= 16 &&
	    chr_is_digit(first.p[0]) && first.p[1] == '.';
	const bool permanent = is->kind == ROUTE_REJECT;

	return reason_get(&d->q.reasons,
	    is->code != 0 ? is->code : permanent ? 550 : 451,
	    has_status ? first : permanent ? STR("5.1.1") : STR("4.3.0"),
	    has_status ? text : is->text, STR_NONE);
}

static void
decide(struct qmgr *d, struct question *qu, enum job_status status,
    struct reason *reason)
{
	const struct outcome o = { .r = qu->r, .status = status,
		    .reason = reason };

	outcome_apply(d, qu->m, &o, 1);
	reason_drop(&d->q.reasons, reason);
}

static void
is_reject(struct qmgr *d, struct question *qu, const struct msg_route_is *is)
{
	decide(d, qu, JOB_PERMANENT, reason_of(d, is));
}

static void
is_temporary(struct qmgr *d, struct question *qu, const struct msg_route_is *is)
{
	decide(d, qu, JOB_TEMPORARY, reason_of(d, is));
}

static struct target *
target_new(const struct msg_route_is *is, struct str mailbox)
{
	struct target *t = xmalloc(
	    sizeof(*t) + is->account.n + is->path.n + mailbox.n);
	char *at = (char *)(t + 1);

	t->account = str_put(&at, is->account);
	t->path = str_put(&at, is->path);
	t->mailbox = str_put(&at, mailbox);
	t->quota = is->quota;
	return t;
}

/*
 * Another recipient of the message is the same mailbox.  One copy is enough
 * for both, but each has his own fate: the next time aliases and orders may
 * lead him elsewhere, and his sender may want to hear of it, or not.  So
 * deliver gets both, and looks for a copy of the other, who may have come
 * before.  Where he goes now, or NULL.
 */
static const struct target *
meet_twin(struct rcpt *r, struct str account)
{
	const struct target *t;
	struct rcpt *twin;

	if (r->m->nrcpts == 1)
		return NULL;
	twin = map_set(&message_more(r->m)->accounts, account, r);
	if (twin == NULL || twin == r)
		return NULL;
	r->flags |= RCPT_MAYBE;
	t = rcpt_target(twin);
	return t != NULL && str_eq(t->account, account) ? t : NULL;
}

static void
is_local(struct qmgr *d, struct question *qu, const struct msg_route_is *is)
{
	const struct target *other = meet_twin(qu->r, is->account);
	struct site *site = site_local(&d->q.sites, is->root, is->uid, is->gid);

	/* Of two folders it goes to one, where deliver finds it. */
	message_ready_bundle(d, rcpt_ready(&d->q, qu->r, site, target_new(is,
	    other != NULL ? other->mailbox : is->mailbox)));
}

static void
is_remote(struct qmgr *d, struct question *qu, const struct msg_route_is *is)
{
	struct site *site = site_smtp(&d->q.sites, is->next_hop, is->tls);

	if (site == NULL) {
		decide(d, qu, JOB_TEMPORARY, reason_get(&d->q.reasons, 451,
		    STR("4.3.5"), STR("no such next hop"), STR_NONE));
		return;
	}
	message_ready_bundle(d, rcpt_ready(&d->q, qu->r, site, NULL));
}

/* RFC 3461 5.2.7.3: of its success the list's own report tells. */
static uint8_t
member_notify(const struct rcpt *list)
{
	const uint8_t rest = list->notify & (uint8_t)~NOTIFY_SUCCESS;

	if (list->notify == 0)
		return 0;
	return rest != 0 ? rest : NOTIFY_NEVER;
}

static void
add_member(struct qmgr *d, struct question *qu, struct str address)
{
	const struct rcpt_init *in;

	if (qu->n == LIST_MAX) {
		qu->too_long = true;
		return;
	}
	if (qu->n == qu->cap) {
		qu->cap = qu->cap == 0 ? 16 : qu->cap * 2;
		qu->members =
		    xreallocarray(qu->members, qu->cap, sizeof(*qu->members));
	}
	qu->members[qu->n] = (struct rcpt_init){
		.notify = member_notify(qu->r),
		/* What was before a restart may have reached his mailbox by
		 * another address. */
		.flags = qu->r->flags & RCPT_MAYBE,
		.depth = (uint8_t)(qu->r->depth + 1),
		.address = pool_str(&qu->pool, address),
		.orcpt = rcpt_orcpt(qu->r) };
	in = &qu->members[qu->n++];
	qu->memory += rcpt_memory(in);
	d->routes.memory += rcpt_memory(in);
}

/* A long one waits until others' recipients have gone; alone it may go. */
static bool
has_no_room(const struct qmgr *d, const struct question *qu)
{
	return qu->n > BULK_RCPTS &&
	    d->q.rcpt_memory + d->routes.memory - qu->memory > d->o.memory;
}

/* The recipients that the message has by now count as named too. */
static void
know_addresses(struct message *m)
{
	struct message_more *more = message_more(m);
	struct rcpt *r;

	if (more->addresses.n != 0)
		return;
	RCPT_FOREACH(r, m)
		map_set(&more->addresses, rcpt_address(r), r);
}

/*
 * Who is on several lists, or on one twice, gets it once.  Only with all of
 * the list at hand: of one that is asked for again, or sent elsewhere, nobody
 * was named yet, and nobody may be missing from another for its sake.
 * A list that names itself means the mailbox of that name, which the list's
 * own recipient will not be served with.
 */
static void
drop_known(struct question *qu)
{
	struct map *known = &message_more(qu->m)->addresses;
	uint32_t n = 0;

	know_addresses(qu->m);
	for (uint32_t i = 0; i < qu->n; i++) {
		const struct str address = qu->members[i].address;
		const void *had = map_get(known, address);

		if (had != NULL && had != qu->r)
			continue;
		map_set(known, address, known); /* a member, no list's name */
		qu->members[n] = qu->members[i];
		qu->members[n].index = qu->m->nrcpts + n;
		n++;
	}
	qu->n = n;
}

static void
note_expanded(const struct question *qu)
{
	note(NOTE_INFO, "expanded");
	note_id("id", qu->m->id);
	note_str("to", rcpt_address(qu->r));
	note_u64("members", qu->n);
	note_end();
}

static void
on_list_flushed(struct qlog_wait *w)
{
	struct listed *l = (struct listed *)(void *)((char *)w -
	    offsetof(struct listed, wait));
	struct qmgr *d = l->d;

	qmgr_now(d);
	if ((l->m->flags & MSG_GONE) == 0)
		message_ready(d, l->m);
	message_drop_ref(&d->q, l->m);
	free(l);
	qmgr_pump(d);
}

static void
wait_for_list(struct qmgr *d, struct message *m)
{
	struct listed *l = xcalloc(1, sizeof(*l));

	*l = (struct listed){ { .on_flushed = on_list_flushed }, d, m };
	message_hold_ref(m);
	qlog_wait(&d->q.log, &l->wait);
}

static void
is_list_end(struct qmgr *d, struct question *qu)
{
	/* RFC 3461 5.2.7.2: of a forwarded address the other is asked. */
	const bool is_one = qu->n == 1;

	if (qu->r->depth >= DEPTH_MAX) {
		decide(d, qu, JOB_PERMANENT, reason_get(&d->q.reasons, 554,
		    STR("5.4.6"), STR("too many aliases lead to each other"),
		    STR_NONE));
		return;
	}
	if (qu->too_long) {
		decide(d, qu, JOB_PERMANENT, reason_get(&d->q.reasons, 550,
		    STR("5.5.3"), STR("the list is too long"), STR_NONE));
		return;
	}
	if (is_one)
		qu->members[0].notify = qu->r->notify;
	drop_known(qu);
	note_expanded(qu);
	queue_expand(&d->q, qu->m, qu->r, qu->members, qu->n,
	    !is_one && dsn_wanted(qu->r, DSN_EXPANDED) ? DSN_EXPANDED :
	                                                 DSN_NONE);
	wait_for_list(d, qu->m);
}

static bool
is_list(struct qmgr *d, struct question *qu, const struct msg_route_is *is,
    struct str list)
{
	struct str address;

	while (list.n != 0) {
		if (!wire_take_str(&list, &address, ADDRESS_MAX))
			return false;
		add_member(d, qu, address);
	}
	if (!has_no_room(d, qu)) {
		if (is->more == 0)
			is_list_end(d, qu);
		return true;
	}
	qu->useless = true; /* also what comes of it yet */
	decide(d, qu, JOB_TEMPORARY, reason_get(&d->q.reasons, 452,
	    STR("4.3.2"), STR("the queue has too many recipients for "
	    "this list now"), STR_NONE));
	return true;
}

/* The others of the message may have waited for this answer, of use or not. */
static void
answered(struct qmgr *d, struct message *m)
{
	if ((m->flags & MSG_GONE) == 0 && m->asking == 0)
		message_ready(d, m);
}

/* Dropped, settled or sent elsewhere meanwhile: the answer is of no use, nor
 * is what else comes of it, or a list would have a hole. */
static bool
is_of_use(struct qmgr *d, struct question *qu)
{
	if ((qu->m->flags & MSG_GONE) != 0 || qu->r->state != RCPT_ROUTING ||
	    (qu->r->flags & RCPT_ASKED) == 0 || go_via(d, qu->r))
		qu->useless = true;
	return !qu->useless;
}

static void
use(struct qmgr *d, struct question *qu, const struct msg_route_is *is,
    struct str list)
{
	switch ((enum route_kind)is->kind) {
	case ROUTE_REJECT:
		is_reject(d, qu, is);
		break;
	case ROUTE_TEMPORARY:
		is_temporary(d, qu, is);
		break;
	case ROUTE_LOCAL:
		is_local(d, qu, is);
		break;
	case ROUTE_REMOTE:
		is_remote(d, qu, is);
		break;
	case ROUTE_LIST:
		if (is_list(d, qu, is, list))
			break;
		qu->useless = true;
		is_temporary(d, qu, is);
		break;
	}
}

/* routerd said so before, and nothing has changed. */
static bool
go_known(struct qmgr *d, struct rcpt *r)
{
	const struct msg_route route = route_of(r);
	const struct msg_route_is *is =
	    route_cache_find(&d->routes.cache, &route, d->q.now);
	struct question *qu;

	if (is == NULL)
		return false;
	qu = question_new(d, r);
	use(d, qu, is, STR_NONE);
	answered(d, qu->m);
	question_free(d, qu);
	return true;
}

void
routes_pump(struct qmgr *d)
{
	struct rcpt *r;
	int known = 0;

	while (d->routes.link != NULL && d->routes.open < WINDOW &&
	    !d->stopping && (r = next_rcpt(d)) != NULL) {
		if (set_aside(d, r) || go_via(d, r))
			continue;
		if (known == KNOWN_A_ROUND) {
			timer_set(&d->routes.again, 0);
			break;
		}
		if (go_known(d, r))
			known++;
		else
			ask(d, r);
	}
}

static void
on_again(void *arg)
{
	struct qmgr *d = arg;

	qmgr_now(d);
	qmgr_pump(d);
}

static void
on_changed(void *arg, struct link *l, struct link_msg *f)
{
	struct qmgr *d = arg;

	(void)l;
	(void)f;
	route_cache_forget(&d->routes.cache);
}

static void
on_route_is(void *arg, struct link *l, struct link_msg *f)
{
	struct qmgr *d = arg;
	const struct msg_route_is *is = f->body;
	const bool more = is->kind == ROUTE_LIST && is->more != 0;
	struct question *qu = map_get_id(&d->routes.questions, f->cookie);
	struct msg_route route;

	(void)l;
	if (qu == NULL)
		return;
	qmgr_now(d);
	route = route_of(qu->r);
	route_cache_keep(&d->routes.cache, &route, is, d->q.now);
	if (is_of_use(d, qu))
		use(d, qu, is, f->raw);
	answered(d, qu->m);
	if (more)
		return;
	map_del_id(&d->routes.questions, f->cookie);
	question_free(d, qu);
	qmgr_pump(d);
}

static const struct link_rule rules[] = {
	LINK_RULE_TAIL(MSG_ROUTE_IS, &msg_route_is_wire, LINK_BODY_MAX,
	    on_route_is),
	LINK_RULE_RAW(MSG_ROUTE_CHANGED, 0, on_changed),
};

/* What was not answered is asked of the next link. */
static void
ask_again(struct qmgr *d)
{
	struct question *qu;
	size_t pos = 0;

	while ((qu = map_next(&d->routes.questions, &pos, NULL)) != NULL) {
		struct rcpt *r = qu->r;

		if ((qu->m->flags & MSG_GONE) == 0 &&
		    r->state == RCPT_ROUTING && (r->flags & RCPT_ASKED) != 0)
			rcpt_route(&d->q, r, (r->flags & RCPT_BULK) != 0);
		question_free(d, qu);
	}
	map_clear(&d->routes.questions);
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	struct qmgr *d = arg;

	if (l == d->routes.link) {
		note(NOTE_WARN, "peer-gone");
		note_c("peer", "routerd");
		note_c("reason", why);
		note_end();
		d->routes.link = NULL;
		route_cache_forget(&d->routes.cache);
		ask_again(d);
	}
	link_free(l);
}

static const struct link_ops ops = {
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close,
};

void
routes_init(struct qmgr *d)
{
	map_init(&d->routes.questions);
	route_cache_init(&d->routes.cache);
	timer_init(&d->routes.again, d->proc.loop, on_again, d);
}

void
routes_link(struct qmgr *d, int fd)
{
	route_cache_forget(&d->routes.cache);
	if (d->routes.link != NULL) {
		link_free(d->routes.link);
		ask_again(d);
	}
	d->routes.link = link_new(d->proc.loop, fd, &ops, d);
	qmgr_pump(d);
}
