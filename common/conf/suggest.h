/*
 * suggest -- the known word that somebody who wrote another one meant.
 */
#ifndef POSTERN_CONF_SUGGEST_H
#define POSTERN_CONF_SUGGEST_H

#include <stddef.h>

#include "base/str.h"

struct suggest {
	struct str wrong;
	const char *best; /* NULL: nothing near enough */
	unsigned distance;
};

void suggest_init(struct suggest *s, struct str wrong);
/* Considers word; it must outlive s. */
void suggest_add(struct suggest *s, const char *word);
/* Letters to add, take away, replace or swap; 255 when over 20 differ. */
unsigned suggest_distance(struct str a, struct str b);

#endif
