/*
 * spool -- the queue's folders: log/ large/ corrupt/, the file uuid that names
 * this spool for ever, and the lock that one qmgr holds.
 */
#ifndef POSTERN_QMGR_SPOOL_H
#define POSTERN_QMGR_SPOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"
#include "qmgr/table.h"

struct spool {
	int dirfd, logfd, largefd, corruptfd;
	int lockfd; /* -1: only reading */
	unsigned char uuid[16];
};

enum { SPOOL_LOCK_WAIT = 10000 /* ms for the former qmgr to go */ };

/* Takes over dirfd, makes what is missing; -1 and errno (EAGAIN: another
 * qmgr has it). */
int spool_open(struct spool *s, int dirfd);
/* For reading only; nothing is made or locked. */
int spool_open_read(struct spool *s, int dirfd);
/* A qmgr has it; asked without taking the lock. */
bool spool_is_live(const struct spool *s);
void spool_close(struct spool *s);

/* The body of a large message. */
int large_create(const struct spool *s, uint64_t id);
int large_open(const struct spool *s, uint64_t id);
void large_remove(const struct spool *s, uint64_t id);
/* Removes those that no message of the table names; is_damaged: their records
 * may be what was lost, so they go to corrupt. */
void large_sweep(
    const struct spool *s, const struct table *t, bool is_damaged);

#endif
