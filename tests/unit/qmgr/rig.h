/* rig -- a queue in a temporary folder, without threads and clocks. */
#ifndef POSTERN_TESTS_QMGR_RIG_H
#define POSTERN_TESTS_QMGR_RIG_H

#include "qmgr/ledger.h"
#include "qmgr/load.h"
#include "qmgr/queue.h"
#include "qmgr/state.h"

struct rig {
	char path[64];
	int dirfd, corruptfd;
	struct syncer *syncer;
	struct queue q;
	struct state_writer state;
	struct load_report report;
	bool loaded; /* syncer, q and state are there */
	int failed;  /* errno of a flush that failed */
	int full;    /* errno of a write that waits for room, or 0 */
	int fulls;   /* changes of it */
	int states;  /* completed */
};

void rig_init(struct rig *r);
/* Opens the queue from what the folder holds; segment: octets. */
void rig_load(struct rig *r, uint64_t segment);
/* The same; -1 and errno: it cannot be read, and nothing is loaded. */
int rig_try_load(struct rig *r, uint64_t segment);
/* As a crash does: what is only in memory is gone. */
void rig_unload(struct rig *r);
void rig_clear(struct rig *r);

/* A message of n recipients with such a body; flushed when wanted. */
struct message *rig_accept(
    struct rig *r, uint32_t nrcpts, const char *body, const struct settle *s);
void rig_flush(struct rig *r);
/* A state, whole; the segments that it frees are given back. */
void rig_write_state(struct rig *r);
/* The whole table as text, as a restart would show it; caller clears. */
void rig_dump(struct rig *r, struct buf *out);
/* What an audit of the folder finds: its words, a blank behind each; caller
 * clears.  The rig must be unloaded. */
void rig_audit(struct rig *r, struct buf *kinds);
/* The sums of its ledger; no problem may be found. */
void rig_audit_ends(struct rig *r, struct ledger *sums);
/* The message's octets as they stand in the log, or "?". */
struct str rig_text(struct rig *r, const struct message *m, struct buf *room);

#endif
