#include "base/fatal.h"
#include "conf/tree.h"
#include "conf/value.h"

const struct conf_section *
conf_root(const struct conf *c)
{
	return c->root;
}

const struct conf_section *
conf_next(const struct conf_section *parent, const char *kind,
    const struct conf_section *after)
{
	const struct conf_section *s = after != NULL ?
	    TAILQ_NEXT(after, entry) : TAILQ_FIRST(&parent->sections);

	for (; s != NULL; s = TAILQ_NEXT(s, entry))
		if (s->def != NULL && str_eq(str_c(s->def->kind), str_c(kind)))
			return s;
	return NULL;
}

/* By the tables' rows: a misspelt section is found as the one it means. */
static const struct conf_section *
find(const struct conf_sections *list, const char *kind, const char *name)
{
	const struct conf_section *s;

	TAILQ_FOREACH(s, list, entry)
		if (s->def != NULL && strcmp(s->def->kind, kind) == 0 &&
		    (name == NULL || str_eq(str_c(s->def->name), str_c(name))))
			return s;
	return NULL;
}

static const struct conf_section *
one(const struct conf_section *parent, const char *kind, const char *name)
{
	const struct conf_section *s = find(&parent->sections, kind, name);

	if (s == NULL)
		s = find(&parent->absent, kind, name);
	if (s == NULL)
		fatal("no section %s %s in the tables", kind,
		    name != NULL ? name : "");
	return s;
}

const struct conf_section *
conf_one(const struct conf_section *parent, const char *kind)
{
	return one(parent, kind, NULL);
}

const struct conf_section *
conf_daemon(const struct conf *c, const char *name)
{
	return one(c->root, "daemon", name);
}

struct str
conf_word(const struct conf_section *s, size_t i)
{
	return i < s->nwords ? s->words[i].text : STR("");
}

/* The key's row; asking for what is not there or not ours is a bug. */
static const struct conf_key *
row(const struct conf_section *s, const char *key)
{
	const struct conf_key *k = conf_key_find(s->def, str_c(key));

	if (k == NULL)
		fatal("no key %s in section %.*s of the tables", key,
		    STR_ARG(s->kind));
	if ((conf_key_see(s->def, k) & s->see) == 0)
		fatal("key %s of section %.*s is not shown to %s", key,
		    STR_ARG(s->kind), conf_see_name(s->see));
	return k;
}

/* Defaults of lists are written "[a, b]": cuts off the i-th element. */
static bool
default_item(const struct conf_key *k, size_t i, struct str *out)
{
	struct str rest = str_c(k->def);

	if ((k->flags & CONF_LIST) == 0) {
		*out = rest;
		return i == 0;
	}
	if (str_take_char(&rest, '[') && rest.n > 0)
		rest.n--;
	do {
		*out = str_trim(str_take_until(&rest, ','));
		if (out->n == 0)
			return false;
	} while (i-- > 0);
	return true;
}

static struct value
get(const struct conf_section *s, const char *key, size_t i,
    const struct conf_key *k)
{
	const struct conf_pair *p = conf_pair_find(s, str_c(key));
	struct value v = { .s = STR("") };
	struct str text;

	if (p != NULL && i < p->n)
		text = p->values[i].text;
	else if (p != NULL || !default_item(k, i, &text))
		fatal("%s of section %.*s has no element %zu", key,
		    STR_ARG(s->kind), i);
	if (text.n == 0 && k->type >= CONF_STRING)
		return v;
	if (!value_parse(k, text, &v, NULL))
		fatal("%s = %.*s was not checked", key, STR_ARG(text));
	return v;
}

static struct value
get_typed(const struct conf_section *s, const char *key, enum conf_type first,
    enum conf_type last)
{
	const struct conf_key *k = row(s, key);

	if (k->type < first || k->type > last || (k->flags & CONF_LIST) != 0)
		fatal("key %s is of another type", key);
	return get(s, key, 0, k);
}

bool
conf_bool(const struct conf_section *s, const char *key)
{
	return get_typed(s, key, CONF_BOOL, CONF_BOOL).n != 0;
}

uint64_t
conf_u64(const struct conf_section *s, const char *key)
{
	const struct conf_key *k = row(s, key);

	return k->type == CONF_PERCENT ?
	    get_typed(s, key, CONF_PERCENT, CONF_PERCENT).n :
	    get_typed(s, key, CONF_NUMBER, CONF_NUMBER).n;
}

uint64_t
conf_size(const struct conf_section *s, const char *key)
{
	return get_typed(s, key, CONF_SIZE, CONF_SIZE).n;
}

int64_t
conf_ms(const struct conf_section *s, const char *key)
{
	return (int64_t)get_typed(s, key, CONF_TIME, CONF_TIME).n;
}

uint64_t
conf_rate(const struct conf_section *s, const char *key, int64_t *per_ms)
{
	struct value v = get_typed(s, key, CONF_RATE, CONF_RATE);

	*per_ms = v.per_ms;
	return v.n;
}

struct str
conf_str(const struct conf_section *s, const char *key)
{
	return get_typed(s, key, CONF_CHOICE, CONF_PATH).s;
}

unsigned
conf_choice(const struct conf_section *s, const char *key)
{
	return (unsigned)get_typed(s, key, CONF_CHOICE, CONF_CHOICE).n;
}

size_t
conf_list(const struct conf_section *s, const char *key)
{
	const struct conf_key *k = row(s, key);
	const struct conf_pair *p = conf_pair_find(s, str_c(key));
	struct str item;
	size_t n = 0;

	if ((k->flags & CONF_LIST) == 0)
		fatal("key %s is no list", key);
	if (p != NULL)
		return p->n;
	while (default_item(k, n, &item))
		n++;
	return n;
}

struct str
conf_item(const struct conf_section *s, const char *key, size_t i)
{
	return get(s, key, i, row(s, key)).s;
}

struct str
conf_name(const struct conf_section *s, size_t i)
{
	const struct conf_pair *p;

	TAILQ_FOREACH(p, &s->pairs, entry)
		if (i-- == 0)
			return p->name;
	return STR("");
}

bool
conf_is_set(const struct conf_section *s, const char *key)
{
	const struct conf_pair *p;

	(void)row(s, key);
	p = conf_pair_find(s, str_c(key));
	return p != NULL && !p->is_default;
}
