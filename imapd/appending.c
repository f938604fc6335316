#include "imapd/appending.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "imapd/flags.h"
#include "imapd/lex.h"
#include "mail/crlf.h"
#include "mail/date.h"
#include "store/append.h"
#include "store/mailbox.h"

struct appending {
	struct mailbox *mailbox;
	struct append *append;
	struct crlf_in lines;  /* CRLF from the client, LF at rest */
	struct buf text;       /* one piece of it */
	size_t head_n;         /* octets of the command before the message */
	bool failed;           /* the store could not write */
};

static enum appending_result
refused(struct session *s, enum cmd_result result)
{
	s->result = result;
	return APPENDING_REFUSED;
}

/* The literal that is announced is not the message but belongs to what
 * stands before it. */
static bool
is_inside(struct str args)
{
	uint64_t size;
	bool sync;
	struct str line = args;

	line.n -= 2; /* CRLF */
	return args.p[0] == '{' && str_find(line, '\r') == line.n &&
	    lex_literal_end(line, &size, &sync);
}

struct head {
	struct str name;
	struct flags flags;
	struct date date;
};

/* append = mailbox [SP flag-list] [SP date-time] SP literal */
static bool
take_head(struct session *s, struct str *args, struct head *h)
{
	struct str text;

	if (!session_take_mailbox(s, args, &h->name) || !lex_sp(args))
		return false;
	if (args->n != 0 && args->p[0] == '(' &&
	    (!flags_take(args, &s->pool, false, &h->flags) || !lex_sp(args)))
		return false;
	if (args->n != 0 && args->p[0] == '"' &&
	    (!lex_string(args, &s->pool, &text) || !lex_sp(args) ||
	     !date_parse_imap(text, &h->date)))
		return false;
	return args->n != 0 && args->p[0] == '{';
}

static enum store_result
open_target(struct session *s, const struct head *h, struct appending *a)
{
	struct append_info info = { .flags = h->flags.system,
		.keywords = h->flags.keywords, .nkeywords = h->flags.keyword_n,
		.date = h->date.time, .zone = h->date.zone };
	enum store_result result =
	    mailbox_open(s->user->store, h->name, &a->mailbox);

	if (result != STORE_OK)
		return result;
	a->append = append_begin(a->mailbox, &info);
	if (a->append != NULL)
		return STORE_OK;
	mailbox_close(a->mailbox);
	return STORE_ERROR;
}

enum appending_result
appending_begin(struct session *s, struct str args, uint64_t size)
{
	struct appending *a;
	struct head h = { .name = STR_NONE };
	enum store_result result;

	if (is_inside(args))
		return APPENDING_NOT_YET;
	date_now(&h.date);
	if (!take_head(s, &args, &h))
		return refused(s, session_bad(s, "Syntax of APPEND"));
	if (size > s->user->conf.message)
		return refused(s, session_no(s, "[TOOBIG] Message too large"));
	a = xcalloc(1, sizeof(*a));
	result = open_target(s, &h, a);
	if (result != STORE_OK) {
		free(a);
		if (result == STORE_NOT_FOUND)
			return refused(s, session_no(s,
			    "[TRYCREATE] No such mailbox"));
		return refused(s, session_store_failed(s, result));
	}
	crlf_in_init(&a->lines);
	buf_init(&a->text, BUF_NO_MAX);
	a->head_n = reader_text(&s->reader).n;
	s->appending = a;
	return APPENDING_GO;
}

static void
write_text(struct appending *a)
{
	if (!a->failed && append_write(a->append, buf_str(&a->text)) == -1)
		a->failed = true;
	buf_reset(&a->text);
}

void
appending_octets(struct session *s, struct str octets)
{
	struct appending *a = s->appending;

	crlf_in_counted(&a->lines, octets, &a->text);
	write_text(a);
}

void
appending_free(struct appending *a)
{
	if (a == NULL)
		return;
	if (a->append != NULL)
		append_abort(a->append);
	buf_clear(&a->text);
	mailbox_close(a->mailbox);
	free(a);
}

enum cmd_result
appending_end(struct session *s)
{
	struct appending *a = s->appending;
	struct uids uids = { NULL, 0, 0 };
	enum store_result result = STORE_ERROR;

	if (reader_text(&s->reader).n != a->head_n)
		return session_bad(s, "One message at a time");
	if (a->lines.nul)
		return session_bad(s, "[UNKNOWN-CTE] A message holds no NUL");
	crlf_in_end(&a->lines, &a->text);
	write_text(a);
	if (!a->failed) {
		result = append_commit(&a->append, 1, &uids);
		a->append = NULL;
	}
	if (result == STORE_OK)
		session_code(s, "[APPENDUID %u %u]",
		    mailbox_status(a->mailbox)->uidvalidity, uids.list[0]);
	uids_clear(&uids);
	return result == STORE_OK ? CMD_OK : session_store_failed(s, result);
}
