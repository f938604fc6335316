#include "base/fill.h"

bool
fill_take(struct str *text, struct str *piece, bool *is_name)
{
	size_t end;

	*is_name = false;
	if (text->n == 0)
		return false;
	if (text->p[0] != '{') {
		*piece = str_take(text, str_find(*text, '{'));
		return true;
	}
	if (text->n > 1 && text->p[1] == '{') {
		*piece = str_take(text, 1);
		str_take(text, 1);
		return true;
	}
	end = str_find(*text, '}');
	if (end == text->n)
		return false;
	*piece = str_n(text->p + 1, end - 1);
	str_take(text, end + 1);
	*is_name = true;
	return true;
}

void
fill_put(struct buf *out, struct str text, const struct fill *fills, size_t n)
{
	struct str piece;
	bool is_name;

	while (fill_take(&text, &piece, &is_name)) {
		size_t i = 0;

		while (is_name && i < n && !str_eq(piece, str_c(fills[i].name)))
			i++;
		if (!is_name)
			buf_add(out, piece);
		else if (i < n)
			buf_add(out, fills[i].value);
		else
			buf_addf(out, "{%.*s}", STR_ARG(piece));
	}
	buf_add(out, text);
}
