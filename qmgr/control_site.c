/* control_site -- postern site: what the sites are doing, and pauses and rates
 * for them.  Words and rows: ctl/VERBS.md. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/json.h"
#include "base/num.h"
#include "msg/control_server.h"
#include "proc/note.h"
#include "qmgr/rows.h"
#include "qmgr/walk.h"

enum {
	DOMAINS_SHOWN = 100,         /* in a row of list */
	RATE_MOST = 1000000          /* a minute */
};
static const int64_t for_most = INT64_C(400) * 24 * 3600 * 1000;

/* --- rows ----------------------------------------------------------------- */

static const char *
state_of(const struct lane *lane, int64_t now)
{
	if (lane->paused_until > now)
		return "paused";
	if (lane->dead)
		return "dead";
	return lane->slow_until > now ? "slow" : "open";
}

static void
put_time(struct buf *b, const char *key, const struct row_times *t, int64_t at)
{
	if (at > t->now && at != LANE_EVER)
		json_time(b, key, t->wall + (at - t->now));
	else
		buf_addf(b, ",\"%s\":null", key);
}

static uint64_t
waiting(const struct lane *lane)
{
	const struct site *site;
	uint64_t n = 0;

	TAILQ_FOREACH(site, &lane->sites, of_lane)
		n += site->nwaiting;
	return n;
}

static void
put_domains(struct buf *b, const struct lane *lane, uint32_t most)
{
	const struct site *site;
	uint32_t n = 0;

	json_list(b, "domains");
	TAILQ_FOREACH(site, &lane->sites, of_lane)
		if (n++ < most)
			json_item(b, site_name(site));
	json_list_end(b);
	if (n > most)
		json_u64(b, "more", n - most);
}

static void
row_lane(struct control_ask *a, struct qmgr *d, const struct lane *lane,
    uint32_t domains)
{
	const struct row_times t = walk_times(d);
	const bool closed = lane->dead || lane->slow_until > t.now;
	struct buf *b = control_row(a);

	json_str(b, "site", lane_text(lane));
	put_domains(b, lane, domains);
	json_c(b, "state", state_of(lane, t.now));
	json_u64(b, "window", sched_window(&d->q.sched, lane));
	json_u64(b, "in_flight", lane->inflight);
	json_u64(b, "ready", lane->nready);
	json_u64(b, "waiting", waiting(lane));
	put_time(b, "next_probe", &t, !closed ? 0 :
	    lane->slow_until > t.now ? lane->slow_until : lane->probe_at);
	put_time(b, "paused_until", &t, lane->paused_until);
	json_u64(b, "rate", lane->gap_us != 0 && lane->rate_until > t.now ?
	    (uint64_t)(60000000 / lane->gap_us) : 0);
	put_time(b, "rate_until", &t, lane->rate_until);
	json_u64(b, "max_connections", lane->most);
	json_str(b, "last_reply", lane->last != NULL ? lane->last->said :
	    STR_NONE);
	control_row_end(a);
}

static bool
is_named(const struct lane *lane, struct str name)
{
	const struct site *site;

	if (str_ieq(lane_text(lane), name))
		return true;
	TAILQ_FOREACH(site, &lane->sites, of_lane)
		if (str_ieq(site->next_hop, name))
			return true;
	return false;
}

/* An order for a site that no mail is known for. */
static void
row_rule(struct control_ask *a, struct qmgr *d, const struct rule *r)
{
	const struct row_times t = walk_times(d);
	const bool has_rate = r->gap_us != 0 && r->rate_until > t.now;
	struct buf *b = control_row(a);

	json_str(b, "site", str_n(r->name, r->n));
	json_list(b, "domains");
	json_list_end(b);
	json_c(b, "state", r->paused_until > t.now ? "paused" : "open");
	json_u64(b, "window", 0);
	json_u64(b, "in_flight", 0);
	json_u64(b, "ready", 0);
	json_u64(b, "waiting", 0);
	put_time(b, "next_probe", &t, 0);
	put_time(b, "paused_until", &t, r->paused_until);
	json_u64(b, "rate", has_rate ? (uint64_t)(60000000 / r->gap_us) : 0);
	put_time(b, "rate_until", &t, r->rate_until);
	json_u64(b, "max_connections", 0);
	json_str(b, "last_reply", STR_NONE);
	control_row_end(a);
}

static bool
is_in_force(const struct rule *r, int64_t now)
{
	return r->paused_until > now || (r->gap_us != 0 && r->rate_until > now);
}

/* Rows of those that have this name, or of all, and of orders for others; the
 * number of the first. */
static unsigned
rows(struct qmgr *d, struct control_ask *a, struct str name, uint32_t domains)
{
	const int64_t now = qmgr_now(d);
	const struct lane *lane;
	struct rule *r;
	unsigned n = 0;

	TAILQ_FOREACH(r, &d->rules.all, entry)
		r->known = false;
	TAILQ_FOREACH(lane, &d->q.sites.lanes, entry) {
		if (lane->kind != SITE_SMTP || lane->nsites == 0)
			continue;
		rules_know(&d->rules, lane);
		if (name.n == 0 || is_named(lane, name)) {
			row_lane(a, d, lane, domains);
			n++;
		}
	}
	TAILQ_FOREACH(r, &d->rules.all, entry)
		if (!r->known && is_in_force(r, now) && (name.n == 0 ||
		        str_eq(name, str_n(r->name, r->n))))
			row_rule(a, d, r);
	return n;
}

void
verb_site_list(void *arg, struct control_ask *a)
{
	rows(arg, a, STR_NONE, DOMAINS_SHOWN);
	control_end(a, 0, "", "");
}

/* The first word, as names of sites are written; false: answered. */
static bool
take_name(struct control_ask *a, char room[RULE_NAME_MAX], struct str *name)
{
	*name = rules_name(a->words[0], room);
	if (name->n == 0)
		control_end(a, 65, "that can be no site", "name one domain, "
		    "without * or spaces, or a site as postern site list "
		    "shows it");
	return name->n != 0;
}

static bool
has_order(struct qmgr *d, struct str name)
{
	const struct rule *r = rules_find(&d->rules, name);

	return r != NULL && is_in_force(r, d->q.now);
}

void
verb_site_show(void *arg, struct control_ask *a)
{
	char room[RULE_NAME_MAX];
	struct str name;

	if (!take_name(a, room, &name))
		return;
	if (rows(arg, a, name, UINT32_MAX) == 0 && !has_order(arg, name))
		control_end(a, 2, "no such site is known now: there is none "
		    "of that name, or no mail for it",
		    "postern site list says which are");
	else
		control_end(a, 0, "", "");
}

/* --- the file --------------------------------------------------------------- */

/* Each writes the whole file; they are done in turn. */
struct save {
	struct work work;
	struct qmgr *d;
	struct control_ask *ask; /* NULL: its client is gone */
	struct buf text;
	char name[RULE_NAME_MAX + 1];
	const char *unknown; /* what is said when no mail is known for it */
	int error;
};

static bool
save_run(struct work *work)
{
	struct save *s = (struct save *)(void *)work;

	s->error = rules_save(s->d->spool.dirfd, buf_str(&s->text)) == -1 ?
	    errno : 0;
	return false;
}

static void
answer(struct save *s)
{
	struct control_ask *a = s->ask;

	a->own = NULL;
	if (s->error != 0)
		control_endf(a, 74, "it holds, but not beyond a restart: "
		    "spool/sites cannot be written: %s", strerror(s->error));
	else if (rows(s->d, a, str_c(s->name), DOMAINS_SHOWN) == 0)
		control_end(a, 0, s->unknown, "");
	else
		control_end(a, 0, "", "");
}

static void
save_done(struct work *work)
{
	struct save *s = (struct save *)(void *)work;

	if (s->error != 0) {
		note(NOTE_ERROR, "site-orders-unsaved");
		note_errno(s->error);
		note_end();
	}
	if (s->ask != NULL)
		answer(s);
	buf_clear(&s->text);
	free(s);
}

static void
forget(void *own)
{
	struct save *s = own;

	s->ask = NULL;
}

/* Begins the words of the log about an order; order() ends them. */
static void
note_order(const struct qmgr *d, const char *what, struct str name,
    int64_t until)
{
	note(NOTE_INFO, what);
	note_str("site", name);
	if (until != 0 && until != LANE_EVER)
		note_ms("for", until - d->q.now);
}

/* In force at once, answered when it is on disk. */
static void
order(struct qmgr *d, struct control_ask *a, struct str name,
    const char *unknown)
{
	struct save *s = xcalloc(1, sizeof(*s));

	note_u64("by", a->uid);
	note_end();
	rules_sweep(&d->rules, d->q.now);
	orders_changed(d);
	s->work = (struct work){ .run = save_run, .done = save_done };
	s->d = d;
	s->ask = a;
	s->unknown = unknown;
	str_copy(s->name, sizeof(s->name), name);
	buf_init(&s->text, BUF_NO_MAX);
	rules_text(&d->rules, &s->text);
	a->own = s;
	a->own_free = forget;
	syncer_post(d->syncer, &s->work);
}

/* --- words ------------------------------------------------------------------ */

/* "90s", "30min", "1h", "2d", "1w"; false: answered. */
static bool
take_for(struct control_ask *a, int64_t now, int64_t *until)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = { { "s", 1000 }, { "min", 60000 }, { "m", 60000 },
		{ "h", 3600000 }, { "d", 86400000 }, { "w", 604800000 } };
	struct str v, word;
	uint32_t n;

	*until = LANE_EVER;
	if (!control_option(a, "--for", &word))
		return true;
	v = word;
	if (num_take_u32(&v, &n) && n != 0)
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (str_eq(v, str_c(units[i].unit)) &&
			    n <= for_most / units[i].ms) {
				*until = now + n * units[i].ms;
				return true;
			}
	control_endf(a, 64, "--for: \"%.*s\" is not understood: write 90s, "
	    "30min, 1h or 2d", STR_ARG(str_first(word, 60)));
	return false;
}

static const char unknown_yet[] = "no mail for that site is known now; it will "
    "hold when there is: mail that goes by a route is of the site of its via";

/* The rule of the first word; NULL: answered. */
static struct rule *
take_rule(struct qmgr *d, struct control_ask *a, char room[RULE_NAME_MAX],
    struct str *name)
{
	struct rule *r;

	if (!take_name(a, room, name))
		return NULL;
	r = rules_get(&d->rules, *name);
	if (r == NULL)
		control_end(a, 73, "too many sites have orders", "");
	return r;
}

void
verb_site_pause(void *arg, struct control_ask *a)
{
	struct qmgr *d = arg;
	char room[RULE_NAME_MAX];
	struct str name;
	struct rule *r;
	int64_t until;

	qmgr_now(d);
	if (!take_for(a, d->q.now, &until) || !control_words_ok(a, 1, 1) ||
	    (r = take_rule(d, a, room, &name)) == NULL)
		return;
	r->paused_until = until;
	note_order(d, "site-paused", name, until);
	order(d, a, name, unknown_yet);
}

/* By whatever name its lane was paused. */
void
verb_site_resume(void *arg, struct control_ask *a)
{
	struct qmgr *d = arg;
	char room[RULE_NAME_MAX];
	const struct lane *lane;
	struct str name;
	struct rule *r;
	unsigned n = 0;

	qmgr_now(d);
	if (!take_name(a, room, &name))
		return;
	TAILQ_FOREACH(r, &d->rules.all, entry) {
		const struct str other = str_n(r->name, r->n);
		bool is_same = str_ieq(other, name);

		TAILQ_FOREACH(lane, &d->q.sites.lanes, entry)
			is_same = is_same || (lane->kind == SITE_SMTP &&
			    is_named(lane, name) && is_named(lane, other));
		if (!is_same || r->paused_until == 0)
			continue;
		r->paused_until = 0;
		n++;
	}
	if (n == 0) {
		control_endf(a, 2, "%.*s is not paused",
		    STR_ARG(str_first(name, 200)));
		return;
	}
	note_order(d, "site-resumed", name, 0);
	order(d, a, name, "it is paused no more; no mail for it is known now");
}

/* "100" or "100/min"; "none" is 0. */
static bool
take_rate(struct str word, uint32_t *n)
{
	*n = 0;
	if (str_eq(word, STR("none")))
		return true;
	if (!num_take_u32(&word, n) || *n == 0 || *n > RATE_MOST)
		return false;
	return word.n == 0 || str_eq(word, STR("/min"));
}

void
verb_site_rate(void *arg, struct control_ask *a)
{
	struct qmgr *d = arg;
	char room[RULE_NAME_MAX];
	struct str name;
	struct rule *r;
	int64_t until;
	uint32_t n;

	qmgr_now(d);
	if (!take_for(a, d->q.now, &until) || !control_words_ok(a, 2, 2))
		return;
	if (!take_rate(a->words[1], &n)) {
		control_endf(a, 64, "\"%.*s\" is not a rate: write messages a "
		    "minute, 1 to 1000000, or none",
		    STR_ARG(str_first(a->words[1], 60)));
		return;
	}
	if ((r = take_rule(d, a, room, &name)) == NULL)
		return;
	r->gap_us = n != 0 ? 60000000 / n : 0;
	r->rate_until = n != 0 ? until : 0;
	note_order(d, "site-rate", name, until);
	note_u64("rate", n);
	order(d, a, name, n != 0 ? unknown_yet :
	    "it has no rate any more; no mail for it is known now");
}
