/*
 * table -- shows JSON rows: as they are with --json, else as the columns of
 * the command: aligned at a terminal, with tabs between them in a pipe.
 */
#ifndef POSTERN_CTL_TABLE_H
#define POSTERN_CTL_TABLE_H

#include <jansson.h>

#include "base/buf.h"
#include "base/str.h"
#include "ctl/ctl.h"

enum {
	TABLE_COLUMNS = 12,
	TABLE_HELD = 500, /* rows looked at for widths */
	TABLE_SOME = 2    /* of a COL_SOME at a terminal */
};

struct table {
	const struct ctl *c;
	const struct column *columns; /* NULL: rows as they are */
	size_t n;                     /* columns */
	size_t width[TABLE_COLUMNS];
	struct buf held;              /* cells with NUL behind each */
	size_t nheld;                 /* rows in it */
	size_t rows;                  /* all that came */
	bool started;                 /* widths are fixed, the head is out */
};

void table_init(struct table *t, const struct ctl *c,
    const struct column *columns);
/* For struct ask.on_rows; arg is the table. */
void table_rows(void *arg, struct str rows);
void table_end(struct table *t);
/* A cell's text for people, added to out. */
void table_cell(const struct column *col, const json_t *row, struct buf *out);
/* This octet is, or ends, a control character, which a terminal would obey:
 * C0, DEL or C1, also in UTF-8. */
bool table_is_order(struct str text, size_t at);
/* "2026-11-23T01:02:03.004Z" in local time; what is no time as it is. */
void table_time(struct str iso, struct buf *out);
/* 1536 -> "1.5 KiB" */
void table_size(uint64_t octets, struct buf *out);
/* Calls on_row for each line; false at the first that is no object. */
bool table_each(struct str rows, void (*on_row)(void *arg, const json_t *row),
    void *arg);

#endif
