#include "imapd/walk.h"

bool
walk_init(
    struct walk *w, const struct session *s, struct seq_set *set, bool uid)
{
	uint32_t largest = uid ? view_last_uid(s->view) :
	    view_exists(s->view);

	seq_resolve(set, largest);
	*w = (struct walk){ .set = set, .uid = uid };
	return uid || set->count == 0 || set->ranges[0].first <= largest;
}

static bool
next_by_uid(struct walk *w, const struct session *s, struct view_at *at)
{
	while (w->range < w->set->count) {
		const struct seq_range *r = &w->set->ranges[w->range];

		if (w->next < r->first)
			w->next = r->first;
		if (w->next <= r->last) {
			if (!view_next(s->view, (uint32_t)w->next, at))
				return false;
			w->next = at->uid;
			if (at->uid <= r->last) {
				w->next++;
				return true;
			}
		}
		w->range++;
	}
	return false;
}

static bool
next_by_msn(struct walk *w, const struct session *s, struct view_at *at)
{
	while (w->range < w->set->count) {
		const struct seq_range *r = &w->set->ranges[w->range];
		uint32_t uid;

		if (w->next < r->first)
			w->next = r->first;
		if (w->next > r->last) {
			w->range++;
			continue;
		}
		uid = view_uid(s->view, (uint32_t)w->next);
		w->next++;
		if (uid == 0)
			return false;
		return view_next(s->view, uid, at);
	}
	return false;
}

bool
walk_next(struct walk *w, const struct session *s, struct view_at *at)
{
	return w->uid ? next_by_uid(w, s, at) : next_by_msn(w, s, at);
}

void
walk_uids(struct walk *w, const struct session *s, struct uids *out,
    bool *missing)
{
	struct view_at at;

	*missing = false;
	while (walk_next(w, s, &at)) {
		if (mailbox_get(s->mailbox, at.uid) == NULL)
			*missing = true;
		else
			uids_add(out, at.uid);
	}
}
