#include "mail/smtp_reply.h"

#include "base/num.h"

void
smtp_reply_init(struct smtp_reply *r)
{
	*r = (struct smtp_reply){ 0 };
	buf_init(&r->text, SMTP_REPLY_TEXT_MAX);
	buf_init(&r->line, SMTP_REPLY_LINE_MAX);
}

void
smtp_reply_clear(struct smtp_reply *r)
{
	buf_clear(&r->text);
	buf_clear(&r->line);
}

void
smtp_reply_reset(struct smtp_reply *r)
{
	buf_reset(&r->text);
	buf_reset(&r->line);
	r->code = r->lines = 0;
	r->class = r->subject = r->detail = 0;
}

/* status-code = class "." subject "." detail, and a space (RFC 2034 4); the
 * class must be that of the reply. */
static void
take_status(struct smtp_reply *r, struct str *text)
{
	struct str s = *text;
	uint32_t class, subject, detail;

	if (num_take_u32(&s, &class) && str_take_char(&s, '.') &&
	    num_take_u32(&s, &subject) && str_take_char(&s, '.') &&
	    num_take_u32(&s, &detail) && class == r->code / 100 &&
	    subject <= 999 && detail <= 999 &&
	    (s.n == 0 || str_take_char(&s, ' '))) {
		if (r->lines == 1) {
			r->class = class;
			r->subject = subject;
			r->detail = detail;
			*text = s;
		} else if (class == r->class && subject == r->subject &&
		    detail == r->detail) {
			*text = s;
		}
	}
}

/* Keeps what fits of text, with everything that is not printable as "?". */
static void
keep(struct smtp_reply *r, struct str text)
{
	size_t left = SMTP_REPLY_TEXT_MAX - buf_len(&r->text);

	if (r->lines > 1 && left > 0) {
		buf_add_char(&r->text, '\n');
		left--;
	}
	text = str_first(text, left);
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		buf_add_char(&r->text,
		    c == '\t' ? ' ' : c < ' ' || c > '~' ? '?' : c);
	}
}

/* Reply-line = Reply-code [ ( SP / "-" ) textstring ]; -1 broken, 0 more
 * lines follow, 1 the last. */
static int
take_line(struct smtp_reply *r, struct str line)
{
	uint32_t code;
	char mark;

	if (line.n < 3 || !num_u32(str_first(line, 3), &code) || code < 200 ||
	    code > 599)
		return -1;
	mark = line.n > 3 ? line.p[3] : ' ';
	if (mark != ' ' && mark != '-')
		return -1;
	if (++r->lines > SMTP_REPLY_LINES_MAX ||
	    (r->lines > 1 && code != r->code))
		return -1;
	r->code = code;
	line = str_from(line, 4);
	take_status(r, &line);
	keep(r, line);
	return mark == ' ';
}

enum smtp_reply_result
smtp_reply_feed(struct smtp_reply *r, struct str *in)
{
	while (in->n != 0) {
		size_t n = str_find(*in, '\n');
		bool whole = n < in->n;
		struct str piece = str_take(in, whole ? n + 1 : n), line;
		int last;

		if (!buf_add(&r->line, piece))
			return SMTP_REPLY_BROKEN;
		if (!whole)
			break;
		line = buf_str(&r->line);
		line.n--;
		if (str_ends(line, STR("\r")))
			line.n--;
		last = take_line(r, line);
		buf_reset(&r->line);
		if (last != 0)
			return last > 0 ? SMTP_REPLY_DONE : SMTP_REPLY_BROKEN;
	}
	return SMTP_REPLY_MORE;
}

void
smtp_reply_words(const struct smtp_reply *r, struct buf *out, size_t max)
{
	struct buf b;
	struct str s;

	buf_init(&b, BUF_NO_MAX);
	buf_addf(&b, "%u", r->code);
	if (r->class != 0)
		buf_addf(&b, " %u.%u.%u", r->class, r->subject, r->detail);
	if (buf_len(&r->text) != 0)
		buf_add_char(&b, ' ');
	s = buf_str(&r->text);
	for (size_t i = 0; i < s.n; i++)
		buf_add_char(&b, s.p[i] == '\n' ? ' ' : s.p[i]);
	buf_add(out, str_first(buf_str(&b), max));
	buf_clear(&b);
}
