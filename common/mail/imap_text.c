#include "mail/imap_text.h"

enum { QUOTED_MAX = 1024 };

/* QUOTED-CHAR without the escapes: TEXT-CHAR is 1..127 but CR and LF; other
 * controls than the tab go as literals too. */
static bool
may_quote(struct str s)
{
	if (s.n > QUOTED_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] > '~')
			return false;
	return true;
}

static bool
put_quoted(struct buf *out, struct str s)
{
	bool ok = buf_add_char(out, '"');

	while (ok && s.n != 0) {
		size_t n = 0;

		while (n < s.n && s.p[n] != '"' && s.p[n] != '\\')
			n++;
		ok = buf_add(out, str_take(&s, n));
		if (s.n != 0)
			ok = ok && buf_add_char(out, '\\') &&
			    buf_add(out, str_take(&s, 1));
	}
	return ok && buf_add_char(out, '"');
}

static bool
put_literal(struct buf *out, struct str s)
{
	size_t nuls = 0;
	bool ok;

	for (size_t i = 0; i < s.n; i++)
		nuls += s.p[i] == '\0';
	ok = buf_addf(out, "{%zu}\r\n", s.n - nuls);
	if (nuls == 0)
		return ok && buf_add(out, s);
	for (size_t i = 0; ok && i < s.n; i++)
		if (s.p[i] != '\0')
			ok = buf_add_char(out, s.p[i]);
	return ok;
}

bool
imap_text_string(struct buf *out, struct str s)
{
	size_t was = buf_len(out);

	if (may_quote(s) ? put_quoted(out, s) : put_literal(out, s))
		return true;
	buf_cut(out, was);
	return false;
}

bool
imap_text_nstring(struct buf *out, bool has, struct str s)
{
	return has ? imap_text_string(out, s) : buf_add(out, STR("NIL"));
}

/* ASTRING-CHAR = ATOM-CHAR / "]"; NIL in any case would not be a name. */
bool
imap_text_astring(struct buf *out, struct str s)
{
	if (s.n == 0 || s.n > QUOTED_MAX || str_ieq(s, STR("NIL")))
		return imap_text_string(out, s);
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c <= ' ' || c > '~' || strchr("(){%*\"\\", c) != NULL)
			return imap_text_string(out, s);
	}
	return buf_add(out, s);
}
