/* control -- what postern(8) asks of the queue; words and rows: ctl/VERBS.md. */
#include <stdio.h>

#include "base/json.h"
#include "qmgr/peer.h"
#include "qmgr/walk.h"

/* --- reading --------------------------------------------------------------- */

static void
visit_list(struct walk *w, struct message *m)
{
	const struct row_times t = walk_times(w->d);

	row_message(control_row(w->ask), m, &t, false);
	control_row_end(w->ask);
}

static void
verb_list(void *arg, struct control_ask *a)
{
	static const struct walk_plan plan = { .visit = visit_list };

	walk_start(arg, a, &plan);
}

static void
visit_show(struct walk *w, struct message *m)
{
	const struct row_times t = walk_times(w->d);

	row_message(control_row(w->ask), m, &t, true);
	control_row_end(w->ask);
}

static void
verb_show(void *arg, struct control_ask *a)
{
	static const struct walk_plan plan = { .visit = visit_show,
		.must_filter = true };

	walk_start(arg, a, &plan);
}

static void
visit_summary(struct walk *w, struct message *m)
{
	summary_add(&w->summary, m, &w->filter);
}

static bool
finish_summary(struct walk *w)
{
	if (!summary_more(&w->summary))
		return false;
	summary_put(&w->summary, control_row(w->ask));
	control_row_end(w->ask);
	return true;
}

static const char *
take_by(struct walk *w)
{
	struct str by = STR("site");

	control_option(w->ask, "--by", &by);
	w->summary.reasons = &w->d->q.reasons;
	w->summary.now = w->d->q.now;
	return summary_by(&w->summary, by) ? NULL :
	    "--by is " SUMMARY_KINDS;
}

static void
verb_summary(void *arg, struct control_ask *a)
{
	static const struct walk_plan plan = { .visit = visit_summary,
		.finish = finish_summary, .options = take_by };

	walk_start(arg, a, &plan);
}

/* --- one's own -------------------------------------------------------------- */

/* Who is no administrator sees what his uid submitted here. */
static const char *
take_own(struct walk *w)
{
	snprintf(w->own, sizeof(w->own), "unix:%u", (unsigned)w->ask->uid);
	return NULL;
}

static const char *
take_own_by(struct walk *w)
{
	take_own(w);
	return take_by(w);
}

static void
verb_list_own(void *arg, struct control_ask *a)
{
	static const struct walk_plan plan = { .visit = visit_list,
		.options = take_own };

	walk_start(arg, a, &plan);
}

static void
verb_summary_own(void *arg, struct control_ask *a)
{
	static const struct walk_plan plan = { .visit = visit_summary,
		.finish = finish_summary, .options = take_own_by };

	walk_start(arg, a, &plan);
}

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
	json_str(b, "kind", STR("queue"));
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
	json_u64(b, "memory", queue_memory(&d->q) + d->intake.memory);
	json_u64(b, "memory_most", d->o.memory);
	json_str(b, "refusing", str_c(intake_why(d)));
	control_row_end(a);
	control_end(a, 0, "", "");
}

/* clang-format off */
static const struct control_verb verbs[] = {
	/* noun     verb       least most                    data */
	{ "queue",  "list",    0,    CONTROL_WORDS_MAX, false, verb_list,    NULL, NULL },
	{ "queue",  "show",    1,    CONTROL_WORDS_MAX, false, verb_show,    NULL, NULL },
	{ "queue",  "cat",     1,    CONTROL_WORDS_MAX, false, verb_cat,     NULL, NULL },
	{ "queue",  "summary", 0,    CONTROL_WORDS_MAX, false, verb_summary, NULL, NULL },
	{ "queue",  "retry",   0,    CONTROL_WORDS_MAX, false, verb_retry,   NULL, NULL },
	{ "queue",  "hold",    0,    CONTROL_WORDS_MAX, false, verb_hold,    NULL, NULL },
	{ "queue",  "release", 0,    CONTROL_WORDS_MAX, false, verb_release, NULL, NULL },
	{ "queue",  "drop",    0,    CONTROL_WORDS_MAX, false, verb_drop,    NULL, NULL },
	{ "queue",  "bounce",  0,    CONTROL_WORDS_MAX, false, verb_bounce,  NULL, NULL },
	{ "queue",  "reroute", 0,    CONTROL_WORDS_MAX, false, verb_reroute, NULL, NULL },
	{ "queue",  "notify",  0,    CONTROL_WORDS_MAX, false, verb_notify,  NULL, NULL },
	{ "queue",  "export",  1,    CONTROL_WORDS_MAX, false, verb_export,  NULL, NULL },
	{ "queue",  "check",   0,    0,                 false, verb_check,   NULL, NULL },
	{ "site",   "list",    0,    0,                 false, verb_site_list, NULL, NULL },
	{ "site",   "show",    1,    1,                 false, verb_site_show, NULL, NULL },
	{ "site",   "pause",   1,    3,                 false, verb_site_pause, NULL, NULL },
	{ "site",   "resume",  1,    1,                 false, verb_site_resume, NULL, NULL },
	{ "site",   "rate",    2,    4,                 false, verb_site_rate, NULL, NULL },
	{ "server", "info",    0,    0,                 false, verb_info,    NULL, NULL },
};
static const struct control_verb own_verbs[] = {
	{ "queue",  "list",    0,    CONTROL_WORDS_MAX, false, verb_list_own, NULL, NULL },
	{ "queue",  "summary", 0,    CONTROL_WORDS_MAX, false, verb_summary_own, NULL, NULL },
};
/* clang-format on */

void
control_peer(struct qmgr *d, int fd, uid_t uid, uint32_t rights)
{
	if ((rights & CONTROL_ADMIN) == 0) {
		control_open(d->proc.loop, fd, uid, rights | CONTROL_OWN,
		    own_verbs, sizeof(own_verbs) / sizeof(own_verbs[0]), d);
		return;
	}
	control_open(d->proc.loop, fd, uid, rights, verbs,
	    sizeof(verbs) / sizeof(verbs[0]), d);
}
