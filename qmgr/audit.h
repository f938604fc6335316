/*
 * audit -- whether the spool holds what it has to: records that can be read,
 * messages whose recipients are each in one state, bodies that are whole; and
 * whether each recipient that was accepted is there, or went to one place.
 * Only reads.  What changes meanwhile under a running qmgr can look like a
 * problem for a moment; who asks then does so twice.
 */
#ifndef POSTERN_QMGR_AUDIT_H
#define POSTERN_QMGR_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "qmgr/ledger.h"
#include "qmgr/load.h"
#include "qmgr/queue.h"
#include "qmgr/spool.h"

/* What, where, and what can be done; strings live as long as the call. */
struct audit_problem {
	const char *kind;       /* "record-damaged"; VERBS.md */
	uint64_t id;            /* of the message, or 0 */
	const char *where, *text, *fix;
};

struct audit {
	struct queue *q;
	const struct spool *spool;
	bool live;              /* a qmgr works in this spool */
	void (*on_problem)(void *arg, const struct audit_problem *p);
	/* Octets read, of all; may be NULL. */
	void (*on_progress)(void *arg, uint64_t done, uint64_t all);
	void *arg;
	/* Results. */
	struct load_report report;
	uint64_t problems;
	uint64_t segments, records, octets, bodies;
	uint64_t messages, recipients, waiting, deferred, to_report;
	uint64_t receiving;     /* large bodies whose message is yet to come */
	struct ledger ledger;   /* where recipients went */
	/* Inner. */
	struct map fresh;       /* ids accepted behind the state */
	uint64_t old_segment, old_lsn; /* of the last record before the state */
	uint64_t done, all;
};

/* Loads the queue from the spool into q, whose log is initialised, and looks
 * at all of it.  -1 and errno when a file cannot be read at all. */
int audit_spool(struct audit *a);
void audit_clear(struct audit *a);

/* The parts of it; audit_log.c, audit.c. */
int audit_log(struct audit *a);
void audit_message(struct audit *a, const struct message *m);
/* Sums over all messages, against what is counted as they change. */
void audit_counts(struct audit *a);
int audit_bodies(struct audit *a);

void audit_found(struct audit *a, const char *kind, uint64_t id,
    const char *where, const char *fix, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* n more octets were read. */
void audit_progress(struct audit *a, uint64_t n);

#endif
