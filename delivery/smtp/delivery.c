#include "delivery/smtp/delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "delivery/smtp/commands.h"
#include "delivery/smtp/engine.h"
#include "delivery/smtp/text.h"
#include "mail/reply_kind.h"
#include "proc/note.h"

static void next_target(struct delivery *d);

/* --- results ----------------------------------------------------------- */

static void
log_result(const struct delivery *d, const struct agent_rcpt *r,
    const struct msg_job_result *result)
{
	static const struct {
		enum note_level level;
		const char *name;
	} notes[] = {
		[JOB_OK] = { NOTE_INFO, "sent" },
		[JOB_TEMPORARY] = { NOTE_INFO, "deferred" },
		[JOB_PERMANENT] = { NOTE_WARN, "bounced" },
	};
	const struct agent_job *job = d->job;
	char code[32];

	note(notes[result->status].level, notes[result->status].name);
	note_id("id", job->job.id);
	note_str("to", r->r.address);
	note_str("relay", result->remote.n > 0 ? result->remote :
	                                         str_c(d->relay));
	note_ms("delay", clock_wall_ms() - (int64_t)job->job.accepted_ms);
	if (d->session != NULL)
		note_c("tls", stream_tls_text(d->session->stream));
	snprintf(code, sizeof(code), "%u %.*s", (unsigned)result->code,
	    STR_ARG(result->enhanced));
	note_c("code", code);
	if (result->no_answer != 0)
		note_c("maybe-duplicate", "yes");
	note_str("text", result->text);
	note_end();
}

/* With the last result agent may forget the job in any later round. */
static bool
all_decided(const struct delivery *d)
{
	return d->job == NULL || d->job->undecided == 0;
}

static void
decide(struct delivery *d, size_t rcpt, const struct msg_job_result *result)
{
	log_result(d, &d->job->rcpts[rcpt], result);
	agent_result(d->job, rcpt, result);
}

static void
end(struct delivery *d)
{
	struct engine *e = d->engine;

	if (d->ended)
		return;
	d->ended = true;
	resolve_cancel(&d->resolve);
	if (d->session != NULL)
		session_release(d->session);
	d->session = NULL;
	if (d->job != NULL)
		d->job->own = NULL;
	if (d->waiting)
		TAILQ_REMOVE(&e->waiting, d, entry);
	else
		TAILQ_REMOVE(&e->running, d, entry);
	TAILQ_INSERT_TAIL(&e->ended, d, entry);
	engine_wake(e);
}

/* Everybody without a result gets his last temporary one, or this. */
static void
decide_rest(struct delivery *d, const struct msg_job_result *otherwise)
{
	struct agent_job *job = d->job;

	for (size_t i = 0; !all_decided(d) && i < job->nrcpts; i++)
		if (!job->rcpts[i].decided)
			decide(d, i,
			    otherwise->status == JOB_TEMPORARY &&
			            d->soft[i].code != 0 ?
			        &d->soft[i] : otherwise);
	end(d);
}

/* Keeps strings of a result as long as the job lives. */
static struct msg_job_result
kept(struct delivery *d, struct msg_job_result r)
{
	struct pool *pool = &d->job->pool;

	r.enhanced = pool_str(pool, r.enhanced);
	r.text = pool_str(pool, r.text);
	r.remote = pool_str(pool, r.remote);
	return r;
}

/* A reply of the server's. */
static struct msg_job_result
said_result(const struct delivery *d, enum job_status status, unsigned code,
    struct str enhanced, struct str text)
{
	return (struct msg_job_result){ .status = status, .code = code,
		.enhanced = enhanced, .text = text,
		.remote = str_c(d->relay) };
}

/* What we say of the server: its name is in the text alone, for a report
 * gives what has a remote as the very reply of it. */
static struct msg_job_result
our_result(struct delivery *d, enum job_status status, unsigned code,
    struct str enhanced, struct str words)
{
	struct msg_job_result r = { .status = status, .code = code,
		.enhanced = enhanced };
	struct buf text;

	buf_init(&text, BUF_NO_MAX);
	buf_addf(&text, "%s: %.*s", d->relay, STR_ARG(words));
	r.text = buf_str(&text);
	r = kept(d, r);
	buf_clear(&text);
	return r;
}

static void
set_site(struct delivery *d, enum site_state state)
{
	/* The best that was seen: one good host is enough; but "slow down"
	 * is to be heeded. */
	static const int rank[] = { [SITE_UNTRIED] = 0, [SITE_DOWN] = 1,
		[SITE_FINE] = 2, [SITE_SLOW_DOWN] = 3 };

	if (rank[state] > rank[d->job->site])
		d->job->site = state;
}

/* --- a mail over the session ------------------------------------------- */

static void
on_fate(void *arg, size_t i, const struct client_result *r)
{
	struct delivery *d = arg;
	const size_t rcpt = d->batch[i];
	struct msg_job_result result =
	    said_result(d, r->status, r->code, r->enhanced, r->text);

	result.dsn_passed = r->status == JOB_OK &&
	    (d->session->client.ehlo.can & EHLO_DSN) != 0;
	if (d->session->client.slow_down)
		set_site(d, SITE_SLOW_DOWN);
	if (r->status != JOB_TEMPORARY) {
		decide(d, rcpt, &result);
		return;
	}
	/* RFC 5321 4.5.3.1.10: too many recipients; the rest go next. */
	if (r->code == 452 && d->session->client.accepted > 0 &&
	    d->session->client.state == AT_RCPT)
		return;
	d->soft[rcpt] = kept(d, result);
	d->deferred[rcpt] = true;
}

/* Recipients that this host has not judged: into a batch; their number. */
static size_t
fill_batch(struct delivery *d)
{
	const struct agent_job *job = d->job;
	const size_t most = client_rcpts_max(&d->session->client);
	size_t n = 0;

	for (size_t i = 0; i < job->nrcpts && n < most; i++) {
		const struct agent_rcpt *r = &job->rcpts[i];

		if (r->decided || d->deferred[i])
			continue;
		d->batch[n] = i;
		d->rcpts[n++] = (struct client_rcpt){ .address = r->r.address,
			.notify = r->r.notify, .orcpt = r->r.orcpt };
	}
	return n;
}

static bool
addresses_are_ascii(const struct delivery *d)
{
	if (!text_is_ascii(d->job->job.sender))
		return false;
	for (size_t i = 0; i < d->job->nrcpts; i++)
		if (!text_is_ascii(d->job->rcpts[i].r.address))
			return false;
	return true;
}

/*
 * The mail as this server can take it: what it lacks may not be needed after
 * all.  false: it cannot; everybody has his result.
 */
static bool
fit(struct delivery *d)
{
	const struct client *c = &d->session->client;
	uint32_t flags = d->job->job.env_flags;
	const uint64_t size = text_wire_size(d->job);
	struct msg_job_result no;

	if (client_fits(c, flags, size) == CLIENT_NO_UTF8 &&
	    addresses_are_ascii(d) && !text_has_8bit(d->job))
		flags &= ~(uint32_t)ENV_UTF8;
	if (client_fits(c, flags, size) == CLIENT_NO_8BIT &&
	    !text_has_8bit(d->job))
		flags &= ~(uint32_t)ENV_8BIT;
	switch (client_fits(c, flags, size)) {
	case CLIENT_FITS:
		d->mail.flags = flags;
		d->mail.size = size;
		return true;
	case CLIENT_NO_UTF8:
		no = our_result(d, JOB_PERMANENT, 553, STR("5.6.7"),
		    STR("the server does not take internationalized mail"));
		break;
	case CLIENT_NO_8BIT:
		no = our_result(d, JOB_PERMANENT, 554, STR("5.6.3"),
		    STR("the server takes only 7-bit text, and this is not"));
		break;
	case CLIENT_TOO_BIG:
		no = our_result(d, JOB_PERMANENT, 552, STR("5.3.4"),
		    STR("the message is larger than the server takes"));
		break;
	}
	decide_rest(d, &no);
	return false;
}

static void
next_batch(struct delivery *d)
{
	struct session *s = d->session;
	size_t n;

	if (all_decided(d)) {
		end(d);
		return;
	}
	n = fill_batch(d);
	if (n == 0 || s->client.closing) {
		d->session = NULL;
		session_release(s);
		next_target(d);
		return;
	}
	if (!fit(d))
		return;
	d->mail.sender = d->job->job.sender;
	d->mail.envid = d->job->job.envid;
	d->mail.rcpts = d->rcpts;
	d->mail.nrcpts = n;
	d->mail.on_fate = on_fate;
	d->mail.arg = d;
	session_send(s, &d->mail, d->job);
}

static void
on_ready(void *arg, struct session *s)
{
	struct delivery *d = arg;

	d->hosts++;
	memcpy(d->judged, s->target.host, sizeof(d->judged));
	set_site(d, SITE_FINE);
	next_batch(d);
}

static void
on_done(void *arg, struct session *s)
{
	(void)s;
	next_batch(arg);
}

/* --- the session ended before the mail --------------------------------- */

/* Some greylist the client's address: the server is well. */
static bool
is_grey(const struct client_failure *f)
{
	return reply_hint(f->code, str_c(f->enhanced),
	    buf_str(&f->text)).kind == REPLY_GREY;
}

/* The text was out and no answer came: qmgr must know. */
static void
lost_answer(struct delivery *d, const struct msg_job_result *result)
{
	struct msg_job_result r = *result;

	r.no_answer = 1;
	for (size_t i = 0; i < d->mail.nrcpts; i++)
		if (d->rcpts[i].accepted &&
		    !d->job->rcpts[d->batch[i]].decided)
			decide(d, d->batch[i], &r);
}

static struct msg_job_result
failure_result(
    struct delivery *d, const struct client_failure *f, bool tls_failed)
{
	const enum job_status status =
	    f->permanent ? JOB_PERMANENT : JOB_TEMPORARY;
	const struct str enhanced = str_c(tls_failed ? "4.7.5" : f->enhanced);
	const struct str text = buf_str(&f->text);

	if (f->said)
		return kept(d,
		    said_result(d, status, f->code, enhanced, text));
	if (f->end == END_TEXT) /* no server's fault */
		return kept(d, (struct msg_job_result){ .status = status,
		    .code = f->code, .enhanced = enhanced, .text = text });
	return our_result(d, status, f->code, enhanced, text);
}

static void
on_over(void *arg, struct session *s, const struct client_failure *f)
{
	struct delivery *d = arg;
	/* An idle connection may have died of age: that says nothing. */
	const bool aged = s->reused && !f->after_dot && !d->resolved;
	const bool tls_failed =
	    f->end == END_LOST && s->shaking && !s->client.tls;

	if (!all_decided(d)) {
		d->last = failure_result(d, f, tls_failed);
		if (s->client.slow_down && !aged)
			set_site(d, SITE_SLOW_DOWN);
		else if (!s->was_ready && !is_grey(f))
			set_site(d, SITE_DOWN);
		if (f->after_dot)
			lost_answer(d, &d->last);
	}
	d->session = NULL;
	if (all_decided(d)) {
		end(d);
		return;
	}
	if (f->permanent) {
		decide_rest(d, &d->last);
		return;
	}
	if (aged) {
		d->hosts = 0;
		d->judged[0] = '\0';
		next_target(d);
		return;
	}
	if (tls_failed && s->client.conf.tls == ROUTE_TLS_MAY) {
		d->in_clear = true;
		d->target--;
	}
	next_target(d);
}

static const struct session_ops session_ops = {
	.on_ready = on_ready,
	.on_done = on_done,
	.on_over = on_over,
};

/* --- targets ----------------------------------------------------------- */

static void
no_connection(struct delivery *d, int error)
{
	char words[128];

	snprintf(words, sizeof(words), "no connection: %s", strerror(error));
	d->last = our_result(
	    d, JOB_TEMPORARY, 451, STR("4.4.1"), str_c(words));
	set_site(d, SITE_DOWN);
}

static enum route_tls
tls_policy(const struct delivery *d)
{
	const enum route_tls wanted = (enum route_tls)d->job->job.tls;

	if (d->in_clear)
		return ROUTE_TLS_NONE;
	return wanted == ROUTE_TLS_MAY ? d->engine->conf.tls : wanted;
}

static bool
connect_to(struct delivery *d, const struct target *t)
{
	struct engine *e = d->engine;
	const struct client_conf conf = { .hostname = e->conf.helo,
		.lmtp = d->hop.lmtp, .check_loop = d->hop.mx,
		.tls = tls_policy(d) };
	int error = 0;

	target_text(t, d->relay);
	d->session = session_new(
	    e, t, d->key, &conf, &session_ops, d, &error);
	if (d->session == NULL)
		no_connection(d, error);
	return d->session != NULL;
}

/* qmgr learns which domains have the same servers. */
static void
tell_hosts(struct delivery *d)
{
	struct buf hosts;

	buf_init(&hosts, HOSTS_MAX);
	resolve_hosts(&d->resolve, &hosts);
	if (d->job != NULL)
		d->job->hosts = pool_str(&d->job->pool, buf_str(&hosts));
	buf_clear(&hosts);
}

static void
on_resolved(void *arg, const struct resolve_failure *f)
{
	struct delivery *d = arg;
	struct msg_job_result r;

	d->resolved = true;
	if (f == NULL) {
		tell_hosts(d);
		next_target(d);
		return;
	}
	r = (struct msg_job_result){ .status = f->status, .code = f->code,
		.enhanced = str_c(f->enhanced), .text = str_c(f->text) };
	decide_rest(d, &r);
}

static void
wait_for_room(struct delivery *d)
{
	if (d->waiting)
		return;
	d->waiting = true;
	TAILQ_REMOVE(&d->engine->running, d, entry);
	TAILQ_INSERT_TAIL(&d->engine->waiting, d, entry);
}

static void
next_target(struct delivery *d)
{
	struct engine *e = d->engine;

	if (!d->resolved) {
		resolve_start(&d->resolve, &e->names, e->conf.hostname,
		    &d->hop, e->conf.port, on_resolved, d);
		return;
	}
	memset(d->deferred, 0, d->job->nrcpts * sizeof(*d->deferred));
	while (d->target < d->resolve.ntargets &&
	    d->hosts < DELIVERY_HOSTS_MAX &&
	    d->addresses < e->conf.addresses) {
		/* Another address of the same host says the same. */
		if (strcmp(d->resolve.targets[d->target].host, d->judged) ==
		    0) {
			d->target++;
			continue;
		}
		if (!engine_may_connect(e)) {
			wait_for_room(d);
			return;
		}
		d->addresses += !d->in_clear;
		if (connect_to(d, &d->resolve.targets[d->target++])) {
			d->in_clear = false;
			return;
		}
		d->in_clear = false;
	}
	decide_rest(d, &d->last);
}

void
delivery_go_on(struct delivery *d)
{
	TAILQ_REMOVE(&d->engine->waiting, d, entry);
	TAILQ_INSERT_TAIL(&d->engine->running, d, entry);
	d->waiting = false;
	next_target(d);
}

/* --- start and end ----------------------------------------------------- */

static bool
all_safe(const struct delivery *d)
{
	if (!command_safe(d->job->job.sender))
		return false;
	for (size_t i = 0; i < d->job->nrcpts; i++)
		if (!command_safe(d->job->rcpts[i].r.address))
			return false;
	return true;
}

void
delivery_start(struct engine *e, struct agent_job *job)
{
	struct delivery *d = xcalloc(1, sizeof(*d));
	const struct msg_job_result bad = { .status = JOB_PERMANENT,
		.code = 550, .enhanced = STR("5.1.3"),
		.text = STR("an address cannot be said in SMTP") };
	const struct msg_job_result nowhere = { .status = JOB_TEMPORARY,
		.code = 451, .enhanced = STR("4.3.5"),
		.text = STR("the next hop is not understood") };
	struct session *s;

	d->engine = e;
	d->job = job;
	job->own = d;
	d->deferred = xcalloc(job->nrcpts, sizeof(*d->deferred));
	d->soft = xcalloc(job->nrcpts, sizeof(*d->soft));
	d->last = nowhere;
	snprintf(d->key, sizeof(d->key), "%u %.*s", (unsigned)job->job.tls,
	    STR_ARG(job->job.next_hop));
	TAILQ_INSERT_TAIL(&e->running, d, entry);
	if (!all_safe(d)) {
		decide_rest(d, &bad);
	} else if (!hop_parse(job->job.next_hop, &d->hop)) {
		decide_rest(d, &nowhere);
	} else if ((s = engine_idle(e, d->key)) != NULL) {
		session_take(s, &session_ops, d);
		d->session = s;
		memcpy(d->relay, s->remote, sizeof(d->relay));
		on_ready(d, s);
	} else {
		next_target(d);
	}
}

void
delivery_cancel(struct delivery *d, const char *why)
{
	struct msg_job_result r = { .status = JOB_TEMPORARY, .code = 451,
		.enhanced = STR("4.4.2") };
	char words[100];

	if (d->session != NULL) {
		snprintf(words, sizeof(words), "no answer before %s", why);
		r.text = str_c(words);
		if (!all_decided(d) &&
		    client_is_after_dot(&d->session->client))
			lost_answer(d, &r);
		session_abort(d->session);
	}
	d->session = NULL;
	r.enhanced = STR("4.3.2");
	r.text = str_c(why);
	decide_rest(d, &r);
}

void
delivery_forget(struct delivery *d)
{
	d->job = NULL;
}

void
delivery_free(struct delivery *d)
{
	free(d->deferred);
	free(d->soft);
	free(d);
}
