#include "conf/tree.h"

#include <stdlib.h>

#include "base/fatal.h"

struct conf *
conf_new(unsigned see)
{
	struct conf *c = xcalloc(1, sizeof(*c));

	pool_init(&c->pool);
	TAILQ_INIT(&c->lets);
	c->root = conf_section_new(c, NULL, STR_NONE,
	    conf_kind_find(STR_NONE, NULL, STR_NONE));
	c->root->see = see;
	return c;
}

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	pool_clear(&c->pool);
	free(c->problems);
	free(c->places);
	free(c);
}

static struct conf_section *
section_alloc(struct conf *c, struct conf_section *parent, struct str kind,
    const struct conf_kind *def)
{
	struct conf_section *s = pool_alloc(&c->pool, sizeof(*s));

	s->kind = kind;
	s->def = def;
	s->parent = parent;
	s->see = parent != NULL ? parent->see : 0;
	TAILQ_INIT(&s->pairs);
	TAILQ_INIT(&s->sections);
	TAILQ_INIT(&s->absent);
	return s;
}

struct conf_section *
conf_section_new(struct conf *c, struct conf_section *parent, struct str kind,
    const struct conf_kind *def)
{
	struct conf_section *s = section_alloc(c, parent, kind, def);

	if (parent != NULL)
		TAILQ_INSERT_TAIL(&parent->sections, s, entry);
	return s;
}

static struct conf_value *
copy_values(struct conf *c, const struct conf_value *values, size_t n)
{
	struct conf_value *copy;

	if (n == 0)
		return NULL;
	copy = pool_alloc(&c->pool, n * sizeof(*copy));
	memcpy(copy, values, n * sizeof(*copy));
	return copy;
}

void
conf_section_words(struct conf *c, struct conf_section *s,
    const struct conf_value *words, size_t n)
{
	s->words = copy_values(c, words, n);
	s->nwords = n;
}

struct conf_pair *
conf_pair_new(struct conf *c, struct conf_section *s, struct str name,
    const struct conf_key *key, const struct conf_value *values, size_t n)
{
	struct conf_pair *p = pool_alloc(&c->pool, sizeof(*p));

	p->name = pool_str(&c->pool, name);
	p->key = key;
	p->values = copy_values(c, values, n);
	p->n = n;
	TAILQ_INSERT_TAIL(&s->pairs, p, entry);
	return p;
}

struct conf_pair *
conf_pair_find(const struct conf_section *s, struct str name)
{
	struct conf_pair *p;

	TAILQ_FOREACH(p, &s->pairs, entry)
		if (str_eq(p->name, name))
			return p;
	return NULL;
}

static bool
has_section(const struct conf_section *in, const struct conf_kind *def)
{
	const struct conf_section *s;

	TAILQ_FOREACH(s, &in->sections, entry)
		if (s->def == def)
			return true;
	return false;
}

static void
add_absent(struct conf *c, struct conf_section *in)
{
	const struct conf_kind *k;
	struct conf_section *s;
	struct conf_value word = { 0 };

	for (size_t i = 0; (k = conf_kind_at(i)) != NULL; i++) {
		if (k->kind == NULL || k->many || in->def == NULL ||
		    (k->name != NULL && strcmp(k->name, "*") == 0) ||
		    !str_eq(str_c(k->parent), str_c(in->def->kind)) ||
		    has_section(in, k))
			continue;
		s = section_alloc(c, in, str_c(k->kind), k);
		if (k->name != NULL) {
			word.text = str_c(k->name);
			conf_section_words(c, s, &word, 1);
		}
		TAILQ_INSERT_TAIL(&in->absent, s, entry);
	}
}

void
conf_complete(struct conf *c)
{
	unsigned depth = 0;

	for (struct conf_section *s = c->root; s != NULL;
	    s = conf_walk(s, &depth))
		add_absent(c, s);
}

struct conf_section *
conf_walk(struct conf_section *s, unsigned *depth)
{
	struct conf_section *next = TAILQ_FIRST(&s->sections);

	if (next != NULL) {
		++*depth;
		return next;
	}
	for (; s->parent != NULL; s = s->parent, --*depth)
		if ((next = TAILQ_NEXT(s, entry)) != NULL)
			return next;
	return NULL;
}
