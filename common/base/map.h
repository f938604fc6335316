/*
 * map -- a hash table from octets or 64-bit numbers to pointers.
 * Owns copies of its octet keys, never its values.  The hash is keyed with a
 * random secret of the process, so that peers cannot choose collisions.
 */
#ifndef POSTERN_BASE_MAP_H
#define POSTERN_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct map_slot;

struct map {
	struct map_slot *slots;
	size_t cap;  /* slots allocated: 0 or a power of two */
	size_t n;    /* keys held */
	size_t gone; /* slots whose key was removed */
};

/* A zeroed map is empty and ready. */
void map_init(struct map *m);
/* Frees the table and the keys; the values are the caller's. */
void map_clear(struct map *m);

/* The value, or NULL. */
void *map_get(const struct map *m, struct str key);
/* Sets it (value not NULL) and returns the value it had, or NULL. */
void *map_set(struct map *m, struct str key, void *value);
/* Removes it and returns the value it had, or NULL. */
void *map_del(struct map *m, struct str key);

/* The same with a number as the key; do not mix both kinds in one map. */
void *map_get_id(const struct map *m, uint64_t id);
void *map_set_id(struct map *m, uint64_t id, void *value);
void *map_del_id(struct map *m, uint64_t id);

/* Walks in no order: *pos begins at 0; NULL at the end.  key may be NULL.
 * The walked-to key may be deleted during the walk; nothing may be added. */
void *map_next(const struct map *m, size_t *pos, struct str *key);
/* SipHash-2-4 of s under this process's secret. */
uint64_t map_hash(struct str s);

#endif
