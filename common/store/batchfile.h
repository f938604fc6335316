/*
 * batchfile -- the file of one delivery: created under its final name,
 * written, and studied for the index.
 */
#ifndef POSTERN_STORE_BATCHFILE_H
#define POSTERN_STORE_BATCHFILE_H

#include "store/batchbox.h"

/* What is needed again and again; zeroed before the first use. */
struct batchfile {
	struct buf text;   /* head and text of a short message */
	struct buf space;  /* strings of cold */
	struct buf record;
	struct cold cold;
};
void batchfile_init(struct batchfile *f);
void batchfile_clear(struct batchfile *f);

/* Octets and crc of the text alone.  -1 and errno. */
int batchfile_source(const struct delivery *d, uint32_t *crc);
/*
 * Writes the file and fills q (name, fd, op without uid).  -1 and errno:
 * nothing is left of it; EEXIST: there is one already.
 */
int batchfile_write(struct batchfile *f, const struct batchbox *box,
    struct pool *pool, struct queued *q, uint32_t source_crc, bool shared);
/* The name that the file has. */
void batchfile_name(const struct delivery *d, char out[256]);

#endif
