#include "base/wire.h"

#include <endian.h>

static void
put_int(struct buf *out, uint64_t v, size_t size)
{
	v = htole64(v);
	buf_add(out, str_n(&v, size));
}

static bool
take_int(struct str *in, uint64_t *v, size_t size)
{
	uint64_t raw = 0;

	if (in->n < size)
		return false;
	memcpy(&raw, in->p, size);
	*v = le64toh(raw);
	str_take(in, size);
	return true;
}

void
wire_put_u32(struct buf *out, uint32_t v)
{
	put_int(out, v, 4);
}

void
wire_put_u64(struct buf *out, uint64_t v)
{
	put_int(out, v, 8);
}

bool
wire_put_str(struct buf *out, struct str s)
{
	if (s.n > UINT32_MAX)
		return false;
	put_int(out, s.n, 4);
	return buf_add(out, s) && !out->overflow;
}

bool
wire_take_u32(struct str *in, uint32_t *v)
{
	uint64_t wide;

	if (!take_int(in, &wide, 4))
		return false;
	*v = (uint32_t)wide;
	return true;
}

bool
wire_take_u64(struct str *in, uint64_t *v)
{
	return take_int(in, v, 8);
}

bool
wire_take_str(struct str *in, struct str *s, uint32_t most)
{
	struct str rest = *in;
	uint32_t n;

	if (!wire_take_u32(&rest, &n) || n > most || n > rest.n)
		return false;
	*s = str_take(&rest, n);
	*in = rest;
	return true;
}

static size_t
width(enum wire_kind kind)
{
	switch (kind) {
	case WIRE_U8:
		return 1;
	case WIRE_U16:
		return 2;
	case WIRE_U32:
	case WIRE_STR:
		return 4;
	case WIRE_U64:
		return 8;
	}
	return 0;
}

bool
wire_put(struct buf *out, const struct wire *w, const void *msg)
{
	size_t before = buf_len(out);

	for (size_t i = 0; i < w->count; i++) {
		const struct wire_field *f = &w->fields[i];
		const char *at = (const char *)msg + f->offset;
		uint64_t v = 0;

		if (f->kind == WIRE_STR) {
			struct str s;

			memcpy(&s, at, sizeof(s));
			if (s.n > f->most || !wire_put_str(out, s))
				goto undo;
			continue;
		}
		memcpy(&v, at, width(f->kind));
		v = le64toh(v);
		if (f->most != 0 && v > f->most)
			goto undo;
		put_int(out, v, width(f->kind));
	}
	if (!out->overflow)
		return true;
undo:
	buf_cut(out, before);
	return false;
}

bool
wire_take(struct str *in, const struct wire *w, void *msg)
{
	struct str rest = *in;

	memset(msg, 0, w->size);
	for (size_t i = 0; i < w->count; i++) {
		const struct wire_field *f = &w->fields[i];
		char *at = (char *)msg + f->offset;
		uint64_t v;

		if (f->kind == WIRE_STR) {
			struct str s;

			if (!wire_take_str(&rest, &s, f->most))
				return false;
			memcpy(at, &s, sizeof(s));
			continue;
		}
		if (!take_int(&rest, &v, width(f->kind)) ||
		    (f->most != 0 && v > f->most))
			return false;
		v = htole64(v);
		memcpy(at, &v, width(f->kind));
	}
	*in = rest;
	return true;
}

size_t
wire_most(const struct wire *w)
{
	size_t most = 0;

	for (size_t i = 0; i < w->count; i++) {
		most += width(w->fields[i].kind);
		if (w->fields[i].kind == WIRE_STR)
			most += w->fields[i].most;
	}
	return most;
}
