#include "base/map.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/fatal.h"

enum { MAP_LEAST = 16 };

struct map_slot {
	uint64_t hash;
	void *value; /* NULL: empty, or removed when used is set */
	char *key;   /* our copy; NULL for number keys */
	size_t n;    /* octets of key; the number itself for number keys */
	bool used;   /* a search may not stop here */
};

static uint64_t secret[2];

__attribute__((constructor)) static void
make_secret(void)
{
	if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
		fatal_errno("getrandom");
}

static uint64_t
rotl(uint64_t v, int by)
{
	return v << by | v >> (64 - by);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

uint64_t
map_hash(struct str s)
{
	uint64_t v[4] = { secret[0] ^ 0x736f6d6570736575u,
		secret[1] ^ 0x646f72616e646f6du,
		secret[0] ^ 0x6c7967656e657261u,
		secret[1] ^ 0x7465646279746573u };
	uint64_t word, last = (uint64_t)s.n << 56;
	size_t i;

	for (i = 0; i + 8 <= s.n; i += 8) {
		memcpy(&word, s.p + i, 8);
		v[3] ^= word;
		sip_round(v);
		sip_round(v);
		v[0] ^= word;
	}
	for (size_t k = 0; i + k < s.n; k++)
		last |= (uint64_t)(unsigned char)s.p[i + k] << (8 * k);
	v[3] ^= last;
	sip_round(v);
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 255;
	for (int k = 0; k < 4; k++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void
map_init(struct map *m)
{
	*m = (struct map){ 0 };
}

void
map_clear(struct map *m)
{
	for (size_t i = 0; i < m->cap; i++)
		free(m->slots[i].key);
	free(m->slots);
	map_init(m);
}

/* A key in either form: octets, or a number with p == NULL in n. */
struct key {
	uint64_t hash;
	const char *p;
	size_t n;
};

static struct key
octets_key(struct str s)
{
	return (struct key){ map_hash(s), s.n != 0 ? s.p : "", s.n };
}

static struct key
number_key(uint64_t id)
{
	return (struct key){ map_hash(str_n(&id, sizeof(id))), NULL, id };
}

static bool
is_key(const struct map_slot *s, const struct key *k)
{
	return s->value != NULL && s->hash == k->hash && s->n == k->n &&
	    (k->p == NULL || memcmp(s->key, k->p, k->n) == 0);
}

static struct map_slot *
find(const struct map *m, const struct key *k)
{
	size_t i;

	if (m->cap == 0)
		return NULL;
	for (i = k->hash & (m->cap - 1); m->slots[i].used;
	    i = (i + 1) & (m->cap - 1))
		if (is_key(&m->slots[i], k))
			return &m->slots[i];
	return NULL;
}

static struct map_slot *
free_slot(struct map *m, uint64_t hash)
{
	size_t i = hash & (m->cap - 1);

	while (m->slots[i].value != NULL)
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

static void
rebuild(struct map *m)
{
	struct map old = *m;

	m->cap = old.cap == 0 ? MAP_LEAST : old.cap;
	if (old.n * 2 >= m->cap)
		m->cap *= 2;
	m->slots = xcalloc(m->cap, sizeof(*m->slots));
	m->gone = 0;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].value != NULL)
			*free_slot(m, old.slots[i].hash) = old.slots[i];
	free(old.slots);
}

static void *
set(struct map *m, const struct key *k, void *value)
{
	struct map_slot *s = find(m, k);

	if (s != NULL) {
		void *had = s->value;

		s->value = value;
		return had;
	}
	if ((m->n + m->gone + 1) * 4 > m->cap * 3)
		rebuild(m);
	s = free_slot(m, k->hash);
	if (s->used)
		m->gone--;
	*s = (struct map_slot){ k->hash, value, NULL, k->n, true };
	if (k->p != NULL)
		s->key = str_dup(str_n(k->p, k->n));
	m->n++;
	return NULL;
}

static void *
del(struct map *m, const struct key *k)
{
	struct map_slot *s = find(m, k);
	void *had;

	if (s == NULL)
		return NULL;
	had = s->value;
	free(s->key);
	*s = (struct map_slot){ .used = true };
	m->n--;
	m->gone++;
	return had;
}

void *
map_get(const struct map *m, struct str key)
{
	struct key k = octets_key(key);
	struct map_slot *s = find(m, &k);

	return s != NULL ? s->value : NULL;
}

void *
map_set(struct map *m, struct str key, void *value)
{
	struct key k = octets_key(key);

	return set(m, &k, value);
}

void *
map_del(struct map *m, struct str key)
{
	struct key k = octets_key(key);

	return del(m, &k);
}

void *
map_get_id(const struct map *m, uint64_t id)
{
	struct key k = number_key(id);
	struct map_slot *s = find(m, &k);

	return s != NULL ? s->value : NULL;
}

void *
map_set_id(struct map *m, uint64_t id, void *value)
{
	struct key k = number_key(id);

	return set(m, &k, value);
}

void *
map_del_id(struct map *m, uint64_t id)
{
	struct key k = number_key(id);

	return del(m, &k);
}

void *
map_next(const struct map *m, size_t *pos, struct str *key)
{
	while (*pos < m->cap) {
		const struct map_slot *s = &m->slots[(*pos)++];

		if (s->value == NULL)
			continue;
		if (key != NULL)
			*key = str_n(s->key, s->key != NULL ? s->n : 0);
		return s->value;
	}
	return NULL;
}
