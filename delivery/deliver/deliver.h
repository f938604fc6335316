/*
 * deliver -- the local delivery agent: takes jobs of qmgr, writes the files
 * and index frames of many messages, makes them durable together, and only
 * then reports.  Runs as the owner of the mailboxes.
 */
#ifndef POSTERN_DELIVERY_DELIVER_DELIVER_H
#define POSTERN_DELIVERY_DELIVER_DELIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "event/loop.h"
#include "msg/agent.h"
#include "store/batch.h"

/* One recipient of a job, on its way into a mailbox. */
struct deliver_item {
	TAILQ_ENTRY(deliver_item) entry;
	struct agent_job *job;
	size_t rcpt;             /* its place in job->rcpts */
	struct delivery d;
};

struct deliver_conf {
	struct batch_conf batch;
	size_t batch_max;    /* deliveries before a flush is due */
	int64_t idle;        /* milliseconds without work before on_idle */
	bool plus_folders;   /* user+name goes to the mailbox name */
};

struct deliver_calls {
	/* A mailbox has new mail.  Called after the flush. */
	void (*on_new)(void *arg, struct str account, struct str mailbox);
	/* Nothing to do for a while: the process may end. */
	void (*on_idle)(void *arg);
};

struct deliver {
	struct loop *loop;
	struct agent agent;
	struct batch *batch;
	struct timer pace;    /* commits when the last was a moment ago */
	int64_t committed;    /* clock_mono_ms of the last */
	struct deferred commit;  /* at the end of the loop's round */
	struct deliver_conf conf;
	struct timer idle;
	TAILQ_HEAD(, deliver_item) items; /* written, not yet durable */
	const struct deliver_calls *calls;
	void *arg;
};

void deliver_init(struct deliver *d, struct loop *loop,
    const struct deliver_conf *conf, const struct deliver_calls *calls,
    void *arg);
void deliver_clear(struct deliver *d);
/* What was written becomes durable and is answered now. */
void deliver_flush(struct deliver *d);
/* A fresh link to qmgr. */
void deliver_qmgr(struct deliver *d, int fd);

#endif
