#include "delivery/deliver/deliver.h"

#include <errno.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "delivery/deliver/heads.h"
#include "mail/header.h"
#include "proc/note.h"

enum {
	READ_MS = 2,      /* until the next look for jobs, ... */
	READ_LESS = 8192, /* ... when the last one found one or two */
	PACE_MS = 20      /* between two flushes, unless a batch is full */
};

static const struct {
	enum job_status status;
	unsigned code;
	const char *enhanced, *text;
} answers[] = {
	[DELIVERY_OK] = { JOB_OK, 250, "2.0.0", "delivered" },
	[DELIVERY_REPEATED] = { JOB_OK, 250, "2.0.0", "delivered before" },
	[DELIVERY_OVER_QUOTA] = { JOB_TEMPORARY, 452, "4.2.2",
	    "the mailbox is full" },
	[DELIVERY_LOOP] = { JOB_PERMANENT, 554, "5.4.6",
	    "the message was delivered to this mailbox before: a loop" },
	[DELIVERY_BAD_PATH] = { JOB_TEMPORARY, 451, "4.2.0",
	    "the mailbox cannot be opened" },
	[DELIVERY_ERROR] = { JOB_TEMPORARY, 451, "4.3.0",
	    "the disk refuses the message" },
};

/* --- results ----------------------------------------------------------- */

static void
note_item(const struct deliver_item *i)
{
	const struct msg_job_rcpt *r = &i->job->rcpts[i->rcpt].r;
	bool good = answers[i->d.result].status == JOB_OK;

	note(good ? NOTE_INFO : NOTE_WARN,
	    good ? "delivered" : "not-delivered");
	note_id("id", i->job->job.id);
	note_str("to", r->address);
	note_str("account", r->account);
	note_c("mailbox", i->d.where);
	if (i->d.result == DELIVERY_OK)
		note_u64("uid", i->d.uid);
	else
		note_c("result", answers[i->d.result].text);
	if (i->d.result == DELIVERY_ERROR || i->d.result == DELIVERY_BAD_PATH)
		note_errno(i->d.error);
	note_end();
}

static void
answer(const struct deliver_item *i)
{
	const struct msg_job_result r = {
		.status = answers[i->d.result].status,
		.code = answers[i->d.result].code,
		.enhanced = str_c(answers[i->d.result].enhanced),
		.text = str_c(answers[i->d.result].text),
	};

	i->job->site = SITE_FINE;
	agent_result(i->job, i->rcpt, &r);
}

/* Told once for each mailbox of the batch, however many came to it. */
static void
tell_readers(struct deliver *d, const struct deliver_item *i)
{
	const struct deliver_item *k = i;
	const struct msg_job_rcpt *r = &i->job->rcpts[i->rcpt].r;

	if (i->d.result != DELIVERY_OK)
		return;
	while ((k = TAILQ_NEXT(k, entry)) != NULL)
		if (k->d.result == DELIVERY_OK &&
		    str_eq(k->job->rcpts[k->rcpt].r.account, r->account) &&
		    strcmp(k->d.where, i->d.where) == 0)
			return;
	d->calls->on_new(d->arg, r->account, str_c(i->d.where));
}

/* Nothing is answered before the flush; after a flush that failed nothing is
 * answered at all: the messages stay in the queue. */
static void
commit(void *arg)
{
	struct deliver *d = arg;
	struct deliver_item *i;

	timer_cancel(&d->pace);
	if (TAILQ_EMPTY(&d->items))
		return;
	if (batch_commit(d->batch) == -1)
		fatal_errno("the flush of deliveries failed");
	TAILQ_FOREACH(i, &d->items, entry) {
		note_item(i);
		tell_readers(d, i);
	}
	/* The last result of a job may free its pool, where items live. */
	while ((i = TAILQ_FIRST(&d->items)) != NULL) {
		TAILQ_REMOVE(&d->items, i, entry);
		answer(i);
	}
	d->committed = clock_mono_ms();
	timer_set(&d->idle, d->conf.idle);
}

/* Mail that comes alone is flushed at once.  Of a stream a flush waits a
 * little: nobody is waiting for it, and each flush holds up those that
 * somebody is waiting for. */
static void
commit_soon(struct deliver *d)
{
	int64_t since = clock_mono_ms() - d->committed;

	if (timer_is_set(&d->pace))
		return;
	if (since >= PACE_MS)
		deferred_call(&d->commit);
	else
		timer_set(&d->pace, PACE_MS - since);
}

void
deliver_flush(struct deliver *d)
{
	deferred_cancel(&d->commit);
	commit(d);
}

static void
on_idle(void *arg)
{
	struct deliver *d = arg;

	if (agent_running(&d->agent) != 0)
		timer_set(&d->idle, d->conf.idle);
	else
		d->calls->on_idle(d->arg);
}

/* --- jobs -------------------------------------------------------------- */

static ssize_t
read_text(void *arg, uint64_t at, char *out, size_t n)
{
	return agent_text_read(arg, at, out, n);
}

/* The header of the message, in memory or read for this. */
static struct str
header_of(const struct agent_job *job, struct buf *room)
{
	char *at;
	ssize_t n;

	if (job->fd == -1)
		return str_first(buf_str(&job->text),
		    header_end(buf_str(&job->text)));
	at = buf_reserve(room, HEADER_MAX);
	n = agent_text_read(job, 0, at, HEADER_MAX);
	if (n <= 0)
		return STR_NONE;
	buf_commit(room, (size_t)n);
	return str_first(buf_str(room), header_end(buf_str(room)));
}

static void
add(struct deliver *d, struct agent_job *job, size_t rcpt, struct str header)
{
	const struct msg_job_rcpt *r = &job->rcpts[rcpt].r;
	struct deliver_item *i = pool_alloc(&job->pool, sizeof(*i));
	struct buf head;

	buf_init(&head, 4 * ADDRESS_MAX);
	heads_put(&head, job->job.sender, r->address);
	i->job = job;
	i->rcpt = rcpt;
	i->d = (struct delivery){
		.path = r->path,
		.account = r->account,
		.mailbox = d->conf.plus_folders ? r->mailbox : STR_NONE,
		.quota = r->quota,
		.accepted = (int64_t)(job->job.accepted_ms / 1000),
		.maybe_repeated = (job->job.flags & JOB_MAYBE_REPEATED) != 0,
		.head = pool_str(&job->pool, buf_str(&head)),
		.size = agent_text_size(job),
	};
	buf_clear(&head);
	batch_guid(job->job.spool_uuid, job->job.id, r->account, i->d.guid);
	if (job->fd == -1) {
		i->d.text = buf_str(&job->text);
	} else {
		i->d.read = read_text;
		i->d.arg = job;
	}
	TAILQ_INSERT_TAIL(&d->items, i, entry);
	if (heads_loop(header, r->address))
		i->d.result = DELIVERY_LOOP;
	else
		batch_add(d->batch, &i->d);
}

static void
on_job(void *arg, struct agent_job *job)
{
	struct deliver *d = arg;
	struct buf room;
	struct str header;

	buf_init(&room, HEADER_MAX + 1);
	header = header_of(job, &room);
	/* A file may be there from here on: the results will come. */
	agent_commit(job);
	for (size_t k = 0; k < job->nrcpts; k++)
		add(d, job, k, header);
	buf_clear(&room);
	if (batch_count(d->batch) >= d->conf.batch_max ||
	    batch_is_full(d->batch))
		deliver_flush(d);
	else
		commit_soon(d);
}

/* Every job is past its point of no return once it was seen. */
static void
on_cancel(void *arg, struct agent_job *job)
{
	(void)arg;
	(void)job;
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
	struct deliver *d = arg;

	on_close(&d->agent, l, why);
}

static const struct agent_ops agent_ops = {
	.on_job = on_job,
	.on_cancel = on_cancel,
	.on_broken = on_broken,
};

static const struct link_rule rules[] = { AGENT_RULES };

static const struct link_ops ops = {
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close,
};

void
deliver_init(struct deliver *d, struct loop *loop,
    const struct deliver_conf *conf, const struct deliver_calls *calls,
    void *arg)
{
	*d = (struct deliver){ .loop = loop, .conf = *conf, .calls = calls,
		.arg = arg };
	TAILQ_INIT(&d->items);
	d->batch = batch_new(&conf->batch);
	deferred_init(&d->commit, loop, commit, d);
	timer_init(&d->idle, loop, on_idle, d);
	timer_init(&d->pace, loop, commit, d);
	timer_set(&d->idle, conf->idle);
	agent_init(&d->agent, loop, &agent_ops, d);
}

void
deliver_clear(struct deliver *d)
{
	commit(d);
	link_free(d->agent.link);
	d->agent.link = NULL;
	agent_clear(&d->agent);
	timer_clear(&d->idle);
	timer_clear(&d->pace);
	batch_free(d->batch);
}

void
deliver_qmgr(struct deliver *d, int fd)
{
	if (d->agent.link != NULL)
		on_close(&d->agent, d->agent.link, "a fresh one came");
	agent_link(&d->agent, link_new(d->loop, fd, &ops, &d->agent));
	link_pace(d->agent.link, READ_MS, READ_LESS);
}
