/*
 * heap -- the earliest of many times: a binary heap of embedded nodes.
 * Owns only its array; a node is in at most one heap.
 * Invariant: node->at is its place, 1..n; 0 means in no heap.
 */
#ifndef POSTERN_QMGR_HEAP_H
#define POSTERN_QMGR_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t key;
	uint32_t at;
};

struct heap {
	struct heap_node **nodes; /* [1..n] */
	size_t n, cap;
};

/* A zeroed heap is empty and ready. */
void heap_clear(struct heap *h);
/* Puts the node in, or moves it when it is there already. */
void heap_set(struct heap *h, struct heap_node *node, int64_t key);
/* Nothing happens when it is in no heap. */
void heap_remove(struct heap *h, struct heap_node *node);
/* The node with the least key, or NULL. */
struct heap_node *heap_first(const struct heap *h);
bool heap_has(const struct heap_node *node);

#endif
