#include "smtpd/session_int.h"

enum { TEXT_MAX = 480 }; /* with code and CRLF below 512, RFC 5321 4.5.3.1.5 */

/* What others say goes to the client as one line of printable ASCII. */
static void
put(struct smtp_session *s, unsigned code, char sep, struct str text)
{
	text = str_first(text, TEXT_MAX);
	buf_add_u64(&s->out, code);
	buf_add_char(&s->out, sep);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < ' ' || text.p[i] > '~')
			goto odd;
	buf_add(&s->out, text);
	buf_add(&s->out, STR("\r\n"));
	return;
odd:
	for (size_t i = 0; i < text.n; i++)
		buf_add_char(&s->out, text.p[i] < ' ' || text.p[i] > '~'
		        ? '?' : text.p[i]);
	buf_add(&s->out, STR("\r\n"));
}

void
smtp_reply(struct smtp_session *s, unsigned code, struct str text)
{
	put(s, code, ' ', text);
}

void
smtp_reply_c(struct smtp_session *s, unsigned code, const char *text)
{
	put(s, code, ' ', str_c(text));
}

void
smtp_reply_more(struct smtp_session *s, unsigned code, struct str text)
{
	put(s, code, '-', text);
}
