/*
 * load -- builds a queue from the spool: newest good state, and the log after
 * it.  Damage is told, kept aside, and never takes its neighbours with it.
 */
#ifndef POSTERN_QMGR_LOAD_H
#define POSTERN_QMGR_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "qmgr/queue.h"
#include "qmgr/state.h"

struct load_report {
	struct state_head head;
	bool had_state;
	uint64_t state_number; /* highest of any state */
	uint64_t records, damaged, torn, malformed;
	uint64_t bad_states, bad_segments, missing_texts;
	uint64_t refused;      /* ACCEPTs that were not answered 250 */
	int64_t clock, wall;   /* newest pair known */
};

/* Who is told instead of the log of the server; all of them are set. */
struct load_watch {
	void (*on_bad_state)(void *arg, const char *name);
	/* Each record from the state on: before, and after it was applied
	 * (ok) or found malformed. */
	void (*before)(void *arg, const struct record *r);
	void (*after)(void *arg, const struct record *r, struct segment *seg,
	    uint32_t off, bool ok);
	/* As in logscan.h. */
	void (*on_damage)(void *arg, struct segment *seg, uint64_t off,
	    struct str octets, uint64_t lsn, uint64_t count);
	void *arg;
};

/*
 * q's log is initialised, its sites and table are empty.  corruptfd -1: keep
 * nothing aside (a reader that changes nothing).  What was read is on disk
 * when it returns, should its writer have been killed before its flush.  -1
 * and errno when a file cannot be read or flushed; then nothing may be done
 * with the queue.
 */
int queue_load(struct queue *q, int corruptfd, struct load_report *report);
/* The same, changing nothing on disk. */
int queue_load_watched(struct queue *q, struct load_report *report,
    const struct load_watch *watch);

#endif
