/*
 * query -- one question of a peer (msg/dns.h): the look-ups that it takes,
 * and the plain answer made of them.  Ends by itself with on_done.
 */
#ifndef POSTERN_DNSD_QUERY_H
#define POSTERN_DNSD_QUERY_H

#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "event/loop.h"
#include "helpers/dnsd/packet.h"
#include "helpers/dnsd/resolver.h"
#include "msg/dns.h"

enum {
	QUERY_ASKS_MAX = 6,      /* look-ups at the same time */
	QUERY_RECORDS_MAX = 100, /* records in an answer */
	QUERY_OCTETS_MAX = 49152 /* octets of them */
};

/* A record until the answer is sorted and sent. */
struct query_record {
	uint32_t value;
	uint32_t at, n; /* of its data in query.data */
};

struct query {
	TAILQ_ENTRY(query) entry; /* the owner's */
	uint64_t cookie;          /* the owner's */
	struct resolver *resolver;
	void (*on_done)(void *arg, struct query *q);
	void *arg;
	enum dns_kind kind;
	char name[NAME_MAX_TEXT + 1];
	struct resolver_ask asks[QUERY_ASKS_MAX];
	unsigned nasks;           /* asks used so far */
	unsigned open;            /* asks without an answer, +1 while starting */
	struct timer deadline;
	struct str address;       /* PTR: what a host must have; 4 or 16 */
	char address_octets[16];
	/* The answer. */
	struct msg_dns_is is;
	enum dns_result worst;    /* of the look-ups that found nothing */
	struct query_record records[QUERY_RECORDS_MAX];
	struct buf data;
};

/* NULL when the name is none: the answer is DNS_NXDOMAIN at once. */
struct query *query_new(struct loop *l, struct resolver *r,
    const struct msg_dns *question);
/* Begins; on_done comes once, perhaps before this returns, and may not free
 * the query at once (it is still on the stack). */
void query_start(struct query *q, int64_t most_ms,
    void (*on_done)(void *arg, struct query *q), void *arg);
void query_free(struct query *q);
/* Adds the records in wire form. */
void query_put(const struct query *q, struct buf *out);

/* The name that a PTR question for address (text) asks; false: no address. */
bool query_reverse(struct str address, char name[NAME_MAX_TEXT + 1],
    char octets[16], size_t *n);

#endif
