#include "store/rank.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

enum { BLOCK = 4096, WORDS = BLOCK / 64 };

void
rank_clear(struct rank *r)
{
	free(r->words);
	free(r->blocks);
	memset(r, 0, sizeof(*r));
}

static void
grow(struct rank *r)
{
	size_t cap = r->cap == 0 ? BLOCK : r->cap * 2;

	r->words = xreallocarray(r->words, cap / 64, sizeof(*r->words));
	r->blocks = xreallocarray(r->blocks, cap / BLOCK, sizeof(*r->blocks));
	memset(r->words + r->cap / 64, 0,
	    (cap - r->cap) / 64 * sizeof(*r->words));
	memset(r->blocks + r->cap / BLOCK, 0,
	    (cap - r->cap) / BLOCK * sizeof(*r->blocks));
	r->cap = cap;
}

void
rank_push(struct rank *r, bool member)
{
	size_t i = r->n;

	if (i == r->cap)
		grow(r);
	if (member) {
		r->words[i / 64] |= UINT64_C(1) << (i % 64);
		r->blocks[i / BLOCK]++;
	}
	r->n++;
}

bool
rank_has(const struct rank *r, size_t place)
{
	return place < r->n && (r->words[place / 64] >> (place % 64) & 1) != 0;
}

void
rank_remove(struct rank *r, size_t place)
{
	if (!rank_has(r, place))
		return;
	r->words[place / 64] &= ~(UINT64_C(1) << (place % 64));
	r->blocks[place / BLOCK]--;
}

static uint32_t
count(uint64_t word)
{
	return (uint32_t)__builtin_popcountll(word);
}

uint32_t
rank_below(const struct rank *r, size_t place)
{
	uint32_t sum = 0;
	size_t block;

	if (place > r->n)
		place = r->n;
	block = place / BLOCK;
	for (size_t i = 0; i < block; i++)
		sum += r->blocks[i];
	for (size_t i = block * WORDS; i < place / 64; i++)
		sum += count(r->words[i]);
	if (place % 64 != 0)
		sum += count(r->words[place / 64] &
		    ((UINT64_C(1) << (place % 64)) - 1));
	return sum;
}

size_t
rank_select(const struct rank *r, uint32_t k)
{
	size_t i = 0, end = (r->n + BLOCK - 1) / BLOCK;
	uint64_t word;

	while (i < end && k >= r->blocks[i])
		k -= r->blocks[i++];
	if (i == end)
		return r->n;
	for (i *= WORDS; k >= count(r->words[i]); i++)
		k -= count(r->words[i]);
	for (word = r->words[i]; k > 0; k--)
		word &= word - 1;
	return i * 64 + (size_t)__builtin_ctzll(word);
}

size_t
rank_next(const struct rank *r, size_t place)
{
	size_t i = place / 64, words = (r->n + 63) / 64;
	uint64_t word;

	if (place >= r->n)
		return r->n;
	word = r->words[i] & ~UINT64_C(0) << (place % 64);
	while (word == 0) {
		if (++i == words)
			return r->n;
		if (i % WORDS == 0)
			while (i < words && r->blocks[i / WORDS] == 0)
				i += WORDS;
		if (i >= words)
			return r->n;
		word = r->words[i];
	}
	return i * 64 + (size_t)__builtin_ctzll(word);
}
