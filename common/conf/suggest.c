#include "conf/suggest.h"

#include <string.h>

enum { WORD_MAX = 48 };

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* A row of the matrix of optimal string alignment. */
static void
next_row(struct str a, struct str b, size_t i,
    unsigned rows[3][WORD_MAX + 1])
{
	unsigned *two = rows[0], *one = rows[1], *row = rows[2];

	row[0] = (unsigned)i;
	for (size_t j = 1; j <= b.n; j++) {
		char x = chr_lower(a.p[i - 1]), y = chr_lower(b.p[j - 1]);

		row[j] = least(one[j] + 1, row[j - 1] + 1);
		row[j] = least(row[j], one[j - 1] + (x != y));
		if (i > 1 && j > 1 && x == chr_lower(b.p[j - 2]) &&
		    y == chr_lower(a.p[i - 2]))
			row[j] = least(row[j], two[j - 2] + 1);
	}
}

unsigned
suggest_distance(struct str a, struct str b)
{
	unsigned rows[3][WORD_MAX + 1];

	if (a.n > WORD_MAX || b.n > WORD_MAX)
		return 255;
	for (size_t j = 0; j <= b.n; j++)
		rows[2][j] = (unsigned)j;
	memset(rows[1], 0, sizeof(rows[1]));
	for (size_t i = 1; i <= a.n; i++) {
		memcpy(rows[0], rows[1], sizeof(rows[0]));
		memcpy(rows[1], rows[2], sizeof(rows[1]));
		next_row(a, b, i, rows);
	}
	return rows[2][b.n];
}

void
suggest_init(struct suggest *s, struct str wrong)
{
	*s = (struct suggest){ .wrong = wrong };
	/* How far a word may be and still be meant. */
	s->distance = wrong.n <= 2 ? 1 : wrong.n <= 5 ? 2 : 3;
	s->distance++; /* only what is nearer than this */
}

/* Of two equally near words the one that begins alike is meant. */
static bool
begins_better(struct str wrong, const char *new, const char *old)
{
	size_t a = 0, b = 0;

	while (a < wrong.n && new[a] == wrong.p[a])
		a++;
	while (b < wrong.n && old[b] == wrong.p[b])
		b++;
	return a > b;
}

void
suggest_add(struct suggest *s, const char *word)
{
	struct str w = str_c(word);
	unsigned d = suggest_distance(s->wrong, w);

	/* As much as all of the word may not differ. */
	if (d >= w.n || d >= s->wrong.n)
		return;
	if (d < s->distance || (s->best != NULL && d == s->distance &&
	    begins_better(s->wrong, word, s->best))) {
		s->best = word;
		s->distance = d;
	}
}
