/*
 * batchask -- what deliveries ask the rows of an account: whether they were
 * there before, and how much is in it.  Opens one account at a time, as readers
 * do, and believes what is on disk alone: memory may hold what the process
 * before this one failed to flush.
 */
#ifndef POSTERN_STORE_BATCHASK_H
#define POSTERN_STORE_BATCHASK_H

#include "store/batchbox.h"
#include "store/inner.h"

struct batchask {
	const struct batch_conf *conf;
	struct account *account; /* the last one that was asked, or NULL */
	struct buf path;         /* its path */
};

/* conf stays the caller's. */
void batchask_init(struct batchask *ask, const struct batch_conf *conf);
void batchask_clear(struct batchask *ask);
/* The delivery's, with its quota; NULL and errno. */
struct account *batchask_account(
    struct batchask *ask, const struct delivery *d);
/* The delivery, with the text's checksum, in its mailbox, or in INBOX, where it
 * went if that did not exist; or, if it may have been there before, in one that
 * was renamed since.  What came half is made undone. */
enum seen batchask_seen(struct batchask *ask, const struct delivery *d,
    const struct batchbox *box, uint32_t crc);
/* Marks those of the queue as taken that have a row by now, somebody else's;
 * the box's log tells again from here on.  -1 and errno. */
int batchask_queue(struct batchask *ask, struct batchbox *box);

#endif
