/* agents -- who has room for a job, and which gets the next. */
#include <stdlib.h>

#include "base/fatal.h"
#include "proc/note.h"
#include "qmgr/peer.h"
#include "qmgr/walk.h"

enum {
	GATE_LOOK = 20,      /* ms until all links of before are known */
	GATE_MOST = 10000,   /* ms; then master has killed who is silent */
	WORKER_WAIT = 10000, /* ms for a deliver worker to appear */
	WORKER_MOST = 60000, /* ms; there may be too many at first */
	WORKER_DEATHS = 3,   /* one may go just when it is asked for */
	RCPTS_MAX = 1000     /* in one job, as agents take at most */
};

/* --- after a restart: agents of before first tell what they have --------- */

void
agents_gate(struct qmgr *d)
{
	const struct peer *p;

	if (!d->agents.gate || !d->agents.gate_looked)
		return;
	TAILQ_FOREACH(p, &d->peers, entry)
		if (p->is_agent && !p->greeted)
			return;
	timer_set(&d->agents.gate_wait, 0);
}

static void
on_gate_time(void *arg)
{
	struct qmgr *d = arg;
	const struct peer *p;

	if (!d->agents.gate_looked) {
		d->agents.gate_looked = true;
		TAILQ_FOREACH(p, &d->peers, entry)
			if (p->is_agent && !p->greeted) {
				timer_set(&d->agents.gate_wait, GATE_MOST);
				return;
			}
	}
	d->agents.gate = false;
	walks_go_on(d);
	qmgr_pump(d);
}

void
agents_init(struct qmgr *d)
{
	d->agents.gate = true;
	TAILQ_INIT(&d->agents.changes);
	timer_init(&d->agents.gate_wait, d->proc.loop, on_gate_time, d);
	timer_set(&d->agents.gate_wait, GATE_LOOK);
}

/* --- deliver workers ----------------------------------------------------- */

static bool
is_worker_of(const struct peer *p, const struct site *site)
{
	return p->role == ROLE_DELIVER && site->kind == SITE_LOCAL &&
	    site->uid == p->key && site->root == p->instance;
}

void
agents_open(struct peer *p)
{
	struct qmgr *d = p->d;
	struct site *site;

	p->most = p->role == ROLE_DELIVER ? d->o.local_jobs :
	    p->role == ROLE_BOUNCE ? d->o.bounce_jobs : d->o.smtp_jobs;
	TAILQ_FOREACH(site, &d->q.sites.all, entry)
		if (is_worker_of(p, site))
			site->worker = p;
}

void
agents_drained(struct peer *p)
{
	struct qmgr *d = p->d;
	struct site *site;

	/* Not all sites for each message. */
	if (p->full && p->greeted) {
		p->full = false;
		TAILQ_FOREACH(site, &d->q.sites.all, entry)
			if (site->worker == p && site->lane->blocked)
				sched_block(&d->q.sched, site->lane, false);
	}
	qmgr_pump(d);
}

void
agents_greeted(struct peer *p)
{
	struct site *site;

	p->greeted = true;
	if (p->role == ROLE_DELIVER)
		TAILQ_FOREACH(site, &p->d->q.sites.all, entry)
			if (site->worker == p) {
				site->asked_at = 0;
				site->deaths = 0;
			}
	p->full = true; /* those that asked for it are blocked */
	agents_drained(p);
	agents_gate(p->d);
}

void
agents_close(struct peer *p)
{
	struct qmgr *d = p->d;
	struct site *site;

	TAILQ_FOREACH(site, &d->q.sites.all, entry)
		if (site->worker == p) {
			site->worker = NULL;
			/* One that dies at its start will do so again:
			 * check_worker tells those who wait. */
			if (p->greeted || ++site->deaths < WORKER_DEATHS)
				sched_block(&d->q.sched, site->lane, false);
		}
	p->greeted = true;
	agents_gate(d);
}

static struct peer *
find_worker(struct qmgr *d, struct site *site)
{
	struct peer *p;

	if (site->worker != NULL)
		return site->worker;
	TAILQ_FOREACH(p, &d->peers, entry)
		if (is_worker_of(p, site))
			site->worker = p;
	return site->worker;
}

/* An attempt that failed, though no agent was there to make it. */
static void
fail_bundle(struct qmgr *d, struct bundle *b, struct reason *why)
{
	struct message *m = b->m;
	const uint32_t n = b->n;
	struct outcome *os = xcalloc(n, sizeof(*os));

	for (uint32_t i = 0; i < n; i++) {
		struct rcpt *r = TAILQ_FIRST(&b->ready);

		os[i] = (struct outcome){ .r = r, .status = JOB_TEMPORARY,
			.reason = why };
		/* The last one takes the bundle with it. */
		rcpt_route(&d->q, r, true);
	}
	outcomes_sort(os, n); /* they stood in the order of readiness */
	outcome_apply(d, m, os, n);
	free(os);
}

/* No worker came: it cannot be started. */
static void
check_worker(struct qmgr *d, struct site *site)
{
	const bool dies = site->deaths >= WORKER_DEATHS;
	const int64_t waited = d->q.now - site->asked_at;
	struct reason *why;
	struct bundle *b;

	if (site->kind != SITE_LOCAL || site->asked_at == 0 ||
	    waited < WORKER_WAIT)
		return;
	if (!dies && waited < WORKER_MOST) {
		sched_block(&d->q.sched, site->lane, false); /* asks again */
		return;
	}
	note(NOTE_ERROR, "no-deliver-worker");
	note_u64("uid", site->uid);
	note_c("why", dies ? "it ends at its start" : "none came");
	note_end();
	why = reason_get(&d->q.reasons, 451, STR("4.3.0"), dies ?
	    STR("local delivery ends at its start; the log says why") :
	    STR("local delivery cannot be started"), STR_NONE);
	site->asked_at = 0;
	site->deaths = 0;
	while ((b = sched_take(&d->q.sched, site->lane)) != NULL)
		fail_bundle(d, b, why);
	sched_block(&d->q.sched, site->lane, false);
	reason_drop(&d->q.reasons, why);
}

void
agents_look(struct qmgr *d)
{
	struct site *site;

	TAILQ_FOREACH(site, &d->q.sites.all, entry)
		check_worker(d, site);
}

/* --- giving jobs --------------------------------------------------------- */

static bool
has_room(const struct peer *p)
{
	return p->greeted && p->njobs < p->most &&
	    link_pending(p->link) < LINK_WINDOW;
}

/* The least busy one. */
static struct peer *
find_agent(struct qmgr *d, enum role role)
{
	struct peer *p, *best = NULL;

	TAILQ_FOREACH(p, &d->peers, entry)
		if (p->role == role && has_room(p) &&
		    (best == NULL || p->njobs < best->njobs))
			best = p;
	return best;
}

static void
set_aside(struct qmgr *d, struct bundle *b)
{
	struct message *m = b->m;
	struct rcpt *r;

	while ((r = TAILQ_FIRST(&b->ready)) != NULL && b->n > 1)
		rcpt_wait(&d->q, r, d->q.now);
	/* The last one takes the bundle with it. */
	if (r != NULL)
		rcpt_wait(&d->q, r, d->q.now);
	queue_set_timer(&d->q, m);
}

/* A job of some of the bundle's recipients; the rest waits for its turn. */
static void
start(struct qmgr *d, struct peer *p, struct bundle *b)
{
	struct rcpt *rs[RCPTS_MAX];
	const size_t most =
	    d->o.per_message < RCPTS_MAX ? d->o.per_message : RCPTS_MAX;
	struct message *m = b->m;
	struct site *site = b->site;
	size_t n = 0;

	if ((m->flags & MSG_HELD) != 0) {
		sched_result(
		    &d->q.sched, site, site->lane, SITE_UNTRIED, d->q.now);
		set_aside(d, b);
		return;
	}
	/* A list's members joined those that had their turn. */
	if (!message_is_on_disk(&d->q, m)) {
		sched_result(
		    &d->q.sched, site, site->lane, SITE_UNTRIED, d->q.now);
		return;
	}
	while (n < most && (rs[n] = bundle_take(b)) != NULL)
		n++;
	if (b->n == 0)
		bundle_free(b);
	else
		message_ready_bundle(d, b);
	job_start(p, m, site, DSN_NONE, rs, n);
}

static void
put_back(struct qmgr *d, struct bundle *b)
{
	struct site *site = b->site;

	sched_result(&d->q.sched, site, site->lane, SITE_UNTRIED, d->q.now);
	sched_block(&d->q.sched, site->lane, true);
	message_ready_bundle(d, b);
}

static void
start_local(struct qmgr *d, struct bundle *b)
{
	struct site *site = b->site;
	struct peer *p = find_worker(d, site);

	if (p != NULL && has_room(p)) {
		start(d, p, b);
		return;
	}
	put_back(d, b);
	if (p != NULL) {
		p->full = true;
		return;
	}
	if (site->asked_at == 0)
		site->asked_at = d->q.now;
	proc_open_deliver(&d->proc, site->uid, site->gid, site->root);
}

/* What comes of a job has to be written down. */
bool
agents_may_start(const struct qmgr *d)
{
	return !d->agents.gate && !d->stopping && d->q.log.full == 0;
}

void
agents_pump(struct qmgr *d)
{
	struct bundle *b;
	struct peer *p;

	if (!agents_may_start(d))
		return;
	while ((p = find_agent(d, ROLE_SMTP)) != NULL &&
	    (b = sched_pick(&d->q.sched, SITE_SMTP, d->q.now)) != NULL)
		start(d, p, b);
	while ((b = sched_pick(&d->q.sched, SITE_LOCAL, d->q.now)) != NULL)
		start_local(d, b);
}

bool
agents_report(struct qmgr *d, struct message *m, enum dsn_action action,
    struct rcpt **rs, size_t n)
{
	/* Written without room it would be refused, and written again. */
	struct peer *p = agents_may_start(d) && !space_is_short(d) ?
	    find_agent(d, ROLE_BOUNCE) : NULL;

	if (p == NULL)
		return false;
	job_start(p, m, NULL, action, rs, n);
	return true;
}
