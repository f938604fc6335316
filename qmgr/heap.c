#include "qmgr/heap.h"

#include <stdlib.h>

#include "base/fatal.h"

static void
put(struct heap *h, size_t at, struct heap_node *node)
{
	h->nodes[at] = node;
	node->at = (uint32_t)at;
}

static void
rise(struct heap *h, struct heap_node *node)
{
	size_t at = node->at;

	while (at > 1 && h->nodes[at / 2]->key > node->key) {
		put(h, at, h->nodes[at / 2]);
		at /= 2;
	}
	put(h, at, node);
}

static void
sink(struct heap *h, struct heap_node *node)
{
	size_t at = node->at;

	for (;;) {
		size_t child = at * 2;

		if (child > h->n)
			break;
		if (child < h->n &&
		    h->nodes[child + 1]->key < h->nodes[child]->key)
			child++;
		if (h->nodes[child]->key >= node->key)
			break;
		put(h, at, h->nodes[child]);
		at = child;
	}
	put(h, at, node);
}

void
heap_set(struct heap *h, struct heap_node *node, int64_t key)
{
	if (node->at == 0) {
		if (h->n + 1 >= h->cap) {
			h->cap = h->cap == 0 ? 64 : h->cap * 2;
			h->nodes = xreallocarray(
			    h->nodes, h->cap, sizeof(struct heap_node *));
		}
		put(h, ++h->n, node);
	}
	node->key = key;
	rise(h, node);
	sink(h, node);
}

void
heap_remove(struct heap *h, struct heap_node *node)
{
	struct heap_node *last;
	size_t at = node->at;

	if (at == 0)
		return;
	node->at = 0;
	last = h->nodes[h->n--];
	if (last == node)
		return;
	put(h, at, last);
	rise(h, last);
	sink(h, last);
}

struct heap_node *
heap_first(const struct heap *h)
{
	return h->n != 0 ? h->nodes[1] : NULL;
}

bool
heap_has(const struct heap_node *node)
{
	return node->at != 0;
}

void
heap_clear(struct heap *h)
{
	for (size_t i = 1; i <= h->n; i++)
		h->nodes[i]->at = 0;
	free(h->nodes);
	*h = (struct heap){ 0 };
}
