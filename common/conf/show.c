#include "conf/tree.h"

enum { INDENT_MAX = 8 };

static void
indent(struct buf *out, unsigned depth)
{
	for (unsigned i = 1; i < depth && i < INDENT_MAX; i++)
		buf_add_char(out, '\t');
}

/* A word as it is, anything else in quotes. */
static void
put_text(struct str text, struct buf *out)
{
	bool plain = text.n > 0 && text.p[0] != '$' && text.p[0] != '#';

	for (size_t i = 0; i < text.n && plain; i++)
		plain = (unsigned char)text.p[i] > ' ' &&
		    strchr("={}[],\"\x7f", text.p[i]) == NULL;
	if (plain) {
		buf_add(out, text);
		return;
	}
	buf_add_char(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, text.p[i]);
	}
	buf_add_char(out, '"');
}

const struct conf_kind *
conf_section_kind(const struct conf_section *s)
{
	return s->def;
}

void
conf_show_key(const struct conf_section *s, const char *key, struct buf *out)
{
	const struct conf_pair *p = conf_pair_find(s, str_c(key));
	const struct conf_key *k = conf_key_find(s->def, str_c(key));
	bool list = (k->flags & CONF_LIST) != 0;

	if (p == NULL && list) {
		buf_add_c(out, k->def);
		return;
	}
	if (p == NULL) {
		put_text(str_c(k->def), out);
		return;
	}
	if (list)
		buf_add_char(out, '[');
	for (size_t i = 0; i < p->n; i++) {
		if (i > 0)
			buf_add_c(out, ", ");
		put_text(p->values[i].text, out);
	}
	if (list)
		buf_add_char(out, ']');
}

static void
put_keys(const struct conf_section *s, unsigned depth, bool all,
    struct buf *out)
{
	const struct conf_pair *p;
	const struct conf_key *k;

	if (s->def->free_keys) {
		TAILQ_FOREACH(p, &s->pairs, entry) {
			indent(out, depth + 1);
			put_text(p->name, out);
			buf_add_c(out, " = ");
			conf_show_key(s, p->name.p, out);
			buf_add_char(out, '\n');
		}
		return;
	}
	for (size_t i = 0; (k = conf_key_at(s->def, i)) != NULL; i++) {
		p = conf_pair_find(s, str_c(k->name));
		/* A default of "" means that there is none. */
		if (p == NULL && (!all || k->def[0] == '\0'))
			continue;
		if (!all && p->is_default)
			continue;
		indent(out, depth + 1);
		buf_addf(out, "%s = ", k->name);
		conf_show_key(s, k->name, out);
		buf_add_char(out, '\n');
	}
}

static void
put_head(const struct conf_section *s, unsigned depth, struct buf *out)
{
	indent(out, depth);
	buf_add(out, s->kind);
	for (size_t i = 0; i < s->nwords; i++) {
		buf_add_char(out, ' ');
		if (s->def->bare)
			buf_add(out, s->words[i].text);
		else
			put_text(s->words[i].text, out);
	}
}

static void
close_to(unsigned *open, unsigned depth, struct buf *out)
{
	for (; *open > depth; --*open) {
		indent(out, *open);
		buf_add_c(out, "}\n");
	}
}

void
conf_show(const struct conf *c, bool all, struct buf *out)
{
	const struct conf_section *s;
	unsigned depth = 0, open = 0;

	put_keys(c->root, 0, all, out);
	for (s = conf_walk(c->root, &depth); s != NULL;
	    s = conf_walk((struct conf_section *)(uintptr_t)s, &depth)) {
		if (s->def == NULL)
			continue;
		close_to(&open, depth - 1, out);
		put_head(s, depth, out);
		if (s->def->bare && TAILQ_EMPTY(&s->pairs) &&
		    TAILQ_EMPTY(&s->sections) && !all) {
			buf_add_char(out, '\n');
			continue;
		}
		buf_add_c(out, " {\n");
		put_keys(s, depth, all, out);
		open = depth;
	}
	close_to(&open, 0, out);
	if (!all)
		return;
	TAILQ_FOREACH(s, &c->root->absent, entry) {
		put_head(s, 1, out);
		buf_add_c(out, " {\n");
		put_keys(s, 1, true, out);
		buf_add_c(out, "}\n");
	}
}
