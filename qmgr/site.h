/*
 * site -- where messages go together: a next hop with its TLS policy, or the
 * owner of local mailboxes.  What the scheduler knows of the servers that are
 * there is in its lane (lane.h).
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

struct lane;

struct site {
	TAILQ_ENTRY(site) entry;      /* of all */
	struct str key;               /* text that makes the site again */
	enum site_kind kind;
	struct str next_hop;          /* SITE_SMTP; a view of key */
	uint32_t tls;                 /* enum route_tls */
	uint32_t uid, gid, root;      /* SITE_LOCAL */
	uint32_t refs;                /* recipients, bundles and jobs */
	struct rcpt_list waiting;     /* DEFERRED ones */
	uint32_t nwaiting;
	/* scheduling */
	struct lane *lane;            /* lane.h */
	TAILQ_ENTRY(site) of_lane;
	uint32_t to_wake;             /* of the waiting ones: its lane is back */
	int64_t used_at;              /* queue clock */
	/* agents: SITE_LOCAL */
	void *worker;                 /* its link, or NULL */
	int64_t asked_at;             /* when a worker was first asked for;
	                               * 0: not, or it came */
	uint32_t deaths;              /* since, of workers at their start */
	/* encoder */
	uint64_t mark;
	uint32_t number;
};

TAILQ_HEAD(site_list, site);

struct sites {
	struct map by_key;
	TAILQ_HEAD(, site) all;
	size_t n;
	TAILQ_HEAD(, lane) lanes;
	struct map by_hosts; /* lanes whose exchangers are known */
	size_t nlanes;
	struct reasons *reasons; /* where the lanes' last words are kept */
	/* A lane is new, or has other sites or another name.  May be NULL. */
	void (*on_lane)(void *arg, struct lane *lane);
	void *arg;
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
/* Frees those that nothing refers to and that were not used since; when there
 * are very many, all that nothing refers to. */
void sites_sweep(struct sites *s, int64_t since);

/* The recipient's site becomes this (NULL: none); it must not be DEFERRED. */
void rcpt_set_site(struct rcpt *r, struct site *site);

#endif
