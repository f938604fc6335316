#include "helpers/eventd/line.h"

#include <stdio.h>
#include <time.h>

#include "base/json.h"

const char *
line_level(enum note_level level)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };

	return names[level];
}

bool
line_take(struct str frame, uint64_t cookie, struct line *l)
{
	if (frame.n < 2 || frame.p[0] < '0' || frame.p[0] > '3')
		return false;
	l->level = (enum note_level)(frame.p[0] - '0');
	l->ms = (int64_t)cookie;
	l->text = str_from(frame, 1);
	for (size_t i = 0; i < l->text.n; i++)
		if (l->text.p[i] < ' ' || l->text.p[i] > '~')
			return false;
	return true;
}

void
line_text(struct buf *out, const struct line *l)
{
	time_t s = (time_t)(l->ms / 1000);
	char when[32];
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_addf(out, "%s.%03dZ %s ", when, (int)(l->ms % 1000),
	    line_level(l->level));
	buf_add(out, l->text);
}

/* A value: plain up to a space, or in quotes with \" \\ and \xNN. */
static void
take_value(struct str *in, struct buf *out)
{
	int high, low;

	buf_reset(out);
	if (!str_take_char(in, '"')) {
		buf_add(out, str_take(in, str_find(*in, ' ')));
		return;
	}
	while (in->n != 0 && in->p[0] != '"') {
		char c = str_take(in, 1).p[0];

		if (c == '\\' && in->n >= 3 && in->p[0] == 'x' &&
		    (high = chr_hex(in->p[1])) >= 0 &&
		    (low = chr_hex(in->p[2])) >= 0) {
			c = (char)(high << 4 | low);
			str_take(in, 3);
		} else if (c == '\\' && in->n != 0) {
			c = str_take(in, 1).p[0];
		}
		buf_add_char(out, c);
	}
	str_take_char(in, '"');
}

void
line_json(struct buf *out, const struct line *l)
{
	struct str in = l->text, program = str_take(&in, str_find(in, '['));
	char key[64];
	struct buf value;
	struct str name;

	buf_init(&value, BUF_NO_MAX);
	str_take(&in, str_find(in, ' '));
	str_take_char(&in, ' ');
	json_open(out);
	json_time(out, "time", l->ms);
	json_c(out, "level", line_level(l->level));
	json_str(out, "program", program);
	name = str_take(&in, str_find(in, ' '));
	json_str(out, "event", name);
	while (str_take_char(&in, ' ')) {
		name = str_take(&in, str_find(in, '='));
		if (!str_take_char(&in, '='))
			break;
		take_value(&in, &value);
		if (str_copy(key, sizeof(key), name))
			json_str(out, key, buf_str(&value));
	}
	json_close(out);
	buf_clear(&value);
}

bool
line_name(const struct line *l, char out[96])
{
	struct str in = l->text, program = str_take(&in, str_find(in, '['));
	int n;

	str_take(&in, str_find(in, ' '));
	if (!str_take_char(&in, ' '))
		return false;
	n = snprintf(out, 96, "%.*s.%.*s", STR_ARG(program),
	    STR_ARG(str_first(in, str_find(in, ' '))));
	return n > 0 && n < 96;
}
