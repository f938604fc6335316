#include "conf/lex.h"

void
lex_init(struct lex *l, struct pool *pool, struct str text, uint32_t file)
{
	*l = (struct lex){ .pool = pool, .text = text, .file = file, .line = 1,
		.col = 1, .first = true };
	/* A byte order mark, as some editors write it. */
	if (str_starts(text, STR("\xef\xbb\xbf")))
		l->at = 3;
}

static bool
at_end(const struct lex *l)
{
	return l->at >= l->text.n;
}

static char
now(const struct lex *l)
{
	return l->text.p[l->at];
}

static void
step(struct lex *l)
{
	char c = now(l);

	l->at++;
	if (c == '\n') {
		l->line++;
		l->col = 1;
		l->first = true;
	} else if (at_end(l) || ((unsigned char)now(l) & 0xc0) != 0x80) {
		l->col++; /* not inside a UTF-8 character */
	}
}

static void
skip_space(struct lex *l)
{
	while (!at_end(l)) {
		if (now(l) == '#') {
			while (!at_end(l) && now(l) != '\n')
				step(l);
		} else if (now(l) == ' ' || now(l) == '\t' || now(l) == '\n' ||
		    now(l) == '\r') {
			step(l);
		} else {
			break;
		}
	}
}

static bool
ends_word(char c, bool brackets)
{
	if (brackets && (c == '[' || c == ']'))
		return false;
	return (unsigned char)c <= ' ' || c == 0x7f ||
	    strchr("={}[],\"", c) != NULL;
}

static void
take_word(struct lex *l, struct lex_token *t, bool brackets)
{
	size_t begin = l->at;

	while (!at_end(l) && !ends_word(now(l), brackets))
		step(l);
	t->kind = LEX_WORD;
	t->text = str_n(l->text.p + begin, l->at - begin);
}

/* Behind the opening quote.  Escapes: \" and \\ alone. */
static void
take_string(struct lex *l, struct lex_token *t)
{
	size_t begin = l->at;
	size_t n = 0;
	char *copy;

	t->kind = LEX_BAD;
	/* Not the rest of the line: there may be thousands in one. */
	for (size_t i = begin; i < l->text.n && l->text.p[i] != '\n' &&
	    l->text.p[i] != '"'; i++) {
		i += l->text.p[i] == '\\';
		n++;
	}
	copy = pool_alloc(l->pool, n + 1);
	n = 0;
	while (!at_end(l) && now(l) != '\n' && now(l) != '"') {
		if (now(l) == '\\') {
			step(l);
			if (at_end(l) || (now(l) != '"' && now(l) != '\\')) {
				t->text = STR("\\ in a string stands only "
					      "before \" and \\");
				return;
			}
		}
		copy[n++] = now(l);
		step(l);
	}
	if (at_end(l) || now(l) != '"') {
		t->text = STR("the string has no closing \" on its line");
		return;
	}
	step(l);
	t->kind = LEX_STRING;
	t->text = str_n(copy, n);
}

static const struct {
	char c;
	enum lex_kind kind;
} marks[] = {
	{ '=', LEX_EQUALS },
	{ '{', LEX_OPEN },
	{ '}', LEX_CLOSE },
	{ '[', LEX_LIST },
	{ ']', LEX_LIST_END },
	{ ',', LEX_COMMA },
};

static bool
take_mark(struct lex *l, struct lex_token *t)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (now(l) == marks[i].c) {
			t->kind = marks[i].kind;
			t->text = str_n(l->text.p + l->at, 1);
			step(l);
			return true;
		}
	return false;
}

static struct lex_token
take(struct lex *l, bool brackets)
{
	struct lex_token t = { .kind = LEX_END };

	skip_space(l);
	t.first = l->first;
	l->first = false;
	t.at = (struct conf_place){ l->file, l->line, l->col, 1 };
	if (at_end(l))
		return t;
	if (now(l) == '"') {
		step(l);
		take_string(l, &t);
	} else if (brackets && now(l) == '[') {
		take_word(l, &t, true);
	} else if (!take_mark(l, &t)) {
		take_word(l, &t, brackets);
		if (t.text.n == 0) {
			step(l);
			t.kind = LEX_BAD;
			t.text = STR("a control character");
		}
	}
	if (l->line == t.at.line && l->col > t.at.col)
		t.at.width = l->col - t.at.col;
	return t;
}

struct lex_token
lex_take(struct lex *l)
{
	if (l->has_ahead) {
		l->has_ahead = false;
		return l->ahead;
	}
	return take(l, false);
}

struct lex_token
lex_peek(struct lex *l)
{
	if (!l->has_ahead) {
		l->ahead = take(l, false);
		l->has_ahead = true;
	}
	return l->ahead;
}

struct lex_token
lex_take_address(struct lex *l)
{
	if (l->has_ahead) {
		/* Read it again, as an address. */
		l->has_ahead = false;
		if (l->ahead.kind == LEX_LIST || l->ahead.kind == LEX_WORD) {
			l->at = (size_t)(l->ahead.text.p - l->text.p);
			l->line = l->ahead.at.line;
			l->col = l->ahead.at.col;
			l->first = l->ahead.first;
		} else {
			return l->ahead;
		}
	}
	return take(l, true);
}

void
lex_skip_line(struct lex *l, uint32_t line)
{
	if (l->has_ahead && l->ahead.at.line != line)
		return;
	l->has_ahead = false;
	while (!at_end(l) && l->line == line)
		step(l);
}
