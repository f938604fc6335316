/* control_change -- what an administrator does to messages that wait. */
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "conf/parse.h"
#include "mail/addr.h"
#include "msg/route.h"
#include "proc/note.h"
#include "qmgr/via.h"
#include "qmgr/walk.h"

static bool
is_held(const struct walk *w, const struct message *m)
{
	(void)w;
	return (m->flags & MSG_HELD) != 0;
}

static bool
is_not_held(const struct walk *w, const struct message *m)
{
	return !is_held(w, m);
}

/* Of a message only some recipients may be meant. */
static bool
is_meant(const struct walk *w, const struct rcpt *r)
{
	return filter_rcpt_matches(&w->filter, r, w->d->q.now);
}

/* Somebody waits for a next time, the recipient or the sender. */
static bool
is_late(const struct walk *w, const struct rcpt *r)
{
	return !is_held(w, r->m) && is_meant(w, r) &&
	    (r->state == RCPT_DEFERRED || r->state == RCPT_REPORT);
}

static void
make_retry(struct walk *w, struct message *m)
{
	struct qmgr *d = w->d;
	struct rcpt *r;

	RCPT_FOREACH(r, m)
		if (is_meant(w, r) && r->state == RCPT_DEFERRED) {
			if (r->site != NULL)
				sched_revive(&d->q.sched, r->site);
			rcpt_route(&d->q, r, true);
		}
	m->dsn_next = 0;
	if (m->nreport != 0)
		dsn_queue(d, m, DSN_FAILED);
	queue_set_timer(&d->q, m);
}

static void
make_hold(struct walk *w, struct message *m)
{
	queue_hold(&w->d->q, m, true);
}

static void
make_release(struct walk *w, struct message *m)
{
	queue_hold(&w->d->q, m, false);
	message_released(w->d, m);
}

/* No agent has it now. */
static bool
is_idle(const struct rcpt *r)
{
	return r->state != RCPT_DONE && r->state != RCPT_INFLIGHT;
}

/* The idle ones that are meant; they are counted in *n. */
static struct rcpt **
idle_rcpts(const struct walk *w, struct message *m, size_t *n)
{
	struct rcpt **rs = xcalloc(m->nleft, sizeof(*rs));
	struct rcpt *r;

	*n = 0;
	RCPT_FOREACH(r, m)
		if (is_meant(w, r) && is_idle(r))
			rs[(*n)++] = r;
	return rs;
}

/* What an agent has may still arrive; what fails then is dropped too. */
static void
make_drop(struct walk *w, struct message *m)
{
	size_t n;
	struct rcpt **rs = idle_rcpts(w, m, &n), *r;

	RCPT_FOREACH(r, m)
		if (is_meant(w, r) && r->state == RCPT_INFLIGHT)
			r->flags |= RCPT_DROP;
	queue_done(&w->d->q, m, rs, n, END_DROPPED);
	free(rs);
}

static const char *
take_text(struct walk *w)
{
	control_option(w->ask, "--text", &w->reply);
	return NULL;
}

/* Not those that an agent has, nor those that are being returned. */
static bool
is_returnable(const struct walk *w, const struct rcpt *r)
{
	return is_meant(w, r) && is_idle(r) && r->state != RCPT_REPORT;
}

/* From <>, or NOTIFY is against it. */
static bool
is_unreported(const struct walk *w, struct message *m)
{
	struct rcpt *r;

	RCPT_FOREACH(r, m)
		if (is_returnable(w, r) && dsn_wanted(r, DSN_FAILED))
			return false;
	return true;
}

static void
make_bounce(struct walk *w, struct message *m)
{
	struct qmgr *d = w->d;
	size_t n;
	struct rcpt **rs = idle_rcpts(w, m, &n);
	struct reason *why = reason_get(&d->q.reasons, 550, STR("5.7.0"),
	    w->reply.n != 0 ? str_first(w->reply, 500) :
	    STR("returned by the administrator"), STR_NONE);

	message_hold_ref(m);
	for (size_t i = 0; i < n; i++) {
		struct outcome o = { .r = rs[i], .status = JOB_PERMANENT,
		    .reason = why };

		if (rs[i]->state == RCPT_REPORT)
			continue;
		if (rs[i]->state != RCPT_ROUTING)
			rcpt_route(&d->q, rs[i], true);
		outcome_apply(d, m, &o, 1);
	}
	message_drop_ref(&d->q, m);
	reason_drop(&d->q.reasons, why);
	free(rs);
}

/* --- another next hop --------------------------------------------------- */

/* Not those whose fate is decided. */
static bool
can_reroute(const struct walk *w, const struct rcpt *r)
{
	return r->state != RCPT_DONE && r->state != RCPT_REPORT &&
	    is_meant(w, r) &&
	    (w->via != NULL || w->by_mx || rcpt_via(r) != NULL);
}

static void
note_via(const struct walk *w)
{
	note_str("via", w->via != NULL ? site_name(w->via) :
	    w->by_mx ? STR("none") : STR("usual"));
}

/* Its domain's own exchangers, whatever the routes say. */
static struct site *
mx_site(const struct walk *w, const struct rcpt *r)
{
	const struct str address = rcpt_address(r);
	struct str domain =
	    str_from(address, str_rfind(address, '@') + 1);
	char host[NEXT_HOP_MAX];

	if (addr_is_literal(domain)) {
		domain = str_first(str_from(domain, 1), domain.n - 2);
		str_take_iprefix(&domain, STR("IPv6:"));
		snprintf(host, sizeof(host), "[%.*s]:25", STR_ARG(domain));
		domain = str_c(host);
	}
	return site_smtp(&w->d->q.sites, domain, w->tls);
}

static struct site *
ordered_site(const struct walk *w, const struct rcpt *r)
{
	return w->by_mx ? mx_site(w, r) : w->via;
}

/* Neighbours that go to the same site are one record. */
static void
reroute_all(struct walk *w, struct message *m, struct rcpt **rs, size_t n)
{
	size_t from = 0, to;

	while (from < n) {
		struct site *site = ordered_site(w, rs[from]);

		for (to = from + 1; to < n; to++)
			if (ordered_site(w, rs[to]) != site)
				break;
		queue_reroute(&w->d->q, m, rs + from, to - from, site);
		if (site != NULL)
			sched_revive(&w->d->q.sched, site);
		from = to;
	}
}

static void
make_reroute(struct walk *w, struct message *m)
{
	struct qmgr *d = w->d;
	struct rcpt **rs = xcalloc(m->nleft, sizeof(*rs)), *r;
	size_t n = 0;

	RCPT_FOREACH(r, m)
		if (can_reroute(w, r))
			rs[n++] = r;
	reroute_all(w, m, rs, n);
	/* What an agent has is its until it tells; a held one waits on. */
	for (size_t i = 0; i < n && (m->flags & MSG_HELD) == 0; i++)
		if (rs[i]->state != RCPT_INFLIGHT)
			rcpt_route(&d->q, rs[i], true);
	queue_set_timer(&d->q, m);
	free(rs);
}

static bool
take_tls(struct walk *w)
{
	static const char *const names[] = { [ROUTE_TLS_NONE] = "none",
		[ROUTE_TLS_MAY] = "may", [ROUTE_TLS_ENCRYPT] = "encrypt",
		[ROUTE_TLS_VERIFY] = "verify" };
	struct str word = STR("may");

	control_option(w->ask, "--tls", &word);
	for (w->tls = 0; w->tls < sizeof(names) / sizeof(names[0]); w->tls++)
		if (str_eq(word, str_c(names[w->tls])))
			return true;
	return false;
}

static bool
is_path(struct str via)
{
	return str_take_iprefix(&via, STR("lmtp:/"));
}

static const char *
take_via(struct walk *w)
{
	struct str via = STR_NONE;
	const bool reset = control_flag(w->ask, "--reset");

	control_option(w->ask, "--via", &via);
	if (!take_tls(w))
		return "--tls is none, may, encrypt or verify";
	if (reset == (via.n != 0))
		return "where to? --via HOST, HOST:PORT, [HOST]:PORT, "
		       "lmtp:[HOST]:PORT, lmtp:/PATH (not when started as "
		       "root) or none, the domain's own MX; or --reset";
	w->by_mx = !reset && str_ieq(via, STR("none"));
	if (reset || w->by_mx)
		return NULL;
	if (via.n > NEXT_HOP_MAX || !conf_hop_ok(via))
		return "--via is no next hop: HOST, HOST:PORT, [HOST]:PORT, "
		       "lmtp:[HOST]:PORT, lmtp:/PATH or none";
	/* The program that connects has an empty root folder then. */
	if (w->d->proc.as_root && is_path(via))
		return "a server started as root cannot reach a socket by its "
		       "path; let it listen on a port: --via "
		       "lmtp:[127.0.0.1]:24";
	w->via = site_smtp(&w->d->q.sites, via, w->tls);
	if (w->via == NULL)
		return "--via is too long";
	w->via->refs++;
	return NULL;
}

/* --- telling the sender ------------------------------------------------- */

/* As a warning would be sent by itself in time. */
static bool
is_to_be_told(const struct walk *w, const struct message *m)
{
	struct rcpt *r;

	(void)w;
	RCPT_FOREACH(r, (struct message *)(uintptr_t)m)
		if (r->state == RCPT_DEFERRED && r->reason != NULL &&
		    (r->flags & RCPT_WARNED) == 0 &&
		    dsn_wanted(r, DSN_DELAYED))
			return true;
	return false;
}

static void
make_notify(struct walk *w, struct message *m)
{
	dsn_queue(w->d, m, DSN_DELAYED);
}

/* --- verbs -------------------------------------------------------------- */

/* clang-format off */
#define CHANGE(name, ...)                                                      \
	void verb_##name(void *arg, struct control_ask *a)                     \
	{                                                                      \
		static const struct walk_plan plan = { .make = make_##name,    \
			.must_filter = true, __VA_ARGS__ };                    \
                                                                               \
		walk_start(arg, a, &plan);                                     \
	}
CHANGE(retry, .touches = is_late)
CHANGE(hold, .wants = is_not_held)
CHANGE(release, .wants = is_held)
CHANGE(drop, .touches = is_meant)
CHANGE(bounce, .touches = is_returnable, .mute = is_unreported, .options = take_text)
CHANGE(reroute, .touches = can_reroute, .options = take_via, .trail = note_via)
CHANGE(notify, .wants = is_to_be_told)
/* clang-format on */
