/*
 * view -- what one session sees of a mailbox: which messages it was told of,
 * hence their sequence numbers (MSN), and what it must still be told.
 * Source: RFC 3501 2.3.1.2, 5.2, 7.4.1 (no EXPUNGE at the wrong time).
 *
 * A message that was expunged keeps its MSN here until view_sync reports it.
 * Costs memory for what is pending, not for the mailbox.
 */
#ifndef POSTERN_STORE_VIEW_H
#define POSTERN_STORE_VIEW_H

#include "store/mailbox.h"

struct view;

/*
 * Sees everything that is there now.  on_news (may be NULL) is called when
 * something new waits for view_sync, from inside operations on the mailbox,
 * also this session's own: it only makes a note of it.
 */
struct view *view_open(
    struct mailbox *m, void (*on_news)(void *arg), void *arg);
/* Does not close the mailbox. */
void view_close(struct view *v);
struct mailbox *view_mailbox(const struct view *v);

/* Messages the session knows of; their MSNs are 1..exists. */
uint32_t view_exists(const struct view *v);
/* 0: none such in this view. */
uint32_t view_msn(const struct view *v, uint32_t uid);
uint32_t view_uid(const struct view *v, uint32_t msn);
/* The largest UID in the view, 0 when it is empty ("*" of UID sets). */
uint32_t view_last_uid(const struct view *v);
/* MSN of the first message without FLAG_SEEN, 0: none (UNSEEN of SELECT). */
uint32_t view_first_unseen(const struct view *v);

/*
 * Walks the view by UID, whatever happens to the mailbox in between: the
 * first message with a UID of at least uid.  false: no further one.
 * row is the row, or the tombstone of a pending expunge, or NULL when even
 * that is no longer kept; valid until the next operation.
 */
struct view_at {
	uint32_t msn, uid;
	const struct row *row;
};
bool view_next(const struct view *v, uint32_t uid, struct view_at *out);

struct view_gone {
	uint32_t msn; /* at the moment of its EXPUNGE response */
	uint32_t uid;
};
struct view_news {
	const struct view_gone *gone; /* highest MSN first */
	size_t ngone;
	bool grown;                   /* say EXISTS */
	uint32_t exists;
	const uint32_t *changed;      /* UIDs whose flags changed, ascending;
	                               * new messages are not among them */
	size_t nchanged;
	bool keywords;                /* the mailbox has more keywords: say
	                               * FLAGS and PERMANENTFLAGS */
};
/*
 * What to tell now, in the order of the fields; afterwards the session knows.
 * Without may_expunge the expunged stay pending.  false: nothing.
 * Lists are valid until the next call with v.  Call mailbox_refresh before.
 */
bool view_sync(struct view *v, bool may_expunge, struct view_news *out);
/* Something waits (of pending expunges only with may_expunge). */
bool view_has_news(const struct view *v, bool may_expunge);

#endif
