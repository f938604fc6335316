/*
 * walk -- the messages of a view that a sequence set names, in order.
 */
#ifndef POSTERN_IMAPD_WALK_H
#define POSTERN_IMAPD_WALK_H

#include <stdbool.h>

#include "imapd/seq.h"
#include "imapd/session.h"

struct walk {
	const struct seq_set *set; /* resolved */
	bool uid;                  /* of UIDs, else of message numbers */
	size_t range;              /* in the set */
	uint64_t next;             /* number to go on with */
};
/* Resolves set.  false: message numbers of which none exists. */
bool walk_init(
    struct walk *w, const struct session *s, struct seq_set *set, bool uid);
/* The next one; what came or went meanwhile does no harm. */
bool walk_next(struct walk *w, const struct session *s, struct view_at *at);
/* All living ones that are left; *missing: some are expunged. */
void walk_uids(struct walk *w, const struct session *s, struct uids *out,
    bool *missing);

#endif
