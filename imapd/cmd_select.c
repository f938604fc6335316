/* SELECT, EXAMINE, CLOSE, UNSELECT.  RFC 3501 6.3.1, 6.3.2, 6.4.2; RFC 3691;
 * RFC 7162 3.1.8 (CONDSTORE). */
#include <inttypes.h>

#include "imapd/commands.h"
#include "imapd/lex.h"
#include "imapd/tell.h"

/* select-params = SP "(" "CONDSTORE" ")" */
static bool
take_params(struct session *s, struct str *in)
{
	if (in->n == 0)
		return true;
	if (!str_take_iprefix(in, STR(" (CONDSTORE)")))
		return false;
	s->condstore = true;
	return in->n == 0;
}

static void
put_facts(struct session *s)
{
	const struct mailbox_status *st = mailbox_status(s->mailbox);
	uint32_t unseen = view_first_unseen(s->view);

	tell_flags(s);
	buf_addf(&s->out, "* %u EXISTS\r\n* 0 RECENT\r\n",
	    view_exists(s->view));
	if (unseen != 0)
		buf_addf(&s->out, "* OK [UNSEEN %u] First unseen\r\n", unseen);
	buf_addf(&s->out, "* OK [UIDVALIDITY %u] UIDs\r\n"
	    "* OK [UIDNEXT %u] The next UID\r\n"
	    "* OK [HIGHESTMODSEQ %" PRIu64 "] Changes\r\n",
	    st->uidvalidity, st->uidnext, st->highestmodseq);
}

static enum cmd_result
choose(struct session *s, struct str args, bool read_only)
{
	struct str name;
	struct mailbox *m;
	enum store_result result;

	if (!session_take_mailbox(s, &args, &name) || !take_params(s, &args))
		return CMD_BAD;
	/* The old mailbox is left also when the new one cannot be had. */
	session_unselect(s);
	result = mailbox_open(s->user->store, name, &m);
	if (result == STORE_OK) {
		result = mailbox_refresh(m);
		if (result != STORE_OK)
			mailbox_close(m);
	}
	if (result != STORE_OK)
		return session_store_failed(s, result);
	s->mailbox = m;
	s->read_only = read_only;
	s->view = view_open(m, session_on_news, s);
	s->state = SESSION_SELECTED;
	put_facts(s);
	session_code(s, read_only ? "[READ-ONLY]" : "[READ-WRITE]");
	return CMD_OK;
}

enum cmd_result
cmd_select(struct session *s, struct str args)
{
	return choose(s, args, false);
}

enum cmd_result
cmd_examine(struct session *s, struct str args)
{
	return choose(s, args, true);
}

enum cmd_result
cmd_close(struct session *s, struct str args)
{
	enum store_result result = STORE_OK;

	(void)args;
	if (!s->read_only)
		result = mailbox_expunge(s->mailbox, NULL, true);
	session_unselect(s);
	return result == STORE_OK || result == STORE_NOT_FOUND ? CMD_OK :
	    session_store_failed(s, result);
}

enum cmd_result
cmd_unselect(struct session *s, struct str args)
{
	(void)args;
	session_unselect(s);
	return CMD_OK;
}
