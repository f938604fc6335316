/*
 * spare -- files full of zeros that wait to become segments: "spare.N" in the
 * log's folder, or "filling" as long as it is not full.  Lives in the syncer's
 * thread.  A flush into a file that was filled before costs half of one that
 * makes the file grow.  Zeros are written for the first segments only: later
 * ones are those that were used before.
 */
#ifndef POSTERN_QMGR_SPARE_H
#define POSTERN_QMGR_SPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "qmgr/segment.h"

enum {
	SPARES_MAX = 3,
	SPARE_STEP = 1024 * 1024 /* octets filled between two flushes */
};

struct spares {
	int dirfd;
	uint64_t size;         /* octets of each */
	bool have[SPARES_MAX];
	int fd;                /* being filled, or -1 */
	uint64_t filled;
};

/* Looks which are there; removes those of another size. */
void spares_open(struct spares *s, int dirfd, uint64_t size);
void spares_close(struct spares *s);
/* Makes the segment's file, from a spare if there is one, else from what is
 * filled of the next; it is in the folder for good when this returns 0.  -1 and
 * errno: nothing was made; -2 and errno: its flush failed. */
int spares_use(struct spares *s, struct segment *seg);
/* The segment's file becomes a spare, or goes away when there are enough;
 * its descriptor is closed. */
int spares_give(struct spares *s, struct segment *seg);
/* There is a whole one. */
bool spares_ready(const struct spares *s);
/* One step towards a spare of which so many octets, or all, are filled: 1 more
 * to do, 0 done, -1 errno. */
int spares_fill(struct spares *s, uint64_t to);
/* One step towards a segment that is filled so far, as above; 0 also when the
 * disk has no room for more. */
int spares_fill_segment(struct segment *seg, uint64_t to);

#endif
