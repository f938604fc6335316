/* COPY, MOVE, EXPUNGE, UID EXPUNGE.  RFC 3501 6.4.3 and 6.4.7, RFC 6851,
 * RFC 4315 (COPYUID). */
#include "imapd/commands.h"
#include "imapd/lex.h"
#include "imapd/walk.h"

static void
put_copyuid(struct buf *out, const struct mailbox *target,
    const struct uids *from, const struct uids *to)
{
	const struct uids *sets[] = { from, to };

	buf_addf(out, "[COPYUID %u", mailbox_status(target)->uidvalidity);
	for (size_t i = 0; i < 2; i++) {
		struct seq_out o;

		buf_add_char(out, ' ');
		seq_out_init(&o, out);
		for (size_t k = 0; k < sets[i]->n; k++)
			seq_out_add(&o, sets[i]->list[k]);
		seq_out_end(&o);
	}
	buf_add_char(out, ']');
}

/* The tagged OK of COPY has the code; MOVE says it before its EXPUNGEs. */
static void
say_copyuid(struct session *s, const struct mailbox *target, bool move,
    const struct uids *from, const struct uids *to)
{
	struct buf code;

	buf_init(&code, BUF_NO_MAX);
	put_copyuid(&code, target, from, to);
	if (move) {
		buf_add_c(&s->out, "* OK ");
		buf_add(&s->out, buf_str(&code));
		buf_add_c(&s->out, " Moved\r\n");
	} else {
		s->code = pool_str(&s->pool, buf_str(&code));
	}
	buf_clear(&code);
}

static enum cmd_result
copy_to(struct session *s, struct mailbox *target, const struct uids *uids,
    bool move)
{
	struct uids from = { NULL, 0, 0 }, to = { NULL, 0, 0 };
	enum store_result result =
	    mailbox_copy(s->mailbox, uids, target, move, &from, &to);

	if (result == STORE_OK && from.n != 0)
		say_copyuid(s, target, move, &from, &to);
	uids_clear(&from);
	uids_clear(&to);
	return result == STORE_OK ? CMD_OK : session_store_failed(s, result);
}

/* copy = sequence-set SP mailbox */
static enum cmd_result
copy(struct session *s, struct str args, bool move)
{
	struct seq_set set;
	struct str name;
	struct walk w;
	struct uids uids = { NULL, 0, 0 };
	struct mailbox *target;
	enum store_result opened;
	enum cmd_result result;
	bool missing;

	if (!seq_take(&args, &s->pool, &set) || !lex_sp(&args) ||
	    !session_take_mailbox(s, &args, &name) || args.n != 0)
		return CMD_BAD;
	if (move && s->read_only)
		return session_no(s, "[READ-ONLY] The mailbox is read-only");
	if (!walk_init(&w, s, &set, s->uid))
		return session_bad(s, "No such message");
	opened = mailbox_open(s->user->store, name, &target);
	if (opened == STORE_NOT_FOUND)
		return session_no(s, "[TRYCREATE] No such mailbox");
	if (opened != STORE_OK)
		return session_store_failed(s, opened);
	walk_uids(&w, s, &uids, &missing);
	if (missing && !s->uid)
		result = session_no(s, "[EXPUNGEISSUED] Some are gone");
	else
		result = copy_to(s, target, &uids, move);
	uids_clear(&uids);
	mailbox_close(target);
	return result;
}

enum cmd_result
cmd_copy(struct session *s, struct str args)
{
	return copy(s, args, false);
}

enum cmd_result
cmd_move(struct session *s, struct str args)
{
	return copy(s, args, true);
}

static enum cmd_result
expunge(struct session *s, const struct uids *uids)
{
	enum store_result result = mailbox_expunge(s->mailbox, uids, true);

	return result == STORE_OK ? CMD_OK : session_store_failed(s, result);
}

enum cmd_result
cmd_expunge(struct session *s, struct str args)
{
	(void)args;
	if (s->read_only)
		return session_no(s, "[READ-ONLY] The mailbox is read-only");
	return expunge(s, NULL);
}

enum cmd_result
cmd_uid_expunge(struct session *s, struct str args)
{
	struct seq_set set;
	struct walk w;
	struct uids uids = { NULL, 0, 0 };
	enum cmd_result result;
	bool missing;

	if (!seq_take(&args, &s->pool, &set) || args.n != 0)
		return CMD_BAD;
	if (s->read_only)
		return session_no(s, "[READ-ONLY] The mailbox is read-only");
	walk_init(&w, s, &set, true);
	walk_uids(&w, s, &uids, &missing);
	result = expunge(s, &uids);
	uids_clear(&uids);
	return result;
}
