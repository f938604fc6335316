/* job -- one attempt, as frames of msg/job.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "base/wire.h"
#include "proc/note.h"
#include "qmgr/peer.h"

enum { CRASHES_MAX = 3 /* agents that may die with a message in a row */ };

static void
job_free(struct job *j)
{
	qlog_wait_cancel(&j->d->q.log, &j->wait);
	if (j->peer != NULL) {
		map_del_id(&j->peer->by_cookie, j->cookie);
		TAILQ_REMOVE(&j->peer->jobs, j, entry);
	}
	for (size_t i = 0; i < j->n; i++)
		reason_drop(&j->d->q.reasons, j->rcpts[i].reason);
	message_drop_ref(&j->d->q, j->m);
	free(j->rcpts);
	free(j);
}

/* --- sending ------------------------------------------------------------ */

static void
send_head(struct job *j, uint64_t size, uint32_t flags)
{
	const struct qmgr *d = j->d;
	const struct message *m = j->m;
	struct msg_job out = { .id = m->id,
		.size = size,
		.flags = flags,
		.accepted_ms = (uint64_t)m->accepted_wall,
		.expires_ms = (uint64_t)(m->accepted_wall + d->o.lifetime),
		.env_flags = m->env_flags,
		.dsn = j->dsn,
		.body_at = m->prefix,
		.sender = message_sender(m),
		.envid = message_envid(m),
		.login = message_login(m),
		.spool_uuid = str_n(d->spool.uuid, sizeof(d->spool.uuid)) };

	if (j->site != NULL && j->site->kind == SITE_SMTP) {
		out.next_hop = j->site->next_hop;
		out.tls = j->site->tls;
	}
	for (size_t i = 0; i < j->n; i++)
		if ((j->rcpts[i].r->flags & RCPT_MAYBE) != 0)
			out.flags |= JOB_MAYBE_REPEATED;
	link_send(j->peer->link, MSG_JOB, j->cookie, &msg_job_wire, &out);
}

static void
send_rcpt(struct job *j, const struct rcpt *r)
{
	const struct target *target = rcpt_target(r);
	struct msg_job_rcpt out = { .index = r->index,
		.notify = r->notify,
		.address = rcpt_address(r),
		.orcpt = rcpt_orcpt(r) };

	if (target != NULL) {
		out.account = target->account;
		out.path = target->path;
		out.mailbox = target->mailbox;
		out.quota = target->quota;
	}
	if (j->dsn != DSN_NONE && r->reason != NULL) {
		out.code = r->reason->code;
		out.status = r->reason->status;
		out.text = r->reason->text;
		out.remote = r->reason->remote;
	}
	link_send(
	    j->peer->link, MSG_JOB_RCPT, j->cookie, &msg_job_rcpt_wire, &out);
}

/* Large bodies go as a descriptor. */
static void
send_text(struct job *j, struct str text, int fd)
{
	struct link *l = j->peer->link;
	const struct msg_job_body_fd at = { 0, j->m->body };

	while (text.n != 0)
		link_send_raw(l, MSG_JOB_BODY, j->cookie,
		    str_take(&text, LINK_BODY_MAX));
	if (fd != -1)
		link_send_fd(l, MSG_JOB_BODY_FD, j->cookie,
		    &msg_job_body_fd_wire, &at, fd);
}

static struct job *
job_new(struct peer *p, struct message *m, struct site *site,
    enum dsn_action dsn, struct rcpt **rs, size_t n)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->peer = p;
	j->d = p->d;
	j->cookie = ++p->d->agents.cookie;
	j->m = m;
	j->site = site;
	j->lane = site != NULL ? site->lane : NULL;
	j->dsn = dsn;
	j->n = j->undecided = n;
	j->rcpts = xcalloc(n, sizeof(*j->rcpts));
	for (size_t i = 0; i < n; i++) {
		j->rcpts[i].r = rs[i];
		if (dsn == DSN_NONE)
			rcpt_inflight(&p->d->q, rs[i]);
	}
	outcomes_sort(j->rcpts, n);
	message_hold_ref(m);
	map_set_id(&p->by_cookie, j->cookie, j);
	TAILQ_INSERT_TAIL(&p->jobs, j, entry);
	p->njobs++;
	return j;
}

static void finish(struct job *j, enum site_state site, struct str hosts);

/* The text is not there: nobody needs to be asked. */
static void
give_up(struct job *j)
{
	struct qmgr *d = j->d;
	struct reason *why = reason_get(&d->q.reasons, 451, STR("4.3.0"),
	    STR("the message cannot be read from the queue's disk"), STR_NONE);

	for (size_t i = 0; i < j->n; i++) {
		j->rcpts[i].status = JOB_TEMPORARY;
		j->rcpts[i].reason = reason_ref(why);
	}
	reason_drop(&d->q.reasons, why);
	finish(j, SITE_UNTRIED, STR_NONE);
	job_free(j);
}

static void
note_unreadable(const struct message *m, int error)
{
	note(NOTE_ERROR, "text-unreadable");
	note_id("id", m->id);
	note_errno(error);
	note_end();
}

/* All of it that is in memory or in the log, and the file of a large body or
 * -1.  false: errno, as of message_text; then there is nothing. */
static bool
open_text(struct qmgr *d, struct message *m, struct str *text, int *fd)
{
	*fd = -1;
	*text = message_text(d, m);
	if (text->p != NULL && (m->flags & MSG_LARGE) != 0 &&
	    (*fd = large_open(&d->spool, m->id)) == -1)
		*text = STR_NONE;
	return text->p != NULL;
}

/* It will not come back.  A large body may be looked for where its disk is not
 * just then, but not twice. */
static bool
is_lost(const struct qmgr *d, const struct message *m, int error)
{
	return error == EBADMSG || (error == ENOENT && m->dsn_next != 0) ||
	    dsn_is_overdue(d, m);
}

void
job_start(struct peer *p, struct message *m, struct site *site,
    enum dsn_action dsn, struct rcpt **rs, size_t n)
{
	struct job *j = job_new(p, m, site, dsn, rs, n);
	uint64_t size = m->prefix + m->body;
	uint32_t flags = 0;
	struct str text;
	int fd;

	if (dsn != DSN_NONE && dsn_is_overdue(p->d, m))
		flags |= JOB_WITHOUT; /* bounce reads large bodies itself */
	if (!open_text(p->d, m, &text, &fd)) {
		const int error = errno;

		note_unreadable(m, error);
		/* The sender is told even so; of what a disk may give the next
		 * time, by a later report. */
		if (dsn == DSN_NONE || !is_lost(p->d, m, error)) {
			give_up(j);
			return;
		}
		size = 0;
		flags |= JOB_WITHOUT;
	} else if (m->nbusy > (dsn == DSN_NONE ? n : 0)) {
		message_keep_text(p->d, m, text);
	}
	send_head(j, size, flags);
	for (size_t i = 0; i < n; i++)
		send_rcpt(j, j->rcpts[i].r);
	send_text(j, text, fd);
	link_send_raw(p->link, MSG_JOB_END, j->cookie, STR_NONE);
}

/* --- results ------------------------------------------------------------ */

static struct job *
find(const struct peer *p, uint64_t cookie)
{
	struct job *j = map_get_id(&p->by_cookie, cookie);

	return j != NULL && !j->told ? j : NULL;
}

static struct reason *
reason_of(struct qmgr *d, const struct msg_job_result *in)
{
	return reason_get(
	    &d->q.reasons, in->code, in->enhanced, in->text, in->remote);
}

void
on_job_result(void *arg, struct link *l, struct link_msg *f)
{
	struct peer *p = arg;
	const struct msg_job_result *in = f->body;
	struct job *j = find(p, f->cookie);
	struct rcpt wanted = { .index = in->index };
	const struct outcome key = { .r = &wanted };
	struct outcome *o;

	(void)l;
	if (j == NULL)
		return;
	o = outcomes_find(j->rcpts, j->n, &key);
	if (o == NULL || o->reason != NULL)
		return;
	o->status = (enum job_status)in->status;
	o->maybe = in->no_answer != 0;
	o->passed = in->dsn_passed != 0;
	o->local = p->role == ROLE_DELIVER;
	o->reason = reason_of(p->d, in);
	j->undecided--;
}

static void
tell_reported(struct job *j)
{
	struct rcpt **rs = xcalloc(j->n, sizeof(*rs));
	size_t n = 0;

	/* What bounce refuses for good is not asked again. */
	for (size_t i = 0; i < j->n; i++)
		if (j->rcpts[i].reason != NULL &&
		    j->rcpts[i].status != JOB_TEMPORARY)
			rs[n++] = j->rcpts[i].r;
	dsn_result(j->d, j->m, j->dsn, rs, n, n == j->n);
	free(rs);
}

static void
note_site(const struct site *site, const struct lane *lane,
    enum site_change change)
{
	static const char *const names[] = { [SITE_SAME] = "",
		[SITE_DIED] = "site-down", [SITE_SLOWED] = "site-slow",
		[SITE_BACK] = "site-back" };

	note(change == SITE_DIED ? NOTE_WARN : NOTE_INFO, names[change]);
	note_str("site", site_name(site));
	note_u64("waiting", site->nwaiting);
	if (lane->hosts != NULL)
		note_str("servers", lane_text(lane));
	note_end();
}

/* By what stands before the domain, as a word of its own. */
static bool
names(struct str text, struct str address)
{
	const struct str local = str_first(address, str_rfind(address, '@'));
	char before = ' ';

	for (; local.n != 0 && text.n >= local.n; str_take(&text, 1)) {
		if (!chr_is_alnum(before) && str_istarts(text, local) &&
		    (text.n == local.n || !chr_is_alnum(text.p[local.n])))
			return true;
		before = text.p[0];
	}
	return false;
}

static bool
names_somebody(const struct job *j, struct str text)
{
	if (str_find(text, '@') != text.n || names(text, message_sender(j->m)))
		return true;
	for (size_t i = 0; i < j->n; i++)
		if (names(text, rcpt_address(j->rcpts[i].r)))
			return true;
	return false;
}

/* What stands for the site is shown to others who have mail for it: not whose
 * address it names. */
static void
say_of_lane(struct job *j, struct lane *lane)
{
	struct qmgr *d = j->d;
	struct reason *why = j->rcpts[0].reason, *other;
	char text[300];

	if (why->code / 100 == 2 || !names_somebody(j, why->text)) {
		lane_said(&d->q.sites, lane, why);
		return;
	}
	/* Without remote the words were our own. */
	snprintf(text, sizeof(text), "%.*s%srefused other mail",
	    STR_ARG(str_first(why->remote, 200)),
	    why->remote.n != 0 ? ": " : "");
	other = reason_get(
	    &d->q.reasons, why->code, why->status, str_c(text), STR_NONE);
	lane_said(&d->q.sites, lane, other);
	reason_drop(&d->q.reasons, other);
}

/* Some of it was too much; in seconds the longest time named for that. */
static bool
was_too_much(const struct job *j, uint32_t *wait)
{
	bool any = false;

	*wait = 0;
	for (size_t i = 0; i < j->n; i++) {
		const struct reply_hint hint = j->rcpts[i].reason->hint;

		if (hint.kind != REPLY_SLOW)
			continue;
		any = true;
		if (hint.wait > *wait)
			*wait = hint.wait;
	}
	return any;
}

/* By a server that had the time to. */
static bool
is_judged(const struct outcome *o)
{
	const enum reply_kind kind = o->reason->hint.kind;

	return o->status != JOB_TEMPORARY || kind == REPLY_GREY ||
	    kind == REPLY_FULL;
}

/* It was not too much so often before as to say nothing of the site. */
static bool
is_news(const struct job *j)
{
	for (size_t i = 0; i < j->n; i++)
		if (sched_is_news(j->lane, j->rcpts[i].r->slows))
			return true;
	return false;
}

/* What one of its servers judged was not too much, whatever another one said. */
static enum site_state
heeded(const struct job *j, enum site_state state)
{
	uint32_t wait;

	if (state != SITE_SLOW_DOWN)
		return state;
	if (was_too_much(j, &wait))
		return is_news(j) ? state : SITE_UNTRIED;
	for (size_t i = 0; i < j->n; i++)
		if (is_judged(&j->rcpts[i]))
			return SITE_FINE;
	return state;
}

/* Early: who waits has been told of what is over now. */
static void
wake(struct qmgr *d, struct lane *lane, bool is_back, bool recovered)
{
	if (is_back || recovered)
		lane_back(d, lane, is_back);
	lane->answered = true;
	lane_wake(d, lane, LANE_WOKEN);
}

static void
tell_site(struct job *j, enum site_state state, struct str hosts)
{
	struct qmgr *d = j->d;
	struct site *site = j->site;
	struct lane *lane = j->lane;
	const bool recovered = lane->failures != 0 || !lane->answered;
	/* The site may have left these servers meanwhile, and be the last of
	 * those that led there: then nobody waits for them. */
	const bool is_used = lane->nsites != 0;
	enum site_change change =
	    sched_result(&d->q.sched, site, lane, state, d->q.now);
	uint32_t wait;

	if (is_used && site->kind == SITE_SMTP)
		say_of_lane(j, lane);
	if (is_used) {
		if (state == SITE_SLOW_DOWN && was_too_much(j, &wait))
			sched_named(&d->q.sched, lane, wait, d->q.now);
		if (change != SITE_SAME)
			note_site(site, lane, change);
		if (change == SITE_DIED || change == SITE_SLOWED)
			lane_defer_ready(d, lane);
		if (state == SITE_FINE)
			wake(d, lane, change == SITE_BACK, recovered);
	}
	if (sched_hosts(&d->q.sched, site, hosts) &&
	    sched_refuses(site->lane, d->q.now))
		lane_defer_ready(d, site->lane);
}

/* The job's results into the queue; all have a reason. */
static void
finish(struct job *j, enum site_state state, struct str hosts)
{
	struct qmgr *d = j->d;

	if (j->peer != NULL)
		j->peer->njobs--;
	if (j->dsn != DSN_NONE) {
		tell_reported(j);
		return;
	}
	/* The site first: who is deferred now is not to be woken by it. */
	tell_site(j, heeded(j, state), hosts);
	outcome_apply(d, j->m, j->rcpts, j->n);
}

static void
on_flushed(struct qlog_wait *w)
{
	struct job *j = (struct job *)(void *)((char *)w -
	    offsetof(struct job, wait));

	if (j->peer != NULL)
		link_send_lazy(
		    j->peer->link, MSG_JOB_FLUSHED, j->cookie, NULL, NULL);
	job_free(j);
}

/* An agent that forgot a recipient: it may have been served. */
static void
fill_missing(struct job *j)
{
	for (size_t i = 0; i < j->n && j->undecided != 0; i++) {
		struct outcome *o = &j->rcpts[i];

		if (o->reason != NULL)
			continue;
		o->status = JOB_TEMPORARY;
		o->maybe = true;
		o->reason = reason_get(&j->d->q.reasons, 451, STR("4.3.0"),
		    STR("no result from the agent"), STR_NONE);
	}
}

void
on_job_done(void *arg, struct link *l, struct link_msg *f)
{
	struct peer *p = arg;
	const struct msg_job_done *in = f->body;
	struct job *j = find(p, f->cookie);

	(void)l;
	if (j == NULL)
		return;
	qmgr_now(p->d);
	fill_missing(j);
	finish(j, (enum site_state)in->site, in->hosts);
	j->told = true;
	j->m->crashes = 0;
	j->wait.on_flushed = on_flushed;
	qlog_wait(&p->d->q.log, &j->wait);
	qmgr_pump(p->d);
}

/* --- links that come and go --------------------------------------------- */

/* At once, unless the message seems to kill whoever has it, or the admin
 * wants it gone. */
static void
retry(struct job *j, struct rcpt *r, struct reason *died)
{
	struct qmgr *d = j->d;
	const struct outcome o = { .r = r, .status = JOB_TEMPORARY,
		    .reason = died, .maybe = true };

	if (r->state != RCPT_INFLIGHT)
		return;
	r->flags |= RCPT_MAYBE;
	if (j->m->crashes >= CRASHES_MAX || (r->flags & RCPT_DROP) != 0)
		outcome_apply(d, j->m, &o, 1);
	else
		rcpt_route(&d->q, r, false);
}

static void
close_job(struct job *j, struct reason *died)
{
	struct qmgr *d = j->d;

	if (j->dsn != DSN_NONE) {
		tell_reported(j);
		return;
	}
	j->m->crashes++;
	sched_result(
	    &d->q.sched, j->site, j->lane, SITE_UNTRIED, d->q.now);
	for (size_t i = 0; i < j->n; i++) {
		if (j->rcpts[i].reason != NULL)
			outcome_apply(d, j->m, &j->rcpts[i], 1);
		else
			retry(j, j->rcpts[i].r, died);
	}
}

void
jobs_close(struct peer *p)
{
	struct qmgr *d = p->d;
	struct job *j;
	struct reason *died = reason_get(&d->q.reasons, 451, STR("4.3.0"),
	    STR("the delivery process died"), STR_NONE);

	qlog_wait_cancel(&d->q.log, &p->inflight_wait);
	while ((j = TAILQ_FIRST(&p->jobs)) != NULL) {
		TAILQ_REMOVE(&p->jobs, j, entry);
		j->peer = NULL;
		if (j->told)
			continue; /* freed by its flush */
		close_job(j, died);
		job_free(j);
	}
	map_clear(&p->by_cookie);
	reason_drop(&d->q.reasons, died);
}

/*
 * What an agent knows and we do not is of jobs that a former qmgr, or link,
 * gave it: their recipients are those that may be repeated.  Local mail is
 * repeated anyway: the mailbox knows better than deliver what is in it.
 */
static bool
may_tell(const struct peer *p, const struct rcpt *r, struct str address)
{
	return p->role == ROLE_SMTP && r != NULL &&
	    (r->flags & RCPT_MAYBE) != 0 && r->state != RCPT_DONE &&
	    r->state != RCPT_REPORT && str_eq(rcpt_address(r), address);
}

/* A result that the former qmgr did not write down.  Once it has told them
 * all, an agent may only speak of the jobs that it has. */
void
on_job_inflight(void *arg, struct link *l, struct link_msg *f)
{
	struct peer *p = arg;
	struct qmgr *d = p->d;
	const struct msg_job_inflight *in = f->body;
	struct message *m = table_find(&d->q.table, in->id);
	struct rcpt *r = m != NULL ? message_rcpt(m, in->result.index) : NULL;
	struct outcome o = { r, (enum job_status)in->result.status, NULL,
		in->result.no_answer != 0, in->result.dsn_passed != 0,
		false };

	(void)l;
	if (p->greeted) {
		peer_end(p, "INFLIGHT behind INFLIGHT_END");
		return;
	}
	qmgr_now(d);
	wire_put_u64(&p->inflight, f->cookie);
	if (!may_tell(p, r, in->address))
		return;
	message_hold_ref(m);
	rcpt_route(&d->q, r, false);
	queue_set_timer(&d->q, m);
	o.reason = reason_of(d, &in->result);
	outcome_apply(d, m, &o, 1);
	reason_drop(&d->q.reasons, o.reason);
	/* Others may have waited for this one's answer. */
	if ((m->flags & MSG_GONE) == 0 && m->asking == 0)
		message_ready(d, m);
	message_drop_ref(&d->q, m);
}

static void
on_inflight_flushed(struct qlog_wait *w)
{
	struct peer *p = (struct peer *)(void *)((char *)w -
	    offsetof(struct peer, inflight_wait));
	struct str in = buf_str(&p->inflight);
	uint64_t cookie, last = 0;

	while (wire_take_u64(&in, &cookie)) {
		if (cookie != last)
			link_send_lazy(
			    p->link, MSG_JOB_FLUSHED, cookie, NULL, NULL);
		last = cookie;
	}
	buf_clear(&p->inflight);
}

void
on_job_inflight_end(void *arg, struct link *l, struct link_msg *f)
{
	struct peer *p = arg;

	(void)l;
	(void)f;
	p->inflight_wait.on_flushed = on_inflight_flushed;
	if (!p->inflight_wait.waiting)
		qlog_wait(&p->d->q.log, &p->inflight_wait);
	agents_greeted(p);
}
