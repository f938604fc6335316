#include "mail/mutf7.h"
#include "mail/utf8.h"
#include "store/inner.h"

/*
 * Maildir++: "." before each level, modified UTF-7.  A dot within a level is
 * written "&AC4-", which the encoding itself never gives for a dot.
 */
#define DOT "&AC4-"

enum { LEVELS_MAX = 32 };

struct str
mailbox_canonical(struct str name, struct buf *space)
{
	if (str_ieq(name, STR("INBOX")))
		return STR("INBOX");
	if (!str_istarts(name, STR("INBOX/")))
		return name;
	buf_reset(space);
	if (!buf_add(space, STR("INBOX")) || !buf_add(space, str_from(name, 5)))
		return STR_NONE;
	return buf_str(space);
}

/* No control characters: names stand in lines of files and of protocols. */
static bool
plain(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < ' ' || name.p[i] == 0x7f)
			return false;
	return utf8_ok(name);
}

static bool
encode_level(struct str level, struct buf *out)
{
	if (level.n == 0)
		return false;
	for (;;) {
		struct str part = str_take_until(&level, '.');
		bool dot = level.p != NULL && part.p + part.n < level.p;

		if (part.n > 0 && !mutf7_encode(out, part))
			return false;
		if (!dot)
			return true;
		if (!buf_add(out, STR(DOT)))
			return false;
		if (level.n == 0)
			return true;
	}
}

bool
mailbox_dir_name(struct str name, struct buf *out)
{
	size_t start = buf_len(out);
	int levels = 0;

	if (str_eq(name, STR("INBOX")))
		return buf_add(out, STR("."));
	if (!plain(name) || name.n == 0 ||
	    name.p[name.n - 1] == STORE_SEPARATOR)
		return false;
	while (name.n > 0) {
		struct str level = str_take_until(&name, STORE_SEPARATOR);

		if (++levels > LEVELS_MAX || !buf_add(out, STR(".")) ||
		    !encode_level(level, out))
			return false;
	}
	return buf_len(out) - start <= STORE_NAME_MAX;
}

static bool
decode_level(struct str level, struct buf *out)
{
	while (level.n > 0) {
		size_t at = str_find_str(level, STR(DOT));
		struct str part = str_take(&level, at);

		if (part.n > 0 && !mutf7_decode(out, part))
			return false;
		if (str_take_prefix(&level, STR(DOT)) && !buf_add_char(out, '.'))
			return false;
	}
	return true;
}

bool
mailbox_name_of_dir(struct str dir, struct buf *out)
{
	size_t start = buf_len(out);
	struct buf back;
	bool same;

	if (dir.n < 2 || !str_take_char(&dir, '.') ||
	    dir.p[dir.n - 1] == '.')
		return false;
	for (struct str rest = dir; rest.n > 0;) {
		struct str level = str_take_until(&rest, '.');

		if (buf_len(out) > start && !buf_add_char(out, STORE_SEPARATOR))
			return false;
		if (level.n == 0 || !decode_level(level, out))
			return false;
	}
	/* Only what we would write ourselves: one name, one directory. */
	buf_init(&back, MAILDIR_NAME);
	same = mailbox_dir_name(str_from(buf_str(out), start), &back) &&
	    str_eq(str_from(buf_str(&back), 1), dir);
	buf_clear(&back);
	return same;
}
