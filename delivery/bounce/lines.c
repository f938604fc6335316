#include "delivery/bounce/lines.h"

#include <string.h>

#include "mail/date.h"

enum { FOLD_AT = 76, WORD_MAX = 900 };

void
lines_date(struct buf *out, int64_t seconds)
{
	const struct date d = { .time = seconds, .zone = 0 };

	date_format(out, &d);
}

void
lines_clean(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		const unsigned char c = (unsigned char)s.p[i];

		buf_add_char(out, c < ' ' || c == 0x7f ? ' ' : s.p[i]);
	}
}

void
lines_folded(struct buf *out, size_t column, const char *indent, struct str words)
{
	while (words.n > 0) {
		/* A line of a message has 998 octets at most. */
		const struct str word =
		    str_first(str_take_word(&words), WORD_MAX);

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
		lines_clean(out, word);
		column += word.n;
	}
	buf_add_char(out, '\n');
}
