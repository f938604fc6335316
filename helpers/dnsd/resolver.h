/*
 * resolver -- libunbound in the process's own event loop: no fork, no thread,
 * no file once it is started.  All answers share its cache.
 *
 * With dnssec = auto it begins by asking for the root's DNSKEY: a forwarder
 * that passes no signatures on would make every answer bogus, so then names
 * are resolved without the anchor, and the forwarder is probed again later.
 * Questions wait for the first probe.  (MECHANISMS 7)
 */
#ifndef POSTERN_DNSD_RESOLVER_H
#define POSTERN_DNSD_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/str.h"
#include "event/loop.h"

enum resolver_dnssec { DNSSEC_AUTO, DNSSEC_YES, DNSSEC_NO };

enum { RESOLVER_SERVERS_MAX = 8, RESOLVER_ZONES_MAX = 64 };

struct resolver_conf {
	/* "192.0.2.1@53"; none: it resolves from the root by itself. */
	const char *servers[RESOLVER_SERVERS_MAX];
	size_t nservers;
	const char *zones_off[RESOLVER_ZONES_MAX]; /* not answered locally */
	size_t nzones_off;
	enum resolver_dnssec dnssec;
	uint64_t cache;       /* octets */
	const char *anchors;  /* DS or DNSKEY records, one a line */
};

struct resolver;

/* What became of a question; packet is valid during the call. */
struct resolver_answer {
	bool failed;          /* SERVFAIL, no server reached */
	bool nxdomain, secure, bogus;
	struct str packet;    /* the DNS message unless failed or bogus */
};
struct resolver_ask;
typedef void resolver_fn(
    struct resolver_ask *ask, const struct resolver_answer *a);

/* One question.  Embedded in what waits for it. */
struct resolver_ask {
	TAILQ_ENTRY(resolver_ask) entry;
	struct resolver *resolver;
	resolver_fn *on_answer;
	void *arg;
	uint16_t type;
	char name[256];
	struct resolver_ask_ub *ub; /* with libunbound, or NULL */
	bool waiting;               /* in the queue behind the probe */
};

/* Reads its options; fatal when they cannot be used. */
struct resolver *resolver_new(struct loop *l, const struct resolver_conf *conf);
void resolver_free(struct resolver *r);
/* Asks; on_answer may be called before this returns. */
void resolver_ask(struct resolver *r, struct resolver_ask *ask,
    const char *name, uint16_t type, resolver_fn *on_answer, void *arg);
/* on_answer will not be called any more. */
void resolver_forget(struct resolver_ask *ask);

#endif
