#include "msg/agent.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"

/* Results that a fresh qmgr was told in INFLIGHT come back as FLUSHED under
 * a cookie of ours that qmgr never chooses. */
#define INFLIGHT_COOKIE (UINT64_C(1) << 63)

static void
job_free(struct agent_job *job)
{
	struct agent *a = job->agent;

	if (a->ops->on_forget != NULL)
		a->ops->on_forget(a->arg, job);
	if (map_get_id(&a->by_cookie, job->cookie) == job)
		map_del_id(&a->by_cookie, job->cookie);
	TAILQ_REMOVE(&a->jobs, job, entry);
	if (job->fd != -1)
		close(job->fd);
	buf_clear(&job->text);
	free(job->rcpts);
	pool_clear(&job->pool);
	free(job);
}

/* Nobody will read the text again: only the results are kept. */
static void
job_drop_text(struct agent_job *job)
{
	buf_clear(&job->text);
	if (job->fd != -1)
		close(job->fd);
	job->fd = -1;
}

static void
send_inflight(struct agent *a, struct agent_job *job)
{
	struct msg_job_inflight m = { .id = job->job.id };

	job->cookie |= INFLIGHT_COOKIE;
	map_set_id(&a->by_cookie, job->cookie, job);
	for (size_t i = 0; i < job->nrcpts; i++) {
		if (!job->rcpts[i].decided)
			continue;
		m.address = job->rcpts[i].r.address;
		m.result = job->rcpts[i].result;
		link_send(a->link, MSG_JOB_INFLIGHT, job->cookie,
		    &msg_job_inflight_wire, &m);
	}
}

static bool
waits_for_answer(const struct agent *a)
{
	const struct agent_job *job;

	TAILQ_FOREACH(job, &a->jobs, entry)
		if (job->orphan && job->state == AGENT_RUNNING)
			return true;
	return false;
}

/* Tells the fresh qmgr what is in flight once no orphan is undecided. */
static void
try_greet(struct agent *a)
{
	struct agent_job *job;

	if (a->link == NULL || a->greeted || waits_for_answer(a))
		return;
	a->greeted = true;
	timer_cancel(&a->wait);
	TAILQ_FOREACH(job, &a->jobs, entry)
		if (job->orphan)
			send_inflight(a, job);
	link_send_raw(a->link, MSG_JOB_INFLIGHT_END, 0, STR_NONE);
}

/* The peers' answers did not come in time: they may have taken it. */
static void
on_wait_over(void *arg)
{
	struct agent *a = arg;
	struct agent_job *job, *next;
	const struct msg_job_result unknown = { .status = JOB_TEMPORARY,
		.code = 451, .no_answer = 1, .enhanced = STR("4.4.2"),
		.text = STR("no answer before the queue manager returned") };

	TAILQ_FOREACH_SAFE(job, &a->jobs, entry, next) {
		if (!job->orphan || job->state != AGENT_RUNNING)
			continue;
		a->ops->on_cancel(a->arg, job);
		agent_result_rest(job, &unknown);
	}
	try_greet(a);
}

void
agent_init(struct agent *a, struct loop *loop, const struct agent_ops *ops,
    void *arg)
{
	*a = (struct agent){ .loop = loop, .ops = ops, .arg = arg };
	map_init(&a->by_cookie);
	TAILQ_INIT(&a->jobs);
	timer_init(&a->wait, loop, on_wait_over, a);
}

void
agent_clear(struct agent *a)
{
	while (!TAILQ_EMPTY(&a->jobs))
		job_free(TAILQ_FIRST(&a->jobs));
	map_clear(&a->by_cookie);
	timer_clear(&a->wait);
}

void
agent_link(struct agent *a, struct link *l)
{
	a->link = l;
	a->greeted = false;
	timer_set(&a->wait, AGENT_ANSWER_WAIT);
	try_greet(a);
}

void
agent_unlink(struct agent *a)
{
	struct agent_job *job, *next;

	a->link = NULL;
	timer_cancel(&a->wait);
	map_clear(&a->by_cookie);
	map_init(&a->by_cookie);
	TAILQ_FOREACH_SAFE(job, &a->jobs, entry, next) {
		if (job->state == AGENT_GATHERED) {
			job_free(job);
			continue;
		}
		job->orphan = true;
		if (job->state == AGENT_RUNNING && !job->committed)
			a->ops->on_cancel(a->arg, job);
	}
}

void
agent_commit(struct agent_job *job)
{
	job->committed = true;
}

static void
job_told(struct agent_job *job)
{
	struct agent *a = job->agent;
	const struct msg_job_done done = { .site = job->site,
		.hosts = job->hosts };

	job->state = AGENT_TOLD;
	job_drop_text(job);
	if (job->orphan) {
		try_greet(a);
		return;
	}
	link_send(a->link, MSG_JOB_DONE, job->cookie, &msg_job_done_wire,
	    &done);
}

void
agent_result(struct agent_job *job, size_t rcpt,
    const struct msg_job_result *result)
{
	struct agent_rcpt *r = &job->rcpts[rcpt];

	if (r->decided)
		fatal("agent: second result for recipient %zu", rcpt);
	r->decided = true;
	r->result = *result;
	r->result.index = r->r.index;
	r->result.enhanced =
	    pool_str(&job->pool, str_first(result->enhanced, 16));
	r->result.text =
	    pool_str(&job->pool, str_first(result->text, REPLY_TEXT_MAX));
	r->result.remote =
	    pool_str(&job->pool, str_first(result->remote, REMOTE_MAX));
	if (!job->orphan)
		link_send(job->agent->link, MSG_JOB_RESULT, job->cookie,
		    &msg_job_result_wire, &r->result);
	if (--job->undecided == 0)
		job_told(job);
}

void
agent_result_rest(struct agent_job *job, const struct msg_job_result *result)
{
	for (size_t i = 0; i < job->nrcpts && job->undecided > 0; i++)
		if (!job->rcpts[i].decided)
			agent_result(job, i, result);
}

size_t
agent_running(const struct agent *a)
{
	const struct agent_job *job;
	size_t n = 0;

	TAILQ_FOREACH(job, &a->jobs, entry)
		n += job->state == AGENT_RUNNING;
	return n;
}

uint64_t
agent_text_size(const struct agent_job *job)
{
	return buf_len(&job->text) + (job->fd != -1 ? job->at.size : 0);
}

ssize_t
agent_text_read(const struct agent_job *job, uint64_t at, char *out,
    size_t size)
{
	const struct str text = buf_str(&job->text);
	const uint64_t beyond = at - text.n;
	ssize_t got;

	if (at < text.n) {
		const struct str part =
		    str_first(str_from(text, (size_t)at), size);
		memcpy(out, part.p, part.n);
		return (ssize_t)part.n;
	}
	if (job->fd == -1 || beyond >= job->at.size)
		return 0;
	if (size > job->at.size - beyond)
		size = (size_t)(job->at.size - beyond);
	got = pread(job->fd, out, size, (off_t)(job->at.at + beyond));
	if (got == 0) {
		errno = EIO; /* shorter than qmgr said */
		return -1;
	}
	return got;
}

/* --- frames from qmgr -------------------------------------------------- */

static struct agent_job *
gathered(struct agent *a, uint64_t cookie)
{
	struct agent_job *job = map_get_id(&a->by_cookie, cookie);

	return job != NULL && job->state == AGENT_GATHERED ? job : NULL;
}

/* qmgr breaks job.h: this link is of no use, a fresh one will come. */
static void
refuse(struct agent *a, struct link *l, const char *why)
{
	a->ops->on_broken(a->arg, l, why);
}

void
agent_on_job(void *arg, struct link *l, struct link_msg *m)
{
	struct agent *a = arg;
	const struct msg_job *in = m->body;
	struct agent_job *job;

	if (map_get_id(&a->by_cookie, m->cookie) != NULL ||
	    (m->cookie & INFLIGHT_COOKIE) != 0) {
		refuse(a, l, "JOB with a cookie in use");
		return;
	}
	job = xcalloc(1, sizeof(*job));
	job->agent = a;
	job->cookie = m->cookie;
	job->fd = -1;
	job->job = *in;
	job->job.sender = pool_str(&job->pool, in->sender);
	job->job.envid = pool_str(&job->pool, in->envid);
	job->job.login = pool_str(&job->pool, in->login);
	job->job.next_hop = pool_str(&job->pool, in->next_hop);
	job->job.spool_uuid = pool_str(&job->pool, in->spool_uuid);
	buf_init(&job->text, AGENT_INLINE_MAX);
	map_set_id(&a->by_cookie, job->cookie, job);
	TAILQ_INSERT_TAIL(&a->jobs, job, entry);
}

void
agent_on_rcpt(void *arg, struct link *l, struct link_msg *m)
{
	struct agent *a = arg;
	struct agent_job *job = gathered(a, m->cookie);
	const struct msg_job_rcpt *in = m->body;
	struct agent_rcpt *r;

	if (job == NULL || job->nrcpts == AGENT_RCPTS_MAX) {
		refuse(a, l, "JOB_RCPT out of place");
		return;
	}
	if (job->nrcpts == job->rcpts_cap) {
		job->rcpts_cap = job->rcpts_cap == 0 ? 4 : job->rcpts_cap * 2;
		job->rcpts = xreallocarray(
		    job->rcpts, job->rcpts_cap, sizeof(*job->rcpts));
	}
	r = &job->rcpts[job->nrcpts++];
	*r = (struct agent_rcpt){ .r = *in };
	r->r.address = pool_str(&job->pool, in->address);
	r->r.orcpt = pool_str(&job->pool, in->orcpt);
	r->r.account = pool_str(&job->pool, in->account);
	r->r.path = pool_str(&job->pool, in->path);
	r->r.mailbox = pool_str(&job->pool, in->mailbox);
	r->r.status = pool_str(&job->pool, in->status);
	r->r.text = pool_str(&job->pool, in->text);
	r->r.remote = pool_str(&job->pool, in->remote);
}

void
agent_on_body(void *arg, struct link *l, struct link_msg *m)
{
	struct agent *a = arg;
	struct agent_job *job = gathered(a, m->cookie);

	if (job == NULL || job->fd != -1 || !buf_add(&job->text, m->raw))
		refuse(a, l, "JOB_BODY out of place");
}

void
agent_on_body_fd(void *arg, struct link *l, struct link_msg *m)
{
	struct agent *a = arg;
	struct agent_job *job = gathered(a, m->cookie);
	const struct msg_job_body_fd *in = m->body;

	if (job == NULL || job->fd != -1) {
		refuse(a, l, "JOB_BODY_FD out of place");
		return;
	}
	job->fd = m->fds[0];
	m->fds[0] = -1;
	job->at = *in;
}

void
agent_on_end(void *arg, struct link *l, struct link_msg *m)
{
	struct agent *a = arg;
	struct agent_job *job = gathered(a, m->cookie);

	if (job == NULL || job->nrcpts == 0) {
		refuse(a, l, "JOB_END out of place");
		return;
	}
	job->state = AGENT_RUNNING;
	job->undecided = job->nrcpts;
	a->ops->on_job(a->arg, job);
}

void
agent_on_flushed(void *arg, struct link *l, struct link_msg *m)
{
	struct agent *a = arg;
	struct agent_job *job = map_get_id(&a->by_cookie, m->cookie);

	(void)l;
	if (job != NULL && job->state == AGENT_TOLD)
		job_free(job);
}
