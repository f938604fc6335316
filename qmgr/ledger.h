/*
 * ledger -- what the log tells of each recipient from its ACCEPT to its end:
 * whoever was accepted is in the queue, or went to one place.  For an audit;
 * the queue itself forgets what it is done with.
 *
 * Records may come in any order.  Only of those whose ACCEPT or COPY is there
 * can anything be said: a log gives back its oldest segments.
 */
#ifndef POSTERN_QMGR_LEDGER_H
#define POSTERN_QMGR_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "qmgr/end.h"
#include "qmgr/queue.h"
#include "qmgr/record.h"

struct ledger_wrong {
	uint64_t id;
	uint32_t index;     /* of the recipient */
	enum {
		LEDGER_LOST,    /* not in the queue, and nothing tells why */
		LEDGER_TWICE,   /* two records end it */
		LEDGER_WAITING  /* at its end, but in the queue */
	} what;
	enum rcpt_end end;  /* TWICE, WAITING: where it went */
};

struct ledger {
	struct map by_id;   /* struct account, of ledger.c */
	uint64_t whole;     /* lsn: no record from there on is missing */
	struct {            /* members of a list whose end is to come */
		uint64_t id;
		uint32_t parent, n, cap;
		uint32_t *indexes;
	} list;
	/* Recipients: where they went, those in the queue, and those that went
	 * while the log had a part that is missing now. */
	uint64_t accepted, ends[ENDS], waiting, unknown;
};

void ledger_init(struct ledger *l);
/* Its sums stay. */
void ledger_clear(struct ledger *l);
/* Takes in a record; q lends its words and sites.  One that cannot be
 * understood tells nothing. */
void ledger_see(struct ledger *l, struct queue *q, const struct record *r);
/* Records before this lsn may be missing. */
void ledger_missing(struct ledger *l, uint64_t lsn);
/* Compares all with the queue that these records made, and sums up. */
void ledger_judge(struct ledger *l, const struct queue *q,
    void (*on_wrong)(void *arg, const struct ledger_wrong *w), void *arg);

#endif
