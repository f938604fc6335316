#include "imapd/lex.h"

#include "base/num.h"

enum {
	ATOM = 1,    /* ATOM-CHAR */
	ASTRING = 2, /* ATOM-CHAR / "]" */
	LIST = 4,    /* ASTRING-CHAR / "%" / "*" */
	TAG = 8      /* ASTRING-CHAR except "+" */
};

/* atom-specials = "(" / ")" / "{" / SP / CTL / "%" / "*" / DQUOTE / "\" / "]"
 * and nothing above 126. */
static unsigned
classes(char c)
{
	unsigned char o = (unsigned char)c;

	if (o <= ' ' || o >= 0x7f)
		return 0;
	switch (c) {
	case '(':
	case ')':
	case '{':
	case '"':
	case '\\':
		return 0;
	case '%':
	case '*':
		return LIST;
	case ']':
		return ASTRING | LIST | TAG;
	case '+':
		return ATOM | ASTRING | LIST;
	default:
		return ATOM | ASTRING | LIST | TAG;
	}
}

static bool
take_run(struct str *in, unsigned class, struct str *out)
{
	size_t n = 0;

	while (n < in->n && (classes(in->p[n]) & class) != 0)
		n++;
	if (n == 0)
		return false;
	*out = str_take(in, n);
	return true;
}

bool
lex_sp(struct str *in)
{
	return str_take_char(in, ' ');
}

bool
lex_tag(struct str *in, struct str *out)
{
	return take_run(in, TAG, out);
}

bool
lex_atom(struct str *in, struct str *out)
{
	return take_run(in, ATOM, out);
}

bool
lex_number(struct str *in, uint32_t *out)
{
	return num_take_u32(in, out);
}

bool
lex_number64(struct str *in, uint64_t *out)
{
	return num_take_u64(in, out);
}

bool
lex_nz_number(struct str *in, uint32_t *out)
{
	return in->n != 0 && in->p[0] != '0' && num_take_u32(in, out);
}

/* quoted = DQUOTE *QUOTED-CHAR DQUOTE; octets above 127 are let through, the
 * caller knows whether they mean something. */
static bool
take_quoted(struct str *in, struct pool *pool, struct str *out)
{
	size_t end = 1, escapes = 0, n = 0;
	char *copy;

	for (; end < in->n && in->p[end] != '"'; end++) {
		char c = in->p[end];

		if (c == '\0' || c == '\r' || c == '\n')
			return false;
		if (c != '\\')
			continue;
		if (++end == in->n || (in->p[end] != '"' && in->p[end] != '\\'))
			return false;
		escapes++;
	}
	if (end >= in->n)
		return false;
	if (escapes == 0) {
		*out = str_n(in->p + 1, end - 1);
		*in = str_from(*in, end + 1);
		return true;
	}
	copy = pool_alloc(pool, end - 1);
	for (size_t i = 1; i < end; i++) {
		if (in->p[i] == '\\')
			i++;
		copy[n++] = in->p[i];
	}
	*out = str_n(copy, n);
	*in = str_from(*in, end + 1);
	return true;
}

/* literal = "{" number64 ["+"] "}" CRLF *CHAR8 */
static bool
take_literal(struct str *in, struct str *out)
{
	struct str rest = str_from(*in, 1), octets;
	uint64_t size;

	if (!num_take_u64(&rest, &size))
		return false;
	str_take_char(&rest, '+');
	if (!str_take_prefix(&rest, STR("}\r\n")) || rest.n < size)
		return false;
	octets = str_take(&rest, (size_t)size);
	if (str_find(octets, '\0') != octets.n)
		return false;
	*out = octets;
	*in = rest;
	return true;
}

bool
lex_string(struct str *in, struct pool *pool, struct str *out)
{
	if (in->n == 0)
		return false;
	if (in->p[0] == '"')
		return take_quoted(in, pool, out);
	if (in->p[0] == '{')
		return take_literal(in, out);
	return false;
}

bool
lex_astring(struct str *in, struct pool *pool, struct str *out)
{
	return lex_string(in, pool, out) || take_run(in, ASTRING, out);
}

bool
lex_nstring(struct str *in, struct pool *pool, struct str *out, bool *nil)
{
	if (lex_word(in, STR("NIL"))) {
		*nil = true;
		*out = STR_NONE;
		return true;
	}
	if (!lex_string(in, pool, out))
		return false;
	*nil = false;
	return true;
}

bool
lex_list_mailbox(struct str *in, struct pool *pool, struct str *out)
{
	return lex_string(in, pool, out) || take_run(in, LIST, out);
}

/* flag = "\" atom / atom */
bool
lex_flag(struct str *in, struct str *out)
{
	struct str rest = *in, name;

	str_take_char(&rest, '\\');
	if (!lex_atom(&rest, &name))
		return false;
	*out = str_n(in->p, in->n - rest.n);
	*in = rest;
	return true;
}

bool
lex_literal_end(struct str line, uint64_t *size, bool *sync)
{
	size_t open = str_rfind(line, '{');
	struct str rest;
	uint64_t n = 0;
	bool plus;

	if (open == line.n)
		return false;
	rest = str_from(line, open + 1);
	if (rest.n == 0 || !chr_is_digit(rest.p[0]))
		return false;
	while (rest.n != 0 && chr_is_digit(rest.p[0])) {
		uint64_t digit = (uint64_t)(rest.p[0] - '0');

		n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
		rest = str_from(rest, 1);
	}
	plus = str_take_char(&rest, '+');
	if (!str_eq(rest, STR("}")))
		return false;
	*size = n;
	*sync = !plus;
	return true;
}

bool
lex_word(struct str *in, struct str word)
{
	struct str rest = *in;

	if (!str_take_iprefix(&rest, word))
		return false;
	if (rest.n != 0 && (classes(rest.p[0]) & ASTRING) != 0)
		return false;
	*in = rest;
	return true;
}
