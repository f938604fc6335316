/*
 * record -- the frame of everything in the queue log: a header, the payload,
 * zeros up to a multiple of 8.  Layout: FORMAT.md.
 * The CRC is seeded with the spool's secret, so that octets of a message can
 * never pass for a record while a damaged place is searched for the next one.
 */
#ifndef POSTERN_QMGR_RECORD_H
#define POSTERN_QMGR_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum record_type {
	RECORD_ACCEPT = 1, /* a message: entry, what it settles, text */
	RECORD_COPY,       /* the same message moved here: entry, text */
	RECORD_DONE,       /* recipients that nothing more happens to */
	RECORD_DEFER,      /* recipients to be tried again */
	RECORD_REPORT,     /* recipients whose fate the sender is to be told */
	RECORD_HOLD,
	RECORD_RELEASE,
	RECORD_EXPAND,     /* a part of the list that a recipient stands for */
	RECORD_EXPAND_END, /* the whole list is there */
	RECORD_WARNED,     /* recipients whose sender was told of the delay */
	RECORD_CHECKPOINT, /* nothing; carries the clock and the durable lsn */
	RECORD_REROUTE,    /* recipients whose next hop is ordered */
	RECORD_DROPPED,    /* as ACCEPT, with the token of pickup's file */
	RECORD_GONE,       /* tokens whose files are no more */
	RECORD_LAST = RECORD_GONE
};

enum {
	RECORD_MAGIC = 0x43455251, /* "QREC" */
	RECORD_HEADER = 48,
	RECORD_MAX = 512 * 1024 * 1024 /* octets of payload: a long list */
};

struct record {
	uint32_t type;    /* enum record_type, or one from the future */
	uint64_t id;      /* of the message, 0 for CHECKPOINT and GONE */
	uint64_t lsn;     /* counts records, 1.. */
	uint64_t use;     /* number of the segment's present use */
	uint64_t durable; /* highest lsn known to be on disk when written */
	struct str payload;
};

/* Octets that a record with such a payload takes. */
size_t record_size(size_t payload);
/* Leaves room for a header; the payload is added to out behind it. */
void record_begin(struct buf *out);
/* Completes the record that began at offset from of out's octets; returns
 * its size.  r->payload is not looked at. */
size_t record_end(
    struct buf *out, size_t from, const struct record *r, uint32_t seed);
/* The record at the front of in; false when there is none that is whole. */
bool record_read(struct str in, struct record *r, uint32_t seed);
/* The seed that belongs to a spool. */
uint32_t record_seed(const unsigned char uuid[16]);

#endif
