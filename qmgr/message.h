/*
 * message -- one message of the queue and its recipients, as qmgr holds them
 * in memory: about 300 octets for a message with one recipient.
 * Owns its recipients, strings and (while memory allows) its text.
 *
 * A recipient is named by its index, which never changes: 0.. as they came
 * in SUBMIT, then those that lists stand for.  Those that are DONE may be
 * missing after a restart, unless another may yet stand for a list.
 * Invariants: nleft recipients are not DONE; the message is removed when
 * nleft becomes 0.  nbusy of them are ROUTING, READY or INFLIGHT, asking of
 * these are ROUTING.
 */
#ifndef POSTERN_QMGR_MESSAGE_H
#define POSTERN_QMGR_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "base/str.h"
#include "msg/envelope.h"
#include "qmgr/heap.h"
#include "qmgr/reason.h"
#include "qmgr/segment.h"

struct site;
struct bundle;

/* Whose mailbox a local recipient is; one allocation with its strings. */
struct target {
	struct str account, path, mailbox;
	uint64_t quota; /* octets, 0: none */
};

enum rcpt_state {
	RCPT_ROUTING,  /* routerd is to be asked, or is being asked */
	RCPT_READY,    /* in a bundle, waits for an agent */
	RCPT_INFLIGHT, /* an agent has it */
	RCPT_DEFERRED, /* waits for its next time */
	RCPT_REPORT,   /* decided; a DSN is to tell the sender */
	RCPT_DONE
};

enum {
	RCPT_MAYBE = 1,   /* an attempt may have succeeded: MAYBE_REPEATED */
	RCPT_WARNED = 2,  /* the sender was told of the delay */
	RCPT_TRIED = 4,   /* attempted since this qmgr began; not on disk */
	RCPT_ASKED = 8,   /* ROUTING: routerd was asked; not on disk */
	RCPT_BULK = 16,   /* ROUTING: in the slower of two lists; not on disk */
	RCPT_VIA = 32,    /* only on disk: via is there */
	RCPT_TURN = 64,   /* DEFERRED until its turn at a site with a rate; not on
	                   * disk */
	RCPT_DROP = 128   /* INFLIGHT, and the admin drops it: what fails is done;
	                   * not on disk */
};

struct rcpt {
	TAILQ_ENTRY(rcpt) entry; /* of what it waits in: ROUTING the queue's
	                          * list, READY its bundle, DEFERRED its site */
	struct message *m;
	struct site *site;      /* where it last was to go; a reference */
	struct site *via;       /* where it goes by order, or NULL; via.h */
	struct reason *reason;  /* the last words about it, or NULL */
	const char *text;       /* u16 n, u16 k, n octets of address, k of
	                         * ORCPT */
	union {
		struct target *target; /* READY or INFLIGHT; rcpt_target() */
		int64_t next;          /* DEFERRED: queue clock */
	};
	uint32_t index;
	uint16_t attempts;
	uint8_t state;          /* enum rcpt_state */
	uint8_t notify;         /* NOTIFY_ */
	uint8_t flags;          /* RCPT_ */
	uint8_t depth;          /* of lists it came through, 0..10 */
	uint8_t dsn;            /* enum dsn_action, while REPORT */
	uint8_t slows;          /* of attempts, those too much for a server; up
	                         * to 255; not on disk */
};
TAILQ_HEAD(rcpt_list, rcpt);

/* Recipients that a list stands for, in a piece. */
struct rcpt_block {
	struct rcpt_block *next;
	char *strings;
	size_t memory; /* octets that it takes */
	size_t n;
	struct rcpt r[];
};

enum {
	MSG_LARGE = 1,     /* the body is spool/large/ID */
	MSG_HELD = 2,      /* the admin wants it to wait */
	MSG_FLUSHED = 4,   /* the ACCEPT is on disk; not on disk itself */
	MSG_DSN_BUSY = 8,  /* bounce has a job for it; not on disk */
	MSG_GONE = 16,     /* removed; freed when nobody refers to it */
	MSG_CRC = 64,      /* body_crc is known */
	MSG_READ = 128,    /* an audit has read its record; not on disk */
	MSG_ON_DISK = MSG_LARGE | MSG_HELD | MSG_CRC
};

/* What only few messages need. */
struct message_more {
	struct map accounts;   /* that are asked for a copy: account -> the last
	                        * rcpt that was found to be it */
	struct map addresses;  /* named: address -> rcpt that was there before,
	                        * or of a member what is no rcpt */
	struct map bundles;    /* of many sites: site -> bundle */
	uint64_t listed;       /* lsn of the last EXPAND_END, in this run */
	int64_t released;      /* queue clock: it was held; 0: not known */
	int64_t dsn_failing;   /* queue clock: since then its reports fail; 0:
	                        * they do not */
};

struct message {
	TAILQ_ENTRY(message) entry; /* of the table: by id */
	uint64_t id;
	struct heap_node timer;   /* least next of the DEFERRED ones */
	struct segment *seg;      /* where its text stands */
	uint64_t body;            /* octets */
	int64_t accepted;         /* queue clock */
	int64_t accepted_wall;
	char *text;               /* prefix and body, or NULL: read it back */
	LIST_HEAD(, bundle) bundles;
	struct rcpt_block *blocks;
	struct message_more *more;
	int64_t dsn_next;         /* queue clock: no report before */
	uint32_t off, size;       /* of its record in seg */
	uint32_t prefix;          /* octets of header fields before the body */
	uint32_t body_crc;        /* CRC-32C of a large body */
	uint32_t nrcpts;          /* indexes given out */
	uint32_t nfirst;          /* in rcpts[] */
	uint32_t nleft, nbusy, nreport, asking;
	uint32_t refs;            /* jobs and questions that point here */
	uint16_t lens[4];         /* sender, envid, login, client */
	uint16_t env_flags;       /* ENV_ */
	uint8_t flags;            /* MSG_ */
	uint8_t crashes;          /* agents that died with it */
	struct rcpt rcpts[];      /* and behind them the strings */
};
TAILQ_HEAD(message_list, message);

/* What a message is made of; the strings are copied. */
struct rcpt_init {
	uint32_t index;
	uint8_t notify, flags, depth;
	struct str address, orcpt;
};

/* Octets that such a recipient takes. */
size_t rcpt_memory(const struct rcpt_init *in);
/* rcpts: n of them by rising index; nrcpts as in the struct. */
struct message *message_new(uint64_t id, const struct envelope *env,
    const struct rcpt_init *rcpts, uint32_t n, uint32_t nrcpts);
/* Octets that its recipients but the first take: a walk over those of SUBMIT. */
uint64_t message_rcpt_memory(const struct message *m);
/* Adds n recipients (by rising index, above all others) as ROUTING. */
struct rcpt_block *message_expand(
    struct message *m, const struct rcpt_init *rcpts, uint32_t n);
/* Its recipients must have let go of sites, reasons and targets. */
void message_free(struct message *m);

struct str message_sender(const struct message *m);
struct str message_envid(const struct message *m);
struct str message_login(const struct message *m);
struct str message_client(const struct message *m);
struct str rcpt_address(const struct rcpt *r);
struct str rcpt_orcpt(const struct rcpt *r);

/* The way of some of its recipients is known, and these wait for the others
 * to go together. */
static inline bool
message_half_routed(const struct message *m)
{
	return m->asking != 0 && m->asking < m->nbusy;
}

/* Where it goes: the mailbox, or NULL. */
static inline const struct target *
rcpt_target(const struct rcpt *r)
{
	return r->state == RCPT_READY || r->state == RCPT_INFLIGHT ?
	    r->target : NULL;
}

/* The recipient with this index, or NULL when it is not there. */
struct rcpt *message_rcpt(struct message *m, uint32_t index);
/* Walks over all recipients: begin with { m }. */
struct rcpt_walk {
	struct message *m;
	struct rcpt_block *block;
	size_t at;
	bool in_blocks;
};
struct rcpt *rcpt_next(struct rcpt_walk *w);
#define RCPT_FOREACH(r, m)                                                     \
	for (struct rcpt_walk walk_ = { (m), NULL, 0, false };                 \
	    ((r) = rcpt_next(&walk_)) != NULL;)

struct message_more *message_more(struct message *m);

#endif
