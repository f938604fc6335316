#include "qmgr/walk.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "base/json.h"

/* How long it goes on before others have their turn, and how many recipients
 * are looked at between two looks at the clock. */
enum { SLICE = 2 /* ms */, STEP = 64, TRAIL_PAUSE = 5 /* ms */ };
/* Walks of ordinary users at once: they shall not hold up mail. */
enum { OWN_MOST = 4 };

/* Its place among the users who look: when all is said, though its client may
 * stay. */
static void
give_back(struct walk *w)
{
	w->d->nown -= w->own[0] != '\0';
	w->own[0] = '\0';
}

static void
walk_free(void *own)
{
	struct walk *w = own;

	trail_sum(w); /* who asked went away before the end */
	qlog_wait_cancel(&w->d->q.log, &w->wait);
	if (w->gated)
		TAILQ_REMOVE(&w->d->agents.changes, w, entry);
	cursor_close(&w->cursor);
	summary_clear(&w->summary);
	text_close(w);
	if (w->via != NULL)
		w->via->refs--;
	give_back(w);
	free(w);
}

struct row_times
walk_times(struct qmgr *d)
{
	return (struct row_times){ qmgr_now(d), clock_wall_ms(),
		d->o.lifetime, d->o.dsn_lifetime, d->rules.n != 0 };
}

/* How many were changed, or would have been. */
static void
tell_changed(struct walk *w)
{
	struct buf *b = control_row(w->ask);

	json_u64(b, "changed", w->changed);
	if (w->unreported != 0)
		json_u64(b, "unreported", w->unreported);
	if (w->dry_run)
		json_bool(b, "dry_run", true);
	control_row_end(w->ask);
	if (!w->dry_run)
		qmgr_pump(w->d);
}

static void
tell_end(struct walk *w)
{
	char text[FILTER_TEXT];
	const unsigned code = filter_verdict(&w->filter, text);

	control_end(w->ask, code, text, "");
	give_back(w);
}

static void
on_flushed(struct qlog_wait *wait)
{
	struct walk *w = (struct walk *)(void *)wait;

	if (w->plan->make != NULL)
		tell_changed(w);
	tell_end(w);
}

static void
end_walk(struct walk *w)
{
	const bool changes = w->plan->make != NULL &&
	    (w->filter.nids == 0 || w->filter.matched != 0);

	trail_sum(w);
	if ((changes && w->changed != 0 && !w->dry_run) ||
	    (w->plan->log_next && w->d->q.log.full == 0)) {
		/* What was said to be done outlives a crash. */
		w->wait.on_flushed = on_flushed;
		qlog_wait(&w->d->q.log, &w->wait);
		return;
	}
	if (changes)
		tell_changed(w);
	tell_end(w);
}

static bool
is_wanted(const struct walk *w, struct message *m)
{
	const struct walk_plan *p = w->plan;
	struct rcpt *r;

	if (p->wants != NULL)
		return p->wants(w, m);
	RCPT_FOREACH(r, m)
		if (p->touches(w, r))
			return true;
	return false;
}

static void
visit(struct walk *w, struct message *m)
{
	const struct walk_plan *p = w->plan;

	w->filter.matched++;
	if (p->make == NULL) {
		p->visit(w, m);
		return;
	}
	if (!is_wanted(w, m))
		return;
	w->changed++;
	w->unreported += p->mute != NULL && p->mute(w, m);
	if (w->dry_run)
		return;
	trail_message(w, m);
	p->make(w, m);
}

/* The next one that may match; false at the end.  Named ones are found at
 * once, however long the queue is; *m NULL: not there. */
static bool
next(struct walk *w, struct message **m)
{
	struct filter *f = &w->filter;

	*m = NULL;
	if (f->matched >= f->limit)
		return false;
	if (f->nids == 0)
		return (*m = cursor_next(&w->cursor)) != NULL;
	if (w->at_id == f->nids)
		return false;
	*m = table_find(&w->d->q.table, f->ids[w->at_id++]);
	if (*m == NULL)
		filter_missed(f, f->ids[w->at_id - 1]);
	return true;
}

/* The next message or closing row.  false: over. */
static bool
step(struct walk *w, size_t *looked)
{
	struct message *m;

	if (w->ask->ended)
		return false;
	++*looked;
	if (!next(w, &m)) {
		if (w->plan->finish != NULL && w->plan->finish(w))
			return true;
		end_walk(w);
		return false;
	}
	if (m == NULL)
		return true;
	*looked += m->nleft;
	if (w->own[0] != '\0' && !str_eq(message_login(m), str_c(w->own))) {
		if (w->filter.nids != 0)
			filter_missed(&w->filter, m->id);
		return true;
	}
	if (filter_matches(&w->filter, m, w->d->q.now))
		visit(w, m);
	return true;
}

/* One slice.  false: over. */
static bool
more(void *arg, struct control_ask *a)
{
	struct walk *w = a->own;
	const int64_t until = clock_mono_ms() + SLICE;
	size_t looked = 0;

	(void)arg;
	qmgr_now(w->d);
	do {
		if (trail_is_full(w)) {
			a->pause = TRAIL_PAUSE;
			return true;
		}
		for (looked = 0; looked < STEP;) {
			if (w->text.open && text_send(w))
				return true;
			if (!step(w, &looked))
				return false;
		}
	} while (clock_mono_ms() < until);
	return true;
}

static void
begin(struct walk *w)
{
	struct qmgr *d = w->d;
	const bool changes = w->plan->make != NULL && !w->dry_run;

	if (changes && d->q.log.full != 0) {
		control_end(w->ask, 75, "the spool's disk is full: no change "
		    "can be written down", "make room there, then try again");
	} else if (changes && d->agents.gate) {
		w->gated = true;
		TAILQ_INSERT_TAIL(&d->agents.changes, w, entry);
	} else {
		control_more(w->ask, more);
	}
}

void
walks_go_on(struct qmgr *d)
{
	struct walk *w;

	while ((w = TAILQ_FIRST(&d->agents.changes)) != NULL) {
		TAILQ_REMOVE(&d->agents.changes, w, entry);
		w->gated = false;
		begin(w);
	}
}

static void
take_options(struct walk *w)
{
	if (w->plan->make != NULL)
		w->dry_run = control_flag(w->ask, "--dry-run");
}

void
walk_start(
    struct qmgr *d, struct control_ask *a, const struct walk_plan *plan)
{
	struct walk *w = xcalloc(1, sizeof(*w));
	struct filter_wrong wrong;
	const char *option = NULL;

	qmgr_now(d);
	w->d = d;
	w->ask = a;
	w->plan = plan;
	w->text.fd = -1;
	cursor_open(&w->cursor, &d->q.table);
	a->own = w;
	a->own_free = walk_free;
	take_options(w);
	if (plan->options != NULL)
		option = plan->options(w);
	w->d->nown += w->own[0] != '\0';
	if (w->own[0] != '\0' && w->d->nown > OWN_MOST)
		control_end(a, 75, "too many users look at the queue now", "");
	else if (option != NULL)
		control_end(a, 64, option, "");
	else if (!filter_parse(&w->filter, a->words, a->nwords, &wrong))
		control_end(a, 64, wrong.text, wrong.fix);
	else if (plan->must_filter && !w->filter.given)
		control_end(a, 64, "which messages?",
		    "name them, or say --all");
	else
		begin(w);
	if (a->ended)
		give_back(w);
}
