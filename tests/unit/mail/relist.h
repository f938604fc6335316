/*
 * relist -- reads back what an IMAP server sends: a parenthesised list of
 * quoted strings, literals, numbers and NIL.  For checking that the writers
 * write nothing that a client could not read.
 */
#ifndef POSTERN_TESTS_RELIST_H
#define POSTERN_TESTS_RELIST_H

#include <stdbool.h>

#include "base/num.h"
#include "base/str.h"

/* QUOTED, after its first octet. */
static inline bool
relist_quoted(struct str *s)
{
	while (s->n != 0) {
		char c = *str_take(s, 1).p;

		if (c == '"')
			return true;
		if (c == '\\') {
			if (s->n == 0 || (*s->p != '"' && *s->p != '\\'))
				return false;
			str_take(s, 1);
		} else if (c == '\r' || c == '\n' || c == 0 ||
		    (unsigned char)c > 127) {
			return false;
		}
	}
	return false;
}

static inline bool
relist_literal(struct str *s)
{
	uint32_t n;

	if (!num_take_u32(s, &n) || !str_take_prefix(s, STR("}\r\n")) ||
	    n > s->n)
		return false;
	return str_find(str_take(s, n), '\0') == n;
}

/* One whole list, and nothing behind it.  "()" is refused: no production of
 * ENVELOPE or BODYSTRUCTURE has it.  Elements are separated by one space;
 * lists may follow each other without (addresses, parts). */
static inline bool
relist_ok(struct str s)
{
	size_t depth = 0;
	char last = 0;

	do {
		char c;
		uint64_t v;

		if (s.n == 0)
			return false;
		c = *s.p;
		if (c == '(') {
			if (last != 0 && last != '(' && last != ' ' &&
			    last != ')')
				return false;
			depth++;
			str_take(&s, 1);
		} else if (c == ')') {
			if (last == '(' || last == ' ' || depth-- == 0)
				return false;
			str_take(&s, 1);
		} else if (c == ' ') {
			if (last == ' ' || last == '(')
				return false;
			str_take(&s, 1);
		} else {
			if (last != '(' && last != ' ')
				return false;
			if (str_take_char(&s, '"') ? !relist_quoted(&s) :
			    str_take_char(&s, '{') ? !relist_literal(&s) :
			    !str_take_prefix(&s, STR("NIL")) &&
			    !num_take_u64(&s, &v))
				return false;
			c = 'x';
		}
		last = c;
	} while (depth > 0);
	return s.n == 0;
}

#endif
