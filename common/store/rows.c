#include "store/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

void
rows_clear(struct rows *r)
{
	free(r->octets);
	free(r->more);
	rank_clear(&r->live);
	memset(r, 0, sizeof(*r));
}

size_t
rows_count(const struct rows *r)
{
	return r->nbase + r->nmore;
}

struct row *
rows_at(const struct rows *r, size_t place)
{
	return place < r->nbase ? &r->base[place] : &r->more[place - r->nbase];
}

size_t
rows_find(const struct rows *r, uint32_t uid)
{
	size_t low = 0, high = rows_count(r);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rows_at(r, middle)->uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void
rows_push(struct rows *r, const struct row *row)
{
	if (r->nmore == r->cap) {
		r->cap = r->cap == 0 ? 64 : r->cap * 2;
		r->more = xreallocarray(r->more, r->cap, sizeof(*r->more));
	}
	r->more[r->nmore++] = *row;
	rank_push(&r->live, (row->flags & ROW_GONE) == 0);
}

uint32_t
rows_last_uid(const struct rows *r)
{
	size_t n = rows_count(r);

	return n == 0 ? 0 : rows_at(r, n - 1)->uid;
}
