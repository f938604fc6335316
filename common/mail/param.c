#include "mail/param.h"

#include "base/buf.h"
#include "base/num.h"
#include "mail/charset.h"
#include "mail/rfc2047.h"
#include "mail/utf8.h"

/* White space, line ends and comments. */
static void
skip_cfws(struct str *s)
{
	size_t depth = 0;

	for (; s->n != 0; *s = str_from(*s, 1)) {
		char c = *s->p;

		if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (depth > 0 && c == '\\' && s->n > 1)
			*s = str_from(*s, 1);
		else if (depth == 0 && c != ' ' && c != '\t' && c != '\r' &&
		    c != '\n')
			return;
	}
}

/* token = 1*<any CHAR except SPACE, CTLs, or tspecials>; 8-bit let through */
static bool
is_token(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f &&
	    strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

bool
param_token(struct str *in, struct str *token)
{
	size_t n = 0;

	skip_cfws(in);
	while (n < in->n && is_token(in->p[n]))
		n++;
	if (n == 0)
		return false;
	*token = str_take(in, n);
	skip_cfws(in);
	return true;
}

static struct str
take_quoted(struct str *in, struct pool *pool)
{
	struct buf b;
	struct str v;

	buf_init(&b, BUF_NO_MAX);
	*in = str_from(*in, 1);
	while (in->n != 0) {
		char c = *in->p;

		*in = str_from(*in, 1);
		if (c == '"')
			break;
		if (c == '\\' && in->n != 0) {
			c = *in->p;
			*in = str_from(*in, 1);
		}
		if (c != '\r' && c != '\n' && c != '\0')
			buf_add_char(&b, c);
	}
	v = pool_str(pool, buf_str(&b));
	buf_clear(&b);
	return v;
}

/* A value without quotes: a token by the book, in the field anything up to
 * the ";" or a comment. */
static struct str
take_plain(struct str *in, struct pool *pool)
{
	size_t n = 0;

	while (n < in->n && in->p[n] != ';' && in->p[n] != '\r' &&
	    in->p[n] != '\n' && in->p[n] != '\0' &&
	    !(in->p[n] == '(' && n > 0 && chr_is_wsp(in->p[n - 1])))
		n++;
	return pool_str(pool, str_trim(str_take(in, n)));
}

/* The next ";" outside of quotes, and what stands before it, go. */
static bool
next_semicolon(struct str *in)
{
	bool quoted = false;

	while (in->n != 0) {
		char c = *in->p;

		*in = str_from(*in, 1);
		if (c == '"')
			quoted = !quoted;
		else if (c == '\\' && quoted && in->n != 0)
			*in = str_from(*in, 1);
		else if (c == ';' && !quoted)
			return true;
	}
	return false;
}

void
params_take(struct str *in, struct pool *pool, struct params *out)
{
	struct param found[PARAM_MAX];
	size_t n = 0;

	while (n < PARAM_MAX && next_semicolon(in)) {
		struct str name;

		if (!param_token(in, &name) || !str_take_char(in, '='))
			continue;
		skip_cfws(in);
		found[n].name = name;
		found[n].value = in->n != 0 && *in->p == '"' ?
		    take_quoted(in, pool) : take_plain(in, pool);
		n++;
	}
	*out = (struct params){ NULL, 0 };
	if (n == 0)
		return;
	out->list = pool_alloc(pool, n * sizeof(found[0]));
	memcpy(out->list, found, n * sizeof(found[0]));
	out->count = n;
}

const struct str *
params_get(const struct params *p, struct str name)
{
	for (size_t i = 0; i < p->count; i++)
		if (str_ieq(p->list[i].name, name))
			return &p->list[i].value;
	return NULL;
}

/*
 * RFC 2231 sections 3 and 4: "name*", "name*N" or "name*N*"; whole means the
 * first.  *encoded: the value has %XX.
 */
static bool
is_piece(struct str have, struct str name, bool whole, uint32_t n,
    bool *encoded)
{
	uint32_t number;

	if (!str_take_iprefix(&have, name) || !str_take_char(&have, '*'))
		return false;
	*encoded = true;
	if (whole)
		return have.n == 0;
	if (!num_take_u32(&have, &number) || number != n)
		return false;
	*encoded = str_take_char(&have, '*');
	return have.n == 0;
}

static void
add_percent(struct buf *out, struct str in)
{
	for (size_t i = 0; i < in.n; i++) {
		char c = in.p[i];

		if (c == '%' && in.n - i > 2 && chr_hex(in.p[i + 1]) >= 0 &&
		    chr_hex(in.p[i + 2]) >= 0) {
			c = (char)(chr_hex(in.p[i + 1]) * 16 +
			    chr_hex(in.p[i + 2]));
			i += 2;
		}
		buf_add_char(out, c);
	}
}

/* Adds piece n to octets; the first names the charset: charset'lang'text. */
static bool
add_piece(const struct params *p, struct str name, bool whole, uint32_t n,
    struct str *charset, struct buf *octets)
{
	for (size_t i = 0; i < p->count; i++) {
		struct str value = p->list[i].value;
		bool encoded;

		if (!is_piece(p->list[i].name, name, whole, n, &encoded))
			continue;
		if (n == 0 && encoded &&
		    str_find(str_from(value, str_find(value, '\'') + 1),
		    '\'') + str_find(value, '\'') + 1 < value.n) {
			*charset = str_take_until(&value, '\'');
			str_take_until(&value, '\'');
		}
		if (encoded)
			add_percent(octets, value);
		else
			buf_add(octets, value);
		return true;
	}
	return false;
}

static bool
extended_text(const struct params *p, struct str name, struct buf *text)
{
	struct str charset = STR("utf-8");
	struct buf octets;
	bool found;

	buf_init(&octets, BUF_NO_MAX);
	found = add_piece(p, name, true, 0, &charset, &octets);
	if (!found)
		for (uint32_t n = 0; add_piece(p, name, false, n, &charset,
		    &octets); n++)
			found = true;
	if (found && !charset_to_utf8(text, charset, buf_str(&octets)))
		utf8_repair(text, buf_str(&octets));
	buf_clear(&octets);
	return found;
}

bool
params_text(const struct params *p, struct pool *pool, struct str name,
    struct str *out)
{
	const struct str *plain = params_get(p, name);
	struct buf text;
	bool found;

	buf_init(&text, BUF_NO_MAX);
	found = extended_text(p, name, &text);
	if (!found && plain != NULL)
		found = rfc2047_decode(&text, *plain);
	if (found)
		*out = pool_str(pool, buf_str(&text));
	buf_clear(&text);
	return found;
}
