#include "delivery/bounce/bounce.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/fatal.h"
#include "mail/header.h"
#include "msg/submit.h"
#include "proc/note.h"

/* --- results ----------------------------------------------------------- */

/* A submission under way, in the job's pool. */
struct open {
	uint64_t cookie;
	size_t nrcpts; /* that it tells of: the first ones of the job */
};

static void
decide(struct agent_job *job, enum job_status status, unsigned code,
    const char *enhanced, struct str text)
{
	const struct msg_job_result r = { .status = status, .code = code,
		.enhanced = str_c(enhanced), .text = text };

	job->site = SITE_FINE;
	agent_result_rest(job, &r);
}

/* Of the others the next report tells. */
static void
decide_reported(struct agent_job *job, size_t n)
{
	const struct msg_job_result ok = { .status = JOB_OK, .code = 250,
		.enhanced = STR("2.0.0"), .text = STR("reported") };

	job->site = SITE_FINE;
	for (size_t i = 0; i < n; i++)
		agent_result(job, i, &ok);
	if (n < job->nrcpts)
		decide(job, JOB_TEMPORARY, 451, "4.3.0",
		    STR("the next report is about it"));
}

static void
on_submit_done(void *arg, struct link *l, struct link_msg *m)
{
	struct agent *a = arg;
	struct bounce *b = a->arg;
	const struct msg_submit_done *done = m->body;
	struct agent_job *job = map_del_id(&b->open, m->cookie);
	const struct open *own;

	(void)l;
	if (job == NULL)
		return;
	own = job->own;
	job->own = NULL;
	note(done->code == 250 ? NOTE_INFO : NOTE_WARN, "report");
	note_id("id", job->job.id);
	note_str("to", job->job.sender);
	note_id("report", done->id);
	note_u64("code", done->code);
	note_str("text", done->text);
	note_end();
	if (done->code == 250)
		decide_reported(job, own->nrcpts);
	else
		decide(job, JOB_TEMPORARY, 451, "4.3.0", done->text);
}

/* --- the report -------------------------------------------------------- */

/* Octets of the original that can be needed. */
static size_t
original_most(const struct dsn *d)
{
	return d->want_full && d->original_size <= d->full_max ?
	    (size_t)d->original_size : PREFIX_MAX + HEADER_MAX;
}

/* As much of its beginning as can be needed.  false: it cannot be read. */
static bool
read_text(const struct agent_job *job, size_t most, struct buf *out)
{
	enum { PIECE = 32768 };
	ssize_t n = 1;

	while (n > 0 && buf_len(out) < most) {
		char *at = buf_reserve(out, PIECE);

		n = at == NULL ? 0 :
		    agent_text_read(job, buf_len(out), at, PIECE);
		if (n > 0)
			buf_commit(out, (size_t)n);
	}
	return n >= 0;
}

/* It goes without what cannot be read: only a whole header is of use. */
static void
do_without(struct dsn *d)
{
	note(NOTE_WARN, "report-without-text");
	note_id("id", d->id);
	note_end();
	d->unread = true;
	d->want_full = false;
	if (header_end(d->original) == d->original.n)
		d->original = STR_NONE;
}

/* All of the original when it may be sent back whole, else its header and ours
 * before it.  false: it cannot be read now. */
static bool
read_original(const struct agent_job *job, struct dsn *d, struct buf *out)
{
	const size_t most = original_most(d);
	const bool may_fail = (job->job.flags & JOB_WITHOUT) != 0;
	const bool ok = read_text(job, most, out);

	d->original = buf_str(out);
	if (ok && (!may_fail || d->original_size != 0))
		return true;
	if (may_fail)
		do_without(d);
	return may_fail;
}

static void
submit(struct bounce *b, struct agent_job *job, const struct dsn *d,
    struct str text, bool utf8)
{
	struct link *l = b->agent.link;
	const uint64_t cookie = ++b->last;
	struct open *own = pool_alloc(&job->pool, sizeof(*own));
	struct buf settles, prefix;
	struct msg_submit s = { .size_hint = text.n,
		.flags = ENV_DSN | (utf8 ? ENV_UTF8 | ENV_8BIT : 0) };
	const struct env_rcpt to = { .notify = NOTIFY_NEVER,
		.address = job->job.sender };
	struct msg_submit_prefix p;
	const struct msg_submit_end end = { .size = text.n,
		.crc = crc32c(0, text.p, text.n) };

	buf_init(&settles, BUF_NO_MAX);
	buf_init(&prefix, PREFIX_MAX);
	/* After a warning the recipients live on. */
	if (d->action != DSN_DELAYED) {
		s.settles_id = job->job.id;
		for (size_t i = 0; i < d->nrcpts; i++)
			wire_put_u32(&settles, job->rcpts[i].r.index);
	}
	s.settles = buf_str(&settles);
	dsn_prefix(&prefix, d, &p.id_at);
	p.text = buf_str(&prefix);
	*own = (struct open){ cookie, d->nrcpts };
	job->own = own;
	map_set_id(&b->open, cookie, job);
	link_send(l, MSG_SUBMIT, cookie, &msg_submit_wire, &s);
	link_send(l, MSG_SUBMIT_RCPT, cookie, &env_rcpt_wire, &to);
	link_send(l, MSG_SUBMIT_PREFIX, cookie, &msg_submit_prefix_wire, &p);
	while (text.n > 0)
		link_send_raw(l, MSG_SUBMIT_BODY, cookie,
		    str_take(&text, LINK_BODY_MAX));
	link_send(l, MSG_SUBMIT_END, cookie, &msg_submit_end_wire, &end);
	buf_clear(&settles);
	buf_clear(&prefix);
}

static struct dsn_rcpt *
report_rcpts(const struct agent_job *job)
{
	struct dsn_rcpt *rcpts = xcalloc(job->nrcpts, sizeof(*rcpts));

	for (size_t i = 0; i < job->nrcpts; i++) {
		const struct msg_job_rcpt *r = &job->rcpts[i].r;

		rcpts[i] = (struct dsn_rcpt){ .address = r->address,
			.orcpt = r->orcpt, .notify = r->notify,
			.code = r->code, .status = r->status,
			.text = r->text, .remote = r->remote };
	}
	return rcpts;
}

static struct dsn
request(const struct bounce *b, const struct agent_job *job)
{
	const struct msg_job *j = &job->job;
	struct dsn d = { .hostname = b->conf.hostname,
		.admin = b->conf.admin,
		.action = (enum dsn_action)j->dsn, .id = j->id,
		.now = clock_wall(),
		.accepted = (int64_t)(j->accepted_ms / 1000),
		.expires = (int64_t)(j->expires_ms / 1000),
		.sender = j->sender, .envid = j->envid,
		/* RFC 3461 4.3: RET is about reports of failure alone. */
		.want_full = j->dsn == DSN_FAILED &&
		    ((j->env_flags & ENV_RET_FULL) != 0 ||
		        (b->conf.full && (j->env_flags & ENV_RET_HDRS) == 0)),
		.full_max = b->conf.full_max,
		.original_size = agent_text_size(job) };

	if (getrandom(&d.secret, sizeof(d.secret), 0) != sizeof(d.secret))
		fatal_errno("getrandom");
	if (d.action <= DSN_LAST)
		d.words = &b->conf.words[d.action];
	return d;
}

/* About as many of the recipients as it has room for; one always fits. */
static bool
build_some(struct buf *text, struct dsn *d, size_t all, bool *utf8)
{
	bool ok;

	d->nrcpts = all;
	while (!(ok = dsn_build(text, d, utf8)) && d->nrcpts > 1) {
		d->nrcpts = (d->nrcpts + 1) / 2;
		buf_reset(text);
	}
	if (ok && d->nrcpts == all)
		return true;
	note(ok ? NOTE_INFO : NOTE_ERROR, "report-too-large");
	note_id("id", d->id);
	note_u64("rcpts", all);
	note_u64("told", ok ? d->nrcpts : 0);
	note_end();
	return ok;
}

static void
build(struct bounce *b, struct agent_job *job, struct dsn *d)
{
	struct dsn_rcpt *rcpts = report_rcpts(job);
	struct buf text;
	bool utf8;

	d->rcpts = rcpts;
	/* In seven bits the original has at most four octets for one, and 200
	 * for each part. */
	buf_init(&text, DSN_MAX + original_most(d) * 4 + 65536);
	if (build_some(&text, d, job->nrcpts, &utf8))
		submit(b, job, d, buf_str(&text), utf8);
	else
		decide(job, JOB_TEMPORARY, 451, "4.3.1",
		    STR("the report is too large"));
	buf_clear(&text);
	free(rcpts);
}

static void
report(struct bounce *b, struct agent_job *job)
{
	struct dsn d = request(b, job);
	struct buf original;

	buf_init(&original, original_most(&d) + 65536);
	if (read_original(job, &d, &original))
		build(b, job, &d);
	else
		decide(job, JOB_TEMPORARY, 451, "4.3.0",
		    STR("the message cannot be read from the queue's disk"));
	buf_clear(&original);
}

static void
on_job(void *arg, struct agent_job *job)
{
	struct bounce *b = arg;

	if (job->job.dsn == DSN_NONE) {
		decide(job, JOB_TEMPORARY, 451, "4.3.0",
		    STR("nothing to report"));
	} else if (job->job.sender.n == 0) {
		/* RFC 5321 4.5.5: no report about a report. */
		note(NOTE_WARN, "report-dropped");
		note_id("id", job->job.id);
		note_c("why", "the message has no sender to tell");
		note_end();
		decide(job, JOB_OK, 250, "2.0.0", STR("nobody to report to"));
	} else {
		report(b, job);
	}
}

/* A submission that was not answered may be in the queue or not: qmgr says
 * so by what it knows of the recipients after its restart. */
static void
on_cancel(void *arg, struct agent_job *job)
{
	struct bounce *b = arg;

	if (job->own != NULL)
		map_del_id(&b->open, ((const struct open *)job->own)->cookie);
	job->own = NULL;
	decide(job, JOB_TEMPORARY, 451, "4.3.2",
	    STR("the queue manager took it back"));
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	struct agent *a = arg;

	if (a->link == l) {
		note(NOTE_WARN, "link-closed");
		note_c("peer", "qmgr");
		note_c("why", why);
		note_end();
		agent_unlink(a);
	}
	link_free(l);
}

static void
on_broken(void *arg, struct link *l, const char *why)
{
	struct bounce *b = arg;

	on_close(&b->agent, l, why);
}

static const struct agent_ops agent_ops = {
	.on_job = on_job,
	.on_cancel = on_cancel,
	.on_broken = on_broken,
};

static const struct link_rule rules[] = {
	AGENT_RULES,
	LINK_RULE(MSG_SUBMIT_DONE, &msg_submit_done_wire, on_submit_done),
};

static const struct link_ops ops = {
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close,
};

void
bounce_init(struct bounce *b, struct loop *l, const struct bounce_conf *conf)
{
	*b = (struct bounce){ .loop = l, .conf = *conf };
	map_init(&b->open);
	agent_init(&b->agent, l, &agent_ops, b);
}

void
bounce_clear(struct bounce *b)
{
	if (b->agent.link != NULL)
		link_free(b->agent.link);
	b->agent.link = NULL;
	agent_clear(&b->agent);
	map_clear(&b->open);
}

void
bounce_qmgr(struct bounce *b, int fd)
{
	if (b->agent.link != NULL)
		on_close(&b->agent, b->agent.link, "a fresh one came");
	agent_link(&b->agent, link_new(b->loop, fd, &ops, &b->agent));
}
