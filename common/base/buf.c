#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"

enum { BUF_LEAST = 256 };

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_clear(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

void
buf_clear_secret(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->cap);
	buf_clear(b);
}

void
buf_reset(struct buf *b)
{
	b->at = b->n = 0;
	b->overflow = false;
}

struct str
buf_str(const struct buf *b)
{
	return (struct str){ b->p != NULL ? b->p + b->at : "", b->n - b->at };
}

size_t
buf_len(const struct buf *b)
{
	return b->n - b->at;
}

/* Moves the octets to the front when that frees enough, else grows. */
static void
make_room(struct buf *b, size_t size)
{
	size_t len = buf_len(b), cap = b->cap;

	if (b->at != 0 && b->at >= len) {
		memmove(b->p, b->p + b->at, len);
		b->at = 0;
		b->n = len;
	}
	if (b->cap - b->n >= size)
		return;
	if (cap < BUF_LEAST)
		cap = BUF_LEAST;
	while (cap - b->n < size) {
		if (cap > SIZE_MAX / 2)
			fatal("buffer of more than %zu octets", cap);
		cap *= 2;
	}
	b->p = xreallocarray(b->p, cap, 1);
	b->cap = cap;
}

char *
buf_reserve(struct buf *b, size_t size)
{
	if (size > b->max || buf_len(b) > b->max - size) {
		b->overflow = true;
		return NULL;
	}
	if (b->cap - b->n < size)
		make_room(b, size);
	return b->p != NULL ? b->p + b->n : (make_room(b, 1), b->p + b->n);
}

void
buf_commit(struct buf *b, size_t size)
{
	if (b->cap - b->n < size)
		fatal("buf_commit of %zu octets that were not reserved", size);
	b->n += size;
}

bool
buf_add(struct buf *b, struct str s)
{
	char *room = buf_reserve(b, s.n);

	if (room == NULL)
		return false;
	if (s.n != 0)
		memcpy(room, s.p, s.n);
	b->n += s.n;
	return true;
}

bool
buf_add_c(struct buf *b, const char *cstr)
{
	return buf_add(b, str_c(cstr));
}

bool
buf_add_char(struct buf *b, char c)
{
	char *room = buf_reserve(b, 1);

	if (room == NULL)
		return false;
	*room = c;
	b->n++;
	return true;
}

bool
buf_add_u64(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	return buf_add(b, str_n(digits + n, sizeof(digits) - n));
}

bool
buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	char small[256];
	char *room;
	int n;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	if (n < 0)
		fatal("bad format: %s", fmt);
	if ((size_t)n < sizeof(small)) {
		va_end(again);
		return buf_add(b, str_n(small, (size_t)n));
	}
	/* vsnprintf ends with a NUL, which needs room but does not count. */
	room = buf_reserve(b, (size_t)n);
	if (room == NULL) {
		va_end(again);
		return false;
	}
	make_room(b, (size_t)n + 1);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
	va_end(again);
	b->n += (size_t)n;
	return true;
}

bool
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	bool ok;

	va_start(ap, fmt);
	ok = buf_vaddf(b, fmt, ap);
	va_end(ap);
	return ok;
}

void
buf_drop(struct buf *b, size_t n)
{
	if (n > buf_len(b))
		fatal("buf_drop of %zu octets out of %zu", n, buf_len(b));
	b->at += n;
	if (b->at == b->n)
		b->at = b->n = 0;
}

void
buf_cut(struct buf *b, size_t n)
{
	if (n > buf_len(b))
		fatal("buf_cut to %zu octets out of %zu", n, buf_len(b));
	b->n = b->at + n;
}

const char *
buf_cstr(struct buf *b)
{
	if (b->cap - b->n < 1)
		make_room(b, 1);
	b->p[b->n] = '\0';
	return b->p + b->at;
}

char *
buf_release(struct buf *b)
{
	char *p;

	buf_cstr(b);
	if (b->at != 0)
		memmove(b->p, b->p + b->at, buf_len(b) + 1);
	p = b->p;
	buf_init(b, b->max);
	return p;
}
