#include "store/keywords.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/wire.h"

void
keywords_clear(struct keywords *k)
{
	pool_clear(&k->pool);
	map_clear(&k->by_name);
	map_clear(&k->by_set);
	free(k->names);
	free(k->sets);
	free(k->row_names);
	memset(k, 0, sizeof(*k));
}

bool
keyword_ok(struct str name)
{
	if (name.n == 0 || name.n > STORE_KEYWORD_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c <= ' ' || c > '~' || strchr("(){%*\"\\]", c) != NULL)
			return false;
	}
	return true;
}

static struct str
lower(char space[STORE_KEYWORD_MAX], struct str name)
{
	name = str_first(name, STORE_KEYWORD_MAX);
	for (size_t i = 0; i < name.n; i++)
		space[i] = chr_lower(name.p[i]);
	return str_n(space, name.n);
}

/* Maps hold pointers; small numbers are kept in them. */
static void *
number(uint32_t v)
{
	return (void *)(uintptr_t)v;
}

uint32_t
keywords_id(const struct keywords *k, struct str name)
{
	char space[STORE_KEYWORD_MAX];

	return (uint32_t)(uintptr_t)map_get(&k->by_name, lower(space, name));
}

uint32_t
keywords_add(struct keywords *k, struct str name)
{
	char space[STORE_KEYWORD_MAX];
	uint32_t id = keywords_id(k, name);

	if (id != 0)
		return id;
	if (k->n == STORE_KEYWORDS_MAX || name.n == 0 ||
	    name.n > STORE_KEYWORD_MAX)
		return 0;
	if (k->n == k->cap) {
		k->cap = k->cap == 0 ? 16 : k->cap * 2;
		k->names = xreallocarray(k->names, k->cap, sizeof(*k->names));
	}
	k->names[k->n++] = pool_str(&k->pool, name);
	map_set(&k->by_name, lower(space, name), number(k->n));
	return k->n;
}

static int
by_id(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

uint32_t
keywords_set(struct keywords *k, uint16_t *ids, size_t n)
{
	size_t m = 0;
	struct str octets;
	uint32_t set;

	if (n == 0)
		return 0;
	qsort(ids, n, sizeof(*ids), by_id);
	for (size_t i = 0; i < n; i++)
		if (m == 0 || ids[m - 1] != ids[i])
			ids[m++] = ids[i];
	octets = str_n(ids, m * sizeof(*ids));
	set = (uint32_t)(uintptr_t)map_get(&k->by_set, octets);
	if (set != 0)
		return set;
	if (k->nsets == k->sets_cap) {
		k->sets_cap = k->sets_cap == 0 ? 16 : k->sets_cap * 2;
		k->sets = xreallocarray(k->sets, k->sets_cap, sizeof(*k->sets));
	}
	octets.p = memcpy(pool_alloc(&k->pool, octets.n), octets.p, octets.n);
	k->sets[k->nsets++] =
	    (struct kwset){ (uint32_t)m, (const void *)octets.p };
	map_set(&k->by_set, octets, number(k->nsets));
	return k->nsets;
}

const struct kwset *
keywords_get(const struct keywords *k, uint32_t set)
{
	static const struct kwset none;

	return set == 0 || set > k->nsets ? &none : &k->sets[set - 1];
}

bool
keywords_has(const struct keywords *k, uint32_t set, uint32_t id)
{
	const struct kwset *s = keywords_get(k, set);

	for (uint32_t i = 0; i < s->n; i++)
		if (s->ids[i] == id)
			return true;
	return false;
}

static bool
list_has(struct str list, uint32_t id)
{
	uint32_t v;

	while (wire_take_u32(&list, &v))
		if (v == id)
			return true;
	return false;
}

uint32_t
keywords_change(struct keywords *k, uint32_t set, bool clear, struct str add,
    struct str remove)
{
	uint16_t ids[STORE_ROW_KEYWORDS_MAX];
	const struct kwset *old = keywords_get(k, set);
	size_t n = 0;
	uint32_t id;

	if (!clear && add.n == 0 && (remove.n == 0 || set == 0))
		return set;
	for (uint32_t i = 0; !clear && i < old->n; i++)
		if (!list_has(remove, old->ids[i]))
			ids[n++] = old->ids[i];
	while (wire_take_u32(&add, &id) && n < STORE_ROW_KEYWORDS_MAX)
		if (id > 0 && id <= k->n)
			ids[n++] = (uint16_t)id;
	return keywords_set(k, ids, n);
}

const struct str *
keywords_of(struct keywords *k, uint32_t set, size_t *n)
{
	const struct kwset *s = keywords_get(k, set);

	if (k->row_names == NULL)
		k->row_names =
		    xcalloc(STORE_ROW_KEYWORDS_MAX, sizeof(*k->row_names));
	for (uint32_t i = 0; i < s->n; i++)
		k->row_names[i] = k->names[s->ids[i] - 1];
	*n = s->n;
	return k->row_names;
}

void
keywords_put(struct buf *out, const struct keywords *k)
{
	wire_put_u32(out, k->n);
	for (uint32_t i = 0; i < k->n; i++)
		wire_put_str(out, k->names[i]);
	wire_put_u32(out, k->nsets);
	for (uint32_t i = 0; i < k->nsets; i++) {
		wire_put_u32(out, k->sets[i].n);
		for (uint32_t j = 0; j < k->sets[i].n; j++)
			wire_put_u32(out, k->sets[i].ids[j]);
	}
}

static bool
take_set(struct str *in, struct keywords *k, uint32_t number_wanted)
{
	uint16_t ids[STORE_ROW_KEYWORDS_MAX];
	uint32_t n, id;

	if (!wire_take_u32(in, &n) || n == 0 || n > STORE_ROW_KEYWORDS_MAX)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (!wire_take_u32(in, &id) || id == 0 || id > k->n)
			return false;
		ids[i] = (uint16_t)id;
	}
	return keywords_set(k, ids, n) == number_wanted;
}

bool
keywords_take(struct str in, struct keywords *k)
{
	uint32_t n;
	struct str name;

	if (!wire_take_u32(&in, &n))
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (!wire_take_str(&in, &name, STORE_KEYWORD_MAX) ||
		    keywords_add(k, name) != i + 1)
			return false;
	if (!wire_take_u32(&in, &n))
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (!take_set(&in, k, i + 1))
			return false;
	return in.n == 0;
}
