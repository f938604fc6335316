/* FETCH.  RFC 3501 6.4.5, RFC 7162 3.1.4 (CHANGEDSINCE). */
#include "base/fatal.h"
#include "imapd/commands.h"
#include "imapd/fetch.h"
#include "imapd/lex.h"
#include "imapd/walk.h"
#include "proc/note.h"

enum { OUT_STEP = 16384 }; /* octets written at which a step ends */

struct fetching {
	struct seq_set set;
	struct fetch_items items;
	struct walk walk;
	bool changed;          /* CHANGEDSINCE was said */
	uint64_t since;        /* its mod-sequence */
	bool needs_text, needs_cold;
	struct uids seen;      /* to get \Seen when the command ends */
	bool missing, unreadable;
	struct fetch message;  /* under way if in_message */
	bool in_message;
	size_t item;           /* next to be answered */
	uint16_t more;         /* flags it will have */
};

static void
clear(void *state)
{
	struct fetching *f = state;

	uids_clear(&f->seen);
	fetch_clear(&f->message);
}

/* All \Seen of a command are one change.  Ours is not told: the responses
 * have it. */
static void
mark_seen(struct session *s, struct fetching *f)
{
	struct flags_op op = { .how = FLAGS_ADD, .flags = FLAG_SEEN,
		.unchanged_since = UINT64_MAX,
		.silent = s->condstore ? NULL : s->view };

	if (f->seen.n != 0 &&
	    mailbox_flags(s->mailbox, &f->seen, &op, NULL) == STORE_ERROR) {
		note(NOTE_ERROR, "seen-not-stored");
		note_str("mailbox", mailbox_name(s->mailbox));
		note_end();
	}
	uids_clear(&f->seen);
}

static enum cmd_result
end(struct session *s, struct fetching *f)
{
	mark_seen(s, f);
	if (f->unreadable)
		return session_no(s, "[SERVERBUG] Some could not be read");
	if (f->missing && !s->uid)
		return session_no(s, "[EXPUNGEISSUED] Some are gone");
	return CMD_OK;
}

static void
begin_message(struct session *s, struct fetching *f, const struct view_at *at)
{
	if (at->row == NULL || (at->row->flags & ROW_GONE) != 0) {
		f->missing = true;
		return;
	}
	if (at->row->modseq <= f->since)
		return;
	if (!fetch_begin(&f->message, s->mailbox, at->row, f->needs_text) ||
	    (f->needs_cold && !fetch_load_cold(&f->message))) {
		fetch_end(&f->message);
		if (mailbox_get(s->mailbox, at->uid) == NULL)
			f->missing = true;
		else
			f->unreadable = true;
		return;
	}
	f->in_message = true;
	f->item = 0;
	f->more = 0;
	if (f->items.sets_seen && !s->read_only &&
	    (at->row->flags & FLAG_SEEN) == 0) {
		f->more = FLAG_SEEN;
		uids_add(&f->seen, at->uid);
	}
	buf_addf(&s->out, "* %u FETCH (", at->msn);
}

static void
end_message(struct session *s, struct fetching *f)
{
	struct fetch_item flags = { .kind = FETCH_FLAGS };

	if (f->more != 0 && !f->items.has_flags) {
		buf_add_char(&s->out, ' ');
		fetch_put(&f->message, &flags, f->more, s);
	}
	buf_add_c(&s->out, ")\r\n");
	fetch_end(&f->message);
	f->in_message = false;
}

/* One item, or a piece of the literal of one. */
static bool
go_on(struct session *s, struct fetching *f)
{
	if (f->message.in_literal)
		return fetch_literal_step(&f->message, s);
	if (f->item == f->items.count) {
		end_message(s, f);
		return true;
	}
	if (f->item != 0)
		buf_add_char(&s->out, ' ');
	fetch_put(&f->message, &f->items.list[f->item++], f->more, s);
	return true;
}

static enum cmd_result
step(struct session *s, void *state)
{
	struct fetching *f = state;
	size_t before = buf_len(&s->out);
	struct view_at at;

	for (;;) {
		if (!f->in_message) {
			/* Between messages the other sessions may go on. */
			if (buf_len(&s->out) - before >= OUT_STEP)
				return CMD_MORE;
			if (!walk_next(&f->walk, s, &at))
				return end(s, f);
			begin_message(s, f, &at);
			if (!f->in_message)
				return CMD_MORE;
		} else if (!go_on(s, f)) {
			session_bye(s, "[SERVERBUG] A message has changed");
			return CMD_MORE;
		} else if (f->message.in_literal) {
			return CMD_MORE;
		}
	}
}

/* fetch-modifier = SP "(" "CHANGEDSINCE" SP mod-sequence-value ")" */
static bool
take_modifier(struct session *s, struct str *in, struct fetching *f)
{
	if (in->n == 0)
		return true;
	if (!str_take_iprefix(in, STR(" (CHANGEDSINCE ")) ||
	    !lex_number64(in, &f->since) || !str_eq(*in, STR(")")))
		return false;
	f->changed = s->condstore = true;
	return true;
}

enum cmd_result
cmd_fetch(struct session *s, struct str args)
{
	struct fetching *f = pool_alloc(&s->pool, sizeof(*f));

	if (!seq_take(&args, &s->pool, &f->set) || !lex_sp(&args) ||
	    !fetch_items_take(&args, &s->pool, &f->items) ||
	    !take_modifier(s, &args, f))
		return CMD_BAD;
	if (!walk_init(&f->walk, s, &f->set, s->uid))
		return session_bad(s, "No such message");
	if (s->uid)
		fetch_items_add(&f->items, FETCH_UID);
	s->condstore |= f->items.has_modseq;
	if (f->changed)
		fetch_items_add(&f->items, FETCH_MODSEQ);
	for (size_t i = 0; i < f->items.count; i++) {
		f->needs_text |= fetch_needs_text(&f->items.list[i]);
		f->needs_cold |= fetch_needs_cold(&f->items.list[i]);
	}
	fetch_init(&f->message);
	return session_steps(s, step, f, clear);
}
