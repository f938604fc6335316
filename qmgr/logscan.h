/*
 * logscan -- the records of one segment, in order, past damage.
 * A place that holds no whole record of the segment's present use is searched
 * on, 8 octets at a time, for the next one.  Whether what was skipped is
 * damage or the torn end of the last run's writes, the numbers say: records
 * count upwards, and each tells up to where all was on disk before it.
 */
#ifndef POSTERN_QMGR_LOGSCAN_H
#define POSTERN_QMGR_LOGSCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "qmgr/record.h"
#include "qmgr/segment.h"

struct logscan {
	/* Each record; off is its place. */
	void (*on_record)(void *arg, const struct record *r,
	    struct segment *seg, uint32_t off, uint32_t size);
	/* Records lsn..lsn+count-1 are missing though they were on disk; the
	 * octets, if any, stand where they were (seg may be NULL). */
	void (*on_damage)(void *arg, struct segment *seg, uint64_t off,
	    struct str octets, uint64_t lsn, uint64_t count);
	void *arg;
	uint32_t seed;
	uint64_t next_lsn;    /* expected; 0: any */
	uint64_t torn;        /* records lost that were never vouched for; known
	                       * after logscan_end */
	/* Its own. */
	struct gap *gaps;
	size_t ngaps, cap;
	uint64_t durable;     /* as the last record told */
};

/* Reads from offset on.  0, or -1 and errno when the file cannot be read. */
int logscan_segment(struct logscan *s, struct segment *seg, uint64_t from);
/* After the last segment, or a failure: what is missing still is told. */
void logscan_end(struct logscan *s);

#endif
