/*
 * snap -- the snapshot of a mailbox: its boxindex as one file, written once
 * and never changed.  snap.<gen> is the state at the start of log.<gen>.
 */
#ifndef POSTERN_STORE_SNAP_H
#define POSTERN_STORE_SNAP_H

#include "store/boxindex.h"

struct snap_head {
	uint32_t gen;
	uint32_t meta_gen;  /* the meta file that rows point into, 0: none */
	uint64_t meta_size; /* octets of it that were on disk */
};

/* Tombstones stay at least so long: a message that comes again is known by
 * them (longer than any queue keeps a message). */
enum { SNAP_TOMBSTONE_S = 30 * 86400 };
/* A tombstone that the next snapshot leaves out. */
bool snap_drops(const struct row *row, int64_t now);

/*
 * Reads snap.<gen> into an empty boxindex.  0, or -1: errno EILSEQ when it is
 * damaged (x is empty again), else the disk's.
 */
int snap_read(int ixdir, uint32_t gen, struct boxindex *x,
    struct snap_head *head);
/* Written aside, synced, renamed, its directory synced. */
int snap_write(int ixdir, const struct boxindex *x,
    const struct snap_head *head);

#endif
