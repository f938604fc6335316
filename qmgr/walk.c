#include "qmgr/walk.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "base/json.h"

enum { SLICE = 500 /* messages looked at before the loop goes on */ };

static void
walk_free(void *own)
{
	struct walk *w = own;

	qlog_wait_cancel(&w->d->q.log, &w->wait);
	cursor_close(&w->cursor);
	summary_clear(&w->summary);
	text_close(w);
	if (w->via != NULL)
		w->via->refs--;
	free(w);
}

struct row_times
walk_times(struct qmgr *d)
{
	return (struct row_times){ qmgr_now(d), clock_wall_ms(),
		d->o.lifetime, d->o.dsn_lifetime };
}

/* How many were changed, or would have been. */
static void
tell_changed(struct walk *w)
{
	struct buf *b = control_row(w->ask);

	json_u64(b, "changed", w->changed);
	if (w->dry_run)
		json_bool(b, "dry_run", true);
	control_row_end(w->ask);
	if (!w->dry_run)
		qmgr_pump(w->d);
}

static void
on_flushed(struct qlog_wait *wait)
{
	struct walk *w = (struct walk *)(void *)wait;

	tell_changed(w);
	control_end(w->ask, 0, "", "");
}

static void
end_walk(struct walk *w)
{
	if (w->filter.nids != 0 && w->filter.matched == 0) {
		control_end(w->ask, 2, "no messages match", "");
		return;
	}
	if (w->plan->make != NULL && w->changed != 0 && !w->dry_run) {
		/* What was said to be done outlives a crash. */
		w->wait.on_flushed = on_flushed;
		qlog_wait(&w->d->q.log, &w->wait);
		return;
	}
	if (w->plan->make != NULL)
		tell_changed(w);
	if (w->plan->finish != NULL)
		w->plan->finish(w);
	control_end(w->ask, 0, "", "");
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
	if (!p->wants(w, m))
		return;
	w->changed++;
	if (!w->dry_run)
		p->make(w, m);
}

/* The next one that may match; false at the end.  Named ones are found at
 * once, however long the queue is; *m NULL: not there. */
static bool
next(struct walk *w, struct message **m)
{
	const struct filter *f = &w->filter;

	*m = NULL;
	if (f->matched >= f->limit)
		return false;
	if (f->nids == 0)
		return (*m = cursor_next(&w->cursor)) != NULL;
	if (w->at_id == f->nids)
		return false;
	*m = table_find(&w->d->q.table, f->ids[w->at_id++]);
	return true;
}

/* One slice.  false: over. */
static bool
more(void *arg, struct control_ask *a)
{
	struct walk *w = a->own;
	struct message *m;

	(void)arg;
	qmgr_now(w->d);
	for (int n = 0; n < SLICE; n++) {
		if (w->text.open && text_send(w))
			return true;
		if (!next(w, &m)) {
			end_walk(w);
			return false;
		}
		if (m != NULL && filter_matches(&w->filter, m, w->d->q.now))
			visit(w, m);
	}
	return true;
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
	const char *wrong = NULL;

	w->d = d;
	w->ask = a;
	w->plan = plan;
	w->text.fd = -1;
	cursor_open(&w->cursor, &d->q.table);
	a->own = w;
	a->own_free = walk_free;
	take_options(w);
	if (plan->options != NULL)
		wrong = plan->options(w);
	if (wrong == NULL)
		wrong = filter_parse(&w->filter, a->words, a->nwords);
	if (wrong != NULL)
		control_end(a, 64, wrong, "");
	else if (plan->must_filter && !w->filter.given)
		control_end(a, 64, "which messages?",
		    "name them, or say --all");
	else if (plan->make != NULL && !w->dry_run && d->q.log.full != 0)
		control_end(a, 75, "the spool's disk is full: no change "
		    "can be written down", "make room there, then try again");
	else
		control_more(a, more);
}
