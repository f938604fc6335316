#include "imapd/session.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "imapd/appending.h"
#include "imapd/capability.h"
#include "imapd/lex.h"
#include "imapd/tell.h"
#include "mail/imap_text.h"
#include "mail/mutf7.h"
#include "proc/note.h"

enum {
	TAG_MAX = 255,
	NAME_MAX = 1000 /* octets of a mailbox name in UTF-8 */
};

struct session *
session_new(struct user *u, struct str tag)
{
	struct session *s = xcalloc(1, sizeof(*s));

	s->user = u;
	s->state = SESSION_AUTHENTICATED;
	s->phase = PHASE_READ;
	reader_init(&s->reader, u->conf.line, u->conf.literal);
	buf_init(&s->out, BUF_NO_MAX);
	buf_add(&s->out, tag);
	buf_add_c(&s->out, " OK [CAPABILITY ");
	capability_after(&s->out);
	buf_add_c(&s->out, "] Logged in\r\n");
	TAILQ_INSERT_TAIL(&u->sessions, s, entry);
	return s;
}

/* Ends what the command holds outside its pool. */
static void
clear_command(struct session *s)
{
	if (s->step_clear != NULL)
		s->step_clear(s->step_state);
	s->step = NULL;
	s->step_state = NULL;
	s->step_clear = NULL;
	appending_free(s->appending);
	s->appending = NULL;
	pool_clear(&s->pool);
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	clear_command(s);
	session_unselect(s);
	TAILQ_REMOVE(&s->user->sessions, s, entry);
	reader_clear(&s->reader);
	buf_clear(&s->out);
	free(s);
}

void
session_bye(struct session *s, const char *why)
{
	if (s->state == SESSION_ENDED)
		return;
	buf_addf(&s->out, "* BYE %s\r\n", why);
	s->state = SESSION_ENDED;
	s->phase = PHASE_READ;
	clear_command(s);
}

enum cmd_result
session_no(struct session *s, const char *text)
{
	s->text = text;
	return CMD_NO;
}

enum cmd_result
session_bad(struct session *s, const char *text)
{
	s->text = text;
	return CMD_BAD;
}

void
session_code(struct session *s, const char *fmt, ...)
{
	struct buf code;
	va_list ap;

	buf_init(&code, BUF_NO_MAX);
	va_start(ap, fmt);
	buf_vaddf(&code, fmt, ap);
	va_end(ap);
	s->code = pool_str(&s->pool, buf_str(&code));
	buf_clear(&code);
}

enum cmd_result
session_steps(struct session *s, cmd_step_fn *step, void *state,
    void (*clear)(void *state))
{
	s->step = step;
	s->step_state = state;
	s->step_clear = clear;
	return CMD_MORE;
}

bool
session_take_mailbox(struct session *s, struct str *in, struct str *name)
{
	struct str text;
	struct buf utf8;

	if (!lex_astring(in, &s->pool, &text))
		return false;
	buf_init(&utf8, NAME_MAX);
	/* A name that is not modified UTF-7 names nothing: it stays empty,
	 * and no mailbox has that name. */
	if (!mutf7_decode(&utf8, text))
		buf_reset(&utf8);
	*name = pool_str(&s->pool, buf_str(&utf8));
	buf_clear(&utf8);
	if (str_ieq(str_first(*name, str_find(*name, STORE_SEPARATOR)),
	    STR("INBOX"))) {
		char *p = pool_alloc(&s->pool, name->n + 1);

		memcpy(p, name->p, name->n);
		memcpy(p, "INBOX", 5);
		name->p = p;
	}
	return true;
}

void
session_put_mailbox(struct session *s, struct str name)
{
	struct buf text;

	buf_init(&text, BUF_NO_MAX);
	mutf7_encode(&text, name);
	imap_text_astring(&s->out, buf_str(&text));
	buf_clear(&text);
}

/* --- the life of a command ------------------------------------------- */

static void
put_tagged(struct session *s)
{
	static const char *const words[] = { [CMD_OK] = "OK",
		[CMD_NO] = "NO", [CMD_BAD] = "BAD", [CMD_MORE] = "BAD" };

	if (s->tag.n == 0)
		buf_add_char(&s->out, '*');
	buf_add(&s->out, s->tag);
	buf_addf(&s->out, " %s ", words[s->result]);
	if (s->result != CMD_OK) {
		buf_addf(&s->out, "%s\r\n", s->text);
		return;
	}
	if (s->code.n != 0) {
		buf_add(&s->out, s->code);
		buf_add_char(&s->out, ' ');
	}
	buf_addf(&s->out, "%s%.*s done\r\n", s->uid ? "UID " : "",
	    STR_ARG(s->cmd->verb));
}

static void
end_command(struct session *s)
{
	put_tagged(s);
	s->errors = s->result == CMD_BAD ? s->errors + 1 : 0;
	s->phase = PHASE_READ;
	clear_command(s);
	if (s->errors >= s->user->conf.errors)
		session_bye(s, "Too many errors");
}

/* No EXPUNGE while a command with message numbers is under way. */
static bool
may_expunge(const struct session *s)
{
	return s->cmd == NULL || s->uid || (s->cmd->flags & CMD_QUIET) == 0;
}

/* The result is known; what changed meanwhile is told before it. */
static void
finish(struct session *s, enum cmd_result result)
{
	s->result = result;
	if (result == CMD_MORE) {
		s->phase = s->step != NULL ? PHASE_RUN : PHASE_IDLE_TELL;
		return;
	}
	if (s->cmd != NULL && (s->cmd->flags & CMD_DURABLE) != 0 &&
	    account_flush(s->user->store) == -1)
		fatal_errno("the mailbox cannot be made durable");
	if (s->state == SESSION_ENDED || s->view == NULL || s->cmd == NULL ||
	    (s->cmd->flags & CMD_SILENT) != 0)
		end_command(s);
	else
		s->phase = PHASE_TELL;
}

static void
refuse(struct session *s, const char *text)
{
	finish(s, session_bad(s, text));
}

static enum cmd_result
run(struct session *s, const struct cmd *cmd, struct str args, bool has_args)
{
	if ((cmd->states & (unsigned)s->state) == 0)
		return session_bad(s, s->state == SESSION_SELECTED ?
		    "Not in this state" : "No mailbox is selected");
	if (has_args != ((cmd->flags & CMD_ARGS) != 0))
		return session_bad(s, has_args ? "This command has no "
		    "arguments" : "Arguments are missing");
	return cmd->run(s, args);
}

/* Reads "tag SP verb", and the second verb behind UID.  What is in them lives
 * in the pool: the reader's buffer moves while an APPEND arrives. */
static bool
take_verb(struct session *s, struct str *in, struct str *verb)
{
	struct str tag;

	if (!lex_tag(in, &tag) || tag.n > TAG_MAX)
		return false;
	s->tag = pool_str(&s->pool, tag);
	if (!lex_sp(in) || !lex_atom(in, verb))
		return false;
	if (!str_ieq(*verb, STR("UID")))
		return true;
	s->uid = true;
	return lex_sp(in) && lex_atom(in, verb);
}

static void
begin_command(struct session *s)
{
	pool_clear(&s->pool);
	s->cmd = NULL;
	s->tag = s->code = STR_NONE;
	s->uid = false;
	s->text = "Syntax";
}

static void
on_command(struct session *s)
{
	struct str in = reader_text(&s->reader), verb;
	bool has_args;

	if (s->appending != NULL) {
		finish(s, appending_end(s));
		return;
	}
	begin_command(s);
	if (!take_verb(s, &in, &verb)) {
		refuse(s, "A command begins with a tag and a name");
		return;
	}
	s->cmd = cmd_find(verb, s->uid);
	if (s->cmd == NULL) {
		refuse(s, "Unknown command");
		return;
	}
	has_args = lex_sp(&in);
	if (!has_args && in.n != 0) {
		refuse(s, "Syntax");
		return;
	}
	finish(s, run(s, s->cmd, in, has_args));
}

static void
refuse_literal(struct session *s)
{
	bool lost = !s->reader.sync && s->reader.size > s->reader.skip_max;

	reader_refuse(&s->reader);
	if (lost)
		session_bye(s, "[TOOBIG] Literal too large");
	else
		end_command(s);
}

/* The message of an APPEND is handed on as it comes; other literals are part
 * of their command. */
static void
on_literal(struct session *s)
{
	struct str in = reader_text(&s->reader), verb;

	begin_command(s);
	if (take_verb(s, &in, &verb) && !s->uid &&
	    str_ieq(verb, STR("APPEND")) && lex_sp(&in)) {
		s->cmd = cmd_find(verb, false);
		switch (appending_begin(s, in, s->reader.size)) {
		case APPENDING_NOT_YET: /* a literal before the message */
			break;
		case APPENDING_GO:
			if (s->reader.sync)
				buf_add_c(&s->out, "+ Go on\r\n");
			reader_stream(&s->reader);
			return;
		case APPENDING_REFUSED:
			refuse_literal(s);
			return;
		}
	}
	if (reader_fits(&s->reader)) {
		if (s->reader.sync)
			buf_add_c(&s->out, "+ Go on\r\n");
		reader_keep(&s->reader);
		return;
	}
	s->result = session_bad(s, "[TOOBIG] Literal too large");
	refuse_literal(s);
}

static void
on_too_long(struct session *s, const char *text)
{
	struct str in = reader_text(&s->reader), tag;

	clear_command(s);
	begin_command(s);
	if (lex_tag(&in, &tag) && tag.n <= TAG_MAX)
		s->tag = pool_str(&s->pool, tag);
	refuse(s, text);
}

/* During IDLE there is one thing to say. */
static void
on_idle_line(struct session *s)
{
	bool done = str_ieq(reader_text(&s->reader), STR("DONE"));

	finish(s, done ? CMD_OK : session_bad(s, "IDLE ends with DONE"));
}

static void
on_event(struct session *s, enum reader_event e, struct str *in)
{
	switch (e) {
	case READER_MORE:
		return;
	case READER_COMMAND:
		if (s->phase == PHASE_IDLE)
			on_idle_line(s);
		else
			on_command(s);
		return;
	case READER_LITERAL:
		on_literal(s);
		return;
	case READER_STREAM:
		appending_octets(s, reader_take(&s->reader, in, SIZE_MAX));
		return;
	case READER_LONG:
		on_too_long(s, "[TOOBIG] Command too long");
		return;
	case READER_BARE:
		on_too_long(s, "Lines end with CRLF and hold no NUL");
		return;
	case READER_ENDLESS:
		session_bye(s, "[TOOBIG] Too much");
		return;
	}
}

bool
session_is_busy(const struct session *s)
{
	return s->phase == PHASE_RUN || s->phase == PHASE_TELL ||
	    s->phase == PHASE_IDLE_TELL;
}

void
session_feed(struct session *s, struct str *in)
{
	if (s->state == SESSION_ENDED) {
		*in = STR_NONE;
		return;
	}
	on_event(s, reader_feed(&s->reader, in), in);
}

static void
tell(struct session *s)
{
	if (s->view != NULL && tell_step(s, may_expunge(s)))
		return;
	if (s->gone) {
		session_bye(s, "[NONEXISTENT] The mailbox was deleted");
		return;
	}
	if (s->phase == PHASE_TELL)
		end_command(s);
	else if (s->view == NULL || !view_has_news(s->view, true))
		s->phase = PHASE_IDLE;
}

void
session_step(struct session *s)
{
	switch (s->phase) {
	case PHASE_READ:
	case PHASE_IDLE:
		return;
	case PHASE_RUN: {
		enum cmd_result r = s->step(s, s->step_state);

		if (r != CMD_MORE)
			finish(s, r);
		return;
	}
	case PHASE_TELL:
	case PHASE_IDLE_TELL:
		tell(s);
		return;
	}
}

void
session_on_news(void *arg)
{
	struct session *s = arg;

	if (s->phase != PHASE_IDLE)
		return;
	s->phase = PHASE_IDLE_TELL;
	if (s->on_wake != NULL)
		s->on_wake(s->arg);
}

void
session_gone(struct session *s)
{
	s->gone = true;
	session_on_news(s);
}

void
session_unselect(struct session *s)
{
	tell_clear(s);
	if (s->view != NULL)
		view_close(s->view);
	if (s->mailbox != NULL)
		mailbox_close(s->mailbox);
	s->view = NULL;
	s->mailbox = NULL;
	s->gone = false;
	s->place.uid = 0;
	if (s->state == SESSION_SELECTED)
		s->state = SESSION_AUTHENTICATED;
}

static void
note_disk(const struct session *s, int error)
{
	note(NOTE_ERROR, "store-failed");
	if (s->mailbox != NULL)
		note_str("mailbox", mailbox_name(s->mailbox));
	note_errno(error);
	note_end();
}

enum store_result
session_refresh(struct session *s)
{
	const enum store_result r = mailbox_refresh(s->mailbox);

	if (r == STORE_ERROR)
		note_disk(s, errno);
	return r;
}

/* The words of RFC 5530. */
enum cmd_result
session_store_failed(struct session *s, enum store_result result)
{
	static const char *const words[] = {
		[STORE_OK] = "",
		[STORE_NOT_FOUND] = "[NONEXISTENT] No such mailbox",
		[STORE_EXISTS] = "[ALREADYEXISTS] That mailbox exists",
		[STORE_BAD_NAME] = "[CANNOT] No mailbox can have this name",
		[STORE_NOT_ALLOWED] = "[CANNOT] That is not possible",
		[STORE_OVER_QUOTA] = "[OVERQUOTA] Too much mail is stored",
		[STORE_TOO_MANY] = "[LIMIT] Too many",
		[STORE_ERROR] = "[SERVERBUG] The disk failed",
	};

	if (result == STORE_ERROR)
		note_disk(s, errno);
	return session_no(s, words[result]);
}
