#include "base/json.h"

#include <time.h>

/* A value goes behind another one. */
static bool
wants_comma(const struct buf *b)
{
	const char last = b->n != b->at ? b->p[b->n - 1] : '\n';

	return last != '{' && last != '[' && last != '\n';
}

static void
comma(struct buf *b)
{
	if (wants_comma(b))
		buf_add_char(b, ',');
}

/* Octets of the well-formed UTF-8 sequence at the front of s, or 0. */
static size_t
utf8_len(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t n = p[0] < 0x80 ? 1
	    : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
	    : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
	    : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;

	if (n == 0 || s.n < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

bool
json_is_text(struct str v)
{
	while (v.n != 0) {
		const size_t n = utf8_len(v);

		if (n == 0)
			return false;
		str_take(&v, n);
	}
	return true;
}

static bool
is_plain(unsigned char c)
{
	return (unsigned char)(c - ' ') < 0x5f && c != '"' && c != '\\';
}

/* Octets at the front that stand for themselves. */
static size_t
plain_len(struct str v)
{
	size_t n = 0;

	while (n < v.n && is_plain((unsigned char)v.p[n]))
		n++;
	return n;
}

/* U+0080 to U+009F, as UTF-8. */
static bool
is_c1(struct str v)
{
	return v.n >= 2 && (unsigned char)v.p[0] == 0xc2 &&
	    (unsigned char)v.p[1] < 0xa0;
}

static void
escaped(struct buf *b, struct str v)
{
	while (v.n != 0) {
		size_t n = plain_len(v);
		char c = v.p[0];

		if (n != 0)
			buf_add(b, str_first(v, n));
		else if ((n = utf8_len(v)) == 0)
			buf_add_c(b, "\\ufffd");
		else if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else if (n == 1 && ((unsigned char)c < 0x20 || c == 0x7f))
			buf_addf(b, "\\u%04x", (unsigned)c);
		else if (is_c1(v)) /* orders to some terminals */
			buf_addf(b, "\\u%04x", (unsigned char)v.p[1]);
		else
			buf_add(b, str_first(v, n));
		str_take(&v, n != 0 ? n : 1);
	}
}

/* What needs no escapes. */
static void
put_plain(struct buf *b, struct str v)
{
	char *at = buf_reserve(b, v.n + 2);

	if (at == NULL)
		return;
	at[0] = '"';
	if (v.n != 0)
		memcpy(at + 1, v.p, v.n);
	at[v.n + 1] = '"';
	buf_commit(b, v.n + 2);
}

static void
quoted(struct buf *b, struct str v)
{
	if (plain_len(v) == v.n) {
		put_plain(b, v);
		return;
	}
	buf_add_char(b, '"');
	escaped(b, v);
	buf_add_char(b, '"');
}

static void
name(struct buf *b, const char *key)
{
	const struct str k = str_c(key);
	char *at;

	comma(b);
	if (plain_len(k) != k.n) {
		quoted(b, k);
		buf_add_char(b, ':');
	} else if ((at = buf_reserve(b, k.n + 3)) != NULL) {
		at[0] = '"';
		memcpy(at + 1, key, k.n);
		memcpy(at + 1 + k.n, "\":", 2);
		buf_commit(b, k.n + 3);
	}
}

void
json_open(struct buf *b)
{
	comma(b);
	buf_add_char(b, '{');
}

void
json_close(struct buf *b)
{
	buf_add_char(b, '}');
}

void
json_open_in(struct buf *b, const char *key)
{
	name(b, key);
	buf_add_char(b, '{');
}

void
json_list(struct buf *b, const char *key)
{
	name(b, key);
	buf_add_char(b, '[');
}

void
json_list_end(struct buf *b)
{
	buf_add_char(b, ']');
}

void
json_str(struct buf *b, const char *key, struct str v)
{
	name(b, key);
	quoted(b, v);
}

void
json_c(struct buf *b, const char *key, const char *v)
{
	json_str(b, key, str_c(v));
}

void
json_u64(struct buf *b, const char *key, uint64_t v)
{
	name(b, key);
	buf_add_u64(b, v);
}

void
json_i64(struct buf *b, const char *key, int64_t v)
{
	name(b, key);
	buf_addf(b, "%lld", (long long)v);
}

void
json_bool(struct buf *b, const char *key, bool v)
{
	name(b, key);
	buf_add_c(b, v ? "true" : "false");
}

/* n decimal digits and what stands behind them; the next place. */
static char *
put_digits(char *at, unsigned v, unsigned n, char behind)
{
	for (unsigned i = n; i-- > 0; v /= 10)
		at[i] = (char)('0' + v % 10);
	at[n] = behind;
	return at + n + 1;
}

enum { DATE = 11 /* octets of "2026-11-23T" */, DAYS = 16 };

/* A long list is full of times, but of few days. */
static const char *
date_of(int64_t day)
{
	static _Thread_local struct {
		int64_t day; /* from 1; 0 is its own, computed always */
		char date[DATE];
	} known[DAYS];
	char *at = known[day % DAYS].date;
	time_t s = (time_t)(day * 86400);
	struct tm tm;

	if (day != 0 && known[day % DAYS].day == day)
		return at;
	known[day % DAYS].day = day;
	gmtime_r(&s, &tm);
	at = put_digits(at, (unsigned)tm.tm_year + 1900, 4, '-');
	at = put_digits(at, (unsigned)tm.tm_mon + 1, 2, '-');
	put_digits(at, (unsigned)tm.tm_mday, 2, 'T');
	return known[day % DAYS].date;
}

void
json_time(struct buf *b, const char *key, int64_t ms)
{
	const int64_t t = ms > 0 ? ms : 0;
	const unsigned in_day = (unsigned)(t % 86400000);
	char text[32], *at = text;

	memcpy(at, date_of(t / 86400000), DATE);
	at = put_digits(at + DATE, in_day / 3600000, 2, ':');
	at = put_digits(at, in_day / 60000 % 60, 2, ':');
	at = put_digits(at, in_day / 1000 % 60, 2, '.');
	at = put_digits(at, in_day % 1000, 3, 'Z');
	name(b, key);
	put_plain(b, str_n(text, (size_t)(at - text)));
}

void
json_item(struct buf *b, struct str v)
{
	comma(b);
	quoted(b, v);
}
