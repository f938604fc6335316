#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "conf/parser.h"
#include "conf/source.h"

struct include {
	struct parser *p;
	struct conf_place from;
	uint32_t files[CONF_FILES_MAX];
	size_t n;
};

static void
on_include(void *arg, const char *path)
{
	struct include *i = arg;

	if (i->n < CONF_FILES_MAX &&
	    source_read(i->p->c, path, i->from, &i->files[i->n]))
		i->n++;
}

static void parse_reader(struct parser *p);

static void
push(struct parser *p, uint32_t file)
{
	struct reader *r = &p->stack[p->depth];

	r->included = p->depth > 0;
	lex_init(&r->lex, &p->c->pool, p->c->files[file].text, file);
	p->depth++;
}

/* The depth of this recursion is that of the includes: 8 at most. */
static void
parse_include(struct parser *p, struct conf_place from)
{
	struct lex_token t = lex_take(parser_lex(p));
	struct include *i;

	if (!parser_is_scalar(t) || t.first) {
		conf_error(p->c, from, "include \"domains.d/*.conf\"",
		    "include needs a file or a pattern");
		return;
	}
	if (p->from_memory || p->in != p->c->root ||
	    p->depth == CONF_DEPTH_MAX) {
		conf_error(p->c, from, NULL, p->in != p->c->root ?
		    "include stands outside of sections" :
		    "files include each other more than 8 deep");
		return;
	}
	i = xcalloc(1, sizeof(*i));
	i->p = p;
	i->from = t.at;
	source_include(p->c, pool_str(&p->c->pool, t.text), t.at, on_include,
	    i);
	for (size_t n = 0; n < i->n; n++) {
		push(p, i->files[n]);
		parse_reader(p);
		p->depth--;
	}
	free(i);
}

static void
close_section(struct parser *p, struct lex_token t)
{
	if (p->in == p->c->root) {
		conf_error(p->c, t.at, NULL, "} closes nothing");
		return;
	}
	p->nesting--;
	p->in = p->in->parent;
}

static void
parse_statement(struct parser *p, struct lex_token t)
{
	struct lex *l = parser_lex(p);

	if (t.kind == LEX_CLOSE) {
		close_section(p, t);
	} else if (!parser_is_scalar(t)) {
		conf_error(p->c, t.at, NULL, t.kind == LEX_BAD ? "%.*s" :
		    "\"%.*s\" is not expected here; a key or a section begins "
		    "with a word", STR_ARG(t.text));
		lex_skip_line(l, t.at.line);
	} else if (lex_peek(l).kind == LEX_EQUALS) {
		(void)lex_take(l);
		parser_key(p, t);
	} else if (t.kind == LEX_WORD && str_eq(t.text, STR("let"))) {
		parser_let(p);
	} else if (t.kind == LEX_WORD && str_eq(t.text, STR("include"))) {
		parse_include(p, t.at);
	} else {
		parser_section(p, t);
	}
}

/* One file, to its end. */
static void
parse_reader(struct parser *p)
{
	struct lex_token t;

	while ((t = lex_take(parser_lex(p))).kind != LEX_END)
		parse_statement(p, t);
	for (; p->in != p->c->root; p->in = p->in->parent)
		conf_error(p->c, p->in->at, NULL,
		    "%.*s { is not closed with }", STR_ARG(p->in->kind));
	p->nesting = 0;
}

static void
set_default(struct conf *c, const char *section, const char *key,
    struct str value)
{
	struct conf_section *s;
	const struct conf_key *row;
	struct conf_value v = { .text = pool_str(&c->pool, value) };

	s = (struct conf_section *)(uintptr_t)conf_one(c->root, section);
	row = conf_key_find(s->def, str_c(key));
	if (conf_pair_find(s, str_c(key)) == NULL)
		conf_pair_new(c, s, str_c(key), row, &v, 1)->is_default = true;
}

/* Where things are: below base, or where configure said. */
static void
set_paths(struct conf *c, const char *base)
{
	static const struct {
		const char *key, *installed;
	} paths[] = {
		{ "spool", POSTERN_LOCALSTATEDIR "/spool/postern" },
		{ "lib", POSTERN_LOCALSTATEDIR "/lib/postern" },
		{ "run", POSTERN_RUNSTATEDIR "/postern" },
		{ "mail", POSTERN_LOCALSTATEDIR "/mail/postern" },
		{ "log", POSTERN_LOCALSTATEDIR "/log/postern" },
	};
	char path[PATH_MAX + 16];

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", base != NULL ? base : "",
		    paths[i].key);
		set_default(c, "paths", paths[i].key, str_c(base != NULL ?
		    path : paths[i].installed));
	}
	/* Test servers answer for .test. */
	if (base != NULL)
		set_default(c, "dns", "local_zones_off", STR("test."));
}

static struct conf *
parse(struct parser *p, uint32_t file, bool have, const char *base)
{
	struct conf *c = p->c;

	p->in = c->root;
	if (have) {
		push(p, file);
		parse_reader(p);
	}
	conf_complete(c);
	set_paths(c, base);
	c->with_base = base != NULL;
	conf_problems_sort(c);
	free(p->list);
	return c;
}

struct conf *
conf_parse_file(const char *path, const char *base)
{
	struct parser p = { .c = conf_new(SEE_ALL) };
	struct conf_place nowhere = { .file = UINT32_MAX };
	char def[PATH_MAX];
	uint32_t file = 0;
	bool have;

	if (path == NULL) {
		snprintf(def, sizeof(def), "%s%s/postern.conf",
		    base != NULL ? base : POSTERN_SYSCONFDIR,
		    base != NULL ? "" : "/postern");
		path = def;
	}
	have = source_read(p.c, path, nowhere, &file);
	return parse(&p, file, have, base);
}

struct conf *
conf_parse_text(struct str text, const char *name, const char *base)
{
	struct parser p = { .c = conf_new(SEE_ALL), .from_memory = true };
	uint32_t file = 0;

	source_add(p.c, str_c(name), pool_str(&p.c->pool, text),
	    (struct conf_place){ 0 }, &file);
	return parse(&p, file, true, base);
}
