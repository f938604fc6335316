#include "base/pool.h"

#include <stdalign.h>
#include <stdlib.h>

#include "base/fatal.h"

enum { CHUNK_SIZE = 4096 };

struct pool_chunk {
	struct pool_chunk *next;
	size_t size; /* octets of data[] */
	size_t used; /* octets handed out */
	alignas(max_align_t) char data[];
};

void
pool_init(struct pool *p)
{
	*p = (struct pool){ 0 };
}

void
pool_clear(struct pool *p)
{
	struct pool_chunk *c = p->chunks, *next;

	for (; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	pool_init(p);
}

static struct pool_chunk *
add_chunk(struct pool *p, size_t size)
{
	struct pool_chunk *c;

	if (size > SIZE_MAX / 2)
		fatal("pool_alloc of %zu octets", size);
	c = xmalloc(sizeof(*c) + size);
	*c = (struct pool_chunk){ .next = p->chunks, .size = size };
	p->chunks = c;
	return c;
}

void *
pool_alloc(struct pool *p, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct pool_chunk *c = p->chunks;
	size_t step = (size + align - 1) / align * align;
	void *got;

	if (c == NULL || c->size - c->used < step) {
		size_t usual = CHUNK_SIZE - sizeof(*c);

		c = add_chunk(p, step > usual ? step : usual);
	}
	got = c->data + c->used;
	c->used += step;
	p->used += step;
	return memset(got, 0, size);
}

struct str
pool_str(struct pool *p, struct str s)
{
	char *copy = pool_alloc(p, s.n + 1);

	if (s.n != 0)
		memcpy(copy, s.p, s.n);
	return (struct str){ copy, s.n };
}
