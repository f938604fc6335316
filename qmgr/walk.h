/*
 * walk -- a question of postern(8) that goes over the messages of a FILTER:
 * a slice at a time, so that mail goes on meanwhile.
 */
#ifndef POSTERN_QMGR_WALK_H
#define POSTERN_QMGR_WALK_H

#include "msg/control_server.h"
#include "qmgr/audit.h"
#include "qmgr/filter.h"
#include "qmgr/qmgr.h"
#include "qmgr/rows.h"

struct walk;

/* What a verb is. */
struct walk_plan {
	/* Each message that matches, or, of a verb that changes: */
	void (*visit)(struct walk *w, struct message *m);
	/* it would be changed; NULL: if any recipient would */
	bool (*wants)(const struct walk *w, const struct message *m);
	/* this recipient; NULL: it is about the message as a whole */
	bool (*touches)(const struct walk *w, const struct rcpt *r);
	void (*make)(struct walk *w, struct message *m);
	/* At the end, until it is false; may be NULL. */
	bool (*finish)(struct walk *w);
	/* Takes its own options first; what is wrong with them, or NULL.  May
	 * be NULL. */
	const char *(*options)(struct walk *w);
	bool must_filter;
	/* Who asked goes on to read the log: what was said of the queue in
	 * memory stands there. */
	bool log_next;
	/* Nobody will be told of its end; they are counted.  May be NULL. */
	bool (*mute)(const struct walk *w, struct message *m);
	/* More fields of its note; may be NULL. */
	void (*trail)(const struct walk *w);
};

/* The text of a message that is being sent (control_text.c). */
struct walk_text {
	struct buf text;  /* prefix and, unless large, body */
	struct str rest;  /* of it */
	int fd;           /* large body */
	uint64_t at, large; /* octets of it that were sent, and that it has */
	uint64_t id;
	bool open, framed; /* framed: an "end" row follows */
};

struct walk {
	struct qlog_wait wait; /* until the changes are on disk */
	TAILQ_ENTRY(walk) entry; /* of agents.changes, if gated */
	bool gated;
	struct qmgr *d;
	struct control_ask *ask;
	const struct walk_plan *plan;
	struct filter filter;
	char own[32];          /* login whose messages alone are seen, or "" */
	struct table_cursor cursor;
	size_t at_id;          /* next of filter.ids */
	bool dry_run;
	uint64_t changed, unreported;
	bool is_told;          /* trail_sum */
	int64_t trail_full;    /* queue clock, since when it waits; 0: not */
	struct summary summary;
	struct audit audit;
	struct walk_text text;
	struct str reply;      /* of --text */
	struct site *via;      /* of --via; NULL: --reset, or by_mx */
	bool by_mx;            /* --via none */
	uint32_t tls;          /* of --tls */
};

/* Answers the question, now or later; changes when they are on disk. */
void walk_start(
    struct qmgr *d, struct control_ask *a, const struct walk_plan *plan);
/* The agents of before have told what became of their jobs: until then it is
 * not known what may be changed. */
void walks_go_on(struct qmgr *d);
struct row_times walk_times(struct qmgr *d);

/* control_text.c */
bool text_send(struct walk *w); /* false: all of it was sent */
void text_close(struct walk *w);

/* control_trail.c: in the log, for each message before it is changed, and once
 * for all. */
void trail_message(const struct walk *w, struct message *m);
void trail_sum(struct walk *w);
/* No more changes now: eventd has to take what they leave there. */
bool trail_is_full(struct walk *w);

/* Verbs. */
typedef void walk_verb(void *arg, struct control_ask *a);
walk_verb verb_retry, verb_hold, verb_release, verb_drop, verb_bounce,
    verb_reroute, verb_notify;              /* control_change.c */
walk_verb verb_cat, verb_export;            /* control_text.c */
walk_verb verb_site_list, verb_site_show, verb_site_pause, verb_site_resume,
    verb_site_rate;                         /* control_site.c */
walk_verb verb_check;                       /* control_check.c */

#endif
