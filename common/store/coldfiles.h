/*
 * coldfiles -- reads cold records from the logs and meta files that rows
 * point into.  Keeps a few of them open: one that was removed meanwhile is
 * still there for who opened it in time.
 */
#ifndef POSTERN_STORE_COLDFILES_H
#define POSTERN_STORE_COLDFILES_H

#include "base/buf.h"
#include "store/mailbox.h"

enum { COLDFILES = 8 };

struct coldfiles {
	struct coldfile {
		int fd;
		bool meta;
		uint32_t gen; /* 0: free */
	} files[COLDFILES];
	size_t next; /* to be replaced next */
};

/* A zeroed one is empty. */
void coldfiles_clear(struct coldfiles *c);
/* Opens the file that holds this log or meta file now, while it has a name. */
void coldfiles_keep(struct coldfiles *c, int ix, bool meta, uint32_t gen);
/* Adds the record's octets to out.  false and errno: ENOENT or EILSEQ when it
 * is not there (any more), else it could not be read. */
bool coldfiles_read(struct coldfiles *c, int ix, const struct row *row,
    struct buf *out);

#endif
