/* CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE.  RFC 3501 6.3.3 to 6.3.7,
 * RFC 6154 3 (USE). */
#include "imapd/commands.h"
#include "imapd/lex.h"

static enum cmd_result
answer(struct session *s, enum store_result result)
{
	return result == STORE_OK ? CMD_OK : session_store_failed(s, result);
}

/* " (USE (\Sent ...))" */
static bool
take_use(struct str *in, unsigned *use)
{
	struct str name;

	if (in->n == 0)
		return true;
	if (!str_take_iprefix(in, STR(" (USE (")))
		return false;
	do {
		unsigned bit;

		if (!lex_flag(in, &name))
			return false;
		bit = use_of(name);
		if (bit == 0)
			return false;
		*use |= bit;
	} while (lex_sp(in));
	return str_eq(*in, STR("))"));
}

/* A delimiter at the end says that others will stand below (6.3.3). */
static struct str
without_delimiter(struct str name)
{
	if (name.n > 1 && name.p[name.n - 1] == STORE_SEPARATOR)
		name.n--;
	return name;
}

enum cmd_result
cmd_create(struct session *s, struct str args)
{
	struct str name;
	unsigned use = 0;

	if (!session_take_mailbox(s, &args, &name))
		return CMD_BAD;
	if (!take_use(&args, &use))
		return args.n == 0 ? CMD_BAD :
		    session_no(s, "[USEATTR] Not a use we know");
	return answer(s, account_create(
	    s->user->store, without_delimiter(name), use));
}

enum cmd_result
cmd_delete(struct session *s, struct str args)
{
	struct str name;

	if (!session_take_mailbox(s, &args, &name) || args.n != 0)
		return CMD_BAD;
	name = without_delimiter(name);
	/* Our own view of it would outlive it. */
	if (s->mailbox != NULL && str_eq(mailbox_name(s->mailbox), name) &&
	    !str_eq(name, STR("INBOX")))
		session_unselect(s);
	return answer(s, account_delete(s->user->store, name));
}

enum cmd_result
cmd_rename(struct session *s, struct str args)
{
	struct str from, to;

	if (!session_take_mailbox(s, &args, &from) || !lex_sp(&args) ||
	    !session_take_mailbox(s, &args, &to) || args.n != 0)
		return CMD_BAD;
	return answer(s, account_rename(s->user->store,
	    without_delimiter(from), without_delimiter(to)));
}

static enum cmd_result
subscribe(struct session *s, struct str args, bool on)
{
	struct str name;

	if (!session_take_mailbox(s, &args, &name) || args.n != 0)
		return CMD_BAD;
	return answer(s, account_subscribe(
	    s->user->store, without_delimiter(name), on));
}

enum cmd_result
cmd_subscribe(struct session *s, struct str args)
{
	return subscribe(s, args, true);
}

enum cmd_result
cmd_unsubscribe(struct session *s, struct str args)
{
	return subscribe(s, args, false);
}
