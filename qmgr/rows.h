/*
 * rows -- messages as JSON objects, the same from the running server and from
 * the reader of a stopped one's spool.  Fields: ctl/VERBS.md.
 */
#ifndef POSTERN_QMGR_ROWS_H
#define POSTERN_QMGR_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "qmgr/queue.h"

/* What queue times mean on the calendar. */
struct row_times {
	int64_t now, wall; /* queue time, and the calendar then */
	int64_t lifetime, dsn_lifetime;
};

enum { ROW_RCPTS = 100 /* recipients in a row of a list */ };

/* The fields of a message inside an object that is open.  full: all of its
 * recipients and what else "queue show" tells. */
void row_message(struct buf *b, const struct message *m,
    const struct row_times *t, bool full);

/* Sums for "queue summary": one for each site, and one for all. */
struct summary {
	struct map by_site;   /* name -> struct summary_row */
	struct summary_row *rows;
	size_t n;
	uint64_t messages, recipients, deferred, active, hold, octets;
};
void summary_add(struct summary *s, const struct message *m);
/* Calls put for each row, sites first; then the caller closes the object. */
void summary_rows(struct summary *s, const struct row_times *t,
    struct buf *(*begin)(void *arg), void (*end)(void *arg), void *arg);
void summary_clear(struct summary *s);

/* A text in pieces: {"header":...} then {"text":...} or {"base64":...}. */
void row_text(struct buf *b, const char *key, struct str text);

#endif
