/* SEARCH.  RFC 3501 6.4.4 and 7.2.5, RFC 4731 (ESEARCH). */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "imapd/commands.h"
#include "imapd/search_eval.h"

enum {
	ROWS = 500,    /* looked at in a step, while only rows are needed */
	NUMBERS = 2000 /* written in a step */
};

struct searching {
	struct search search;
	struct search_eval eval;
	int64_t until;         /* monotonic */
	uint32_t uid, msn;     /* of the message being looked at */
	uint64_t next;         /* UID */
	bool open;             /* its answer takes more steps */
	struct uids found;     /* UIDs, or message numbers */
	uint64_t modseq;       /* largest of those found */
	bool writing;
	size_t at;             /* in found: written */
	struct seq_out set;
};

static void
clear(void *state)
{
	struct searching *f = state;

	search_eval_clear(&f->eval);
	uids_clear(&f->found);
}

static void
resolve(struct session *s, struct search *search)
{
	for (size_t i = 0; i < search->count; i++) {
		struct search_key *k = &search->keys[i];

		if (k->kind == SEARCH_SET)
			seq_resolve(&k->set, view_exists(s->view));
		else if (k->kind == SEARCH_UIDS)
			seq_resolve(&k->set, view_last_uid(s->view));
	}
}

/* --- the answer ------------------------------------------------------- */

static bool
wants_all(const struct searching *f)
{
	return !f->search.extended ||
	    (f->search.returns & SEARCH_RETURN_ALL) != 0;
}

static void
begin_extended(struct session *s, struct searching *f)
{
	const struct uids *u = &f->found;

	buf_add_c(&s->out, "* ESEARCH (TAG \"");
	buf_add(&s->out, s->tag);
	buf_addf(&s->out, "\")%s", s->uid ? " UID" : "");
	if (u->n != 0 && (f->search.returns & SEARCH_MIN) != 0)
		buf_addf(&s->out, " MIN %u", u->list[0]);
	if (u->n != 0 && (f->search.returns & SEARCH_MAX) != 0)
		buf_addf(&s->out, " MAX %u", u->list[u->n - 1]);
	if ((f->search.returns & SEARCH_COUNT) != 0)
		buf_addf(&s->out, " COUNT %zu", u->n);
	if (u->n != 0 && f->search.has_modseq)
		buf_addf(&s->out, " MODSEQ %" PRIu64, f->modseq);
	if (u->n != 0 && wants_all(f))
		buf_add_c(&s->out, " ALL ");
	seq_out_init(&f->set, &s->out);
}

static void
begin_answer(struct session *s, struct searching *f)
{
	f->writing = true;
	if (f->search.extended)
		begin_extended(s, f);
	else
		buf_add_c(&s->out, "* SEARCH");
	if (!wants_all(f))
		f->at = f->found.n;
}

static enum cmd_result
write_some(struct session *s, struct searching *f)
{
	for (unsigned n = 0; n < NUMBERS && f->at < f->found.n; n++) {
		uint32_t number = f->found.list[f->at++];

		if (f->search.extended)
			seq_out_add(&f->set, number);
		else
			buf_addf(&s->out, " %u", number);
	}
	if (f->at < f->found.n)
		return CMD_MORE;
	if (f->search.extended)
		seq_out_end(&f->set);
	else if (f->search.has_modseq && f->found.n != 0)
		buf_addf(&s->out, " (MODSEQ %" PRIu64 ")", f->modseq);
	buf_add_c(&s->out, "\r\n");
	return CMD_OK;
}

/* --- the search ------------------------------------------------------- */

static void
note_answer(struct session *s, struct searching *f, enum answer a)
{
	const struct row *row = mailbox_get(s->mailbox, f->uid);

	f->open = a == ANSWER_OPEN;
	if (a != ANSWER_YES || row == NULL)
		return;
	uids_add(&f->found, s->uid ? f->uid : f->msn);
	if (row->modseq > f->modseq)
		f->modseq = row->modseq;
}

/* false: there is no further message. */
static bool
next_message(struct session *s, struct searching *f)
{
	struct view_at at;

	if (f->next > UINT32_MAX ||
	    !view_next(s->view, (uint32_t)f->next, &at))
		return false;
	f->uid = at.uid;
	f->msn = at.msn;
	f->next = (uint64_t)at.uid + 1;
	if (at.row != NULL && (at.row->flags & ROW_GONE) == 0)
		note_answer(s, f, search_eval_begin(&f->eval, at.row, at.msn));
	return true;
}

static enum cmd_result
step(struct session *s, void *state)
{
	struct searching *f = state;

	if (f->writing)
		return write_some(s, f);
	if (clock_mono_ms() > f->until)
		return session_no(s, "[LIMIT] The search took too long");
	if (f->open) {
		note_answer(s, f, search_eval_step(
		    &f->eval, mailbox_get(s->mailbox, f->uid)));
		return CMD_MORE;
	}
	for (unsigned n = 0; n < ROWS && !f->open; n++)
		if (!next_message(s, f)) {
			begin_answer(s, f);
			break;
		}
	return CMD_MORE;
}

enum cmd_result
cmd_search(struct session *s, struct str args)
{
	struct searching *f = pool_alloc(&s->pool, sizeof(*f));

	switch (search_take(args, &s->pool, &f->search)) {
	case SEARCH_OK:
		break;
	case SEARCH_SYNTAX:
		return CMD_BAD;
	case SEARCH_TOO_MUCH:
		return session_bad(s, "[LIMIT] Too many or too deep keys");
	case SEARCH_CHARSET:
		return session_no(s, "[BADCHARSET (US-ASCII UTF-8)] Charset");
	}
	s->condstore |= f->search.has_modseq;
	resolve(s, &f->search);
	search_eval_init(&f->eval, &f->search, s->mailbox, &s->pool);
	f->until = clock_mono_ms() + s->user->conf.search_ms;
	f->next = 1;
	return session_steps(s, step, f, clear);
}
