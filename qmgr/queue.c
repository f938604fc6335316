#include "qmgr/queue.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "base/wire.h"
#include "qmgr/change.h"
#include "qmgr/via.h"

enum { MEMBERS_A_RECORD = 1000 };

void
queue_init(struct queue *q, const struct sched_options *o, uint64_t seed)
{
	*q = (struct queue){ 0 };
	table_init(&q->table);
	sites_init(&q->sites);
	q->sites.reasons = &q->reasons;
	TAILQ_INIT(&q->routing);
	TAILQ_INIT(&q->routing_bulk);
	sched_init(&q->sched, &q->sites, o, seed);
}

void
queue_clear(struct queue *q)
{
	struct message *m;

	q->on_quiet = NULL;
	while ((m = TAILQ_FIRST(&q->table.all)) != NULL) {
		struct rcpt *r;

		RCPT_FOREACH(r, m)
			rcpt_leave(q, r);
		heap_remove(&q->timers, &m->timer);
		table_remove(&q->table, m);
		entry_free(m, &q->reasons);
	}
	table_clear(&q->table);
	heap_clear(&q->timers);
	sites_clear(&q->sites);
	sched_clear(&q->sched);
	reasons_clear(&q->reasons);
	tokens_clear(&q->tokens);
}

uint64_t
queue_new_id(struct queue *q, int64_t wall_ms)
{
	const uint64_t by_time = (uint64_t)wall_ms << 20;

	q->last_id = q->last_id + 1 > by_time ? q->last_id + 1 : by_time;
	return q->last_id;
}

uint64_t
message_logged(const struct message *m)
{
	return m->prefix + ((m->flags & MSG_LARGE) != 0 ? 0 : m->body);
}

bool
message_is_on_disk(const struct queue *q, const struct message *m)
{
	return (m->flags & MSG_FLUSHED) != 0 &&
	    (m->more == NULL || m->more->listed <= q->log.durable);
}

void
message_drop_text(struct queue *q, struct message *m)
{
	if (m->text == NULL)
		return;
	q->text_memory -= message_logged(m);
	free(m->text);
	m->text = NULL;
}

void
message_hold_ref(struct message *m)
{
	m->refs++;
}

void
message_drop_ref(struct queue *q, struct message *m)
{
	if (--m->refs == 0 && (m->flags & MSG_GONE) != 0)
		entry_free(m, &q->reasons);
}

/* --- states of a recipient --------------------------------------------- */

/* Its bundle: the one of its message for its site. */
static void
leave_bundle(struct queue *q, struct rcpt *r)
{
	struct bundle *b = sched_bundle(r->m, r->site);

	TAILQ_REMOVE(&b->ready, r, entry);
	q->sched.nrcpts -= b->flow != NULL;
	if (--b->n != 0)
		return;
	sched_remove(&q->sched, b);
	bundle_free(b);
}

static void
enter_routing(struct queue *q, struct rcpt *r, bool bulk, bool first)
{
	struct rcpt_list *list = bulk ? &q->routing_bulk : &q->routing;

	r->flags &= (uint8_t)~(RCPT_ASKED | RCPT_BULK);
	if (bulk)
		r->flags |= RCPT_BULK;
	if (first)
		TAILQ_INSERT_HEAD(list, r, entry);
	else
		TAILQ_INSERT_TAIL(list, r, entry);
}

static void
free_target(struct rcpt *r)
{
	free(r->target);
	r->target = NULL;
}

static void
leave_routing(struct queue *q, struct rcpt *r)
{
	if ((r->flags & RCPT_ASKED) == 0)
		TAILQ_REMOVE((r->flags & RCPT_BULK) != 0 ? &q->routing_bulk :
		    &q->routing, r, entry);
	r->flags &= (uint8_t)~(RCPT_ASKED | RCPT_BULK);
}

/* Every way out of a busy state and every way to be reported comes here. */
static void
look_quiet(struct queue *q, struct message *m)
{
	if (m->nbusy == 0 && m->nreport != 0 && q->on_quiet != NULL)
		q->on_quiet(q->arg, m);
}

void
rcpt_leave(struct queue *q, struct rcpt *r)
{
	const bool was_busy = r->m->nbusy != 0;

	switch ((enum rcpt_state)r->state) {
	case RCPT_ROUTING:
		leave_routing(q, r);
		r->m->asking--;
		r->m->nbusy--;
		break;
	case RCPT_READY:
		leave_bundle(q, r);
		free_target(r);
		q->nready--;
		r->m->nbusy--;
		break;
	case RCPT_INFLIGHT:
		free_target(r);
		r->m->nbusy--;
		break;
	case RCPT_DEFERRED:
		q->ndeferred--;
		if (r->site != NULL) {
			TAILQ_REMOVE(&r->site->waiting, r, entry);
			r->site->nwaiting--;
		}
		break;
	case RCPT_REPORT:
		q->nreport--;
		r->m->nreport--;
		break;
	case RCPT_DONE:
		break;
	}
	if (was_busy)
		look_quiet(q, r->m);
}

void
rcpt_route(struct queue *q, struct rcpt *r, bool bulk)
{
	bool first;

	rcpt_leave(q, r);
	first = message_half_routed(r->m); /* others wait for it already */
	r->state = RCPT_ROUTING;
	r->m->nbusy++;
	r->m->asking++;
	enter_routing(q, r, bulk, first);
}

struct bundle *
rcpt_ready(struct queue *q, struct rcpt *r, struct site *site,
    struct target *target)
{
	struct bundle *b;

	rcpt_leave(q, r);
	rcpt_set_site(r, site);
	b = sched_bundle(r->m, site);
	bundle_add(b, r);
	q->sched.nrcpts += b->flow != NULL;
	r->target = target;
	r->m->nbusy++;
	q->nready++;
	return b;
}

void
rcpt_inflight(struct queue *q, struct rcpt *r)
{
	r->state = RCPT_INFLIGHT;
	r->flags &= (uint8_t)~RCPT_TURN;
	q->nready--;
}

void
rcpt_wait(struct queue *q, struct rcpt *r, int64_t next)
{
	rcpt_leave(q, r);
	r->state = RCPT_DEFERRED;
	r->next = next;
	q->ndeferred++;
	if (r->site != NULL) {
		TAILQ_INSERT_TAIL(&r->site->waiting, r, entry);
		r->site->nwaiting++;
	}
}

void
rcpt_set_report(struct queue *q, struct rcpt *r, enum dsn_action dsn)
{
	rcpt_leave(q, r);
	r->state = RCPT_REPORT;
	r->dsn = (uint8_t)dsn;
	r->m->nreport++;
	q->nreport++;
	look_quiet(q, r->m);
}

void
rcpt_set_reason(struct queue *q, struct rcpt *r, struct reason *reason)
{
	if (reason != NULL)
		reason_ref(reason);
	reason_drop(&q->reasons, r->reason);
	r->reason = reason;
}

void
rcpt_done(struct queue *q, struct rcpt *r)
{
	if (r->state == RCPT_DONE)
		return;
	rcpt_leave(q, r);
	r->state = RCPT_DONE;
	rcpt_set_site(r, NULL);
	rcpt_set_via(r, NULL);
	rcpt_set_reason(q, r, NULL);
	r->m->nleft--;
}

void
rcpt_reroute(struct queue *q, struct rcpt *r, struct site *site)
{
	if (r->state == RCPT_DONE || r->state == RCPT_REPORT)
		return;
	rcpt_set_via(r, site);
	r->attempts = r->slows = 0;
	if (r->state != RCPT_DEFERRED)
		return;
	rcpt_leave(q, r);
	r->state = RCPT_DONE; /* in no list for a moment */
	rcpt_set_site(r, site);
	rcpt_wait(q, r, 0);
}

void
queue_set_timer(struct queue *q, struct message *m)
{
	int64_t next = INT64_MAX;
	struct rcpt *r;

	if ((m->flags & MSG_HELD) == 0)
		RCPT_FOREACH(r, m)
			if (r->state == RCPT_DEFERRED && r->next < next)
				next = r->next;
	if (next == INT64_MAX)
		heap_remove(&q->timers, &m->timer);
	else
		heap_set(&q->timers, &m->timer, next);
}

void
queue_timer_by(struct queue *q, struct message *m, int64_t next)
{
	if ((m->flags & MSG_HELD) != 0)
		heap_remove(&q->timers, &m->timer);
	else if (!heap_has(&m->timer) || next < m->timer.key)
		heap_set(&q->timers, &m->timer, next);
}

void
queue_timer_less(struct queue *q, struct message *m)
{
	if (m->nrcpts <= BULK_RCPTS)
		queue_set_timer(q, m);
}

void
queue_settle(struct queue *q, struct message *m, uint32_t index)
{
	struct rcpt *r = message_rcpt(m, index);

	if (r != NULL)
		rcpt_done(q, r);
}

void
queue_set_held(struct queue *q, struct message *m, bool hold)
{
	if (hold == ((m->flags & MSG_HELD) != 0))
		return;
	m->flags ^= MSG_HELD;
	q->nheld += hold ? 1u : (uint64_t)-1;
	queue_set_timer(q, m);
}

/* --- messages ---------------------------------------------------------- */

void
queue_move(struct queue *q, struct message *m, struct segment *seg,
    uint32_t off, uint32_t size)
{
	if (m->seg != NULL)
		segment_drop(m->seg, m->size, q->log.next_lsn - 1);
	m->seg = seg;
	m->off = off;
	m->size = size;
	if (seg != NULL)
		segment_hold(seg, size);
}

/* Into the list that its state says. */
static void
enter(struct queue *q, struct rcpt *r)
{
	if (r->state == RCPT_ROUTING)
		enter_routing(q, r, r->m->nleft > BULK_RCPTS, false);
	if (r->state != RCPT_DEFERRED)
		return;
	q->ndeferred++;
	if (r->site != NULL) {
		TAILQ_INSERT_TAIL(&r->site->waiting, r, entry);
		r->site->nwaiting++;
	}
}

void
queue_add(struct queue *q, struct message *m, struct segment *seg,
    uint32_t off, uint32_t size)
{
	struct rcpt *r;

	queue_move(q, m, seg, off, size);
	table_add(&q->table, m);
	q->octets += m->prefix + m->body;
	q->rcpt_memory += message_rcpt_memory(m);
	if ((m->flags & MSG_HELD) != 0)
		q->nheld++;
	q->nreport += m->nreport;
	RCPT_FOREACH(r, m)
		enter(q, r);
	if (m->id > q->last_id)
		q->last_id = m->id;
}

void
queue_add_members(struct queue *q, struct message *m, struct rcpt *parent,
    const struct rcpt_init *rcpts, uint32_t n, enum dsn_action dsn)
{
	if (n != 0) {
		const bool first = message_half_routed(m);
		struct rcpt_block *b = message_expand(m, rcpts, n);

		q->rcpt_memory += b->memory;
		for (size_t i = 0; i < b->n; i++)
			enter_routing(q, &b->r[i], n > BULK_RCPTS, first);
	}
	if (dsn == DSN_NONE) {
		rcpt_done(q, parent);
		return;
	}
	rcpt_set_reason(q, parent, NULL); /* why it was asked once more */
	rcpt_set_report(q, parent, dsn);
}

void
queue_remove(struct queue *q, struct message *m)
{
	if (m->nleft != 0 || (m->flags & MSG_GONE) != 0)
		fatal("a message with recipients is removed");
	heap_remove(&q->timers, &m->timer);
	queue_move(q, m, NULL, 0, 0);
	table_remove(&q->table, m);
	q->octets -= m->prefix + m->body;
	q->rcpt_memory -= message_rcpt_memory(m);
	if ((m->flags & MSG_HELD) != 0)
		q->nheld--;
	message_drop_text(q, m);
	if (q->on_gone != NULL)
		q->on_gone(q->arg, m->id, (m->flags & MSG_LARGE) != 0);
	m->flags |= MSG_GONE;
	if (m->refs == 0)
		entry_free(m, &q->reasons);
}

uint64_t
queue_memory(const struct queue *q)
{
	const uint64_t said = q->reasons.octets, most = q->table.n * REPLY_FREE;

	return q->text_memory + q->rcpt_memory + (said > most ? said - most : 0);
}

/* --- changes that are logged -------------------------------------------- */

/* Only who waits to be reported can have been: their indexes to the front. */
static size_t
reported(struct message *m, const struct settle *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct rcpt *r = message_rcpt(m, s->indexes[i]);

		if (r != NULL && r->state == RCPT_REPORT)
			s->indexes[n++] = s->indexes[i];
	}
	return n;
}

static void
put_settle(struct queue *q, struct buf *b, const struct settle *s,
    struct message *settled)
{
	const size_t n = settled != NULL ? reported(settled, s) : 0;

	wire_put_u64(b, settled != NULL ? s->id : 0);
	ranges_put_indexes(b, s->indexes, n);
	for (size_t i = 0; i < n; i++)
		queue_settle(q, settled, s->indexes[i]);
}

void
queue_accept(struct queue *q, struct message *m, struct str text,
    const struct settle *settle)
{
	struct message *settled =
	    settle->id != 0 ? table_find(&q->table, settle->id) : NULL;
	struct buf *b = qlog_begin(&q->log);
	struct entry_writer w;
	struct place at;

	put_settle(q, b, settle, settled);
	entry_writer_init(&w);
	entry_put(b, &w, m);
	buf_add(b, text);
	at = qlog_end(&q->log, RECORD_ACCEPT, m->id);
	queue_add(q, m, at.seg, at.off, at.size);
	if (settled != NULL && settled->nleft == 0)
		queue_remove(q, settled);
}

void
queue_accept_dropped(
    struct queue *q, struct message *m, struct str text, struct str token)
{
	struct buf *b = qlog_begin(&q->log);
	struct entry_writer w;
	struct place at;

	buf_add(b, token);
	entry_writer_init(&w);
	entry_put(b, &w, m);
	buf_add(b, text);
	at = qlog_end(&q->log, RECORD_DROPPED, m->id);
	queue_add(q, m, at.seg, at.off, at.size);
	tokens_set(&q->tokens, token, m->id);
}

void
queue_gone(struct queue *q, struct str tokens)
{
	struct buf *b = NULL;

	while (tokens.n >= TOKEN) {
		const struct str token = str_take(&tokens, TOKEN);

		if (!tokens_del(&q->tokens, token))
			continue;
		if (b == NULL)
			b = qlog_begin(&q->log);
		buf_add(b, token);
	}
	if (b != NULL)
		qlog_end(&q->log, RECORD_GONE, 0);
}

void
queue_copy(struct queue *q, struct message *m, struct str text)
{
	struct buf *b = qlog_begin(&q->log);
	struct entry_writer w;
	struct place at;

	entry_writer_init(&w);
	entry_put(b, &w, m);
	buf_add(b, text);
	at = qlog_end(&q->log, RECORD_COPY, m->id);
	queue_move(q, m, at.seg, at.off, at.size);
}

void
queue_done(struct queue *q, struct message *m, struct rcpt **rs, size_t n,
    enum rcpt_end end)
{
	struct buf *b;

	if (n == 0)
		return;
	b = qlog_begin(&q->log);
	ranges_put(b, rs, n);
	wire_put_u32(b, end);
	qlog_end(&q->log, RECORD_DONE, m->id);
	for (size_t i = 0; i < n; i++)
		rcpt_done(q, rs[i]);
	if (m->nleft == 0)
		queue_remove(q, m);
	else
		queue_timer_less(q, m);
}

void
queue_defer(struct queue *q, struct message *m, struct rcpt **rs, size_t n,
    int64_t next, struct reason *reason)
{
	struct entry_writer w;
	struct buf *b;

	if (n == 0)
		return;
	entry_writer_init(&w);
	b = qlog_begin(&q->log);
	wire_put_u64(b, (uint64_t)next);
	wire_put_u32(b, rs[0]->attempts);
	site_put(b, &w, rs[0]->site);
	reason_put(b, &w, reason);
	ranges_put(b, rs, n);
	qlog_end(&q->log, RECORD_DEFER, m->id);
	for (size_t i = 0; i < n; i++) {
		rcpt_set_reason(q, rs[i], reason);
		rcpt_wait(q, rs[i], next);
	}
	queue_timer_by(q, m, next);
}

void
queue_report(struct queue *q, struct message *m, struct rcpt **rs, size_t n,
    enum dsn_action dsn, struct reason *reason)
{
	struct entry_writer w;
	struct buf *b;

	if (n == 0)
		return;
	entry_writer_init(&w);
	b = qlog_begin(&q->log);
	wire_put_u32(b, dsn);
	site_put(b, &w, rs[0]->site);
	reason_put(b, &w, reason);
	ranges_put(b, rs, n);
	qlog_end(&q->log, RECORD_REPORT, m->id);
	for (size_t i = 0; i < n; i++) {
		rcpt_set_reason(q, rs[i], reason);
		rcpt_set_report(q, rs[i], dsn);
	}
	queue_timer_less(q, m);
}

void
queue_warned(struct queue *q, struct message *m, struct rcpt **rs, size_t n)
{
	if (n == 0)
		return;
	ranges_put(qlog_begin(&q->log), rs, n);
	qlog_end(&q->log, RECORD_WARNED, m->id);
	for (size_t i = 0; i < n; i++)
		rs[i]->flags |= RCPT_WARNED;
}

void
queue_hold(struct queue *q, struct message *m, bool hold)
{
	if (hold == ((m->flags & MSG_HELD) != 0))
		return;
	qlog_begin(&q->log);
	qlog_end(&q->log, hold ? RECORD_HOLD : RECORD_RELEASE, m->id);
	queue_set_held(q, m, hold);
}

void
queue_reroute(struct queue *q, struct message *m, struct rcpt **rs, size_t n,
    struct site *site)
{
	struct entry_writer w;
	struct buf *b;

	if (n == 0)
		return;
	entry_writer_init(&w);
	b = qlog_begin(&q->log);
	site_put(b, &w, site);
	ranges_put(b, rs, n);
	qlog_end(&q->log, RECORD_REROUTE, m->id);
	for (size_t i = 0; i < n; i++)
		rcpt_reroute(q, rs[i], site);
	queue_set_timer(q, m);
}

void
queue_expand(struct queue *q, struct message *m, struct rcpt *parent,
    const struct rcpt_init *rcpts, uint32_t n, enum dsn_action dsn)
{
	struct buf *b;

	for (uint32_t at = 0; at < n; at += MEMBERS_A_RECORD) {
		const uint32_t k =
		    n - at < MEMBERS_A_RECORD ? n - at : MEMBERS_A_RECORD;

		b = qlog_begin(&q->log);
		wire_put_u32(b, parent->index);
		wire_put_u32(b, k);
		for (uint32_t i = at; i < at + k; i++)
			member_put(b, &rcpts[i]);
		qlog_end(&q->log, RECORD_EXPAND, m->id);
	}
	b = qlog_begin(&q->log);
	wire_put_u32(b, parent->index);
	wire_put_u32(b, n);
	wire_put_u32(b, dsn);
	message_more(m)->listed =
	    qlog_end(&q->log, RECORD_EXPAND_END, m->id).lsn;
	queue_add_members(q, m, parent, rcpts, n, dsn);
	if (m->nleft == 0)
		queue_remove(q, m);
}

void
queue_checkpoint(struct queue *q, int64_t wall_ms)
{
	struct buf *b = qlog_begin(&q->log);

	wire_put_u64(b, (uint64_t)q->now);
	wire_put_u64(b, (uint64_t)wall_ms);
	wire_put_u64(b, q->last_id);
	qlog_end(&q->log, RECORD_CHECKPOINT, 0);
}
