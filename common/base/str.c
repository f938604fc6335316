#include "base/str.h"

#include <stdlib.h>

#include "base/fatal.h"

struct str
str_c(const char *cstr)
{
	return (struct str){ cstr, cstr != NULL ? strlen(cstr) : 0 };
}

struct str
str_n(const void *p, size_t n)
{
	return (struct str){ p, n };
}

char
chr_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

char
chr_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

bool
chr_is_alpha(char c)
{
	char l = chr_lower(c);

	return l >= 'a' && l <= 'z';
}

bool
chr_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
chr_is_alnum(char c)
{
	return chr_is_alpha(c) || chr_is_digit(c);
}

int
chr_hex(char c)
{
	char l = chr_lower(c);

	if (chr_is_digit(c))
		return c - '0';
	return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

bool
chr_is_xdigit(char c)
{
	return chr_hex(c) >= 0;
}

bool
chr_is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static bool
same_letters(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (chr_lower(a[i]) != chr_lower(b[i]))
			return false;
	return true;
}

bool
str_ieq(struct str a, struct str b)
{
	return a.n == b.n && same_letters(a.p, b.p, a.n);
}

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n != 0 ? memcmp(a.p, b.p, n) : 0;

	if (c != 0)
		return c;
	return a.n < b.n ? -1 : a.n > b.n;
}

int
str_icmp(struct str a, struct str b)
{
	for (size_t i = 0; i < a.n && i < b.n; i++) {
		unsigned char x = (unsigned char)chr_lower(a.p[i]);
		unsigned char y = (unsigned char)chr_lower(b.p[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return a.n < b.n ? -1 : a.n > b.n;
}

bool
str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_first(s, prefix.n), prefix);
}

bool
str_istarts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_ieq(str_first(s, prefix.n), prefix);
}

bool
str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_eq(str_from(s, s.n - suffix.n), suffix);
}

bool
str_iends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_ieq(str_from(s, s.n - suffix.n), suffix);
}

size_t
str_find(struct str s, char c)
{
	const char *at = s.n != 0 ? memchr(s.p, c, s.n) : NULL;

	return at != NULL ? (size_t)(at - s.p) : s.n;
}

size_t
str_rfind(struct str s, char c)
{
	const char *at = s.n != 0 ? memrchr(s.p, c, s.n) : NULL;

	return at != NULL ? (size_t)(at - s.p) : s.n;
}

size_t
str_find_str(struct str s, struct str needle)
{
	const char *at;

	if (needle.n == 0)
		return 0;
	at = s.n != 0 ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
	return at != NULL ? (size_t)(at - s.p) : s.n;
}

struct str
str_from(struct str s, size_t from)
{
	if (from >= s.n)
		return (struct str){ s.n != 0 ? s.p + s.n : s.p, 0 };
	return (struct str){ s.p + from, s.n - from };
}

struct str
str_first(struct str s, size_t n)
{
	return (struct str){ s.p, n < s.n ? n : s.n };
}

struct str
str_trim(struct str s)
{
	while (s.n != 0 && chr_is_wsp(s.p[0]))
		s = str_from(s, 1);
	while (s.n != 0 && chr_is_wsp(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str
str_take(struct str *s, size_t n)
{
	struct str head = str_first(*s, n);

	*s = str_from(*s, head.n);
	return head;
}

bool
str_take_char(struct str *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	str_take(s, 1);
	return true;
}

bool
str_take_prefix(struct str *s, struct str prefix)
{
	if (!str_starts(*s, prefix))
		return false;
	str_take(s, prefix.n);
	return true;
}

bool
str_take_iprefix(struct str *s, struct str prefix)
{
	if (!str_istarts(*s, prefix))
		return false;
	str_take(s, prefix.n);
	return true;
}

struct str
str_take_until(struct str *s, char c)
{
	struct str head = str_take(s, str_find(*s, c));

	str_take_char(s, c);
	return head;
}

struct str
str_take_span(struct str *s, const bool set[256])
{
	size_t n = 0;

	while (n < s->n && set[(unsigned char)s->p[n]])
		n++;
	return str_take(s, n);
}

struct str
str_take_word(struct str *s)
{
	struct str word = str_take(s, str_find(*s, ' '));

	while (str_take_char(s, ' '))
		;
	return word;
}

bool
str_copy(char *out, size_t size, struct str s)
{
	if (s.n >= size || str_find(s, '\0') != s.n)
		return false;
	if (s.n != 0)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

char *
str_dup(struct str s)
{
	char *copy = xmalloc(s.n + 1);

	if (s.n != 0)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}

struct str
str_put(char **at, struct str s)
{
	char *to = *at;

	if (s.n != 0)
		memcpy(to, s.p, s.n);
	*at += s.n;
	return str_n(to, s.n);
}
