/*
 * site -- where messages go together: a next hop with its TLS policy, or the
 * owner of local mailboxes; and what the scheduler knows about it.
 * A site lives as long as a recipient refers to it, and a while longer, so
 * that what was learnt about it is kept.
 */
#ifndef POSTERN_QMGR_SITE_H
#define POSTERN_QMGR_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "base/str.h"
#include "qmgr/message.h"

enum site_kind { SITE_SMTP, SITE_LOCAL, SITE_KINDS };

/* The messages of one sender that wait for one site. */
struct flow {
	TAILQ_ENTRY(flow) entry;      /* of site->flows, whose turn is next */
	TAILQ_HEAD(, bundle) bundles; /* messages in turn */
	uint64_t sender;
	uint32_t weight, credit;      /* bundles it may send in its turn */
};

/* The recipients of one message that are ready to go to one site. */
struct bundle {
	LIST_ENTRY(bundle) of_message;
	TAILQ_ENTRY(bundle) entry;    /* of flow->bundles */
	struct message *m;
	struct site *site;            /* a reference */
	struct flow *flow;            /* NULL: not queued */
	struct rcpt_list ready;
	uint32_t n;
};

struct site {
	TAILQ_ENTRY(site) entry;      /* of all */
	TAILQ_ENTRY(site) turn;       /* of the scheduler's ring */
	struct str key;               /* text that makes the site again */
	enum site_kind kind;
	struct str next_hop;          /* SITE_SMTP; a view of key */
	uint32_t tls;                 /* enum route_tls */
	uint32_t uid, gid, root;      /* SITE_LOCAL */
	uint32_t refs;                /* recipients and bundles */
	struct rcpt_list waiting;     /* DEFERRED ones */
	uint32_t nwaiting;
	/* scheduling */
	TAILQ_HEAD(, flow) flows;
	struct map by_sender;         /* sender -> flow */
	uint32_t nready;              /* bundles in flows */
	uint32_t window, inflight;    /* jobs */
	uint32_t successes;           /* since the window last changed */
	uint32_t failures;            /* SITE_DOWN one after the other */
	uint32_t deaths;              /* found dead one after the other */
	uint32_t slows;               /* "slow down" one after the other */
	int64_t probe_at;             /* queue clock, while dead */
	int64_t slow_until;           /* queue clock: nothing before */
	int64_t used_at;              /* queue clock */
	uint32_t to_wake;             /* of the waiting ones, since it is back */
	bool wake_all;                /* else those that could not connect */
	bool answered;                /* since this qmgr began */
	bool dead, probing, in_ring;
	bool tried;                   /* since this qmgr began */
	bool blocked;                 /* no jobs now: its worker is not ready */
	/* agents: SITE_LOCAL */
	void *worker;                 /* its link, or NULL */
	int64_t asked_at;             /* when a worker was asked for; 0 not */
	/* encoder */
	uint64_t mark;
	uint32_t number;
};

struct sites {
	struct map by_key;
	TAILQ_HEAD(, site) all;
	size_t n;
};

void sites_init(struct sites *s);
void sites_clear(struct sites *s);
/* Without a reference. */
struct site *site_smtp(struct sites *s, struct str next_hop, uint32_t tls);
struct site *site_local(
    struct sites *s, uint32_t root, uint32_t uid, uint32_t gid);
/* From its key; NULL when that is none. */
struct site *site_by_key(struct sites *s, struct str key);
/* "example.org", or "local" for people. */
struct str site_name(const struct site *site);
/* Frees those that nothing refers to and that were not used since. */
void sites_sweep(struct sites *s, int64_t since);

/* The recipient's site becomes this (NULL: none); it must not be DEFERRED. */
void rcpt_set_site(struct rcpt *r, struct site *site);

#endif
