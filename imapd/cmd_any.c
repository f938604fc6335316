/* Commands for any time after the log-in. */
#include "imapd/capability.h"
#include "imapd/commands.h"
#include "imapd/lex.h"

enum { ID_PAIRS_MAX = 30 };

enum cmd_result
cmd_capability(struct session *s, struct str args)
{
	(void)args;
	buf_add_c(&s->out, "* CAPABILITY ");
	capability_after(&s->out);
	buf_add_c(&s->out, "\r\n");
	return CMD_OK;
}

/* Mail that other programs put there is found now. */
enum cmd_result
cmd_noop(struct session *s, struct str args)
{
	(void)args;
	if (s->mailbox != NULL &&
	    session_refresh(s) == STORE_NOT_FOUND)
		s->gone = true;
	return CMD_OK;
}

enum cmd_result
cmd_logout(struct session *s, struct str args)
{
	(void)args;
	buf_add_c(&s->out, "* BYE Goodbye\r\n");
	session_unselect(s);
	s->state = SESSION_ENDED;
	return CMD_OK;
}

/* What a client says of itself decides nothing (RFC 2971 3). */
enum cmd_result
cmd_id(struct session *s, struct str args)
{
	struct str text;
	unsigned pairs = 0;
	bool nil;

	if (!lex_word(&args, STR("NIL"))) {
		if (!str_take_char(&args, '('))
			return session_bad(s, "ID wants a list or NIL");
		while (args.n != 0 && args.p[0] != ')') {
			if (pairs++ == ID_PAIRS_MAX ||
			    !lex_string(&args, &s->pool, &text) ||
			    !lex_sp(&args) ||
			    !lex_nstring(&args, &s->pool, &text, &nil))
				return CMD_BAD;
			lex_sp(&args);
		}
		if (!str_take_char(&args, ')'))
			return CMD_BAD;
	}
	if (args.n != 0)
		return CMD_BAD;
	capability_id(&s->out);
	return CMD_OK;
}

/* enable = "ENABLE" 1*(SP capability); unknown ones are passed over. */
enum cmd_result
cmd_enable(struct session *s, struct str args)
{
	struct str name;
	bool condstore = false;

	do {
		if (!lex_atom(&args, &name))
			return CMD_BAD;
		condstore |= str_ieq(name, STR("CONDSTORE"));
	} while (lex_sp(&args));
	if (args.n != 0)
		return CMD_BAD;
	s->condstore |= condstore;
	buf_addf(&s->out, "* ENABLED%s\r\n", condstore ? " CONDSTORE" : "");
	return CMD_OK;
}

/* Without a step function the session waits for DONE and tells what comes. */
enum cmd_result
cmd_idle(struct session *s, struct str args)
{
	cmd_noop(s, args);
	buf_add_c(&s->out, "+ Waiting for DONE\r\n");
	return CMD_MORE;
}

enum cmd_result
cmd_namespace(struct session *s, struct str args)
{
	(void)args;
	buf_add_c(&s->out, "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
	return CMD_OK;
}

enum cmd_result
cmd_late(struct session *s, struct str args)
{
	(void)args;
	return session_bad(s, "You are logged in already");
}

/* With a message it never gets here: see appending_begin. */
enum cmd_result
cmd_append(struct session *s, struct str args)
{
	(void)args;
	return session_bad(s, "APPEND wants a mailbox and a message");
}
