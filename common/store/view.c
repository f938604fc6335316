#include "store/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "store/inner.h"

struct view *
view_open(struct mailbox *m, void (*on_news)(void *arg), void *arg)
{
	struct view *v = xcalloc(1, sizeof(*v));

	v->m = m;
	v->on_news = on_news;
	v->arg = arg;
	v->exists = m->x.state.exists;
	v->last_uid = rows_last_uid(&m->x.rows);
	v->nkeywords = m->x.keywords.n;
	TAILQ_INSERT_TAIL(&m->views, v, entry);
	return v;
}

void
view_close(struct view *v)
{
	if (v == NULL)
		return;
	TAILQ_REMOVE(&v->m->views, v, entry);
	uids_clear(&v->gone);
	uids_clear(&v->changed);
	uids_clear(&v->told);
	free(v->told_gone);
	free(v);
}

struct mailbox *
view_mailbox(const struct view *v)
{
	return v->m;
}

/* Number of pending expunges below uid; they ascend. */
static size_t
gone_below(const struct view *v, uint32_t uid)
{
	size_t low = 0, high = v->gone.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (v->gone.list[middle] < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_pending(const struct view *v, uint32_t uid)
{
	size_t i = gone_below(v, uid);

	return i < v->gone.n && v->gone.list[i] == uid;
}

static void
hear_left(struct view *v, uint32_t uid)
{
	size_t at = gone_below(v, uid);

	if (at < v->gone.n && v->gone.list[at] == uid)
		return;
	uids_add(&v->gone, uid);
	memmove(v->gone.list + at + 1, v->gone.list + at,
	    (v->gone.n - 1 - at) * sizeof(*v->gone.list));
	v->gone.list[at] = uid;
}

static int
by_uid(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Sorted, each once. */
static void
tidy(struct uids *u)
{
	size_t n = 0;

	if (u->n > 0)
		qsort(u->list, u->n, sizeof(*u->list), by_uid);
	for (size_t i = 0; i < u->n; i++)
		if (n == 0 || u->list[n - 1] != u->list[i])
			u->list[n++] = u->list[i];
	u->n = n;
}

static void
hear_changed(struct view *v, uint32_t uid)
{
	/* A session that asks for no news for long gathers repeats. */
	if (v->changed.n >= 1024 &&
	    v->changed.n >= 2 * rows_count(&v->m->x.rows))
		tidy(&v->changed);
	uids_add(&v->changed, uid);
}

void
view_hear(struct view *v, enum boxindex_news what, uint32_t uid)
{
	if (uid <= v->last_uid) {
		if (what == ROW_LEFT)
			hear_left(v, uid);
		else if (what == ROW_CHANGED)
			hear_changed(v, uid);
	}
	if (v->on_news != NULL)
		v->on_news(v->arg);
}

uint32_t
view_exists(const struct view *v)
{
	return v->exists;
}

/* Living rows that the session knows of. */
static uint32_t
living(const struct view *v)
{
	const struct rows *rows = &v->m->x.rows;

	return rank_below(&rows->live, rows_find(rows, v->last_uid + 1));
}

uint32_t
view_msn(const struct view *v, uint32_t uid)
{
	const struct rows *rows = &v->m->x.rows;
	size_t place = rows_find(rows, uid);
	bool lives = place < rows_count(rows) &&
	    rows_at(rows, place)->uid == uid &&
	    (rows_at(rows, place)->flags & ROW_GONE) == 0;

	if (uid == 0 || uid > v->last_uid || !(lives || is_pending(v, uid)))
		return 0;
	return rank_below(&rows->live, place) +
	    (uint32_t)gone_below(v, uid) + 1;
}

/* The smallest UID in the view that is at least uid; 0: none. */
static uint32_t
next_uid(const struct view *v, uint32_t uid)
{
	const struct rows *rows = &v->m->x.rows;
	size_t place = rank_next(&rows->live, rows_find(rows, uid));
	size_t i = gone_below(v, uid);
	uint32_t found = 0;

	if (place < rows_count(rows))
		found = rows_at(rows, place)->uid;
	if (i < v->gone.n && (found == 0 || v->gone.list[i] < found))
		found = v->gone.list[i];
	return found > v->last_uid ? 0 : found;
}

bool
view_next(const struct view *v, uint32_t uid, struct view_at *out)
{
	const struct rows *rows = &v->m->x.rows;
	size_t place;

	uid = next_uid(v, uid);
	if (uid == 0)
		return false;
	place = rows_find(rows, uid);
	out->uid = uid;
	out->msn = rank_below(&rows->live, place) +
	    (uint32_t)gone_below(v, uid) + 1;
	out->row = place < rows_count(rows) && rows_at(rows, place)->uid == uid ?
	    rows_at(rows, place) :
	    NULL;
	return true;
}

/* The largest pending UID whose MSN is at most msn decides how many pending
 * ones come before it: both kinds ascend, so halving finds it. */
uint32_t
view_uid(const struct view *v, uint32_t msn)
{
	const struct rows *rows = &v->m->x.rows;
	size_t low = 0, high = v->gone.n, place;

	if (msn == 0 || msn > v->exists)
		return 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (view_msn(v, v->gone.list[middle]) <= msn)
			low = middle + 1;
		else
			high = middle;
	}
	if (low > 0 && view_msn(v, v->gone.list[low - 1]) == msn)
		return v->gone.list[low - 1];
	place = rank_select(&rows->live, msn - 1 - (uint32_t)low);
	return place < rows_count(rows) ? rows_at(rows, place)->uid : 0;
}

uint32_t
view_last_uid(const struct view *v)
{
	return view_uid(v, v->exists);
}

uint32_t
view_first_unseen(const struct view *v)
{
	struct view_at at;

	if (v->m->x.state.unseen == 0)
		return 0;
	for (uint32_t uid = 1; view_next(v, uid, &at); uid = at.uid + 1)
		if (at.row != NULL &&
		    (at.row->flags & (FLAG_SEEN | ROW_GONE)) == 0)
			return at.msn;
	return 0;
}

/* Highest first, so that each MSN is right when its line is read. */
static void
tell_gone(struct view *v, struct view_news *out)
{
	size_t n = v->gone.n;

	if (n > v->told_gone_cap) {
		v->told_gone_cap = n;
		v->told_gone = xreallocarray(
		    v->told_gone, n, sizeof(*v->told_gone));
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t uid = v->gone.list[n - 1 - i];

		v->told_gone[i] = (struct view_gone){ view_msn(v, uid), uid };
	}
	v->gone.n = 0;
	v->exists -= (uint32_t)n;
	out->gone = v->told_gone;
	out->ngone = n;
}

/* Those of them that live. */
static void
tell_changed(struct view *v, struct view_news *out)
{
	struct uids *c = &v->changed;

	v->told.n = 0;
	tidy(c);
	for (size_t i = 0; i < c->n; i++)
		if (mailbox_get(v->m, c->list[i]) != NULL)
			uids_add(&v->told, c->list[i]);
	c->n = 0;
	out->changed = v->told.list;
	out->nchanged = v->told.n;
}

bool
view_sync(struct view *v, bool may_expunge, struct view_news *out)
{
	uint32_t last = rows_last_uid(&v->m->x.rows), exists;

	*out = (struct view_news){ 0 };
	if (may_expunge && v->gone.n > 0)
		tell_gone(v, out);
	tell_changed(v, out);
	if (last > v->last_uid) {
		v->last_uid = last;
		exists = living(v) + (uint32_t)v->gone.n;
		out->grown = exists != v->exists;
		v->exists = exists;
	}
	out->exists = v->exists;
	out->keywords = v->nkeywords != v->m->x.keywords.n;
	v->nkeywords = v->m->x.keywords.n;
	return out->ngone > 0 || out->grown || out->nchanged > 0 ||
	    out->keywords;
}

bool
view_has_news(const struct view *v, bool may_expunge)
{
	return (may_expunge && v->gone.n > 0) || v->changed.n > 0 ||
	    rows_last_uid(&v->m->x.rows) > v->last_uid ||
	    v->nkeywords != v->m->x.keywords.n;
}
