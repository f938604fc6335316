/*
 * entry -- a message as it stands in records and state files: envelope,
 * recipients with their states (those that are DONE only while another may
 * stand for a list), but not the text.  FORMAT.md.
 * A run is the entries that follow each other in one record or state: words
 * and sites that come again are named by number in it.
 */
#ifndef POSTERN_QMGR_ENTRY_H
#define POSTERN_QMGR_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "qmgr/message.h"
#include "qmgr/site.h"

struct entry_writer {
	uint64_t run;
	uint32_t nreasons, nsites;
};

struct entry_reader {
	struct reasons *reasons;
	struct sites *sites;
	struct reason **known;     /* by number; references */
	struct site **known_sites; /* references */
	uint32_t nreasons, nsites;
};

void entry_writer_init(struct entry_writer *w);
void entry_put(struct buf *out, struct entry_writer *w, const struct message *m);
void reason_put(struct buf *out, struct entry_writer *w, struct reason *r);
void site_put(struct buf *out, struct entry_writer *w, struct site *s);

void entry_reader_init(struct entry_reader *r, struct reasons *reasons,
    struct sites *sites);
void entry_reader_clear(struct entry_reader *r);
/* The message at the front of *in, or NULL (*in undefined).  Waiting ones are
 * ROUTING and MAYBE; it belongs to no table, segment or site's list yet. */
struct message *entry_take(struct entry_reader *r, struct str *in);
/* *out is borrowed from the reader, NULL for none; false: malformed. */
bool reason_take(struct entry_reader *r, struct str *in, struct reason **out);
bool site_take(struct entry_reader *r, struct str *in, struct site **out);
/* Lets go of what its recipients refer to, and frees it. */
void entry_free(struct message *m, struct reasons *reasons);

#endif
