/*
 * rows -- messages as JSON objects, the same from the running server and from
 * the reader of a stopped one's spool.  Fields: ctl/VERBS.md.
 */
#ifndef POSTERN_QMGR_ROWS_H
#define POSTERN_QMGR_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "qmgr/filter.h"
#include "qmgr/queue.h"

/* What queue times mean on the calendar. */
struct row_times {
	int64_t now, wall; /* queue time, and the calendar then */
	int64_t lifetime, dsn_lifetime;
	bool orders;       /* some sites may be paused */
};

enum { ROW_RCPTS = 100 /* recipients in a row of a list */ };

/* The fields of a message inside an object that is open.  full: all of its
 * recipients and what else "queue show" tells. */
void row_message(struct buf *b, const struct message *m,
    const struct row_times *t, bool full);

/* Sums for "queue summary": one for each site, reason, ..., and one for all;
 * begin with by set, and reasons, where their reasons are from. */
struct summary {
	const struct summary_kind *by;
	struct reasons *reasons;
	int64_t now;          /* queue time */
	struct map by_key;    /* -> struct summary_row */
	struct summary_row *rows, *at;
	size_t n;
	bool sorted, over;
	uint64_t messages, recipients, deferred, active, hold, octets;
};
/* By "site", "reason", "age" and so on; false: not known. */
bool summary_by(struct summary *s, struct str word);
#define SUMMARY_KINDS "site, domain, reason, age, sender, client or login"
/* The recipients of m that f is about. */
void summary_add(
    struct summary *s, const struct message *m, const struct filter *f);
/* Another row is there; what was added then counts no more. */
bool summary_more(struct summary *s);
/* Its fields; those with most recipients first, last that of all. */
void summary_put(struct summary *s, struct buf *b);
void summary_clear(struct summary *s);

/* A text in pieces: {"header":...} then {"text":...} or {"base64":...}. */
void row_text(struct buf *b, const char *key, struct str text);

#endif
