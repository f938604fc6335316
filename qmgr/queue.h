/*
 * queue -- the queue as data: messages, sites, words, the log, and every
 * change that is made to them, each written to the log as it is made.
 * Pure but for the log: no links, no event loop; time is given.
 */
#ifndef POSTERN_QMGR_QUEUE_H
#define POSTERN_QMGR_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "msg/job.h"
#include "qmgr/end.h"
#include "qmgr/entry.h"
#include "qmgr/qclock.h"
#include "qmgr/qlog.h"
#include "qmgr/sched.h"
#include "qmgr/table.h"
#include "qmgr/tokens.h"

struct queue {
	struct qlog log;
	struct table table;
	struct reasons reasons;
	struct sites sites;
	struct sched sched;
	struct heap timers;       /* messages by their timer */
	struct tokens tokens;     /* of dropped files that may come again */
	/* ROUTING recipients that routerd is yet to be asked about: new mail,
	 * and long lists and what is tried again. */
	struct rcpt_list routing, routing_bulk;
	struct qclock clock;
	int64_t now;              /* queue time, set by the owner each round */
	uint64_t last_id;
	uint64_t nready, ndeferred, nreport; /* recipients */
	uint64_t nheld;           /* messages */
	uint64_t octets;          /* of texts */
	uint64_t text_memory;     /* octets of texts kept in memory */
	uint64_t rcpt_memory;     /* of recipients, but one of each message */
	/* The message is gone for good once the log is flushed: its large
	 * file may go.  Set by the owner; may be NULL. */
	void (*on_gone)(void *arg, uint64_t id, bool large);
	/* None of m's recipients is busy and some wait to be reported: so it
	 * is at the moment, in the midst of a change.  Likewise. */
	void (*on_quiet)(void *arg, struct message *m);
	void *arg;
};

/* The log is the owner's to start. */
void queue_init(struct queue *q, const struct sched_options *o, uint64_t seed);
void queue_clear(struct queue *q);

/* Octets of texts, of recipients but one of each message, and of what servers
 * said, but REPLY_FREE of each message: what queue.memory is about. */
enum { REPLY_FREE = 512 };
uint64_t queue_memory(const struct queue *q);

/* A fresh id, higher than all before. */
uint64_t queue_new_id(struct queue *q, int64_t wall_ms);

/* Which recipients of which message a DSN settles: they are done.  Those that
 * do not wait for a report are left alone, whatever bounce says. */
struct settle {
	uint64_t id; /* 0: none */
	uint32_t *indexes; /* rising; queue_accept leaves those it settled */
	size_t n;
};

/*
 * Writes the ACCEPT of a message that is not in the table yet, and adds it.
 * text is prefix and body, or only the prefix of a large message.
 */
void queue_accept(struct queue *q, struct message *m, struct str text,
    const struct settle *settle);
/* The same for what is a file of the drop folder, or may become one: its
 * token is known as long as the message is on disk, and longer.  It is not
 * known yet. */
void queue_accept_dropped(struct queue *q, struct message *m, struct str text,
    struct str token);
/* These files (TOKEN octets each) will not come again. */
void queue_gone(struct queue *q, struct str tokens);
/* Moves a message's record to the log's end; text as above. */
void queue_copy(struct queue *q, struct message *m, struct str text);

/* Recipients of m: any state but DONE.  After queue_done m may be gone (its
 * memory stays until refs is 0). */
void queue_done(struct queue *q, struct message *m, struct rcpt **rs,
    size_t n, enum rcpt_end end);
/* Next attempt at queue time next; site NULL: unknown; takes no reference of
 * reason.  maybe: an attempt may have succeeded. */
void queue_defer(struct queue *q, struct message *m, struct rcpt **rs,
    size_t n, int64_t next, struct reason *reason);
/* The sender is to be told of their fate. */
void queue_report(struct queue *q, struct message *m, struct rcpt **rs,
    size_t n, enum dsn_action dsn, struct reason *reason);
/* The sender was told that they are late. */
void queue_warned(struct queue *q, struct message *m, struct rcpt **rs,
    size_t n);
void queue_hold(struct queue *q, struct message *m, bool hold);
/* They go to this site from their next attempt on (NULL: where routerd says),
 * which is due now; their attempts are counted anew.  Not of DONE ones, and
 * no news to REPORT ones. */
void queue_reroute(struct queue *q, struct message *m, struct rcpt **rs,
    size_t n, struct site *site);
/* The parent is done, or with a dsn to be reported, and its list's members
 * are recipients now (ROUTING).  The caller sees to it that they go on when
 * this is flushed: message_is_on_disk. */
void queue_expand(struct queue *q, struct message *m, struct rcpt *parent,
    const struct rcpt_init *rcpts, uint32_t n, enum dsn_action dsn);
void queue_checkpoint(struct queue *q, int64_t wall_ms);

/* Long messages go to the slower list. */
enum { BULK_RCPTS = 64 };

/* Changes in memory only, for replay and for what need not be on disk. */
void rcpt_leave(struct queue *q, struct rcpt *r);
/* routerd is to be asked; of new mail (not bulk) before the rest. */
void rcpt_route(struct queue *q, struct rcpt *r, bool bulk);
/* READY, in the bundle of its message for this site; takes the target, NULL
 * for another host's. */
struct bundle *rcpt_ready(
    struct queue *q, struct rcpt *r, struct site *site, struct target *target);
/* An agent has it; it was taken out of its bundle. */
void rcpt_inflight(struct queue *q, struct rcpt *r);
void rcpt_wait(struct queue *q, struct rcpt *r, int64_t next);
void rcpt_done(struct queue *q, struct rcpt *r);
void rcpt_set_report(struct queue *q, struct rcpt *r, enum dsn_action dsn);
void rcpt_set_reason(struct queue *q, struct rcpt *r, struct reason *reason);
void queue_settle(struct queue *q, struct message *m, uint32_t index);
void rcpt_reroute(struct queue *q, struct rcpt *r, struct site *site);
void queue_set_held(struct queue *q, struct message *m, bool hold);
/* Sets the message's timer from its recipients. */
void queue_set_timer(struct queue *q, struct message *m);
/* A recipient is DEFERRED until then. */
void queue_timer_by(struct queue *q, struct message *m, int64_t next);
/* Some are not DEFERRED any more.  Of a message to very many the timer may
 * stay too early: looking at all of them for each would take too long. */
void queue_timer_less(struct queue *q, struct message *m);
/* Into the table; its record is at this place. */
void queue_add(struct queue *q, struct message *m, struct segment *seg,
    uint32_t off, uint32_t size);
/* After the record that moves it was appended. */
void queue_move(struct queue *q, struct message *m, struct segment *seg,
    uint32_t off, uint32_t size);
/* A list's members instead of the recipient that names it. */
void queue_add_members(struct queue *q, struct message *m,
    struct rcpt *parent, const struct rcpt_init *rcpts, uint32_t n,
    enum dsn_action dsn);
/* Takes a message without living recipients out of the table. */
void queue_remove(struct queue *q, struct message *m);
/* Counts who points at it. */
void message_hold_ref(struct message *m);
void message_drop_ref(struct queue *q, struct message *m);
/* Octets of the text that stand in its record. */
uint64_t message_logged(const struct message *m);
/* The log has its ACCEPT and whom its lists stand for on disk: agents may hear
 * of it.  What they tell the next qmgr it could not understand else. */
bool message_is_on_disk(const struct queue *q, const struct message *m);
/* Forgets the text in memory. */
void message_drop_text(struct queue *q, struct message *m);

#endif
