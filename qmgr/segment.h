/*
 * segment -- one file of the queue log, "NNNNNNNN.seg".  The number is that
 * of its present use and stands in each of its records: a file that is used
 * again gets a new number (by rename), so old records in it are told apart.
 * Owns the descriptor.  fd and filled belong to the syncer's thread until
 * the first flush into the segment is done.
 */
#ifndef POSTERN_QMGR_SEGMENT_H
#define POSTERN_QMGR_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

enum { SEGMENT_NAME = 64 };
#define SEGMENT_ALL UINT64_MAX

struct segment {
	TAILQ_ENTRY(segment) entry; /* by number */
	uint64_t number;
	int fd;                /* -1: not made yet */
	uint64_t size;         /* octets that records may take */
	uint64_t end;          /* octets that records take */
	uint64_t filled;       /* octets of records and zeros in the file */
	uint64_t last_lsn;     /* of its newest record */
	uint64_t left_lsn;     /* of that by which the last message left it */
	uint64_t living_octets; /* of records whose message lives */
	uint32_t living;       /* messages whose text is here */
	uint64_t answered;     /* of a bad one: the highest lsn that was on disk
	                        * before, so above it no mail was answered 250;
	                        * SEGMENT_ALL: not known */
	bool bad;              /* a flush into it failed: "NNNNNNNN-LSN.bad" */
	bool making;           /* not yet flushed into */
	bool leaving;          /* compaction has it: its messages are being
	                        * copied elsewhere */
};
TAILQ_HEAD(segment_list, segment);

struct segment *segment_new(uint64_t number, uint64_t size);
void segment_free(struct segment *s);
/* "00000007.seg" */
void segment_name(uint64_t number, char name[SEGMENT_NAME]);
/* "00000007-1234.bad", or "00000007.bad" for SEGMENT_ALL */
void segment_bad_name(
    uint64_t number, uint64_t answered, char name[SEGMENT_NAME]);
/* Whose number it has, which is one of these three; false for other names. */
bool segment_parse_name(
    const char *name, uint64_t *number, bool *bad, uint64_t *answered);
/* A message's record is here; or, as the record lsn tells, it is no longer
 * needed here. */
void segment_hold(struct segment *s, uint32_t octets);
void segment_drop(struct segment *s, uint32_t octets, uint64_t lsn);

#endif
