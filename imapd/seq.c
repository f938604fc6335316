#include "imapd/seq.h"

#include <stdlib.h>

#include "imapd/lex.h"

/* seq-number = nz-number / "*" */
bool
seq_take_number(struct str *in, uint32_t *out)
{
	if (str_take_char(in, '*')) {
		*out = SEQ_STAR;
		return true;
	}
	return lex_nz_number(in, out);
}

/* seq-range = seq-number [":" seq-number] */
static bool
take_range(struct str *in, struct seq_range *out)
{
	struct str rest = *in;
	struct seq_range r;

	if (!seq_take_number(&rest, &r.first))
		return false;
	r.last = r.first;
	if (str_take_char(&rest, ':') && !seq_take_number(&rest, &r.last))
		return false;
	*in = rest;
	*out = r;
	return true;
}

static size_t
count_ranges(struct str in)
{
	size_t n = 1;

	for (size_t i = 0; i < in.n && in.p[i] != ' ' && in.p[i] != ')'; i++)
		n += in.p[i] == ',';
	return n;
}

/* sequence-set = seq-range *("," seq-range) */
bool
seq_take(struct str *in, struct pool *pool, struct seq_set *out)
{
	struct str rest = *in;
	struct seq_set set = { NULL, 0 };
	size_t most = count_ranges(rest);

	if (most > SEQ_RANGES_MAX)
		return false;
	set.ranges = pool_alloc(pool, most * sizeof(set.ranges[0]));
	do {
		if (set.count == most ||
		    !take_range(&rest, &set.ranges[set.count]))
			return false;
		set.count++;
	} while (str_take_char(&rest, ','));
	*in = rest;
	*out = set;
	return true;
}

static int
by_first(const void *a, const void *b)
{
	const struct seq_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

void
seq_resolve(struct seq_set *set, uint32_t largest)
{
	size_t n = 0;

	if (largest == 0)
		set->count = 0;
	for (size_t i = 0; i < set->count; i++) {
		struct seq_range *r = &set->ranges[i];

		if (r->first == SEQ_STAR)
			r->first = largest;
		if (r->last == SEQ_STAR)
			r->last = largest;
		if (r->first > r->last)
			*r = (struct seq_range){ r->last, r->first };
	}
	if (set->count > 1)
		qsort(set->ranges, set->count, sizeof(set->ranges[0]), by_first);
	for (size_t i = 0; i < set->count; i++) {
		struct seq_range r = set->ranges[i], *last;

		last = n == 0 ? NULL : &set->ranges[n - 1];
		if (last == NULL || (uint64_t)r.first > (uint64_t)last->last + 1)
			set->ranges[n++] = r;
		else if (r.last > last->last)
			last->last = r.last;
	}
	set->count = n;
}

bool
seq_has(const struct seq_set *set, uint32_t number)
{
	size_t lo = 0, hi = set->count;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (number > set->ranges[mid].last)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < set->count && number >= set->ranges[lo].first;
}

uint32_t
seq_last(const struct seq_set *set)
{
	return set->count == 0 ? 0 : set->ranges[set->count - 1].last;
}

void
seq_out_init(struct seq_out *o, struct buf *out)
{
	*o = (struct seq_out){ .out = out };
}

static void
write_range(struct seq_out *o)
{
	if (o->any)
		buf_add_char(o->out, ',');
	o->any = true;
	buf_add_u64(o->out, o->first);
	if (o->last != o->first) {
		buf_add_char(o->out, ':');
		buf_add_u64(o->out, o->last);
	}
}

void
seq_out_add(struct seq_out *o, uint32_t number)
{
	if (o->first != 0 && number == o->last + 1) {
		o->last = number;
		return;
	}
	if (o->first != 0)
		write_range(o);
	o->first = o->last = number;
}

void
seq_out_end(struct seq_out *o)
{
	if (o->first != 0)
		write_range(o);
	o->first = 0;
}
