/*
 * qmgr -- the queue manager: the queue, and whoever it talks to.  One struct
 * for the process; each part below has its own file.
 */
#ifndef POSTERN_QMGR_QMGR_H
#define POSTERN_QMGR_QMGR_H

#include "event/loop.h"
#include "msg/route_cache.h"
#include "proc/proc.h"
#include "qmgr/load.h"
#include "qmgr/queue.h"
#include "qmgr/room.h"
#include "qmgr/rules.h"
#include "qmgr/spool.h"
#include "qmgr/state.h"
#include "qmgr/syncer.h"

struct qmgr_options {
	int64_t lifetime, dsn_lifetime, warn_after; /* ms; warn 0: never */
	int64_t quota_grace;   /* ms for a full mailbox, 0: as the others */
	uint64_t memory;       /* octets of texts kept, and of recipients */
	uint64_t inline_body;  /* larger bodies are files */
	uint64_t segment;
	uint64_t messages;     /* most in the queue */
	uint64_t message_size; /* most octets of one */
	struct room_limits room;
	uint32_t per_message;  /* recipients in a job */
	uint32_t local_jobs, smtp_jobs, bounce_jobs; /* of one agent */
	struct sched_options sched;
};

/* Messages being received (intake.c). */
struct intakes {
	uint32_t open;   /* begun, and neither accepted nor refused */
	int64_t company; /* when there was more than one */
	uint64_t memory; /* octets of their recipients and bodies */
	uint64_t accepted, refused; /* messages, for the status */
};

/* What routerd is asked (routes.c). */
struct routes {
	struct link *link;     /* or NULL */
	struct map questions;  /* cookie -> struct question */
	uint64_t cookie;
	uint32_t open;
	uint64_t memory;       /* octets of lists not yet at their end */
	uint32_t turn;         /* questions since bulk had the last one */
	struct route_cache cache;
	struct timer again;    /* goes on with recipients whose way is known */
};

/* smtp, deliver and bounce processes (agents.c, job.c). */
struct agents {
	uint64_t cookie;
	bool gate;             /* agents of before have not all told yet */
	bool gate_looked;      /* the links of before are known */
	struct timer gate_wait;
	TAILQ_HEAD(, walk) changes; /* that wait for it (walk.c) */
	uint64_t delivered, failed, deferred; /* recipients, for the status */
};

/* Messages whose senders are to be told something (dsn.c). */
struct dsn_entry {
	uint64_t id;
	enum dsn_action action;
};
struct dsn_fifo { /* first in, first out */
	struct dsn_entry *entries;
	size_t at, n, cap;
};
struct dsns {
	struct dsn_fifo now;
	struct dsn_fifo later; /* a report failed: not before dsn_next */
	struct timer again;    /* for the first of these */
};

/* Copying out of a segment in which little lives (compact.c). */
struct compaction {
	struct segment *seg;        /* or NULL */
	struct segment *unreadable; /* not tried again */
	struct table_cursor cursor;
	struct timer again;
	int64_t wait;               /* no state before, after one failed */
	bool is_soon;               /* a look, for a segment was left */
	bool is_failing;            /* that was noted */
};

/* Room on the disk (space.c). */
struct space {
	const char *why; /* new mail is refused, or NULL */
	int64_t left;    /* octets of mail until the next look */
	int64_t log_look; /* queue clock, of the last qlog_look */
	struct timer look;
};

struct qmgr {
	struct proc proc;
	struct qmgr_options o;
	int spoolfd;              /* as given by master */
	struct spool spool;
	struct syncer *syncer;
	struct queue q;
	struct state_writer state;
	uint64_t state_octets;    /* of log when the last state was begun */
	struct deferred flush;    /* the log, at the end of a round */
	struct timer flush_soon;  /* results, unless a 250 takes them along */
	struct deferred pump;     /* routes, agents and dsns, likewise */
	struct timer due;         /* the next message's time */
	struct timer idle;        /* vouches for the last records */
	struct timer now_and_then;
	struct load_report *loaded; /* until it was told */
	int64_t load_ms;
	uint64_t vouched;         /* octets of log behind the last checkpoint */
	TAILQ_HEAD(peers, peer) peers;
	struct intakes intake;
	struct routes routes;
	struct agents agents;
	struct dsns dsn;
	struct space space;
	struct compaction compact;
	struct rules rules;
	unsigned nown;            /* walks of who is no administrator */
	struct buf scratch;       /* a record read back */
	bool stopping;
};

/* qmgr.c */
void qmgr_options(struct qmgr_options *o, const struct conf *c);
void qmgr_open(struct qmgr *d);
/* Sets q.now from the loop's time; first thing in callbacks. */
int64_t qmgr_now(struct qmgr *d);
/* Something may go on: see at the end of the round. */
void qmgr_pump(struct qmgr *d);
void qmgr_set_due(struct qmgr *d);
void qmgr_stop(void *arg);
extern const struct proc_desc qmgr_proc;

/* routes.c */
void routes_init(struct qmgr *d);
void routes_link(struct qmgr *d, int fd);
void routes_pump(struct qmgr *d);

/* intake.c */
/* Why new mail is refused, for a human; "" when it is not. */
const char *intake_why(const struct qmgr *d);

/* ready.c: recipients whose way is known */
/* All its questions are answered: its bundles may have their turn. */
void message_ready(struct qmgr *d, struct message *m);
void message_ready_bundle(struct qmgr *d, struct bundle *b);
/* Deferred ones whose time has come. */
void message_due(struct qmgr *d, struct message *m);
/* What is ready for a site that is left alone waits until it may go. */
void lane_defer_ready(struct qmgr *d, struct lane *lane);
/* It answers: who waits for it is to be woken, all, or those that could not
 * connect. */
void lane_back(struct qmgr *d, struct lane *lane, bool all);
/* Sends some of them. */
void lane_wake(struct qmgr *d, struct lane *lane, uint32_t most);

enum { LANE_WOKEN = 500 /* recipients, by one success */ };

/* orders.c: pauses and rates */
void orders_init(struct qmgr *d);
/* d->rules has changed: it holds from now on. */
void orders_changed(struct qmgr *d);
/* Now and then: those that are over. */
void orders_look(struct qmgr *d);

/* agents.c */
void agents_init(struct qmgr *d);
void agents_pump(struct qmgr *d);
/* Else the next pump that may is to be waited for. */
bool agents_may_start(const struct qmgr *d);
/* Now and then: workers that do not come. */
void agents_look(struct qmgr *d);
/* A job of bounce: rs are REPORT or DEFERRED.  false: none can be had now. */
bool agents_report(struct qmgr *d, struct message *m, enum dsn_action action,
    struct rcpt **rs, size_t n);

/* outcome.c: what became of an attempt */
struct outcome {
	struct rcpt *r;
	enum job_status status;
	struct reason *reason; /* borrowed; not NULL */
	bool maybe;            /* it may have been taken */
	bool passed;           /* JOB_OK: the next host reports, if wanted */
	bool local;            /* JOB_OK: it is in a mailbox of ours */
};
/* Recipients of one message that an agent or routerd decided about, by rising
 * index; those that are not INFLIGHT or ROUTING any more are left alone. */
void outcome_apply(
    struct qmgr *d, struct message *m, const struct outcome *os, size_t n);
/* By the recipients' indexes: records hold them so. */
void outcomes_sort(struct outcome *os, size_t n);
/* The one of key's recipient, of those that are sorted, or NULL. */
struct outcome *outcomes_find(
    struct outcome *os, size_t n, const struct outcome *key);

/* Its sender is told that it is late, if that is so and wanted. */
void message_warn(struct qmgr *d, struct message *m);
/* It is given up if it fails for this reason (or NULL). */
bool rcpt_expired(
    const struct qmgr *d, const struct rcpt *r, const struct reason *why);
/* It is not held any more: what was never tried goes now. */
void message_released(struct qmgr *d, struct message *m);

/* text.c */
/* Prefix and, unless large, body; NULL p and errno when it cannot be read:
 * EBADMSG if it is damaged or gone. */
struct str message_text(struct qmgr *d, struct message *m);
/* Others will want it too: it stays in memory, if there is room, until none
 * of its recipients is busy. */
void message_keep_text(struct qmgr *d, struct message *m, struct str text);

/* dsn.c */
void dsn_init(struct qmgr *d);
void dsn_queue(struct qmgr *d, struct message *m, enum dsn_action action);
void dsn_pump(struct qmgr *d);
/* A report of this kind would go to this message's sender. */
bool dsn_wanted(const struct rcpt *r, enum dsn_action action);
/* Logs that this recipient failed and nobody will be told. */
void dsn_dropped(const struct rcpt *r);

/* Its reports have failed for so long that what they lack will not come. */
bool dsn_is_overdue(const struct qmgr *d, const struct message *m);
/* A job of bounce is over; rs were reported.  Of those for whom a report had no
 * room, so not all, the next one tells; n 0: not before a while. */
void dsn_result(struct qmgr *d, struct message *m, enum dsn_action action,
    struct rcpt **rs, size_t n, bool all);

/* space.c */
void space_init(struct qmgr *d);
/* Mail takes so many octets now. */
void space_take(struct qmgr *d, size_t n);
/* No new mail. */
bool space_is_short(const struct qmgr *d);
/* For a human; "" when there is room. */
const char *space_why(const struct qmgr *d);
/* The log waits for room, with error; or, 0, goes on. */
void space_full(struct qmgr *d, int error);

/* compact.c: states, segments */
void compact_init(struct qmgr *d, uint64_t last_state);
void compact_look(struct qmgr *d);
/* A segment was left: it may be free when what is under way is done. */
void compact_soon(struct qmgr *d);
/* Begins a state; the other waits until it is there. */
void compact_state(struct qmgr *d);
void compact_state_now(struct qmgr *d);
/* Moves what lives in segments whose flush failed; at the start. */
void compact_bad(struct qmgr *d);

/* control.c */
void control_peer(struct qmgr *d, int fd, uid_t uid, uint32_t rights);

#endif
