#include "qmgr/change.h"

#include "base/wire.h"

/* The count goes in front once it is known. */
struct writer {
	struct buf *out;
	size_t at;
	uint32_t n, first, last;
};

static void
begin(struct writer *w, struct buf *out)
{
	*w = (struct writer){ .out = out, .at = buf_len(out) };
	wire_put_u32(out, 0);
}

static void
put_pair(struct writer *w)
{
	wire_put_u32(w->out, w->first);
	wire_put_u32(w->out, w->last);
	w->n++;
}

static void
put_index(struct writer *w, uint32_t index, bool first)
{
	if (!first && index == w->last + 1) {
		w->last = index;
		return;
	}
	if (!first)
		put_pair(w);
	w->first = w->last = index;
}

static void
end(struct writer *w, size_t n)
{
	struct buf count;

	if (n != 0)
		put_pair(w);
	buf_init(&count, 8);
	wire_put_u32(&count, w->n);
	memcpy(w->out->p + w->out->at + w->at, buf_str(&count).p, 4);
	buf_clear(&count);
}

void
ranges_put(struct buf *out, struct rcpt *const *rs, size_t n)
{
	struct writer w;

	begin(&w, out);
	for (size_t i = 0; i < n; i++)
		put_index(&w, rs[i]->index, i == 0);
	end(&w, n);
}

void
ranges_put_indexes(struct buf *out, const uint32_t *indexes, size_t n)
{
	struct writer w;

	begin(&w, out);
	for (size_t i = 0; i < n; i++)
		put_index(&w, indexes[i], i == 0);
	end(&w, n);
}

bool
ranges_take(struct str *in, struct ranges *r)
{
	uint32_t n, first, last, next = 0;
	struct str pairs;

	if (!wire_take_u32(in, &n) || n > in->n / 8)
		return false;
	pairs = str_first(*in, (size_t)n * 8);
	while (pairs.n != 0) {
		wire_take_u32(&pairs, &first);
		wire_take_u32(&pairs, &last);
		if (first < next || last < first || last >= INDEX_MAX)
			return false;
		next = last + 1;
	}
	r->pairs = str_take(in, (size_t)n * 8);
	return true;
}

void
ranges_walk(const struct ranges *r, struct ranges_walk *w)
{
	*w = (struct ranges_walk){ .rest = r->pairs };
}

bool
ranges_next(struct ranges_walk *w, uint32_t *index)
{
	if (!w->open) {
		if (!wire_take_u32(&w->rest, &w->next) ||
		    !wire_take_u32(&w->rest, &w->last))
			return false;
		w->open = true;
	}
	*index = w->next;
	if (w->next >= w->last)
		w->open = false;
	else
		w->next++;
	return true;
}

void
member_put(struct buf *out, const struct rcpt_init *in)
{
	wire_put_u32(out, in->index);
	wire_put_u32(out, in->notify | (uint32_t)in->depth << 8);
	wire_put_str(out, in->address);
	wire_put_str(out, in->orcpt);
}

bool
member_take(struct str *in, struct rcpt_init *out)
{
	uint32_t bits;

	*out = (struct rcpt_init){ 0 };
	if (!wire_take_u32(in, &out->index) || !wire_take_u32(in, &bits) ||
	    !wire_take_str(in, &out->address, ADDRESS_MAX) ||
	    !wire_take_str(in, &out->orcpt, ORCPT_MAX))
		return false;
	out->notify = (uint8_t)bits;
	out->depth = (uint8_t)(bits >> 8);
	return true;
}
