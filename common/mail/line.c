#include "mail/line.h"

enum { ENDLESS = 64 };

void
line_init(struct line *l, size_t max)
{
	*l = (struct line){ .max = max };
	buf_init(&l->buf, max);
}

void
line_set_max(struct line *l, size_t max)
{
	l->max = max;
	l->buf.max = max;
}

void
line_clear(struct line *l)
{
	buf_clear_secret(&l->buf);
}

bool
line_is_open(const struct line *l)
{
	return l->seen != 0;
}

/* The line ended with this LF: what was it? */
static enum line_result
judge(struct line *l, struct str *line)
{
	size_t seen = l->seen;
	bool bare = l->bare || (!l->cr && !l->lf_ends);
	struct str s = buf_str(&l->buf);

	l->seen = 0;
	l->bare = false;
	if (seen > l->max)
		return LINE_LONG;
	if (bare)
		return LINE_BARE;
	s.n -= l->cr ? 2u : 1u;
	*line = s;
	return LINE_OK;
}

enum line_result
line_feed(struct line *l, struct str *in, struct str *line)
{
	if (l->seen == 0) {
		buf_reset(&l->buf);
		l->cr = false;
	}
	while (in->n != 0) {
		char c = *in->p;

		*in = str_from(*in, 1);
		l->seen++;
		if (l->seen <= l->max)
			buf_add_char(&l->buf, c);
		if (c == '\n')
			return judge(l, line);
		if (l->cr || c == '\0')
			l->bare = true;
		l->cr = c == '\r';
		if (l->seen / ENDLESS >= l->max)
			return LINE_ENDLESS;
	}
	return LINE_MORE;
}
