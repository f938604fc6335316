/* STORE.  RFC 3501 6.4.6, RFC 7162 3.1.3 (UNCHANGEDSINCE). */
#include <inttypes.h>

#include "imapd/commands.h"
#include "imapd/flags.h"
#include "imapd/lex.h"
#include "imapd/tell.h"
#include "imapd/walk.h"

enum { ROWS = 200 }; /* a step */

struct storing {
	struct seq_set set;
	struct flags_op op;
	struct flags flags;
	bool silent;
	bool conditional;      /* UNCHANGEDSINCE was said */
	struct uids uids;      /* addressed */
	struct uids modified;  /* not changed, for they had been */
	bool missing;
	size_t at;             /* in uids: answered */
};

static void
clear(void *state)
{
	struct storing *st = state;

	uids_clear(&st->uids);
	uids_clear(&st->modified);
}

/* store-modifier = "(UNCHANGEDSINCE" SP mod-sequence-valzer ")" SP */
static bool
take_modifier(struct str *in, struct storing *st)
{
	st->op.unchanged_since = UINT64_MAX;
	if (!str_take_char(in, '('))
		return true;
	st->conditional = true;
	return str_take_iprefix(in, STR("UNCHANGEDSINCE ")) &&
	    lex_number64(in, &st->op.unchanged_since) &&
	    str_take_prefix(in, STR(") "));
}

/* store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP flags */
static bool
take_att(struct session *s, struct str *in, struct storing *st)
{
	st->op.how = str_take_char(in, '+') ? FLAGS_ADD :
	    str_take_char(in, '-') ? FLAGS_REMOVE : FLAGS_REPLACE;
	if (!str_take_iprefix(in, STR("FLAGS")))
		return false;
	st->silent = str_take_iprefix(in, STR(".SILENT"));
	return lex_sp(in) && flags_take(in, &s->pool, true, &st->flags) &&
	    in->n == 0;
}

/* Of each message addressed: its flags, or with .SILENT what CONDSTORE wants
 * said all the same. */
static void
put_row(struct session *s, const struct storing *st, uint32_t uid)
{
	uint32_t msn = view_msn(s->view, uid);
	const struct row *row = mailbox_get(s->mailbox, uid);

	if (msn == 0 || row == NULL)
		return;
	if (!st->silent)
		tell_row(s, msn, row);
	else if (st->conditional)
		buf_addf(&s->out, "* %u FETCH (UID %u MODSEQ (%" PRIu64
		    "))\r\n", msn, uid, row->modseq);
}

static void
say_modified(struct session *s, const struct storing *st)
{
	struct buf code;
	struct seq_out o;

	if (st->modified.n == 0)
		return;
	buf_init(&code, BUF_NO_MAX);
	buf_add_c(&code, "[MODIFIED ");
	seq_out_init(&o, &code);
	for (size_t i = 0; i < st->modified.n; i++)
		seq_out_add(&o, s->uid ? st->modified.list[i] :
		    view_msn(s->view, st->modified.list[i]));
	seq_out_end(&o);
	buf_add_char(&code, ']');
	s->code = pool_str(&s->pool, buf_str(&code));
	buf_clear(&code);
}

static enum cmd_result
step(struct session *s, void *state)
{
	struct storing *st = state;

	for (unsigned n = 0; n < ROWS && st->at < st->uids.n; n++)
		put_row(s, st, st->uids.list[st->at++]);
	if (st->at < st->uids.n)
		return CMD_MORE;
	say_modified(s, st);
	if (st->missing && !s->uid)
		return session_no(s, "[EXPUNGEISSUED] Some are gone");
	return CMD_OK;
}

enum cmd_result
cmd_store(struct session *s, struct str args)
{
	struct storing *st = pool_alloc(&s->pool, sizeof(*st));
	struct walk w;
	enum store_result result;

	if (!seq_take(&args, &s->pool, &st->set) || !lex_sp(&args) ||
	    !take_modifier(&args, st) || !take_att(s, &args, st))
		return CMD_BAD;
	if (s->read_only)
		return session_no(s, "[READ-ONLY] The mailbox is read-only");
	if (!walk_init(&w, s, &st->set, s->uid))
		return session_bad(s, "No such message");
	s->condstore |= st->conditional;
	walk_uids(&w, s, &st->uids, &st->missing);
	st->op.flags = st->flags.system;
	st->op.keywords = st->flags.keywords;
	st->op.nkeywords = st->flags.keyword_n;
	/* What it changed is said here; with CONDSTORE and .SILENT the new
	 * mod-sequences come as news. */
	st->op.silent = st->silent && s->condstore && !st->conditional ?
	    NULL : s->view;
	result = mailbox_flags(s->mailbox, &st->uids, &st->op, &st->modified);
	if (result != STORE_OK) {
		clear(st);
		return session_store_failed(s, result);
	}
	return session_steps(s, step, st, clear);
}
