/* outcome -- what became of an attempt: done, deferred, or to be reported. */
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "proc/note.h"
#include "qmgr/qmgr.h"

enum {
	TOGETHER = 1000,     /* recipients of which one warning tells */
	TOGETHER_MS = 600000 /* and how long it waits for all of them */
};

/* What is to be done with a recipient. */
enum fate {
	FATE_NONE, /* not ours to decide any more */
	FATE_DONE,
	FATE_DEFER,
	FATE_REPORT
};

struct decision {
	enum fate fate;
	enum dsn_action dsn;
	enum rcpt_end end;     /* FATE_DONE */
	struct rcpt *r;
	struct reason *reason; /* a reference */
	bool ours;             /* no agent told of it */
	bool late;             /* its time was over */
	bool taken;            /* into a group */
};

/* The end of what an administrator had it wait for, or 0. */
static int64_t
free_since(const struct qmgr *d, const struct rcpt *r)
{
	const struct lane *lane = r->site != NULL ? r->site->lane : NULL;
	int64_t since = r->m->more != NULL ? r->m->more->released : 0;

	if (lane == NULL)
		return since;
	if (lane->resumed > since)
		since = lane->resumed;
	/* Nobody has looked at it since it ended. */
	if (lane->paused_until > since && lane->paused_until <= d->q.now &&
	    lane_was_long(lane, lane->paused_until, d->o.lifetime))
		since = lane->paused_until;
	return since;
}

/* A full mailbox (4.2.2) is waited for less long than a lost network. */
static int64_t
lifetime(const struct qmgr *d, const struct message *m, bool full)
{
	const int64_t most = message_sender(m).n == 0 ? d->o.dsn_lifetime :
	                                                d->o.lifetime;

	return full && d->o.quota_grace != 0 && d->o.quota_grace < most ?
	    d->o.quota_grace : most;
}

bool
rcpt_expired(
    const struct qmgr *d, const struct rcpt *r, const struct reason *why)
{
	const int64_t most = lifetime(d, r->m,
	    why != NULL && str_eq(why->status, STR("4.2.2")));

	return d->q.now - r->m->accepted >= most &&
	    d->q.now - free_since(d, r) >= most / GRACE_PART;
}

void
message_released(struct qmgr *d, struct message *m)
{
	const int64_t least = lifetime(d, m, true);
	struct rcpt *r;

	/* Only the old ones pay for it with memory. */
	if (d->q.now - m->accepted >= least - least / GRACE_PART &&
	    message_more(m)->released == 0)
		message_more(m)->released = d->q.now;
	RCPT_FOREACH(r, m)
		if (r->state == RCPT_DEFERRED && r->attempts == 0 &&
		    (r->flags & RCPT_TURN) == 0)
			r->next = d->q.now;
	queue_set_timer(&d->q, m);
}

/* The last words on it stay as they are, whoever said them: bounce tells by
 * the temporary code of what failed for good that we gave up.  Some servers
 * greet with a 5xx, which is tried again. */
static struct reason *
expired(struct qmgr *d, struct reason *last)
{
	char text[REPLY_TEXT_MAX];

	if (last->code >= 400 && last->code < 500)
		return reason_ref(last);
	snprintf(text, sizeof(text),
	    "not delivered in time; last%s%.*s: %.*s",
	    last->remote.n != 0 ? " from " : "", STR_ARG(last->remote),
	    STR_ARG(str_first(last->said, 600)));
	return reason_get(
	    &d->q.reasons, 554, STR("5.4.7"), str_c(text), STR_NONE);
}

static void
decide_failed(struct decision *t)
{
	t->dsn = DSN_FAILED;
	t->end = end_of(DSN_FAILED, false);
	t->fate = dsn_wanted(t->r, DSN_FAILED) ? FATE_REPORT : FATE_DONE;
	if (t->fate == FATE_DONE)
		dsn_dropped(t->r);
}

static void
decide_later(struct qmgr *d, struct decision *t)
{
	struct reason *why;

	if (t->r->attempts < UINT16_MAX)
		t->r->attempts++;
	if (t->reason->hint.kind == REPLY_SLOW && t->r->slows < UINT8_MAX)
		t->r->slows++;
	t->fate = FATE_DEFER;
	if ((t->r->flags & RCPT_DROP) != 0) {
		t->fate = FATE_DONE;
		t->end = END_DROPPED;
	} else if (rcpt_expired(d, t->r, t->reason)) {
		why = expired(d, t->reason);
		reason_drop(&d->q.reasons, t->reason);
		t->reason = why;
		t->ours = t->late = true;
		decide_failed(t);
	}
}

/* It is in a mailbox, ours or one that LMTP vouches for. */
static bool
is_final(const struct outcome *o)
{
	const struct site *site = o->r->site;

	return o->local || (site != NULL && site->kind == SITE_SMTP &&
	    str_istarts(site->next_hop, STR("lmtp:")));
}

static void
decide(struct qmgr *d, const struct outcome *o, struct decision *t)
{
	struct rcpt *r = o->r;

	*t = (struct decision){ .r = r, .fate = FATE_NONE };
	if (r->state != RCPT_INFLIGHT && r->state != RCPT_ROUTING)
		return;
	t->reason = reason_ref(o->reason);
	t->ours = r->state == RCPT_ROUTING;
	r->flags |= RCPT_TRIED;
	if (o->maybe)
		r->flags |= RCPT_MAYBE;
	switch (o->status) {
	case JOB_OK:
		t->dsn = is_final(o) ? DSN_DELIVERED : DSN_RELAYED;
		t->end = end_of(t->dsn, false);
		t->fate = !o->passed && dsn_wanted(r, t->dsn) ? FATE_REPORT :
		                                                FATE_DONE;
		break;
	case JOB_TEMPORARY:
		decide_later(d, t);
		break;
	case JOB_PERMANENT:
		decide_failed(t);
		break;
	}
}

static const char *
fate_name(const struct decision *t, enum job_status status)
{
	if (status == JOB_OK)
		return "delivered";
	return t->fate == FATE_DEFER ? "deferred" : "failed";
}

static void
tell(struct qmgr *d, const struct message *m, const struct decision *t,
    enum job_status status)
{
	const struct rcpt *r = t->r;

	if (status == JOB_OK)
		d->agents.delivered++;
	else if (t->fate == FATE_DEFER)
		d->agents.deferred++;
	else
		d->agents.failed++;
	if (!t->ours)
		return;
	note(t->fate == FATE_DEFER || status == JOB_OK ? NOTE_INFO : NOTE_WARN,
	    fate_name(t, status));
	note_id("id", m->id);
	note_str("to", rcpt_address(r));
	if (r->site != NULL)
		note_str("site", site_name(r->site));
	if (t->reason->remote.n != 0)
		note_str("remote", t->reason->remote);
	note_u64("code", t->reason->code);
	note_str("status", t->reason->status);
	note_str("text", t->reason->text);
	if (t->late)
		note_c("why", "not delivered in time");
	note_ms("delay", d->q.now - m->accepted);
	note_end();
}

static bool
same_group(const struct decision *a, const struct decision *b)
{
	return a->fate == b->fate && a->dsn == b->dsn && a->end == b->end &&
	    (a->fate == FATE_DONE ||
	        (a->reason == b->reason && a->r->site == b->r->site &&
	            a->r->attempts == b->r->attempts &&
	            a->r->slows == b->r->slows));
}

/* Of this kind: that a server wanted less often says nothing of how long
 * another trouble will last. */
static unsigned
tries(const struct decision *t)
{
	const struct rcpt *r = t->r;

	return t->reason->hint.kind == REPLY_SLOW ? r->slows :
	                                            r->attempts - r->slows;
}

static void
apply_group(struct qmgr *d, struct message *m, const struct decision *t,
    struct rcpt **rs, size_t n)
{
	switch (t->fate) {
	case FATE_DONE:
		queue_done(&d->q, m, rs, n, t->end);
		break;
	case FATE_REPORT:
		queue_report(&d->q, m, rs, n, t->dsn, t->reason);
		break;
	case FATE_DEFER:
		queue_defer(&d->q, m, rs, n, d->q.now +
		    sched_wait(&d->q.sched, &t->reason->hint, tries(t),
		        t->r->site != NULL ? t->r->site->lane : NULL, d->q.now),
		    t->reason);
		break;
	case FATE_NONE:
		break;
	}
}

/* A record for those that share their fate. */
static void
apply_groups(struct qmgr *d, struct message *m, struct decision *ts, size_t n)
{
	struct rcpt **rs = xcalloc(n, sizeof(*rs));

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		if (ts[i].taken || ts[i].fate == FATE_NONE)
			continue;
		for (size_t j = i; j < n; j++)
			if (!ts[j].taken && same_group(&ts[i], &ts[j])) {
				ts[j].taken = true;
				rs[k++] = ts[j].r;
			}
		apply_group(d, m, &ts[i], rs, k);
	}
	free(rs);
}

static bool
is_late(const struct qmgr *d, const struct message *m, int64_t more)
{
	return d->o.warn_after != 0 &&
	    d->q.now - m->accepted >= d->o.warn_after + more;
}

static bool
has_deferred(struct message *m)
{
	struct rcpt *r;

	RCPT_FOREACH(r, m)
		if (r->state == RCPT_DEFERRED && r->reason != NULL &&
		    (r->flags & RCPT_WARNED) == 0 &&
		    dsn_wanted(r, DSN_DELAYED))
			return true;
	return false;
}

void
message_warn(struct qmgr *d, struct message *m)
{
	/* One report about an attempt, not one for each server. */
	if (m->nbusy != 0 && m->nleft < TOGETHER && !is_late(d, m, TOGETHER_MS))
		return;
	if (is_late(d, m, 0) && has_deferred(m))
		dsn_queue(d, m, DSN_DELAYED);
}

static int
by_index(const void *a, const void *b)
{
	const struct outcome *x = a, *y = b;

	return x->r->index < y->r->index ? -1 : x->r->index > y->r->index;
}

void
outcomes_sort(struct outcome *os, size_t n)
{
	qsort(os, n, sizeof(*os), by_index);
}

struct outcome *
outcomes_find(struct outcome *os, size_t n, const struct outcome *key)
{
	return bsearch(key, os, n, sizeof(*os), by_index);
}

void
outcome_apply(
    struct qmgr *d, struct message *m, const struct outcome *os, size_t n)
{
	struct decision one, *ts = n == 1 ? &one : xcalloc(n, sizeof(*ts));

	message_hold_ref(m);
	for (size_t i = 0; i < n; i++) {
		decide(d, &os[i], &ts[i]);
		if (ts[i].fate != FATE_NONE)
			tell(d, m, &ts[i], os[i].status);
	}
	apply_groups(d, m, ts, n);
	for (size_t i = 0; i < n; i++)
		reason_drop(&d->q.reasons, ts[i].reason);
	if ((m->flags & MSG_GONE) == 0) {
		if (m->nbusy == 0)
			message_drop_text(&d->q, m);
		if (m->nreport != 0)
			dsn_queue(d, m, DSN_FAILED);
		message_warn(d, m);
	}
	message_drop_ref(&d->q, m);
	if (ts != &one)
		free(ts);
}
