#include <string.h>

#include "base/wire.h"
#include "store/frame.h"

enum { OP_START = 8 };

/* Where an op's length stands while its body is being added. */
static size_t
op_begin(struct buf *out, enum op_type type)
{
	size_t at = buf_len(out);

	wire_put_u32(out, (uint32_t)type);
	wire_put_u32(out, 0);
	return at;
}

static void
op_end(struct buf *out, size_t at)
{
	static const char zero[8];
	uint32_t n = (uint32_t)(buf_len(out) - at - OP_START);
	char *p = out->p + out->at + at + 4;

	if (out->overflow)
		return; /* frame_end finds it */
	for (int i = 0; i < 4; i++)
		p[i] = (char)(n >> (8 * i) & 255);
	buf_add(out, str_n(zero, (8 - buf_len(out) % 8) % 8));
}

bool
op_take(struct str *ops, struct op *out)
{
	struct str in = *ops;
	uint32_t type, n;

	if (!wire_take_u32(&in, &type) || !wire_take_u32(&in, &n) || n > in.n ||
	    type == 0)
		return false;
	out->type = (enum op_type)type;
	out->body = str_take(&in, n);
	str_take(&in, (8 - n % 8) % 8);
	*ops = in;
	return true;
}

/* n u32 off the front of *in as one view. */
static bool
take_list(struct str *in, uint32_t n, struct str *out)
{
	if (n > in->n / 4)
		return false;
	*out = str_take(in, (size_t)n * 4);
	return true;
}

bool
op_u32(struct str *list, uint32_t *v)
{
	return wire_take_u32(list, v);
}

bool
op_range(struct str *ranges, uint32_t *first, uint32_t *last)
{
	return wire_take_u32(ranges, first) && wire_take_u32(ranges, last);
}

bool
op_head_take(struct str body, struct op_head *out)
{
	if (!wire_take_u32(&body, &out->version) ||
	    !wire_take_u32(&body, &out->first) || body.n < STORE_GUID)
		return false;
	memcpy(out->guid, body.p, STORE_GUID);
	return true;
}

bool
op_keyword_take(struct str body, struct op_keyword *out)
{
	if (!wire_take_u32(&body, &out->id) || body.n == 0 ||
	    body.n > STORE_KEYWORD_MAX)
		return false;
	out->name = body;
	return true;
}

bool
op_append_take(struct str body, struct op_append *out)
{
	struct str in = body;
	uint32_t both;

	if (!wire_take_u32(&in, &out->uid) || !wire_take_u32(&in, &out->size) ||
	    !wire_take_u32(&in, &out->date) ||
	    !wire_take_u32(&in, &out->saved) || !wire_take_u32(&in, &both) ||
	    !wire_take_u32(&in, &out->nkeywords) ||
	    out->nkeywords > STORE_ROW_KEYWORDS_MAX ||
	    !take_list(&in, out->nkeywords, &out->keywords) || out->uid == 0)
		return false;
	out->flags = both & FLAGS_SYSTEM;
	out->zone = (int16_t)(uint16_t)(both >> 16);
	out->cold = in;
	out->cold_at = body.n - in.n;
	return true;
}

bool
op_flags_take(struct str body, struct op_flags *out)
{
	uint32_t both, clear, nadd, nremove;

	if (!wire_take_u32(&body, &both) || !wire_take_u32(&body, &clear) ||
	    !wire_take_u32(&body, &nadd) || !wire_take_u32(&body, &nremove) ||
	    !take_list(&body, nadd, &out->keywords_add) ||
	    !take_list(&body, nremove, &out->keywords_remove) ||
	    body.n % 8 != 0)
		return false;
	out->keep = both & FLAGS_SYSTEM;
	out->add = both >> 16 & FLAGS_SYSTEM;
	out->clear_keywords = clear != 0;
	out->ranges = body;
	return true;
}

bool
op_ranges_take(struct str body, struct str *ranges)
{
	*ranges = body;
	return body.n % 8 == 0;
}

void
op_head_put(struct buf *out, const struct op_head *o)
{
	size_t at = op_begin(out, OP_HEAD);

	wire_put_u32(out, o->version);
	wire_put_u32(out, o->first);
	buf_add(out, str_n(o->guid, STORE_GUID));
	op_end(out, at);
}

void
op_keyword_put(struct buf *out, const struct op_keyword *o)
{
	size_t at = op_begin(out, OP_KEYWORD);

	wire_put_u32(out, o->id);
	buf_add(out, o->name);
	op_end(out, at);
}

void
op_append_put(struct buf *out, const struct op_append *o)
{
	size_t at = op_begin(out, OP_APPEND);

	wire_put_u32(out, o->uid);
	wire_put_u32(out, o->size);
	wire_put_u32(out, o->date);
	wire_put_u32(out, o->saved);
	wire_put_u32(out, (uint32_t)o->flags | (uint32_t)(uint16_t)o->zone << 16);
	wire_put_u32(out, o->nkeywords);
	buf_add(out, o->keywords);
	buf_add(out, o->cold);
	op_end(out, at);
}

void
op_flags_put(struct buf *out, const struct op_flags *o)
{
	size_t at = op_begin(out, OP_FLAGS);

	wire_put_u32(out, (uint32_t)o->keep | (uint32_t)o->add << 16);
	wire_put_u32(out, o->clear_keywords ? 1 : 0);
	wire_put_u32(out, (uint32_t)(o->keywords_add.n / 4));
	wire_put_u32(out, (uint32_t)(o->keywords_remove.n / 4));
	buf_add(out, o->keywords_add);
	buf_add(out, o->keywords_remove);
	buf_add(out, o->ranges);
	op_end(out, at);
}

void
op_ranges_put(struct buf *out, enum op_type type, struct str ranges)
{
	size_t at = op_begin(out, type);

	buf_add(out, ranges);
	op_end(out, at);
}

void
op_next_put(struct buf *out, uint32_t gen)
{
	size_t at = op_begin(out, OP_NEXT);

	wire_put_u32(out, gen);
	op_end(out, at);
}
