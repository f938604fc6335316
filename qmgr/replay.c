#include "qmgr/replay.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "base/wire.h"
#include "qmgr/change.h"

/* One record being applied. */
struct applying {
	struct replay *p;
	struct queue *q;
	const struct record *r;
	struct message *m; /* with the record's id, or NULL */
	struct str in;     /* what is left of the payload */
	struct segment *seg;
	uint32_t off, size;
};

void
replay_init(struct replay *p, struct queue *q)
{
	*p = (struct replay){ .q = q };
}

void
replay_clear(struct replay *p)
{
	free(p->members);
	pool_clear(&p->pool);
	*p = (struct replay){ 0 };
}

static void
remove_if_done(struct queue *q, struct message *m)
{
	if (m->nleft == 0)
		queue_remove(q, m);
}

/* The message that a record carries, if all of the record fits. */
static struct message *
take_message(struct applying *a)
{
	struct entry_reader reader;
	struct message *m;

	entry_reader_init(&reader, &a->q->reasons, &a->q->sites);
	m = entry_take(&reader, &a->in);
	entry_reader_clear(&reader);
	if (m != NULL && (m->id != a->r->id || m->nleft == 0 ||
	        a->in.n != message_logged(m))) {
		entry_free(m, &a->q->reasons);
		m = NULL;
	}
	return m;
}

static void
see_clock(struct replay *p, int64_t clock, int64_t wall)
{
	if (clock < p->clock)
		return;
	p->clock = clock;
	p->wall = wall;
}

static void
settle(struct queue *q, uint64_t id, const struct ranges *which)
{
	struct message *m = table_find(&q->table, id);
	struct ranges_walk w;
	uint32_t index;

	if (m == NULL)
		return;
	ranges_walk(which, &w);
	while (ranges_next(&w, &index))
		queue_settle(q, m, index);
	remove_if_done(q, m);
}

/* One that is there already was in the state. */
static void
add_message(struct applying *a, struct message *m)
{
	see_clock(a->p, m->accepted, m->accepted_wall);
	if (a->m != NULL)
		entry_free(m, &a->q->reasons);
	else
		queue_add(a->q, m, a->seg, a->off, a->size);
}

static bool
apply_accept(struct applying *a)
{
	uint64_t settles;
	struct ranges which;
	struct message *m;

	if (!wire_take_u64(&a->in, &settles) ||
	    !ranges_take(&a->in, &which) || (m = take_message(a)) == NULL)
		return false;
	if (settles != 0)
		settle(a->q, settles, &which);
	add_message(a, m);
	return true;
}

static bool
apply_dropped(struct applying *a)
{
	const struct str token = str_take(&a->in, TOKEN);
	struct message *m = token.n == TOKEN ? take_message(a) : NULL;

	if (m == NULL)
		return false;
	tokens_set(&a->q->tokens, token, m->id);
	add_message(a, m);
	return true;
}

static bool
apply_gone(struct applying *a)
{
	if (a->in.n % TOKEN != 0)
		return false;
	while (a->in.n != 0)
		tokens_del(&a->q->tokens, str_take(&a->in, TOKEN));
	return true;
}

static bool
apply_copy(struct applying *a)
{
	struct message *m = take_message(a);

	if (m == NULL)
		return false;
	if (a->m == NULL) {
		queue_add(a->q, m, a->seg, a->off, a->size);
		return true;
	}
	queue_move(a->q, a->m, a->seg, a->off, a->size);
	entry_free(m, &a->q->reasons);
	return true;
}

static bool
apply_done(struct applying *a)
{
	struct ranges which;
	struct ranges_walk w;
	uint32_t index;

	if (!ranges_take(&a->in, &which))
		return false;
	if (a->m == NULL)
		return true;
	ranges_walk(&which, &w);
	while (ranges_next(&w, &index))
		queue_settle(a->q, a->m, index);
	remove_if_done(a->q, a->m);
	return true;
}

static void
defer(struct queue *q, struct rcpt *r, int64_t next, uint32_t attempts,
    struct site *site, struct reason *reason)
{
	if (r == NULL || r->state == RCPT_DONE || r->state == RCPT_REPORT)
		return;
	rcpt_leave(q, r);
	r->state = RCPT_DONE; /* in no list for a moment */
	rcpt_set_site(r, site);
	rcpt_set_reason(q, r, reason);
	r->attempts = (uint16_t)attempts;
	rcpt_wait(q, r, next);
}

static bool
apply_defer(struct applying *a)
{
	struct entry_reader reader;
	struct site *site;
	struct reason *reason;
	struct ranges which;
	struct ranges_walk w;
	uint64_t next;
	uint32_t attempts, index;
	bool ok;

	entry_reader_init(&reader, &a->q->reasons, &a->q->sites);
	ok = wire_take_u64(&a->in, &next) && wire_take_u32(&a->in, &attempts) &&
	    site_take(&reader, &a->in, &site) &&
	    reason_take(&reader, &a->in, &reason) && ranges_take(&a->in, &which);
	if (ok && a->m != NULL) {
		ranges_walk(&which, &w);
		while (ranges_next(&w, &index))
			defer(a->q, message_rcpt(a->m, index), (int64_t)next,
			    attempts, site, reason);
	}
	entry_reader_clear(&reader);
	return ok;
}

static void
report(struct queue *q, struct rcpt *r, uint32_t dsn, struct site *site,
    struct reason *reason)
{
	if (r == NULL || r->state == RCPT_DONE)
		return;
	rcpt_leave(q, r);
	r->state = RCPT_DONE;
	rcpt_set_site(r, site);
	rcpt_set_reason(q, r, reason);
	rcpt_set_report(q, r, (enum dsn_action)dsn);
}

static bool
apply_report(struct applying *a)
{
	struct entry_reader reader;
	struct site *site;
	struct reason *reason;
	struct ranges which;
	struct ranges_walk w;
	uint32_t dsn, index;
	bool ok;

	entry_reader_init(&reader, &a->q->reasons, &a->q->sites);
	ok = wire_take_u32(&a->in, &dsn) && dsn <= DSN_LAST &&
	    site_take(&reader, &a->in, &site) &&
	    reason_take(&reader, &a->in, &reason) && ranges_take(&a->in, &which);
	if (ok && a->m != NULL) {
		ranges_walk(&which, &w);
		while (ranges_next(&w, &index))
			report(a->q, message_rcpt(a->m, index), dsn, site,
			    reason);
	}
	entry_reader_clear(&reader);
	return ok;
}

static bool
apply_hold(struct applying *a)
{
	if (a->m != NULL)
		queue_set_held(a->q, a->m, a->r->type == RECORD_HOLD);
	return true;
}

static bool
apply_reroute(struct applying *a)
{
	struct entry_reader reader;
	struct site *site;
	struct ranges which;
	struct ranges_walk w;
	uint32_t index;
	bool ok;

	entry_reader_init(&reader, &a->q->reasons, &a->q->sites);
	ok = site_take(&reader, &a->in, &site) &&
	    (site == NULL || site->kind == SITE_SMTP) &&
	    ranges_take(&a->in, &which);
	if (ok && a->m != NULL) {
		ranges_walk(&which, &w);
		while (ranges_next(&w, &index)) {
			struct rcpt *r = message_rcpt(a->m, index);

			if (r != NULL)
				rcpt_reroute(a->q, r, site);
		}
	}
	entry_reader_clear(&reader);
	return ok;
}

static bool
apply_warned(struct applying *a)
{
	struct ranges which;
	struct ranges_walk w;
	uint32_t index;

	if (!ranges_take(&a->in, &which))
		return false;
	ranges_walk(&which, &w);
	while (a->m != NULL && ranges_next(&w, &index)) {
		struct rcpt *r = message_rcpt(a->m, index);

		if (r != NULL)
			r->flags |= RCPT_WARNED;
	}
	return true;
}

static void
forget_list(struct replay *p)
{
	p->list_id = 0;
	p->nmembers = 0;
	pool_clear(&p->pool);
}

/* The members of one list rise over its records: where they do not, the list
 * is told anew, since its end was torn off by a crash. */
static bool
goes_on(const struct replay *p, uint64_t id, uint32_t parent, uint32_t index)
{
	return p->list_id == id && p->list_parent == parent &&
	    (p->nmembers == 0 || p->members[p->nmembers - 1].index < index);
}

static void
add_member(struct replay *p, const struct rcpt_init *in)
{
	struct rcpt_init *member;

	if (p->nmembers == p->cap) {
		p->cap = p->cap == 0 ? 64 : p->cap * 2;
		p->members =
		    xreallocarray(p->members, p->cap, sizeof(*p->members));
	}
	member = &p->members[p->nmembers++];
	*member = *in;
	member->flags = RCPT_MAYBE;
	member->address = pool_str(&p->pool, in->address);
	member->orcpt = pool_str(&p->pool, in->orcpt);
}

static bool
apply_expand(struct applying *a)
{
	struct replay *p = a->p;
	uint32_t parent, n;

	if (!wire_take_u32(&a->in, &parent) || !wire_take_u32(&a->in, &n))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct rcpt_init in;

		if (!member_take(&a->in, &in) || in.index >= INDEX_MAX)
			return false;
		if (!goes_on(p, a->r->id, parent, in.index))
			forget_list(p);
		p->list_id = a->r->id;
		p->list_parent = parent;
		add_member(p, &in);
	}
	return true;
}

/* New indexes, rising. */
static bool
fits(const struct replay *p, const struct message *m)
{
	uint32_t least = m->nrcpts;

	for (size_t i = 0; i < p->nmembers; i++) {
		if (p->members[i].index < least)
			return false;
		least = p->members[i].index + 1;
	}
	return true;
}

/* A list with a part missing counts as not there: it is asked for anew. */
static bool
apply_expand_end(struct applying *a)
{
	struct replay *p = a->p;
	uint32_t parent, n, dsn = DSN_NONE;
	struct rcpt *r;

	if (!wire_take_u32(&a->in, &parent) || !wire_take_u32(&a->in, &n))
		return false;
	if (a->in.n != 0 && (!wire_take_u32(&a->in, &dsn) || dsn > DSN_LAST))
		return false;
	if (p->list_id != a->r->id || p->list_parent != parent)
		forget_list(p);
	r = a->m != NULL ? message_rcpt(a->m, parent) : NULL;
	if (r != NULL && r->state != RCPT_DONE && r->state != RCPT_REPORT &&
	    p->nmembers == n && fits(p, a->m)) {
		queue_add_members(a->q, a->m, r, p->members,
		    (uint32_t)p->nmembers, (enum dsn_action)dsn);
		remove_if_done(a->q, a->m);
	}
	forget_list(p);
	return true;
}

static bool
apply_checkpoint(struct applying *a)
{
	uint64_t clock, wall, last_id;

	if (!wire_take_u64(&a->in, &clock) || !wire_take_u64(&a->in, &wall) ||
	    !wire_take_u64(&a->in, &last_id))
		return false;
	see_clock(a->p, (int64_t)clock, (int64_t)wall);
	if (last_id > a->q->last_id)
		a->q->last_id = last_id;
	return true;
}

static bool (*const apply[])(struct applying *a) = {
	[RECORD_ACCEPT] = apply_accept,
	[RECORD_COPY] = apply_copy,
	[RECORD_DONE] = apply_done,
	[RECORD_DEFER] = apply_defer,
	[RECORD_REPORT] = apply_report,
	[RECORD_HOLD] = apply_hold,
	[RECORD_RELEASE] = apply_hold,
	[RECORD_EXPAND] = apply_expand,
	[RECORD_EXPAND_END] = apply_expand_end,
	[RECORD_WARNED] = apply_warned,
	[RECORD_CHECKPOINT] = apply_checkpoint,
	[RECORD_REROUTE] = apply_reroute,
	[RECORD_DROPPED] = apply_dropped,
	[RECORD_GONE] = apply_gone,
};

bool
replay_record(struct replay *p, const struct record *r, struct segment *seg,
    uint32_t off, uint32_t size)
{
	struct applying a = { p, p->q, r, table_find(&p->q->table, r->id),
		r->payload, seg, off, size };

	if (r->type >= sizeof(apply) / sizeof(apply[0]) ||
	    apply[r->type] == NULL)
		return false;
	if (r->id > p->q->last_id)
		p->q->last_id = r->id;
	return apply[r->type](&a);
}
