/*
 * replay -- applies records of the log to a queue.  Applying a record to a
 * queue that shows it already, or what came of it, changes nothing: a
 * recipient that is DONE stays so, and every record says what is, not what
 * changed.
 */
#ifndef POSTERN_QMGR_REPLAY_H
#define POSTERN_QMGR_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "qmgr/queue.h"

struct replay {
	struct queue *q;
	int64_t clock, wall; /* newest pair seen */
	/* The list being read: its parts follow each other. */
	uint64_t list_id;
	uint32_t list_parent;
	struct rcpt_init *members;
	size_t nmembers, cap;
	struct pool pool;
};

void replay_init(struct replay *p, struct queue *q);
void replay_clear(struct replay *p);
/* false: the payload is malformed, nothing was changed. */
bool replay_record(struct replay *p, const struct record *r,
    struct segment *seg, uint32_t off, uint32_t size);

#endif
