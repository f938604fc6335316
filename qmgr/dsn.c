/* dsn -- has bounce tell senders what became of their mail. */
#include <stdlib.h>

#include "base/fatal.h"
#include "proc/note.h"
#include "qmgr/qmgr.h"

enum {
	RCPTS_MAX = 1000,       /* in one report */
	AGAIN = 60 * 1000,      /* ms until a report that failed is retried */
	OVERDUE = 3600 * 1000   /* ms of that, until it does without what the
	                         * disk does not give */
};

bool
dsn_wanted(const struct rcpt *r, enum dsn_action action)
{
	static const uint8_t bits[] = { [DSN_FAILED] = NOTIFY_FAILURE,
		[DSN_DELAYED] = NOTIFY_DELAY, [DSN_DELIVERED] = NOTIFY_SUCCESS,
		[DSN_RELAYED] = NOTIFY_SUCCESS,
		[DSN_EXPANDED] = NOTIFY_SUCCESS };
	/* RFC 3461 4.1: what is reported unless NOTIFY says else. */
	const uint8_t notify = r->notify != 0 ? r->notify :
	                                        NOTIFY_FAILURE | NOTIFY_DELAY;

	/* RFC 5321 4.5.5: no report about a report. */
	return message_sender(r->m).n != 0 && (notify & bits[action]) != 0;
}

void
dsn_dropped(const struct rcpt *r)
{
	note(NOTE_INFO, "report-dropped");
	note_id("id", r->m->id);
	note_str("to", rcpt_address(r));
	note_c("why", message_sender(r->m).n == 0 ?
	    "the message has no sender to tell" :
	    "NOTIFY does not ask for it");
	note_end();
}

static void
push(struct dsn_fifo *q, struct dsn_entry e)
{
	/* Not for a few free places in front: each push would move all. */
	if (q->at > q->n && q->at + q->n == q->cap) {
		memmove(q->entries, q->entries + q->at,
		    q->n * sizeof(*q->entries));
		q->at = 0;
	}
	if (q->at + q->n == q->cap) {
		q->cap = q->cap == 0 ? 64 : q->cap * 2;
		q->entries =
		    xreallocarray(q->entries, q->cap, sizeof(*q->entries));
	}
	q->entries[q->at + q->n++] = e;
}

static struct dsn_entry
take(struct dsn_fifo *q)
{
	const struct dsn_entry e = q->entries[q->at++];

	if (--q->n == 0)
		q->at = 0;
	return e;
}

/* Many recipients of one message come behind each other.  Not the first entry,
 * whose turn it may be just now. */
static bool
is_last(const struct dsn_fifo *q, const struct dsn_entry *e)
{
	const struct dsn_entry *last = q->entries + q->at + q->n;

	return q->n > 1 && last[-1].id == e->id &&
	    last[-1].action == e->action;
}

void
dsn_queue(struct qmgr *d, struct message *m, enum dsn_action action)
{
	const struct dsn_entry e = { m->id, action };

	if (!is_last(&d->dsn.now, &e))
		push(&d->dsn.now, e);
	qmgr_pump(d);
}

static bool
belongs(const struct rcpt *r, enum dsn_action *action)
{
	if (*action == DSN_DELAYED)
		return r->state == RCPT_DEFERRED &&
		    (r->flags & RCPT_WARNED) == 0 && r->reason != NULL &&
		    dsn_wanted(r, DSN_DELAYED);
	if (r->state != RCPT_REPORT)
		return false;
	/* The first one says which kind of report this is. */
	if (*action == DSN_NONE)
		*action = (enum dsn_action)r->dsn;
	return *action == (enum dsn_action)r->dsn;
}

/* Those of one kind that go into one report. */
static size_t
gather(struct message *m, enum dsn_action *action, struct rcpt *rs[RCPTS_MAX])
{
	struct rcpt *r;
	size_t n = 0;

	if (*action != DSN_DELAYED)
		*action = DSN_NONE;
	RCPT_FOREACH(r, m)
		if (n < RCPTS_MAX && belongs(r, action))
			rs[n++] = r;
	return n;
}

enum turn { TURN_OVER, TURN_LATER, TURN_KEPT, TURN_STOP };

static enum turn
take_turn(struct qmgr *d, struct dsn_entry *e)
{
	struct message *m = table_find(&d->q.table, e->id);
	struct rcpt *rs[RCPTS_MAX];
	size_t n;

	if (m == NULL)
		return TURN_OVER;
	/* Nobody was told 250 yet: its flush queues it again. */
	if ((m->flags & MSG_FLUSHED) == 0)
		return TURN_OVER;
	/* Its end looks again, but for failures only. */
	if ((m->flags & MSG_DSN_BUSY) != 0)
		return e->action == DSN_DELAYED ? TURN_KEPT : TURN_OVER;
	if (m->dsn_next > d->q.now)
		return TURN_LATER;
	/* One report about an attempt, not one for each server. */
	if (e->action != DSN_DELAYED && m->nbusy != 0 &&
	    m->nreport < RCPTS_MAX)
		return TURN_OVER; /* on_quiet, when nobody is busy */
	n = gather(m, &e->action, rs);
	if (n == 0)
		return TURN_OVER;
	m->flags |= MSG_DSN_BUSY;
	if (agents_report(d, m, e->action, rs, n))
		return TURN_OVER;
	m->flags &= (uint8_t)~MSG_DSN_BUSY;
	return TURN_STOP;
}

/* ms until the first one may be tried again; 0 or less: now. */
static int64_t
wait_of(const struct qmgr *d, const struct dsn_fifo *q)
{
	const struct message *m =
	    table_find(&d->q.table, q->entries[q->at].id);

	return m != NULL ? m->dsn_next - d->q.now : 0;
}

static void
wake_later(struct qmgr *d)
{
	struct dsns *q = &d->dsn;
	int64_t wait;

	if (q->later.n == 0 || timer_is_set(&q->again))
		return;
	wait = wait_of(d, &q->later);
	timer_set(&q->again, wait > 0 ? wait : 0);
}

void
dsn_pump(struct qmgr *d)
{
	struct dsns *q = &d->dsn;

	for (size_t k = q->now.n; k != 0 && q->now.n != 0; k--) {
		struct dsn_entry e = q->now.entries[q->now.at];
		const enum turn turn = take_turn(d, &e);

		if (turn == TURN_STOP)
			break;
		(void)take(&q->now);
		if (turn == TURN_KEPT)
			push(&q->now, e);
		else if (turn == TURN_LATER)
			push(&q->later, e);
	}
	wake_later(d);
}

static void
on_again(void *arg)
{
	struct qmgr *d = arg;
	struct dsns *q = &d->dsn;

	qmgr_now(d);
	while (q->later.n != 0 && wait_of(d, &q->later) <= 0)
		push(&q->now, take(&q->later));
	dsn_pump(d);
}

/* What the report's own ACCEPT did not settle: DELIVERED, or nothing sent. */
static size_t
unsettled(struct rcpt **rs, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (rs[i]->state == RCPT_REPORT)
			rs[k++] = rs[i];
	return k;
}

static void
put_off(struct qmgr *d, struct message *m)
{
	struct message_more *more = message_more(m);

	m->dsn_next = d->q.now + (d->o.sched.retry_min < AGAIN ?
	    d->o.sched.retry_min : AGAIN);
	if (more->dsn_failing == 0)
		more->dsn_failing = d->q.now;
}

bool
dsn_is_overdue(const struct qmgr *d, const struct message *m)
{
	return m->more != NULL && m->more->dsn_failing != 0 &&
	    d->q.now - m->more->dsn_failing >= OVERDUE;
}

void
dsn_result(struct qmgr *d, struct message *m, enum dsn_action action,
    struct rcpt **rs, size_t n, bool all)
{
	m->flags &= (uint8_t)~MSG_DSN_BUSY;
	if ((m->flags & MSG_GONE) != 0)
		return;
	if (n != 0 && m->more != NULL)
		m->more->dsn_failing = 0;
	if (n == 0)
		put_off(d, m);
	else if (action == DSN_DELAYED)
		queue_warned(&d->q, m, rs, n);
	else
		queue_done(&d->q, m, rs, unsettled(rs, n),
		    end_of(action, false));
	if ((m->flags & MSG_GONE) != 0)
		return;
	if (m->nreport != 0)
		dsn_queue(d, m, DSN_FAILED);
	if (!all && action == DSN_DELAYED)
		dsn_queue(d, m, DSN_DELAYED);
	qmgr_pump(d); /* one of another kind may have been kept */
}

static void
on_quiet(void *arg, struct message *m)
{
	dsn_queue(arg, m, DSN_FAILED);
}

void
dsn_init(struct qmgr *d)
{
	struct message *m;

	timer_init(&d->dsn.again, d->proc.loop, on_again, d);
	d->q.on_quiet = on_quiet;
	TAILQ_FOREACH(m, &d->q.table.all, entry)
		if (m->nreport != 0)
			dsn_queue(d, m, DSN_FAILED);
}
