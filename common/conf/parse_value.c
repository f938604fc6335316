#include <stdio.h>

#include "base/fatal.h"
#include "conf/parser.h"
#include "conf/suggest.h"

void
parser_add_value(struct parser *p, struct str text, struct conf_place at)
{
	if (p->n == CONF_VALUES_MAX)
		return;
	if (p->n == p->cap) {
		p->cap = p->cap != 0 ? p->cap * 2 : 16;
		p->list = xreallocarray(p->list, p->cap, sizeof(*p->list));
	}
	p->list[p->n++] = (struct conf_value){ pool_str(&p->c->pool, text),
		at };
}

/* $name: the values that `let` gave it. */
static bool
add_variable(struct parser *p, struct lex_token t)
{
	struct str name = str_from(t.text, 1);
	struct suggest s;
	struct conf_let *let;
	char fix[80];

	suggest_init(&s, name);
	TAILQ_FOREACH(let, &p->c->lets, entry) {
		suggest_add(&s, let->name.p);
		if (!str_eq(let->name, name))
			continue;
		let->used = true;
		for (size_t i = 0; i < let->n; i++)
			parser_add_value(p, let->values[i].text, t.at);
		return true;
	}
	snprintf(fix, sizeof(fix), "$%s", s.best != NULL ? s.best : "");
	conf_error(p->c, t.at, s.best != NULL ? fix : NULL,
	    "nothing is called \"%.*s\" by a let above%s%s%s",
	    STR_ARG(str_first(t.text, 60)), s.best != NULL ?
	    "; did you mean \"" : "", s.best != NULL ? fix : "",
	    s.best != NULL ? "\"?" : "");
	return false;
}

static bool
add_scalar(struct parser *p, struct lex_token t)
{
	if (t.kind == LEX_WORD && t.text.n > 1 && t.text.p[0] == '$')
		return add_variable(p, t);
	parser_add_value(p, t.text, t.at);
	return true;
}

bool
parser_is_scalar(struct lex_token t)
{
	return t.kind == LEX_WORD || t.kind == LEX_STRING;
}

/* Behind [. Commas between the elements; lines may end anywhere. */
static bool
take_list(struct parser *p, struct conf_place begin)
{
	struct lex *l = parser_lex(p);
	struct lex_token t;
	bool ok = true;

	for (;;) {
		t = lex_take(l);
		if (t.kind == LEX_LIST_END)
			return ok;
		if (!parser_is_scalar(t))
			break;
		ok = add_scalar(p, t) && ok;
		t = lex_peek(l);
		if (t.kind == LEX_COMMA) {
			(void)lex_take(l);
		} else if (parser_is_scalar(t) && !t.first) {
			conf_error(p->c, t.at, NULL,
			    "a comma is missing before \"%.*s\"",
			    STR_ARG(str_first(t.text, 60)));
			ok = false;
		} else if (t.kind != LEX_LIST_END) {
			break;
		}
	}
	if (t.kind == LEX_BAD)
		conf_error(p->c, t.at, NULL, "%.*s", STR_ARG(t.text));
	else
		conf_error(p->c, begin, NULL, "the list is not closed with ]");
	lex_skip_line(l, begin.line);
	return false;
}

/* "[host]:port" without quotes looks like a list and a word. */
static bool
was_bracket_host(struct parser *p, struct conf_place begin)
{
	struct lex_token t = lex_peek(parser_lex(p));
	char fix[160];

	if (t.kind != LEX_WORD || t.first || t.text.p[0] != ':' || p->n != 1)
		return false;
	snprintf(fix, sizeof(fix), "\"[%.*s]%.*s\"",
	    STR_ARG(str_first(p->list[0].text, 100)),
	    STR_ARG(str_first(t.text, 20)));
	(void)lex_take(parser_lex(p));
	conf_error(p->c, begin, fix, "a host in brackets stands in quotes");
	return true;
}

/* "5 d": the unit would be read as the next key. */
static void
take_loose_unit(struct parser *p)
{
	struct lex *l = parser_lex(p);
	struct lex_token t = lex_peek(l);
	struct conf_value *v = &p->list[p->n - 1];
	struct lex copy;
	char text[80];

	if (t.kind != LEX_WORD || t.first || v->text.n == 0 ||
	    !chr_is_digit(v->text.p[v->text.n - 1]))
		return;
	copy = *l;
	(void)lex_take(&copy);
	if (lex_peek(&copy).kind == LEX_EQUALS ||
	    lex_peek(&copy).kind == LEX_OPEN)
		return;
	(void)lex_take(l);
	snprintf(text, sizeof(text), "%.*s %.*s",
	    STR_ARG(str_first(v->text, 30)), STR_ARG(str_first(t.text, 40)));
	v->text = pool_str(&p->c->pool, str_c(text));
	v->at.width = t.at.col + t.at.width - v->at.col;
}

bool
parser_take_value(struct parser *p, struct lex_token name, bool *list)
{
	struct lex *l = parser_lex(p);
	struct lex_token t = lex_peek(l);

	p->n = 0;
	*list = t.kind == LEX_LIST;
	if (t.first || (t.kind != LEX_LIST && !parser_is_scalar(t))) {
		if (t.kind == LEX_BAD) {
			conf_error(p->c, t.at, NULL, "%.*s", STR_ARG(t.text));
			(void)lex_take(l);
			lex_skip_line(l, t.at.line);
		} else {
			conf_error(p->c, name.at, NULL, "%.*s has no value",
			    STR_ARG(str_first(name.text, 60)));
		}
		return false;
	}
	(void)lex_take(l);
	if (*list)
		return take_list(p, t.at) && !was_bracket_host(p, t.at);
	if (t.kind == LEX_WORD && t.text.n > 1 && t.text.p[0] == '$') {
		*list = true;
		return add_variable(p, t);
	}
	parser_add_value(p, t.text, t.at);
	take_loose_unit(p);
	return true;
}

void
parser_let(struct parser *p)
{
	struct lex *l = parser_lex(p);
	struct lex_token name = lex_take(l);
	struct conf_let *let;
	char where[256];
	bool list;

	if (name.kind != LEX_WORD || lex_peek(l).kind != LEX_EQUALS) {
		conf_error(p->c, name.at, "let office = 192.0.2.0/24",
		    "let needs a name, = and a value");
		lex_skip_line(l, name.at.line);
		return;
	}
	(void)lex_take(l);
	if (!parser_take_value(p, name, &list))
		p->n = 0; /* still a name, so that its uses are no mistakes */
	TAILQ_FOREACH(let, &p->c->lets, entry)
		if (str_eq(let->name, name.text)) {
			conf_error(p->c, name.at, NULL, "%.*s was named at %s",
			    STR_ARG(name.text),
			    conf_place_text(p->c, let->at, where));
			return;
		}
	let = pool_alloc(&p->c->pool, sizeof(*let));
	let->name = pool_str(&p->c->pool, name.text);
	let->at = name.at;
	let->n = p->n;
	let->values = pool_alloc(&p->c->pool, p->n * sizeof(*let->values) + 1);
	if (p->n > 0)
		memcpy(let->values, p->list, p->n * sizeof(*let->values));
	TAILQ_INSERT_TAIL(&p->c->lets, let, entry);
}
