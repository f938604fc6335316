/*
 * syncpick -- which way to make a batch durable costs less: one syncfs, which
 * also waits for what everybody else has written to that file system, or a
 * sync of each file.  It goes by what both took of late.  Pure.
 */
#ifndef POSTERN_STORE_SYNCPICK_H
#define POSTERN_STORE_SYNCPICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct syncpick {
	int64_t slow_us;  /* a syncfs up to this is never questioned; 0: none
	                   * is; below 0: always file by file */
	int64_t all_us;   /* what a syncfs takes */
	int64_t file_us;  /* what a file takes when each is synced */
	unsigned skipped; /* batches since the last syncfs */
};

void syncpick_init(struct syncpick *p, int64_t slow_ms);
/* A batch may come to be synced file by file: keep its descriptors. */
bool syncpick_may_be_files(const struct syncpick *p);
/* This batch of n files should be. */
bool syncpick_is_files(const struct syncpick *p, size_t n);
/* What was done, and how long it took. */
void syncpick_took_all(struct syncpick *p, int64_t us);
void syncpick_took_files(struct syncpick *p, size_t n, int64_t us);

#endif
