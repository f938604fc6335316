/* STATUS.  RFC 3501 6.3.10, RFC 7162 3.1.7, RFC 8438 (SIZE). */
#include <inttypes.h>

#include "imapd/commands.h"
#include "imapd/lex.h"

enum item { MESSAGES, RECENT, UIDNEXT, UIDVALIDITY, UNSEEN, DELETED, SIZE,
	HIGHESTMODSEQ, ITEMS };

/* clang-format off */
static const struct str words[ITEMS] = {
	[MESSAGES] = STR_INIT("MESSAGES"),
	[RECENT] = STR_INIT("RECENT"),
	[UIDNEXT] = STR_INIT("UIDNEXT"),
	[UIDVALIDITY] = STR_INIT("UIDVALIDITY"),
	[UNSEEN] = STR_INIT("UNSEEN"),
	[DELETED] = STR_INIT("DELETED"),
	[SIZE] = STR_INIT("SIZE"),
	[HIGHESTMODSEQ] = STR_INIT("HIGHESTMODSEQ"),
};
/* clang-format on */

bool
status_items_take(struct session *s, struct str *in, unsigned *items)
{
	if (!str_take_char(in, '('))
		return false;
	*items = 0;
	do {
		unsigned i = 0;

		while (i < ITEMS && !lex_word(in, words[i]))
			i++;
		if (i == ITEMS)
			return false;
		*items |= 1u << i;
	} while (lex_sp(in));
	if ((*items & 1u << HIGHESTMODSEQ) != 0)
		s->condstore = true;
	return str_take_char(in, ')');
}

static uint64_t
value_of(const struct mailbox_status *st, unsigned item)
{
	switch ((enum item)item) {
	case MESSAGES:
		return st->exists;
	case RECENT:
		return 0;
	case UIDNEXT:
		return st->uidnext;
	case UIDVALIDITY:
		return st->uidvalidity;
	case UNSEEN:
		return st->unseen;
	case DELETED:
		return st->deleted;
	case SIZE:
		return st->octets;
	case HIGHESTMODSEQ:
	case ITEMS:
		break;
	}
	return st->highestmodseq;
}

enum store_result
status_put(struct session *s, struct str name, unsigned items)
{
	struct mailbox_status st;
	enum store_result result = account_status(s->user->store, name, &st);
	bool any = false;

	if (result != STORE_OK)
		return result;
	buf_add_c(&s->out, "* STATUS ");
	session_put_mailbox(s, name);
	buf_add_c(&s->out, " (");
	for (unsigned i = 0; i < ITEMS; i++) {
		if ((items & 1u << i) == 0)
			continue;
		if (any)
			buf_add_char(&s->out, ' ');
		any = true;
		buf_add(&s->out, words[i]);
		buf_addf(&s->out, " %" PRIu64, value_of(&st, i));
	}
	buf_add_c(&s->out, ")\r\n");
	return STORE_OK;
}

enum cmd_result
cmd_status(struct session *s, struct str args)
{
	struct str name;
	unsigned items;
	enum store_result result;

	if (!session_take_mailbox(s, &args, &name) || !lex_sp(&args) ||
	    !status_items_take(s, &args, &items) || args.n != 0)
		return CMD_BAD;
	result = status_put(s, name, items);
	return result == STORE_OK ? CMD_OK : session_store_failed(s, result);
}
