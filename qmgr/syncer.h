/*
 * syncer -- the one thread that waits for the disk.  Work is posted by the
 * loop's thread, run in the syncer's, and told to be done in the loop's.
 * Urgent work goes before other work, each in the order of posting.
 */
#ifndef POSTERN_QMGR_SYNCER_H
#define POSTERN_QMGR_SYNCER_H

#include <stdbool.h>

#include "base/list.h"

struct loop;
struct syncer;

/* Embedded in what it is about; must live until done was called. */
struct work {
	TAILQ_ENTRY(work) entry;
	/* In the syncer's thread.  true: run me again after what is urgent. */
	bool (*run)(struct work *w);
	/* In the loop's thread; w may be posted again or freed. */
	void (*done)(struct work *w);
	bool urgent;
};

/* With loop NULL there is no thread: syncer_wait runs everything. */
struct syncer *syncer_new(struct loop *loop);
void syncer_post(struct syncer *s, struct work *w);
/* Runs w in the caller's thread, the loop's, and tells it.  false: nothing was
 * done, since other work is posted. */
bool syncer_run_here(struct syncer *s, struct work *w);
/* Returns when all posted work is done and told. */
void syncer_wait(struct syncer *s);
/* Waits for all work, then ends the thread. */
void syncer_free(struct syncer *s);

#endif
