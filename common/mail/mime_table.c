#include "mail/mime_table.h"

#include "base/wire.h"

bool
mime_table_put(struct buf *out, const struct mime *m)
{
	size_t was = buf_len(out);

	wire_put_u32(out, m->parts);
	for (const struct mime_part *p = m->root; p != NULL; p = mime_walk(p)) {
		wire_put_u32(out, (uint32_t)p->kind << 16 | p->depth);
		wire_put_u64(out, p->head_at);
		wire_put_u64(out, p->body_at);
		wire_put_u64(out, p->end);
		wire_put_u64(out, p->body_crlf);
		wire_put_u32(out, (uint32_t)p->head_crlf);
		wire_put_u32(out, p->head_lines);
		wire_put_u32(out, p->body_lines);
	}
	if (!out->overflow)
		return true;
	buf_cut(out, was);
	return false;
}

static bool
take_part(struct str *text, struct mime_part *p)
{
	uint32_t what, head_crlf;

	if (!wire_take_u32(text, &what) || !wire_take_u64(text, &p->head_at) ||
	    !wire_take_u64(text, &p->body_at) ||
	    !wire_take_u64(text, &p->end) ||
	    !wire_take_u64(text, &p->body_crlf) ||
	    !wire_take_u32(text, &head_crlf) ||
	    !wire_take_u32(text, &p->head_lines) ||
	    !wire_take_u32(text, &p->body_lines))
		return false;
	p->head_crlf = head_crlf;
	p->depth = (uint16_t)what;
	what >>= 16;
	if (what > MIME_MESSAGE)
		return false;
	p->kind = (enum mime_kind)what;
	return p->depth < MIME_DEPTH_MAX && p->head_at <= p->body_at &&
	    p->body_at <= p->end && p->body_crlf >= p->end - p->body_at;
}

/* Hangs p behind prev, its predecessor in document order. */
static bool
attach(struct mime_part *prev, struct mime_part *p)
{
	struct mime_part *brother = NULL;

	if (p->depth == prev->depth + 1) {
		if (prev->kind == MIME_LEAF || prev->child != NULL)
			return false;
		prev->child = p;
		p->parent = prev;
	} else {
		for (brother = prev; brother != NULL &&
		    brother->depth > p->depth;)
			brother = brother->parent;
		if (brother == NULL || brother->depth != p->depth ||
		    brother->parent == NULL ||
		    brother->parent->kind != MIME_MULTIPART)
			return false;
		brother->next = p;
		p->parent = brother->parent;
	}
	return p->head_at >= p->parent->body_at && p->end <= p->parent->end &&
	    (brother == NULL || p->head_at >= brother->end);
}

bool
mime_table_take(
    struct str text, uint64_t size, struct pool *pool, struct mime *out)
{
	struct mime_part *parts;
	uint32_t n;

	if (!wire_take_u32(&text, &n) || n == 0 || n > MIME_PARTS_MAX ||
	    text.n != (size_t)n * 48)
		return false;
	parts = pool_alloc(pool, n * sizeof(*parts));
	for (uint32_t i = 0; i < n; i++) {
		parts[i].index = i;
		if (!take_part(&text, &parts[i]) || parts[i].end > size)
			return false;
		if (i == 0 ? parts[i].depth != 0 || parts[i].head_at != 0 :
		    !attach(&parts[i - 1], &parts[i]))
			return false;
	}
	for (uint32_t i = 0; i < n; i++)
		if (parts[i].kind != MIME_LEAF && parts[i].child == NULL)
			return false;
	*out = (struct mime){ .root = parts, .parts = n };
	return true;
}
