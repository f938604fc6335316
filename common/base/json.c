#include "base/json.h"

#include <time.h>

static void
comma(struct buf *b)
{
	struct str s = buf_str(b);

	if (s.n != 0 && s.p[s.n - 1] != '{' && s.p[s.n - 1] != '[' &&
	    s.p[s.n - 1] != '\n')
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

static void
quoted(struct buf *b, struct str v)
{
	buf_add_char(b, '"');
	while (v.n != 0) {
		size_t n = utf8_len(v);
		char c = v.p[0];

		if (n == 0)
			buf_add_c(b, "\\ufffd");
		else if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else if (n == 1 && ((unsigned char)c < 0x20 || c == 0x7f))
			buf_addf(b, "\\u%04x", (unsigned)c);
		else
			buf_add(b, str_first(v, n));
		str_take(&v, n != 0 ? n : 1);
	}
	buf_add_char(b, '"');
}

static void
name(struct buf *b, const char *key)
{
	comma(b);
	quoted(b, str_c(key));
	buf_add_char(b, ':');
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

void
json_time(struct buf *b, const char *key, int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	char text[32];

	name(b, key);
	gmtime_r(&s, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_addf(b, "\"%s.%03dZ\"", text, (int)(ms % 1000));
}

void
json_item(struct buf *b, struct str v)
{
	comma(b);
	quoted(b, v);
}
