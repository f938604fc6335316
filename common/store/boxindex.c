#include "store/boxindex.h"

#include <string.h>

#include "store/coldrec.h"

struct apply {
	struct boxindex *x;
	const struct frame *frame;
	void (*on_news)(void *arg, enum boxindex_news what, uint32_t uid);
	void *arg;
};

void
boxindex_clear(struct boxindex *x)
{
	rows_clear(&x->rows);
	keywords_clear(&x->keywords);
	memset(x, 0, sizeof(*x));
}

static void
news(const struct apply *a, enum boxindex_news what, uint32_t uid)
{
	if (a->on_news != NULL)
		a->on_news(a->arg, what, uid);
}

/* Adds (sign 1) or takes away (-1) a living row from the counters. */
static void
count_row(struct frame_state *s, const struct row *row, int sign)
{
	uint32_t one = (uint32_t)sign;

	s->exists += one;
	if ((row->flags & FLAG_SEEN) == 0)
		s->unseen += one;
	if ((row->flags & FLAG_DELETED) != 0)
		s->deleted += one;
	s->octets += sign > 0 ? row->size : -(uint64_t)row->size;
}

void
boxindex_count(struct boxindex *x)
{
	struct frame_state *s = &x->state;

	s->exists = s->unseen = s->deleted = 0;
	s->octets = 0;
	for (size_t i = 0; i < rows_count(&x->rows); i++) {
		const struct row *row = rows_at(&x->rows, i);

		if ((row->flags & ROW_GONE) == 0)
			count_row(s, row, 1);
	}
}

static bool
apply_head(const struct apply *a, struct str body)
{
	struct op_head o;

	if (!op_head_take(body, &o))
		return false;
	memcpy(a->x->guid, o.guid, STORE_GUID);
	return true;
}

static bool
apply_keyword(const struct apply *a, struct str body)
{
	struct op_keyword o;

	return op_keyword_take(body, &o) &&
	    keywords_add(&a->x->keywords, o.name) == o.id;
}

static bool
apply_append(const struct apply *a, struct str body)
{
	struct op_append o;
	struct row row = { 0 };
	uint64_t at;

	if (!op_append_take(body, &o) ||
	    o.uid <= rows_last_uid(&a->x->rows) ||
	    o.uid >= a->frame->after.uidnext ||
	    rows_count(&a->x->rows) >= STORE_ROWS_MAX)
		return false;
	at = a->frame->at + FRAME_HEAD +
	    (uint64_t)(o.cold.p - a->frame->ops.p);
	row.uid = o.uid;
	row.size = o.size;
	row.modseq = a->frame->after.modseq;
	row.cold_at = COLD_AT(false, a->frame->gen, at);
	row.cold_n = (uint32_t)o.cold.n;
	row.date = o.date;
	row.saved = o.saved;
	row.flags = o.flags;
	row.zone = o.zone;
	row.kwset = keywords_change(
	    &a->x->keywords, 0, true, o.keywords, STR_NONE);
	if (o.cold.n >= COLDREC_LEAST)
		row.tag = coldrec_tag((const uint8_t *)o.cold.p + 16);
	rows_push(&a->x->rows, &row);
	count_row(&a->x->state, &row, 1);
	news(a, ROW_CAME, row.uid);
	return true;
}

static void
change_row(const struct apply *a, struct row *row, const struct op_flags *o)
{
	count_row(&a->x->state, row, -1);
	row->flags = (uint16_t)((row->flags & o->keep) | o->add);
	row->kwset = keywords_change(&a->x->keywords, row->kwset,
	    o->clear_keywords, o->keywords_add, o->keywords_remove);
	row->modseq = a->frame->after.modseq;
	count_row(&a->x->state, row, 1);
	news(a, ROW_CHANGED, row->uid);
}

static void
remove_row(
    const struct apply *a, size_t place, struct row *row, uint16_t mark)
{
	count_row(&a->x->state, row, -1);
	row->flags |= mark;
	row->modseq = a->frame->after.modseq;
	rank_remove(&a->x->rows.live, place);
	news(a, ROW_LEFT, row->uid);
}

/* For each living row of the ranges: o NULL means expunge, with that mark.
 * Ranges ascend, so a frame costs at most one walk over the rows. */
static bool
apply_ranges(const struct apply *a, struct str ranges,
    const struct op_flags *o, uint16_t mark)
{
	struct rows *rows = &a->x->rows;
	uint32_t first, last, before = 0;

	while (op_range(&ranges, &first, &last)) {
		if (first <= before || last < first)
			return false;
		before = last;
		for (size_t i = rank_next(&rows->live, rows_find(rows, first));
		    i < rows_count(rows) && rows_at(rows, i)->uid <= last;
		    i = rank_next(&rows->live, i + 1)) {
			if (o != NULL)
				change_row(a, rows_at(rows, i), o);
			else
				remove_row(a, i, rows_at(rows, i), mark);
		}
	}
	return true;
}

static bool
apply_flags(const struct apply *a, struct str body)
{
	struct op_flags o;

	return op_flags_take(body, &o) && apply_ranges(a, o.ranges, &o, 0);
}

static bool
apply_expunge(const struct apply *a, struct str body)
{
	struct str ranges;

	return op_ranges_take(body, &ranges) &&
	    apply_ranges(a, ranges, NULL, ROW_GONE);
}

static bool
apply_lost(const struct apply *a, struct str body)
{
	struct str ranges;

	return op_ranges_take(body, &ranges) &&
	    apply_ranges(a, ranges, NULL, ROW_GONE | ROW_LOST);
}

static bool
apply_next(const struct apply *a, struct str body)
{
	(void)a;
	(void)body;
	return true;
}

void
boxindex_apply(struct boxindex *x, const struct frame *f,
    void (*on_news)(void *arg, enum boxindex_news what, uint32_t uid),
    void *arg)
{
	static bool (*const apply[])(const struct apply *, struct str) = {
		[OP_HEAD] = apply_head,
		[OP_KEYWORD] = apply_keyword,
		[OP_APPEND] = apply_append,
		[OP_FLAGS] = apply_flags,
		[OP_EXPUNGE] = apply_expunge,
		[OP_NEXT] = apply_next,
		[OP_LOST] = apply_lost,
	};
	struct apply a = { x, f, on_news, arg };
	struct str ops = f->ops;
	struct frame_state counted;
	struct op op;

	for (uint32_t i = 0; i < f->nops; i++)
		if (!op_take(&ops, &op) ||
		    (size_t)op.type >= sizeof(apply) / sizeof(apply[0]) ||
		    !apply[op.type](&a, op.body))
			x->damaged = true;
	counted = x->state;
	x->state = f->after;
	x->state.exists = counted.exists;
	x->state.unseen = counted.unseen;
	x->state.deleted = counted.deleted;
	x->state.octets = counted.octets;
}
