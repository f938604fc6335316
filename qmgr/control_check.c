/* control_check -- the queue in memory against itself; what is on disk is
 * looked at by qmgr-read, which nobody waits for. */
#include "base/id.h"
#include "base/json.h"
#include "qmgr/walk.h"

/* Messages whose sums are made in one go. */
enum { SUMS_MOST = 100000 };

static void
on_problem(void *arg, const struct audit_problem *p)
{
	struct walk *w = arg;
	struct buf *b = control_row(w->ask);
	char id[ID_TEXT + 1];

	json_c(b, "problem", p->kind);
	if (p->id != 0) {
		id_text(p->id, id);
		json_c(b, "id", id);
	}
	json_c(b, "where", p->where);
	json_c(b, "text", p->text);
	json_c(b, "fix", p->fix);
	control_row_end(w->ask);
}

static const char *
begin(struct walk *w)
{
	w->audit = (struct audit){ .q = &w->d->q, .spool = &w->d->spool,
		.live = true, .on_problem = on_problem, .arg = w };
	return NULL;
}

static void
visit(struct walk *w, struct message *m)
{
	audit_message(&w->audit, m);
}

static bool
finish(struct walk *w)
{
	if (w->d->q.table.n <= SUMS_MOST)
		audit_counts(&w->audit);
	if (w->audit.problems != 0)
		control_end(w->ask, 1, "", "");
	return false;
}

void
verb_check(void *arg, struct control_ask *a)
{
	static const struct walk_plan plan = { .visit = visit,
		.finish = finish, .options = begin, .log_next = true };

	walk_start(arg, a, &plan);
}
