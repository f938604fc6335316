/*
 * rows -- the rows of a loaded mailbox: those of the snapshot, where they
 * stand in its octets, then those that came after it.  Ascending UIDs; nothing is ever removed.
 */
#ifndef POSTERN_STORE_ROWS_H
#define POSTERN_STORE_ROWS_H

#include <assert.h>

#include "store/mailbox.h"
#include "store/rank.h"

struct rows {
	struct row *base;  /* in octets */
	size_t nbase;
	void *octets;      /* of the snapshot */
	struct row *more;
	size_t nmore, cap;
	struct rank live;  /* places without ROW_GONE */
};

static_assert(sizeof(struct row) == 48, "rows stand in snapshots");

/* A zeroed one is empty. */
void rows_clear(struct rows *r);
size_t rows_count(const struct rows *r);
struct row *rows_at(const struct rows *r, size_t place);
/* Place of the first row with at least that uid. */
size_t rows_find(const struct rows *r, uint32_t uid);
/* Its uid must be above all others. */
void rows_push(struct rows *r, const struct row *row);
uint32_t rows_last_uid(const struct rows *r);

#endif
