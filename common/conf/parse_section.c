#include <stdio.h>

#include "conf/parser.h"
#include "conf/source.h"
#include "conf/suggest.h"

enum { PLACE_TEXT = 160 };

/* "at the top level", "in domain example.org" */
static void
section_text(const struct conf_section *in, char out[PLACE_TEXT])
{
	if (in->parent == NULL)
		snprintf(out, PLACE_TEXT, "at the top level");
	else
		snprintf(out, PLACE_TEXT, "in %.*s%s%.*s", STR_ARG(in->kind),
		    in->nwords > 0 ? " " : "",
		    STR_ARG(str_first(conf_word(in, 0), 100)));
}

/* A key that this section lacks: nearby ones, then other sections. */
static void
unknown_key(struct parser *p, struct lex_token t)
{
	const struct conf_kind *def = p->in->def, *k;
	const struct conf_key *key;
	struct suggest s;
	char where[PLACE_TEXT], fix[80];

	suggest_init(&s, t.text);
	for (size_t i = 0; (key = conf_key_at(def, i)) != NULL; i++)
		suggest_add(&s, key->name);
	section_text(p->in, where);
	if (s.best != NULL) {
		conf_error(p->c, t.at, s.best,
		    "unknown key \"%.*s\" %s; did you mean \"%s\"?",
		    STR_ARG(str_first(t.text, 60)), where, s.best);
		return;
	}
	for (size_t i = 0; (k = conf_kind_at(i)) != NULL; i++)
		if (!k->free_keys && k != def &&
		    conf_key_find(k, t.text) != NULL) {
			snprintf(fix, sizeof(fix), "%s%s%s { %.*s = ... }",
			    k->kind != NULL ? k->kind : "the top level",
			    k->name != NULL ? " " : "",
			    k->name != NULL ? k->name : "",
			    STR_ARG(str_first(t.text, 40)));
			conf_error(p->c, t.at, fix,
			    "unknown key \"%.*s\" %s; it stands elsewhere",
			    STR_ARG(str_first(t.text, 60)), where);
			return;
		}
	conf_error(p->c, t.at, NULL, "unknown key \"%.*s\" %s (keys: postern "
	    "explain %s)", STR_ARG(str_first(t.text, 60)), where,
	    def->kind != NULL ? def->kind : "all");
}

static bool
is_kind(struct parser *p, struct str word)
{
	const struct conf_kind *k;

	for (size_t i = 0; (k = conf_kind_at(i)) != NULL; i++)
		if (k->kind != NULL && str_eq(str_c(k->kind), word) &&
		    str_eq(str_c(k->parent), str_c(p->in->def->kind)))
			return true;
	return false;
}

/* name = value */
void
parser_key(struct parser *p, struct lex_token name)
{
	const struct conf_kind *def = p->in->def;
	const struct conf_key *key;
	struct conf_pair *pair;
	char where[256];
	bool list;
	bool ok = parser_take_value(p, name, &list);

	if (!ok)
		p->in->bad = true;
	if (def == NULL || (!ok && conf_key_find(def, name.text) == NULL))
		return;
	if ((key = conf_key_find(def, name.text)) == NULL) {
		p->in->bad = true;
		if (is_kind(p, name.text))
			conf_error(p->c, name.at, NULL, "%.*s is a section: "
			    "%.*s { ... }", STR_ARG(name.text),
			    STR_ARG(name.text));
		else
			unknown_key(p, name);
		return;
	}
	if ((pair = conf_pair_find(p->in, name.text)) != NULL) {
		conf_error(p->c, name.at, NULL, "%.*s is set a second time "
		    "(first at %s)", STR_ARG(str_first(name.text, 60)),
		    conf_place_text(p->c, pair->at, where));
		return;
	}
	if (p->stack[p->depth - 1].included && p->in == p->c->root)
		conf_error(p->c, name.at, NULL,
		    "an included file holds whole sections only");
	if (ok && (key->flags & CONF_LIST) == 0 && p->n != 1) {
		conf_error(p->c, name.at, NULL, "%.*s is one value, not a "
		    "list", STR_ARG(str_first(name.text, 60)));
		p->in->bad = true;
		ok = false;
	}
	/* A mistaken one is kept without a value: it is not missing. */
	pair = conf_pair_new(
	    p->c, p->in, name.text, key, p->list, ok ? p->n : 0);
	pair->at = name.at;
	if (key->type == CONF_PATH)
		for (size_t i = 0; i < pair->n; i++)
			if (!str_eq(pair->values[i].text, STR("none")))
				pair->values[i].text = source_path(p->c,
				    &p->c->files[name.at.file],
				    pair->values[i].text);
}

/* What was meant by an unknown `kind ... {`; NULL: cannot be told. */
static const struct conf_kind *
unknown_kind(struct parser *p, struct lex_token kind, bool block)
{
	const struct conf_kind *def = p->in->def, *k;
	const struct conf_key *key;
	struct suggest s;

	if (def == NULL)
		return NULL; /* inside something unknown */
	suggest_init(&s, kind.text);
	for (size_t i = 0; (k = conf_kind_at(i)) != NULL; i++)
		if (k->kind != NULL &&
		    str_eq(str_c(k->parent), str_c(def->kind)))
			suggest_add(&s, k->kind);
	for (size_t i = 0; !block && (key = conf_key_at(def, i)) != NULL; i++)
		suggest_add(&s, key->name);
	for (size_t i = 0; s.best == NULL && (k = conf_kind_at(i)) != NULL;
	    i++)
		if (k->kind != NULL && str_eq(str_c(k->kind), kind.text)) {
			conf_error(p->c, kind.at, NULL, "%s stands %s%s",
			    k->kind, k->parent != NULL ? "inside of " :
			    "at the top level", k->parent != NULL ?
			    k->parent : "");
			return k;
		}
	conf_error(p->c, kind.at, s.best, s.best != NULL ?
	    "unknown section \"%.*s\"; did you mean \"%s\"?" :
	    "unknown section \"%.*s\"", STR_ARG(str_first(kind.text, 60)),
	    s.best);
	return s.best == NULL ? NULL :
	    conf_kind_find(str_c(s.best), def, STR_NONE);
}

/* `daemon imapdd`: the name is wrong. */
static const struct conf_kind *
unknown_name(struct parser *p, struct lex_token kind, struct conf_value *name)
{
	const struct conf_kind *k;
	struct suggest s;

	suggest_init(&s, name->text);
	for (size_t i = 0; (k = conf_kind_at(i)) != NULL; i++)
		if (k->name != NULL && str_eq(str_c(k->kind), kind.text) &&
		    strcmp(k->name, "*") != 0)
			suggest_add(&s, k->name);
	conf_error(p->c, name->at, s.best, s.best != NULL ?
	    "there is no %.*s \"%.*s\"; did you mean \"%s\"?" :
	    "there is no %.*s \"%.*s\"", STR_ARG(kind.text),
	    STR_ARG(str_first(name->text, 60)), s.best);
	return s.best == NULL ? NULL :
	    conf_kind_find(kind.text, p->in->def, str_c(s.best));
}

static bool
name_matters(struct str kind, const struct conf_kind *in)
{
	const struct conf_kind *k;

	for (size_t i = 0; (k = conf_kind_at(i)) != NULL; i++)
		if (k->name != NULL && str_eq(str_c(k->kind), kind) &&
		    str_eq(str_c(k->parent), str_c(in->kind)))
			return true;
	return false;
}

static const struct conf_kind *
find_kind(struct parser *p, struct lex_token kind, bool block)
{
	const struct conf_kind *in = p->in->def;
	struct str name = p->n > 0 ? p->list[0].text : STR("");
	const struct conf_kind *k;

	if (in == NULL)
		return NULL;
	if (name_matters(kind.text, in)) {
		if (!str_eq(name, STR("*")) &&
		    (k = conf_kind_find(kind.text, in, name)) != NULL)
			return k;
		if (p->n > 0)
			return unknown_name(p, kind, &p->list[0]);
		conf_error(p->c, kind.at, NULL, "%.*s needs a name",
		    STR_ARG(kind.text));
		return NULL;
	}
	k = conf_kind_find(kind.text, in, STR_NONE);
	return k != NULL ? k : unknown_kind(p, kind, block);
}

static bool
same_words(const struct conf_section *s, const struct parser *p)
{
	if (s->nwords != p->n)
		return false;
	for (size_t i = 0; i < p->n; i++)
		if (!str_ieq(s->words[i].text, p->list[i].text))
			return false;
	return true;
}

static void
check_double(struct parser *p, struct lex_token kind,
    const struct conf_kind *def)
{
	const struct conf_section *s;
	char where[256];

	TAILQ_FOREACH(s, &p->in->sections, entry)
		if (s->def == def && (!def->many || same_words(s, p))) {
			conf_error(p->c, kind.at, NULL, "%s%s%.*s is defined "
			    "a second time (first at %s)", def->kind,
			    p->n > 0 ? " " : "", p->n > 0 ?
			    (int)p->list[0].text.n : 0, p->n > 0 ?
			    p->list[0].text.p : "",
			    conf_place_text(p->c, s->at, where));
			return;
		}
}

static size_t
words_wanted(const struct conf_kind *def)
{
	struct str rest = str_c(def->words);
	size_t n = 0;

	while (str_take_word(&rest).n > 0)
		n++;
	return n;
}

/* kind word... then { or the end of the line; the words are in p->list. */
static void
open_section(struct parser *p, struct lex_token kind, bool block)
{
	const struct conf_kind *def = find_kind(p, kind, block);
	struct conf_section *s;

	if (def != NULL && p->n != words_wanted(def)) {
		conf_error(p->c, kind.at, NULL, "write: %s %s%s", def->kind,
		    def->words, def->bare ? "" : " { ... }");
		if (p->n < words_wanted(def))
			def = NULL;
	} else if (def != NULL && !block && !def->bare) {
		conf_error(p->c, kind.at, NULL, "%s is a section: its keys "
		    "stand in { }", def->kind);
	}
	/* Not if it was another word that was meant. */
	if (def != NULL && str_eq(str_c(def->kind), kind.text))
		check_double(p, kind, def);
	s = conf_section_new(p->c, p->in, pool_str(&p->c->pool, kind.text),
	    def);
	conf_section_words(p->c, s, p->list, p->n);
	s->at = kind.at;
	if (!block)
		return;
	if (++p->nesting > CONF_DEPTH_MAX) {
		conf_error(p->c, kind.at, NULL, "sections nest more than %d "
		    "deep", CONF_DEPTH_MAX);
		s->def = NULL;
	}
	p->in = s;
}

/* `key value` without the =. */
static bool
forgot_equals(struct parser *p, struct lex_token name)
{
	const struct conf_key *key;
	char fix[160];

	if (p->in->def == NULL || p->in->def->free_keys || p->n > 1 ||
	    is_kind(p, name.text) ||
	    (key = conf_key_find(p->in->def, name.text)) == NULL)
		return false;
	snprintf(fix, sizeof(fix), "%s = %.*s", key->name, STR_ARG(p->n == 1 ?
	    str_first(p->list[0].text, 100) : str_c(key->def)));
	conf_error(p->c, name.at, fix, "= is missing behind %s", key->name);
	p->in->bad = true;
	conf_pair_new(p->c, p->in, name.text, key, NULL, 0)->at = name.at;
	return true;
}

void
parser_section(struct parser *p, struct lex_token kind)
{
	struct lex *l = parser_lex(p);
	struct lex_token t;

	p->n = 0;
	for (;;) {
		t = lex_peek(l);
		if (t.first || (!parser_is_scalar(t) && t.kind != LEX_LIST))
			break;
		t = lex_take_address(l);
		parser_add_value(p, t.text, t.at);
	}
	if (t.kind == LEX_OPEN) {
		(void)lex_take(l);
		open_section(p, kind, true);
		return;
	}
	if (!t.first && t.kind != LEX_END && t.kind != LEX_CLOSE) {
		conf_error(p->c, t.at, NULL, t.kind == LEX_BAD ? "%.*s" :
		    "\"%.*s\" is not expected here", STR_ARG(t.text));
		lex_skip_line(l, t.at.line);
		return;
	}
	if (!forgot_equals(p, kind))
		open_section(p, kind, false);
}
