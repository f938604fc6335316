#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/wire.h"
#include "conf/tree.h"

/*
 * "PCF1", see, then the sections in the order of conf_walk:
 *	depth, kind, number of words, words,
 *	number of keys, {name, is_default, number of values, values}
 * Numbers are u32.
 */
static const char magic[] = "PCF1";
enum { STRING_MAX = CONF_OCTETS_MAX, WORDS_MAX = 16 };

static void
put_pairs(const struct conf_section *s, unsigned see, struct buf *out)
{
	const struct conf_pair *p;
	uint32_t n = 0;

	TAILQ_FOREACH(p, &s->pairs, entry)
		n += (conf_key_see(s->def, p->key) & see) != 0;
	wire_put_u32(out, n);
	TAILQ_FOREACH(p, &s->pairs, entry) {
		if ((conf_key_see(s->def, p->key) & see) == 0)
			continue;
		wire_put_str(out, p->name);
		wire_put_u32(out, p->is_default);
		wire_put_u32(out, (uint32_t)p->n);
		for (size_t i = 0; i < p->n; i++)
			wire_put_str(out, p->values[i].text);
	}
}

static void
put_section(const struct conf_section *s, unsigned depth, unsigned see,
    struct buf *out)
{
	wire_put_u32(out, depth);
	wire_put_str(out, s->kind);
	wire_put_u32(out, (uint32_t)s->nwords);
	for (size_t i = 0; i < s->nwords; i++)
		wire_put_str(out, s->words[i].text);
	put_pairs(s, see, out);
}

/* A section is shown when it is for the role, or a key in it is. */
static bool
shown(const struct conf_section *s, unsigned see)
{
	const struct conf_key *k;

	if (s->def == NULL)
		return false;
	if ((s->def->see & see) != 0)
		return true;
	for (size_t i = 0; (k = conf_key_at(s->def, i)) != NULL; i++)
		if ((conf_key_see(s->def, k) & see) != 0)
			return true;
	return false;
}

/* Sections that the file lacks have values only by base. */
static void
put_absent(const struct conf_section *in, unsigned see, struct buf *out)
{
	const struct conf_section *s;

	TAILQ_FOREACH(s, &in->absent, entry)
		if (!TAILQ_EMPTY(&s->pairs) && shown(s, see))
			put_section(s, 1, see, out);
}

void
conf_encode(const struct conf *c, struct str role, struct buf *out)
{
	unsigned see = conf_see(role);
	unsigned depth = 0, hidden = UINT32_MAX;

	if (see == 0)
		fatal("no role %.*s in the tables of keys", STR_ARG(role));
	buf_add_c(out, magic);
	wire_put_u32(out, see);
	for (struct conf_section *s = c->root; s != NULL;
	    s = conf_walk(s, &depth)) {
		/* What is inside of a hidden section is hidden. */
		if (depth > hidden)
			continue;
		hidden = shown(s, see) ? UINT32_MAX : depth;
		if (hidden == UINT32_MAX)
			put_section(s, depth, see, out);
	}
	put_absent(c->root, see, out);
}

static bool
take_values(struct conf *c, struct str *in, uint32_t most,
    struct conf_value **out, uint32_t *n)
{
	struct str text;

	/* Each takes four octets at least, so this bounds the memory. */
	if (!wire_take_u32(in, n) || *n > most || *n > in->n / 4)
		return false;
	*out = pool_alloc(&c->pool, *n * sizeof(**out) + 1);
	for (uint32_t i = 0; i < *n; i++) {
		if (!wire_take_str(in, &text, STRING_MAX))
			return false;
		(*out)[i].text = pool_str(&c->pool, text);
	}
	return true;
}

static bool
take_pair(struct conf *c, struct conf_section *s, struct str *in)
{
	const struct conf_key *key;
	struct conf_value *values;
	struct conf_pair *p;
	struct str name;
	uint32_t is_default, n;

	if (!wire_take_str(in, &name, STRING_MAX) ||
	    !wire_take_u32(in, &is_default) ||
	    !take_values(c, in, CONF_VALUES_MAX, &values, &n) ||
	    (key = conf_key_find(s->def, name)) == NULL)
		return false;
	p = conf_pair_new(c, s, name, key, values, n);
	p->is_default = is_default != 0;
	return true;
}

static bool
take_section(struct conf *c, struct conf_section **last, unsigned *depth,
    struct str *in)
{
	struct conf_value *words;
	struct conf_section *s;
	const struct conf_kind *def;
	struct str kind;
	uint32_t at, nwords, npairs;

	if (!wire_take_u32(in, &at) || at > *depth + 1 ||
	    !wire_take_str(in, &kind, STRING_MAX) ||
	    !take_values(c, in, WORDS_MAX, &words, &nwords) ||
	    !wire_take_u32(in, &npairs))
		return false;
	if (*last == NULL) {
		if (at != 0)
			return false;
		s = c->root;
	} else {
		if (at == 0)
			return false;
		for (; *depth >= at; --*depth)
			*last = (*last)->parent;
		def = conf_kind_find(kind, (*last)->def, nwords > 0 ?
		    words[0].text : STR(""));
		if (def == NULL)
			return false;
		s = conf_section_new(c, *last, pool_str(&c->pool, kind), def);
		conf_section_words(c, s, words, nwords);
	}
	*last = s;
	*depth = at;
	while (npairs-- > 0)
		if (!take_pair(c, s, in))
			return false;
	return true;
}

struct conf *
conf_decode(struct str octets)
{
	struct conf_section *last = NULL;
	struct conf *c;
	unsigned depth = 0;
	uint32_t see;

	if (!str_take_prefix(&octets, str_c(magic)) ||
	    !wire_take_u32(&octets, &see) || (see & SEE_ALL) == 0)
		return NULL;
	c = conf_new(see);
	while (octets.n > 0)
		if (!take_section(c, &last, &depth, &octets)) {
			conf_free(c);
			return NULL;
		}
	conf_complete(c);
	return c;
}

struct conf *
conf_load(int fd)
{
	struct conf *c;
	struct stat st;
	size_t n = 0;
	char *text;
	ssize_t got;

	if (fstat(fd, &st) == -1)
		fatal_errno("configuration");
	text = xmalloc((size_t)st.st_size + 1);
	while (n < (size_t)st.st_size) {
		got = pread(fd, text + n, (size_t)st.st_size - n, (off_t)n);
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			fatal_errno("configuration");
		n += (size_t)got;
	}
	if ((c = conf_decode(str_n(text, n))) == NULL)
		fatal("the configuration from master is damaged");
	free(text);
	return c;
}
