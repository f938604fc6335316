#include "imapd/flags.h"

#include "imapd/lex.h"

/* clang-format off */
static const struct {
	struct str name;
	uint16_t bit;
} system_flags[] = {
	{ STR_INIT("\\Answered"), FLAG_ANSWERED },
	{ STR_INIT("\\Flagged"),  FLAG_FLAGGED },
	{ STR_INIT("\\Deleted"),  FLAG_DELETED },
	{ STR_INIT("\\Seen"),     FLAG_SEEN },
	{ STR_INIT("\\Draft"),    FLAG_DRAFT },
};
/* clang-format on */
enum { SYSTEM_FLAGS = sizeof(system_flags) / sizeof(system_flags[0]) };

uint16_t
flags_bit(struct str name)
{
	for (size_t i = 0; i < SYSTEM_FLAGS; i++)
		if (str_ieq(name, system_flags[i].name))
			return system_flags[i].bit;
	return 0;
}

static bool
take_flag(struct str *in, struct pool *pool, struct flags *f)
{
	struct str name;

	if (!lex_flag(in, &name))
		return false;
	if (name.p[0] == '\\') {
		uint16_t bit = flags_bit(name);

		f->system |= bit;
		/* \Recent is the server's; asking for it changes nothing. */
		return bit != 0 || str_ieq(name, STR("\\Recent"));
	}
	if (name.n > STORE_KEYWORD_MAX || f->keyword_n == STORE_ROW_KEYWORDS_MAX)
		return false;
	if (f->keywords == NULL)
		f->keywords = pool_alloc(pool,
		    STORE_ROW_KEYWORDS_MAX * sizeof(f->keywords[0]));
	f->keywords[f->keyword_n++] = name;
	return true;
}

bool
flags_take(struct str *in, struct pool *pool, bool bare, struct flags *out)
{
	struct str rest = *in;
	struct flags f = { 0, NULL, 0 };
	bool list = str_take_char(&rest, '(');

	if (!list && !bare)
		return false;
	if (!list || rest.n == 0 || rest.p[0] != ')')
		do {
			if (!take_flag(&rest, pool, &f))
				return false;
		} while (lex_sp(&rest));
	if (list && !str_take_char(&rest, ')'))
		return false;
	*in = rest;
	*out = f;
	return true;
}

static void
put(struct buf *out, bool *any, struct str name)
{
	if (*any)
		buf_add_char(out, ' ');
	*any = true;
	buf_add(out, name);
}

void
flags_put_row(struct buf *out, const struct mailbox *m, const struct row *row,
    uint16_t more)
{
	bool any = false;
	size_t n;
	const struct str *keywords = mailbox_row_keywords(m, row, &n);

	buf_add_char(out, '(');
	for (size_t i = 0; i < SYSTEM_FLAGS; i++)
		if (((row->flags | more) & system_flags[i].bit) != 0)
			put(out, &any, system_flags[i].name);
	for (size_t i = 0; i < n; i++)
		put(out, &any, keywords[i]);
	buf_add_char(out, ')');
}

void
flags_put_all(struct buf *out, const struct mailbox *m, bool all)
{
	bool any = false;
	size_t n;
	const struct str *keywords = mailbox_keywords(m, &n);

	buf_add_char(out, '(');
	for (size_t i = 0; i < SYSTEM_FLAGS; i++)
		put(out, &any, system_flags[i].name);
	for (size_t i = 0; i < n; i++)
		put(out, &any, keywords[i]);
	if (all)
		put(out, &any, STR("\\*"));
	buf_add_char(out, ')');
}
