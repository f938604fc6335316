#include "delivery/bounce/lines.h"

#include <string.h>

#include "mail/date.h"
#include "mail/utf8.h"

enum {
	FOLD_AT = 76,
	WORD_MAX = 900
};

void
lines_date(struct buf *out, int64_t seconds)
{
	const struct date d = { .time = seconds, .zone = 0 };

	date_format(out, &d);
}

/* What is no UTF-8 is there for its place: U+FFFD. */
static uint32_t
take_character(struct str *s)
{
	uint32_t c;

	if (utf8_take(s, &c))
		return c;
	str_take(s, 1);
	return 0xfffd;
}

static bool
is_control(uint32_t c)
{
	return c < ' ' || (c >= 0x7f && c < 0xa0);
}

void
lines_clean(struct buf *out, struct str s)
{
	while (s.n > 0) {
		const uint32_t c = take_character(&s);

		utf8_put(out, is_control(c) ? ' ' : c);
	}
}

/* The others are in QCHAR, but for what is above ASCII. */
static bool
means_something(uint32_t c)
{
	return c <= ' ' || c == 0x7f || c == '+' || c == '=' || c == '\\';
}

static void
put_ascii(struct buf *out, struct str s, bool address)
{
	while (s.n > 0) {
		const uint32_t c = take_character(&s);

		if (c > 0x7f || (address && means_something(c)))
			buf_addf(out, "\\x{%02X}", (unsigned)c);
		else
			buf_add_char(out, is_control(c) ? ' ' : (char)c);
	}
}

void
lines_ascii(struct buf *out, struct str s)
{
	put_ascii(out, s, false);
}

void
lines_xtext(struct buf *out, struct str address)
{
	put_ascii(out, address, true);
}

/* Its beginning, as long as a line may be, cut between characters. */
static struct str
first_of(struct str word)
{
	size_t n = word.n < WORD_MAX ? word.n : WORD_MAX;

	while (n > 0 && n < word.n && ((unsigned char)word.p[n] & 0xc0) == 0x80)
		n--;
	return str_first(word, n);
}

void
lines_folded(struct buf *out, size_t column, const char *indent, struct str words)
{
	struct buf clean;

	buf_init(&clean, BUF_NO_MAX);
	lines_clean(&clean, words);
	words = buf_str(&clean);
	while (words.n > 0) {
		/* A line of a message has 998 octets at most. */
		const struct str word = first_of(str_take_word(&words));

		if (word.n == 0)
			continue;
		if (column + 1 + word.n > FOLD_AT) {
			buf_add_c(out, "\n");
			buf_add_c(out, indent);
			column = strlen(indent);
		} else if (column > strlen(indent)) {
			buf_add_char(out, ' ');
			column++;
		}
		buf_add(out, word);
		column += word.n;
	}
	buf_add_char(out, '\n');
	buf_clear(&clean);
}
