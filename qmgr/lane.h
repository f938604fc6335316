/*
 * lane -- the servers that one or several sites lead to, and what the
 * scheduler knows of them.  Two domains with the same mail exchangers share a
 * lane, so that they share its connections, and find out but once that it is
 * dead; a site whose exchangers are not known yet has one of its own, and so
 * has each owner of mailboxes.
 * A lane lives while a site is in it or a job of it is under way.
 */
#ifndef POSTERN_QMGR_LANE_H
#define POSTERN_QMGR_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "base/str.h"
#include "qmgr/heap.h"
#include "qmgr/message.h"
#include "qmgr/site.h"

/* What goes first; each has its part even when a better one never ends. */
enum sched_class {
	CLASS_SINGLE, /* messages to a few */
	CLASS_REPORT, /* from <> */
	CLASS_BULK,   /* to very many */
	CLASSES
};

/* Who shares a turn, and how much he gets of it. */
struct share {
	uint64_t sender;
	uint32_t weight;              /* bundles in a turn */
	enum sched_class class;
};

/* The messages of one sender and class that wait for one lane. */
struct flow {
	TAILQ_ENTRY(flow) entry;      /* of its class, whose turn is next */
	TAILQ_HEAD(, bundle) bundles; /* messages in turn */
	struct share share;
	uint32_t credit;              /* bundles it may send in this turn */
};
TAILQ_HEAD(flow_list, flow);

/* The recipients of one message that are ready to go to one site. */
struct bundle {
	LIST_ENTRY(bundle) of_message;
	TAILQ_ENTRY(bundle) entry;    /* of flow->bundles */
	struct message *m;
	struct site *site;            /* a reference */
	struct flow *flow;            /* NULL: not queued */
	struct share share;           /* of the flow, while it moves */
	struct rcpt_list ready;
	uint32_t n;
};
TAILQ_HEAD(bundle_list, bundle);

#define LANE_EVER INT64_MAX /* no end is known */

struct lane {
	TAILQ_ENTRY(lane) entry;      /* of sites->lanes */
	TAILQ_ENTRY(lane) turn;       /* of the scheduler's ring */
	char *hosts;                  /* "1 mx1.test,mx2.test": TLS policy and
	                               * exchangers; NULL: not known */
	enum site_kind kind;
	struct site_list sites;       /* those with some to wake in front */
	uint32_t nsites;
	struct flow_list flows[CLASSES];
	uint32_t credit[CLASSES];     /* bundles left of the class's turn */
	struct map by_sender;         /* sender and class -> flow */
	uint32_t nready;              /* bundles in flows */
	uint32_t window, inflight;    /* jobs */
	uint32_t ceiling;             /* of window: it refused one more */
	int64_t ceiling_until;        /* queue clock */
	uint32_t ceilings;            /* found one after the other */
	uint32_t successes;           /* since the window last changed */
	uint32_t failures;            /* SITE_DOWN one after the other */
	uint32_t deaths;              /* found dead one after the other */
	uint32_t refusals;            /* "slow down" one after the other */
	uint32_t slows;               /* left alone for it likewise */
	int64_t probe_at;             /* queue clock, while dead */
	int64_t slow_until;           /* queue clock: nothing before */
	/* What the administrator says (rules.h). */
	int64_t paused_until;         /* queue clock, LANE_EVER, or 0 */
	int64_t paused_at;            /* likewise: its begin; 0: not known */
	int64_t resumed;              /* likewise: the end of the last one that
	                               * was long, or 0 */
	int64_t gap_us;               /* between two jobs; 0: no rate */
	int64_t rate_until;           /* queue clock or LANE_EVER */
	uint32_t most;                /* of window; 0: as all */
	int64_t next_us;              /* queue clock in us: no job before */
	int64_t turn_us;              /* likewise: when who comes now has his
	                               * turn, behind all that have one */
	struct heap_node later;       /* sched->later: it waits for next_us */
	struct reason *last;          /* what was last said; a reference */
	bool dead, probing, in_ring;
	bool bulk_ring;               /* in_ring: in that of bulk alone */
	bool tried;                   /* since this qmgr began */
	bool answered;                /* likewise */
	bool blocked;                 /* no jobs now: its worker is not ready */
	bool wake_all;                /* else those that could not connect */
};

/* A fresh one with this site in it. */
struct lane *lane_new(struct sites *s, struct site *site);
/* The site leaves its lane and enters this one; its bundles are not queued.
 * The lane that it left is freed when nobody needs it. */
void lane_enter(struct sites *s, struct lane *lane, struct site *site);
/* The one with these exchangers, or NULL. */
struct lane *lane_find(struct sites *s, const char *hosts);
/* A reply of its servers. */
void lane_said(struct sites *s, struct lane *lane, struct reason *reason);
/* From now on it is the one with these exchangers; no other may be. */
void lane_name(struct sites *s, struct lane *lane, const char *hosts);
/* Parts of a lifetime: so much has who had to wait by order until he was too
 * old, from the end of that.  A hold counts once, a pause if it was as long:
 * the one that ends at end, with times in milliseconds. */
enum { GRACE_PART = 5 };
bool lane_was_long(const struct lane *lane, int64_t end, int64_t lifetime);
/* Its exchangers without the TLS policy, or the name of its only site. */
struct str lane_text(const struct lane *lane);
/* A job is over or a site has left: frees it when nobody needs it. */
void lane_release(struct sites *s, struct lane *lane);
/* Why the recipient waits: the last words about it, or those to its site for
 * which it was not tried, or NULL: then *order says which order of the
 * administrator it is, if it is one.  now: queue clock. */
struct reason *rcpt_why(const struct rcpt *r, int64_t now, struct str *order);
/* The words of that; with their code, or the text alone. */
struct str rcpt_words(const struct rcpt *r, int64_t now, bool with_code);

#endif
