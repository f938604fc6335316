#include "conf/tree.h"
#include "conf/value.h"

/* Types of all values, and what must be set. */
static void
check_pair(struct conf *c, struct conf_section *s, const struct conf_pair *p)
{
	struct value_why why;
	struct value v;

	for (size_t i = 0; i < p->n; i++) {
		struct conf_place at = p->values[i].at;

		if (at.line == 0)
			continue; /* a default */
		if (value_parse(p->key, p->values[i].text, &v, &why))
			continue;
		s->bad = true;
		conf_error(c, at, why.fix, "%.*s: %s",
		    STR_ARG(str_first(p->name, 60)), why.text);
	}
}

static void
check_needed(struct conf *c, struct conf_section *s)
{
	const struct conf_key *k;

	for (size_t i = 0; (k = conf_key_at(s->def, i)) != NULL; i++)
		if ((k->flags & CONF_NEEDED) != 0 &&
		    conf_pair_find(s, str_c(k->name)) == NULL) {
			s->bad = true;
			conf_error(c, s->at, NULL, "%s must be set%s%.*s",
			    k->name, s->parent != NULL ? " in " : "",
			    STR_ARG(s->kind));
		}
}

void
conf_check(struct conf *c, unsigned what)
{
	const struct conf_pair *p;
	const struct conf_let *let;
	unsigned depth = 0;

	for (struct conf_section *s = c->root; s != NULL;
	    s = conf_walk(s, &depth)) {
		if (s->def == NULL)
			continue;
		TAILQ_FOREACH(p, &s->pairs, entry)
			check_pair(c, s, p);
		if (c->nfiles > 0)
			check_needed(c, s);
	}
	TAILQ_FOREACH(let, &c->lets, entry)
		if (!let->used)
			conf_warn(c, let->at, NULL, "$%.*s is not used",
			    STR_ARG(let->name));
	conf_check_cross(c, what);
	conf_check_reports(c);
	conf_problems_sort(c);
}
