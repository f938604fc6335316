/* ready -- recipients whose way is known, and those whose time has come. */
#include "qmgr/qmgr.h"
#include "qmgr/via.h"

/* ms of work that a site with a rate holds ready; the rest waits as deferred,
 * each for its turn, and does not use up the room for others. */
enum { BACKLOG = 60000 };

/* An account, whose people wait before their screens, counts twice; else a
 * client's network, or nobody. */
static struct share
share_of(const struct message *m)
{
	struct share share = { .weight = 2, .class = CLASS_SINGLE };
	struct str who = message_login(m);

	if (who.n == 0) {
		const struct str client = message_client(m);

		who = str_first(client, str_rfind(client,
		    str_find(client, ':') < client.n ? ':' : '.'));
		share.weight = 1;
	}
	share.sender = map_hash(who);
	if (m->nleft > BULK_RCPTS)
		share.class = CLASS_BULK;
	else if (message_sender(m).n == 0)
		share.class = CLASS_REPORT;
	return share;
}

/* What the servers last said explains why nothing goes to them now: the sender
 * may be told.  A pause is no reason. */
static struct reason *
why_closed(const struct qmgr *d, const struct lane *lane)
{
	struct reason *last = lane->last;

	return lane->paused_until > d->q.now || last == NULL ||
	    last->code / 100 != 4 ? NULL : last;
}

/* In memory only: nothing was attempted, nothing has to be written down. */
static void
defer_bundle(
    struct qmgr *d, struct bundle *b, struct reason *why, int64_t next)
{
	struct message *m = b->m;
	const uint32_t n = b->n;

	for (uint32_t i = 0; i < n; i++) {
		struct rcpt *r = TAILQ_FIRST(&b->ready);

		if (why != NULL)
			rcpt_set_reason(&d->q, r, why);
		/* The last one takes the bundle with it. */
		rcpt_wait(&d->q, r, next);
	}
	if (m->nbusy == 0) {
		message_drop_text(&d->q, m);
		message_warn(d, m);
	}
	queue_timer_by(&d->q, m, next);
}

/* Its site has a rate, and others go before it.  Who has waited for his turn is
 * not sent behind those who came since. */
static bool
waits_its_turn(struct qmgr *d, struct bundle *b, int64_t *turn)
{
	struct lane *lane = b->site->lane;
	const bool had = (TAILQ_FIRST(&b->ready)->flags & RCPT_TURN) != 0;
	struct rcpt *r;

	*turn = had ? d->q.now + sched_backlog(lane, d->q.now) / 2 :
	              sched_turn(lane, d->q.now);
	if (*turn - d->q.now <= BACKLOG)
		return false;
	if (*turn - d->q.now > d->o.sched.retry_max) {
		*turn = d->q.now + d->o.sched.retry_max; /* and looks again */
		return true;
	}
	if (!had)
		sched_give_turn(lane, d->q.now);
	TAILQ_FOREACH(r, &b->ready, entry)
		r->flags |= RCPT_TURN;
	return true;
}

void
message_ready_bundle(struct qmgr *d, struct bundle *b)
{
	const struct share share = share_of(b->m);
	struct lane *lane = b->site->lane;
	int64_t turn;

	/* Not before the 250; its flush, or that of the list, looks again. */
	if (!message_is_on_disk(&d->q, b->m))
		return;
	if (b->flow != NULL || b->n == 0 ||
	    (b->m->asking != 0 && b->n < d->o.per_message))
		return;
	if (sched_refuses(lane, d->q.now))
		defer_bundle(d, b, why_closed(d, lane),
		    sched_after(&d->q.sched, lane, d->q.now));
	else if (waits_its_turn(d, b, &turn))
		defer_bundle(d, b, NULL, turn);
	else
		sched_add(&d->q.sched, b, &share);
}

void
message_ready(struct qmgr *d, struct message *m)
{
	struct bundle *b, *next;

	LIST_FOREACH_SAFE(b, &m->bundles, of_message, next)
		message_ready_bundle(d, b);
}

void
lane_defer_ready(struct qmgr *d, struct lane *lane)
{
	struct reason *why = why_closed(d, lane);
	struct bundle *b;

	while ((b = sched_take(&d->q.sched, lane)) != NULL)
		defer_bundle(d, b, why,
		    sched_after(&d->q.sched, lane, d->q.now));
}

/* Its site is dead and is not to be probed now.  It still expires: the site
 * was tried, and stands for it. */
static bool
waits_for_site(
    struct qmgr *d, struct rcpt *r, const struct lane **lane, int64_t *next)
{
	struct site *site = r->site;

	/* Sent elsewhere since it was tried there. */
	if (rcpt_via(r) != NULL && rcpt_via(r) != site)
		return false;
	if (site == NULL || !sched_refuses(site->lane, d->q.now))
		return false;
	if (r->reason == NULL)
		rcpt_set_reason(&d->q, r, why_closed(d, site->lane));
	/* Nothing is given up because of a pause. */
	if (site->lane->tried && site->lane->paused_until <= d->q.now &&
	    r->reason != NULL && rcpt_expired(d, r, r->reason)) {
		const struct outcome o = { .r = r, .status = JOB_TEMPORARY,
		    .reason = r->reason };

		rcpt_route(&d->q, r, true);
		outcome_apply(d, r->m, &o, 1);
		return true;
	}
	/* One time for all of the message that wait for these servers. */
	if (*lane != site->lane) {
		*lane = site->lane;
		*next = sched_after(&d->q.sched, *lane, d->q.now);
	}
	r->next = *next;
	return true;
}

void
message_due(struct qmgr *d, struct message *m)
{
	struct rcpt *r;
	const struct lane *lane = NULL;
	int64_t next = d->q.now;

	message_hold_ref(m);
	RCPT_FOREACH(r, m)
		if (r->state == RCPT_DEFERRED && r->next <= d->q.now &&
		    !waits_for_site(d, r, &lane, &next))
			rcpt_route(&d->q, r, true);
	if ((m->flags & MSG_GONE) == 0) {
		queue_set_timer(&d->q, m);
		message_warn(d, m);
	}
	message_drop_ref(&d->q, m);
}

/* It waited for the site, not for its own mailbox or a greylist. */
static bool
waits_too_long(const struct site *site, const struct rcpt *r)
{
	const enum reply_kind kind =
	    r->reason != NULL ? r->reason->hint.kind : REPLY_DOWN;

	if ((r->m->flags & MSG_HELD) != 0)
		return false;
	return site->lane->wake_all ? kind != REPLY_GREY && kind != REPLY_FULL :
	                              kind == REPLY_DOWN;
}

/* How many of the site's were looked at. */
static uint32_t
site_wake(struct qmgr *d, struct site *site, uint32_t most)
{
	struct rcpt *r;
	uint32_t n = 0;

	while (site->to_wake != 0 && n < most &&
	    (r = TAILQ_FIRST(&site->waiting)) != NULL) {
		n++;
		site->to_wake--;
		if (!waits_too_long(site, r)) {
			TAILQ_REMOVE(&site->waiting, r, entry);
			TAILQ_INSERT_TAIL(&site->waiting, r, entry);
			continue;
		}
		rcpt_route(&d->q, r, true);
		queue_timer_less(&d->q, r->m);
	}
	if (TAILQ_EMPTY(&site->waiting))
		site->to_wake = 0;
	return n;
}

void
lane_wake(struct qmgr *d, struct lane *lane, uint32_t most)
{
	struct site *site;

	/* Those with some to be woken stand in front. */
	while (most != 0 && (site = TAILQ_FIRST(&lane->sites)) != NULL &&
	    site->to_wake != 0) {
		const uint32_t n = site_wake(d, site, most);

		most -= n < most ? n : most;
		if (site->to_wake == 0) {
			TAILQ_REMOVE(&lane->sites, site, of_lane);
			TAILQ_INSERT_TAIL(&lane->sites, site, of_lane);
		}
	}
}

void
lane_back(struct qmgr *d, struct lane *lane, bool all)
{
	struct site_list idle;
	struct site *site, *next;

	(void)d;
	TAILQ_INIT(&idle);
	lane->wake_all = all;
	TAILQ_FOREACH_SAFE(site, &lane->sites, of_lane, next) {
		site->to_wake = site->nwaiting;
		if (site->to_wake != 0)
			continue;
		TAILQ_REMOVE(&lane->sites, site, of_lane);
		TAILQ_INSERT_TAIL(&idle, site, of_lane);
	}
	TAILQ_CONCAT(&lane->sites, &idle, of_lane);
}
