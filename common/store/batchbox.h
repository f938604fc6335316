/*
 * batchbox -- a mailbox as deliveries need it: its cur/, its log, and what is
 * queued for it.  No rows are loaded: the last frame of the log is enough.
 */
#ifndef POSTERN_STORE_BATCHBOX_H
#define POSTERN_STORE_BATCHBOX_H

#include <sys/types.h>

#include "base/list.h"
#include "base/map.h"
#include "base/pool.h"
#include "store/batch.h"
#include "store/boxlog.h"
#include "store/message.h"

/* A message whose file is written. */
struct queued {
	TAILQ_ENTRY(queued) entry;
	struct delivery *d;
	struct delivery *twins; /* the same message for the same mailbox */
	struct op_append op;    /* its cold record is in the batch's pool */
	char *name;             /* in cur/, in the batch's pool */
	int fd;                 /* -1: not needed any more */
	bool framed;            /* its frame is written */
	bool taken;             /* by somebody else, who wrote a row for it */
};
TAILQ_HEAD(queue, queued);
/* The delivery is somebody else's row of that UID. */
void queued_taken(struct queued *q, uint32_t uid);

struct batchbox {
	TAILQ_ENTRY(batchbox) entry; /* least recently used first */
	struct str key;       /* path, NUL, name of the mailbox */
	char *key_space;
	struct str path, name;
	int cur;
	char *cur_path;       /* below the mail root */
	dev_t device;
	ino_t inode;          /* of cur */
	struct boxlog log;
	struct queue queue;
	struct boxlog_mark mark; /* what the flush makes durable */
	bool written;         /* frames wait for the flush */
	bool waits;           /* its UIDs' limits must be on disk first */
	bool stale;           /* to be opened anew the next time */
};
TAILQ_HEAD(batchboxes, batchbox);

/* Opens (or makes) the mailbox, with its index, so that no look for files
 * without rows finds those of a delivery; name "INBOX" or one below.  NULL and errno;
 * ENOENT: no such mailbox. */
struct batchbox *batchbox_open(
    const struct batch_conf *conf, struct str path, struct str name);
void batchbox_free(struct batchbox *box);
/* It is still the mailbox of that name, and its log was read to its end: what
 * others add from now on is seen by batchbox_lock.  Else open it again. */
bool batchbox_is_current(
    const struct batch_conf *conf, struct batchbox *box);
/* Takes the lock and reads what is new in the log: who of the queue has a row
 * by now is marked as taken.  -1 and errno; ESTALE: what is new cannot be told, or it
 * is to be opened again. */
int batchbox_lock(const struct batch_conf *conf, struct batchbox *box);

#endif
