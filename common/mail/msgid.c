#include "mail/msgid.h"

enum { ID_MAX = 998 };

static bool
id_ok(struct str id)
{
	for (size_t i = 0; i < id.n; i++)
		if ((unsigned char)id.p[i] <= ' ' || id.p[i] == 0x7f ||
		    id.p[i] == '<')
			return false;
	return id.n != 0 && id.n <= ID_MAX;
}

bool
msgid_take(struct str *value, struct str *id)
{
	while (value->n != 0) {
		struct str s = str_from(*value, str_find(*value, '<') + 1);
		size_t end = 0;

		/* Up to ">"; a second "<" begins anew, so this stays linear. */
		while (end < s.n && s.p[end] != '>' && s.p[end] != '<')
			end++;
		if (end == s.n) {
			*value = STR_NONE;
			return false;
		}
		*value = str_from(s, s.p[end] == '>' ? end + 1 : end);
		if (s.p[end] == '>' && id_ok(str_first(s, end))) {
			*id = str_first(s, end);
			return true;
		}
	}
	return false;
}
