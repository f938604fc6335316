#include "mail/header.h"

#include <string.h>

/* The next line, with its line end; str_take_until hides the LF. */
static struct str
take_line(struct str *s)
{
	return str_take(s, str_find(*s, '\n') + 1);
}

/* A line without anything but its line end. */
static bool
is_empty(struct str line)
{
	return str_eq(line, STR("\n")) || str_eq(line, STR("\r\n"));
}

static struct str
without_eol(struct str line)
{
	if (str_ends(line, STR("\n")))
		line.n--;
	if (str_ends(line, STR("\r")))
		line.n--;
	return line;
}

size_t
header_end(struct str msg)
{
	struct str rest = msg;

	while (rest.n != 0)
		if (is_empty(take_line(&rest)))
			return msg.n - rest.n;
	return msg.n;
}

/* ftext = %d33-57 / %d59-126; white space before the colon is obsolete. */
static bool
split(struct str whole, struct header_field *f)
{
	size_t colon = str_find(whole, ':');
	struct str name = str_first(whole, colon);

	if (colon == whole.n)
		return false;
	while (name.n != 0 && chr_is_wsp(name.p[name.n - 1]))
		name.n--;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~')
			return false;
	f->name = name;
	f->value = without_eol(str_from(whole, colon + 1));
	f->whole = whole;
	return name.n != 0;
}

bool
header_next(struct str *head, struct header_field *f)
{
	while (head->n != 0) {
		struct str rest = *head;
		struct str whole = take_line(&rest);

		if (is_empty(whole))
			return false;
		while (rest.n != 0 && chr_is_wsp(*rest.p))
			whole.n += take_line(&rest).n;
		*head = rest;
		if (split(whole, f))
			return true;
	}
	return false;
}

bool
header_get(struct str head, struct str name, struct header_field *f)
{
	while (header_next(&head, f))
		if (str_ieq(f->name, name))
			return true;
	return false;
}

bool
header_unfold(struct buf *out, struct str value)
{
	bool ok = true;

	while (value.n != 0 && (chr_is_wsp(*value.p) || *value.p == '\r' ||
	    *value.p == '\n'))
		value = str_from(value, 1);
	while (value.n != 0 && (chr_is_wsp(value.p[value.n - 1]) ||
	    value.p[value.n - 1] == '\r' || value.p[value.n - 1] == '\n'))
		value.n--;
	for (size_t i = 0; ok && i < value.n; i++) {
		char c = value.p[i];

		if (c != '\r' && c != '\n' && c != '\0')
			ok = buf_add_char(out, c);
	}
	return ok;
}
