/* control -- what postern(8) asks of the queue; words and rows: ctl/VERBS.md. */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "base/json.h"
#include "msg/control_server.h"
#include "qmgr/disk.h"
#include "qmgr/filter.h"
#include "qmgr/peer.h"
#include "qmgr/rows.h"

enum {
	SLICE = 500,      /* messages looked at before the loop goes on */
	CAT_PIECE = 32768
};

struct walk;

/* What a verb does to a message that it would change; others it leaves. */
struct change {
	bool (*wants)(const struct message *m);
	void (*make)(struct walk *w, struct message *m);
};

/* A question that goes over many messages, a slice at a time. */
struct walk {
	struct qmgr *d;
	struct control_ask *ask;
	struct filter filter;
	struct table_cursor cursor;
	void (*visit)(struct walk *w, struct message *m);
	void (*finish)(struct walk *w);
	const struct change *change; /* of a verb that changes */
	bool dry_run;
	uint64_t changed;
	struct summary summary;
	struct str text;   /* of --text */
};

static void
walk_free(void *own)
{
	struct walk *w = own;

	cursor_close(&w->cursor);
	summary_clear(&w->summary);
	free(w);
}

static struct row_times
times_of(struct qmgr *d)
{
	return (struct row_times){ qmgr_now(d), clock_wall_ms(),
		d->o.lifetime, d->o.dsn_lifetime };
}

static void
end_walk(struct walk *w)
{
	if (w->filter.nids != 0 && w->filter.matched == 0) {
		control_end(w->ask, 2, "no messages match", "");
		return;
	}
	if (w->finish != NULL)
		w->finish(w);
	control_end(w->ask, 0, "", "");
}

/* One slice.  false: over. */
static bool
walk_on(struct walk *w)
{
	struct filter *f = &w->filter;
	struct message *m;

	qmgr_now(w->d);
	for (int n = 0; n < SLICE; n++) {
		if (f->matched >= f->limit ||
		    (m = cursor_next(&w->cursor)) == NULL) {
			end_walk(w);
			return false;
		}
		if (!filter_matches(f, m, w->d->q.now))
			continue;
		f->matched++;
		w->visit(w, m);
	}
	return true;
}

static bool
more(void *arg, struct control_ask *a)
{
	struct walk *w = a->own;

	(void)arg;
	return walk_on(w);
}

/* Named ones are found at once, however long the queue is. */
static void
walk_ids(struct walk *w)
{
	struct filter *f = &w->filter;

	qmgr_now(w->d);
	for (size_t i = 0; i < f->nids && f->matched < f->limit; i++) {
		struct message *m = table_find(&w->d->q.table, f->ids[i]);

		if (m == NULL || !filter_matches(f, m, w->d->q.now))
			continue;
		f->matched++;
		w->visit(w, m);
	}
	end_walk(w);
}

static void
start_walk(struct qmgr *d, struct control_ask *a, bool must_filter,
    const struct change *change,
    void (*visit)(struct walk *w, struct message *m),
    void (*finish)(struct walk *w))
{
	struct walk *w = xcalloc(1, sizeof(*w));
	const char *wrong;

	w->d = d;
	w->ask = a;
	w->change = change;
	w->visit = visit;
	w->finish = finish;
	cursor_open(&w->cursor, &d->q.table);
	a->own = w;
	a->own_free = walk_free;
	if (change != NULL) {
		control_option(a, "--text", &w->text);
		w->dry_run = control_flag(a, "--dry-run");
	}
	wrong = filter_parse(&w->filter, a->words, a->nwords);
	if (wrong != NULL)
		control_end(a, 64, wrong, "");
	else if (must_filter && !w->filter.given)
		control_end(a, 64, "which messages?",
		    "name them, or say --all");
	else if (w->filter.nids != 0)
		walk_ids(w);
	else
		control_more(a, more);
}

/* --- reading --------------------------------------------------------------- */

static void
visit_list(struct walk *w, struct message *m)
{
	const struct row_times t = times_of(w->d);

	row_message(control_row(w->ask), m, &t, false);
	control_row_end(w->ask);
}

static void
verb_list(void *arg, struct control_ask *a)
{
	start_walk(arg, a, false, NULL, visit_list, NULL);
}

static void
visit_show(struct walk *w, struct message *m)
{
	const struct row_times t = times_of(w->d);

	row_message(control_row(w->ask), m, &t, true);
	control_row_end(w->ask);
}

static void
verb_show(void *arg, struct control_ask *a)
{
	start_walk(arg, a, true, NULL, visit_show, NULL);
}

static void
visit_summary(struct walk *w, struct message *m)
{
	summary_add(&w->summary, m);
}

static struct buf *
begin_row(void *arg)
{
	struct walk *w = arg;

	return control_row(w->ask);
}

static void
end_row(void *arg)
{
	struct walk *w = arg;

	control_row_end(w->ask);
}

static void
finish_summary(struct walk *w)
{
	const struct row_times t = times_of(w->d);

	summary_rows(&w->summary, &t, begin_row, end_row, w);
}

static void
verb_summary(void *arg, struct control_ask *a)
{
	start_walk(arg, a, false, NULL, visit_summary, finish_summary);
}

static void
put_pieces(struct walk *w, struct str text)
{
	while (text.n != 0) {
		row_text(control_row(w->ask), "text",
		    str_take(&text, CAT_PIECE));
		control_row_end(w->ask);
	}
}

static void
put_large(struct walk *w, const struct message *m)
{
	char piece[CAT_PIECE];
	const int fd = large_open(&w->d->spool, m->id);
	uint64_t at = 0;
	ssize_t n;

	while (fd != -1 && (n = disk_read(fd, piece, sizeof(piece), at)) > 0) {
		put_pieces(w, str_n(piece, (size_t)n));
		at += (uint64_t)n;
	}
	if (fd != -1)
		close(fd);
}

static void
visit_cat(struct walk *w, struct message *m)
{
	struct str text = message_text(w->d, m);

	if (text.p == NULL) {
		control_end(w->ask, 74, "its text cannot be read", "");
		return;
	}
	row_text(control_row(w->ask), "header", str_take(&text, m->prefix));
	control_row_end(w->ask);
	if ((m->flags & MSG_LARGE) != 0)
		put_large(w, m);
	else
		put_pieces(w, text);
}

static void
verb_cat(void *arg, struct control_ask *a)
{
	start_walk(arg, a, true, NULL, visit_cat, NULL);
}

/* --- changing -------------------------------------------------------------- */

static void
visit_change(struct walk *w, struct message *m)
{
	if (!w->change->wants(m))
		return;
	w->changed++;
	if (!w->dry_run)
		w->change->make(w, m);
}

static void
finish_change(struct walk *w)
{
	struct buf *b = control_row(w->ask);

	json_u64(b, "changed", w->changed);
	if (w->dry_run)
		json_bool(b, "dry_run", true);
	control_row_end(w->ask);
	if (!w->dry_run)
		qmgr_pump(w->d);
}

static bool
is_any(const struct message *m)
{
	(void)m;
	return true;
}

static bool
is_held(const struct message *m)
{
	return (m->flags & MSG_HELD) != 0;
}

static bool
is_not_held(const struct message *m)
{
	return !is_held(m);
}

/* Somebody waits for a next time, the recipient or the sender. */
static bool
is_late(const struct message *m)
{
	struct rcpt *r;

	if (is_held(m))
		return false;
	RCPT_FOREACH(r, (struct message *)(uintptr_t)m)
		if (r->state == RCPT_DEFERRED || r->state == RCPT_REPORT)
			return true;
	return false;
}

static void
make_retry(struct walk *w, struct message *m)
{
	struct qmgr *d = w->d;
	struct rcpt *r;

	RCPT_FOREACH(r, m)
		if (r->state == RCPT_DEFERRED) {
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
}

/* Those that no agent has now; they are counted in *n. */
static struct rcpt **
idle_rcpts(struct message *m, size_t *n)
{
	struct rcpt **rs = xcalloc(m->nleft, sizeof(*rs));
	struct rcpt *r;

	*n = 0;
	RCPT_FOREACH(r, m)
		if (r->state != RCPT_DONE && r->state != RCPT_INFLIGHT)
			rs[(*n)++] = r;
	return rs;
}

/* What an agent has may still arrive; what fails then is dropped too. */
static void
make_drop(struct walk *w, struct message *m)
{
	size_t n;
	struct rcpt **rs = idle_rcpts(m, &n);

	m->flags |= MSG_DROP;
	queue_done(&w->d->q, m, rs, n);
	free(rs);
}

static void
make_bounce(struct walk *w, struct message *m)
{
	struct qmgr *d = w->d;
	size_t n;
	struct rcpt **rs = idle_rcpts(m, &n);
	struct reason *why = reason_get(&d->q.reasons, 550, STR("5.7.0"),
	    w->text.n != 0 ? str_first(w->text, 500) :
	    STR("returned by the administrator"), STR_NONE);

	message_hold_ref(m);
	for (size_t i = 0; i < n; i++) {
		struct outcome o = { rs[i], JOB_PERMANENT, why, false };

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

#define CHANGE(name, wants)                                                    \
	static void verb_##name(void *arg, struct control_ask *a)              \
	{                                                                      \
		static const struct change change = { wants, make_##name };    \
                                                                               \
		start_walk(arg, a, true, &change, visit_change, finish_change); \
	}
CHANGE(retry, is_late)
CHANGE(hold, is_not_held)
CHANGE(release, is_held)
CHANGE(drop, is_any)
CHANGE(bounce, is_any)

/* --- the server ------------------------------------------------------------- */

static void
verb_info(void *arg, struct control_ask *a)
{
	struct qmgr *d = arg;
	struct buf *b = control_row(a);
	const struct peer *p;
	uint64_t jobs = 0, agents = 0;

	TAILQ_FOREACH(p, &d->peers, entry) {
		jobs += p->njobs;
		agents += p->is_agent;
	}
	json_u64(b, "messages", d->q.table.n);
	json_u64(b, "octets", d->q.octets);
	json_u64(b, "deferred", d->q.ndeferred);
	json_u64(b, "ready", d->q.nready);
	json_u64(b, "held", d->q.nheld);
	json_u64(b, "jobs", jobs);
	json_u64(b, "agents", agents);
	json_u64(b, "sites", d->q.sites.n);
	json_u64(b, "accepted", d->intake.accepted);
	json_u64(b, "refused", d->intake.refused);
	json_u64(b, "delivered", d->agents.delivered);
	json_u64(b, "failed", d->agents.failed);
	json_u64(b, "attempts_deferred", d->agents.deferred);
	json_u64(b, "flushes", d->q.log.flushes);
	json_u64(b, "log_octets", d->q.log.octets);
	json_u64(b, "memory", d->q.text_memory + d->intake.memory);
	json_u64(b, "memory_most", d->o.memory);
	json_bool(b, "disk_short", d->space.is_short);
	control_row_end(a);
	control_end(a, 0, "", "");
}

/* clang-format off */
static const struct control_verb verbs[] = {
	/* noun     verb       least most                    data */
	{ "queue",  "list",    0,    CONTROL_WORDS_MAX, false, verb_list,    NULL, NULL },
	{ "queue",  "show",    1,    CONTROL_WORDS_MAX, false, verb_show,    NULL, NULL },
	{ "queue",  "cat",     1,    1,                 false, verb_cat,     NULL, NULL },
	{ "queue",  "summary", 0,    CONTROL_WORDS_MAX, false, verb_summary, NULL, NULL },
	{ "queue",  "retry",   0,    CONTROL_WORDS_MAX, false, verb_retry,   NULL, NULL },
	{ "queue",  "hold",    0,    CONTROL_WORDS_MAX, false, verb_hold,    NULL, NULL },
	{ "queue",  "release", 0,    CONTROL_WORDS_MAX, false, verb_release, NULL, NULL },
	{ "queue",  "drop",    0,    CONTROL_WORDS_MAX, false, verb_drop,    NULL, NULL },
	{ "queue",  "bounce",  0,    CONTROL_WORDS_MAX, false, verb_bounce,  NULL, NULL },
	{ "server", "info",    0,    0,                 false, verb_info,    NULL, NULL },
};
/* clang-format on */

void
control_peer(struct qmgr *d, int fd, uid_t uid, uint32_t rights)
{
	control_open(d->proc.loop, fd, uid, rights, verbs,
	    sizeof(verbs) / sizeof(verbs[0]), d);
}
