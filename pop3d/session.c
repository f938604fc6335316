#include "pop3d/session.h"

#include <string.h>

#include "base/num.h"
#include "pop3d/capa.h"

enum {
	OUT_MAX = 3 * SESSION_STEP, /* a step of single dots doubles, at most */
	READ_STEP = SESSION_STEP / 2
};

typedef enum session_event session_fn(struct session *s, struct str args);

static session_fn cmd_stat, cmd_list, cmd_uidl, cmd_retr, cmd_top, cmd_dele,
    cmd_rset, cmd_noop, cmd_capa, cmd_quit;

/* clang-format off */
static const struct {
	struct str verb;
	session_fn *run;
	unsigned least, most; /* arguments */
} cmds[] = {
	{ STR_INIT("STAT"), cmd_stat, 0, 0 },
	{ STR_INIT("LIST"), cmd_list, 0, 1 },
	{ STR_INIT("UIDL"), cmd_uidl, 0, 1 },
	{ STR_INIT("RETR"), cmd_retr, 1, 1 },
	{ STR_INIT("TOP"),  cmd_top,  2, 2 },
	{ STR_INIT("DELE"), cmd_dele, 1, 1 },
	{ STR_INIT("RSET"), cmd_rset, 0, 0 },
	{ STR_INIT("NOOP"), cmd_noop, 0, 0 },
	{ STR_INIT("CAPA"), cmd_capa, 0, 0 },
	{ STR_INIT("QUIT"), cmd_quit, 0, 0 },
};
/* clang-format on */

void
session_init(struct session *s, struct drop *drop, unsigned errors_max)
{
	*s = (struct session){ .drop = drop, .errors_max = errors_max };
	line_init(&s->line, SESSION_LINE_MAX);
	s->line.lf_ends = true;
	buf_init(&s->out, OUT_MAX);
	buf_init(&s->piece, READ_STEP);
}

void
session_clear(struct session *s)
{
	if (s->reply == REPLY_TEXT)
		s->drop->ops->close(s->drop->arg);
	s->reply = REPLY_NONE;
	line_clear(&s->line);
	buf_clear(&s->out);
	buf_clear(&s->piece);
}

/* Messages not marked, and their octets. */
static size_t
count(const struct session *s, uint64_t *octets)
{
	size_t n = 0;

	*octets = 0;
	for (size_t i = 0; i < s->drop->count; i++) {
		if (s->drop->list[i].marked)
			continue;
		n++;
		*octets += s->drop->list[i].size;
	}
	return n;
}

static enum session_event
put_count(struct session *s, const char *before)
{
	uint64_t octets;
	size_t n = count(s, &octets);

	buf_addf(&s->out, "+OK %s%zu messages (%llu octets)\r\n", before, n,
	    (unsigned long long)octets);
	return SESSION_MORE;
}

void
session_greet(struct session *s)
{
	put_count(s, "Logged in, ");
}

static enum session_event
refuse(struct session *s, const char *text)
{
	if (++s->errors <= s->errors_max) {
		buf_addf(&s->out, "-ERR %s\r\n", text);
		return SESSION_MORE;
	}
	buf_addf(&s->out, "-ERR %s; too many errors\r\n", text);
	s->ended = true;
	return SESSION_BYE;
}

/* Takes a message-number; NULL: it is none, or that message is marked. */
static struct drop_message *
take_message(struct session *s, struct str *args)
{
	struct str word = str_take_word(args);
	uint32_t n;

	if (!num_u32(word, &n) || n == 0 || n > s->drop->count ||
	    s->drop->list[n - 1].marked)
		return NULL;
	return &s->drop->list[n - 1];
}

static size_t
number_of(const struct session *s, const struct drop_message *m)
{
	return (size_t)(m - s->drop->list) + 1;
}

/* unique-id: of this mailbox for ever, since no UID is ever given twice
 * under one UIDVALIDITY. */
static void
put_entry(struct session *s, const struct drop_message *m, bool uidl)
{
	if (uidl)
		buf_addf(&s->out, "%zu %08x%08x\r\n", number_of(s, m),
		    s->drop->uidvalidity, m->uid);
	else
		buf_addf(&s->out, "%zu %u\r\n", number_of(s, m), m->size);
}

static enum session_event
no_message(struct session *s)
{
	return refuse(s, "No such message");
}

static enum session_event
list(struct session *s, struct str args, bool uidl)
{
	const struct drop_message *m;

	if (args.n != 0) {
		m = take_message(s, &args);
		if (m == NULL)
			return no_message(s);
		buf_add(&s->out, STR("+OK "));
		put_entry(s, m, uidl);
		return SESSION_MORE;
	}
	if (uidl)
		buf_add(&s->out, STR("+OK\r\n"));
	else
		put_count(s, "");
	s->reply = uidl ? REPLY_UIDL : REPLY_LIST;
	s->next = 0;
	return SESSION_MORE;
}

static enum session_event
cmd_stat(struct session *s, struct str args)
{
	uint64_t octets;
	size_t n = count(s, &octets);

	(void)args;
	buf_addf(&s->out, "+OK %zu %llu\r\n", n, (unsigned long long)octets);
	return SESSION_MORE;
}

static enum session_event
cmd_list(struct session *s, struct str args)
{
	return list(s, args, false);
}

static enum session_event
cmd_uidl(struct session *s, struct str args)
{
	return list(s, args, true);
}

static enum session_event
begin_text(struct session *s, const struct drop_message *m)
{
	if (!s->drop->ops->open(s->drop->arg, m->uid))
		return refuse(s, "[SYS/TEMP] That message is gone");
	buf_addf(&s->out, "+OK %u octets\r\n", m->size);
	s->reply = REPLY_TEXT;
	s->at = 0;
	s->in_body = s->line_open = false;
	crlf_out_init(&s->text, true);
	return SESSION_MORE;
}

static enum session_event
cmd_retr(struct session *s, struct str args)
{
	const struct drop_message *m = take_message(s, &args);

	if (m == NULL)
		return no_message(s);
	s->top = false;
	return begin_text(s, m);
}

/* TOP msg n: the header and n lines of the body */
static enum session_event
cmd_top(struct session *s, struct str args)
{
	const struct drop_message *m = take_message(s, &args);
	uint64_t lines;

	if (m == NULL)
		return no_message(s);
	if (!num_u64(args, &lines))
		return refuse(s, "How many lines?");
	s->top = true;
	s->lines = lines;
	return begin_text(s, m);
}

static enum session_event
cmd_dele(struct session *s, struct str args)
{
	struct drop_message *m = take_message(s, &args);

	if (m == NULL)
		return no_message(s);
	m->marked = true;
	buf_add(&s->out, STR("+OK To be deleted\r\n"));
	return SESSION_MORE;
}

static enum session_event
cmd_rset(struct session *s, struct str args)
{
	(void)args;
	for (size_t i = 0; i < s->drop->count; i++)
		s->drop->list[i].marked = false;
	return put_count(s, "");
}

static enum session_event
cmd_noop(struct session *s, struct str args)
{
	(void)args;
	buf_add(&s->out, STR("+OK\r\n"));
	return SESSION_MORE;
}

static enum session_event
cmd_capa(struct session *s, struct str args)
{
	struct capa c = { .before = false };

	(void)args;
	capa_put(&s->out, &c);
	return SESSION_MORE;
}

static enum session_event
cmd_quit(struct session *s, struct str args)
{
	(void)args;
	s->ended = true;
	return SESSION_UPDATE;
}

void
session_updated(struct session *s, bool ok)
{
	buf_add(&s->out, ok ? STR("+OK Goodbye\r\n") :
	    STR("-ERR [SYS/TEMP] Some messages were not deleted\r\n"));
}

static unsigned
words_in(struct str args)
{
	unsigned n = 0;

	for (; args.n != 0; n++)
		str_take_word(&args);
	return n;
}

static enum session_event
on_command(struct session *s, struct str line)
{
	struct str args = str_trim(line);
	struct str verb = str_take_word(&args);
	unsigned n = words_in(args), before = s->errors;

	for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++) {
		enum session_event e;

		if (!str_ieq(verb, cmds[i].verb))
			continue;
		if (n < cmds[i].least || n > cmds[i].most)
			return refuse(s, "Wrong number of arguments");
		e = cmds[i].run(s, args);
		if (s->errors == before)
			s->errors = 0;
		return e;
	}
	return refuse(s, "Not a command after the log-in");
}

static enum session_event
feed_line(struct session *s, struct str *in)
{
	struct str line;

	switch (line_feed(&s->line, in, &line)) {
	case LINE_MORE:
		return SESSION_MORE;
	case LINE_OK:
		return on_command(s, line);
	case LINE_LONG:
	case LINE_BARE:
		return refuse(s, "Line too long, or with a NUL or a lone CR");
	case LINE_ENDLESS:
		break;
	}
	buf_add(&s->out, STR("-ERR That is no command line\r\n"));
	s->ended = true;
	return SESSION_BYE;
}

bool
session_is_busy(const struct session *s)
{
	return s->reply != REPLY_NONE;
}

enum session_event
session_feed(struct session *s, struct str *in)
{
	enum session_event e = SESSION_MORE;

	while (e == SESSION_MORE && in->n != 0 && !s->ended &&
	    !session_is_busy(s) && buf_len(&s->out) < SESSION_STEP)
		e = feed_line(s, in);
	return e;
}

/* --- long replies --- */

static enum session_event
more_list(struct session *s)
{
	while (s->next < s->drop->count &&
	    buf_len(&s->out) < SESSION_STEP) {
		const struct drop_message *m = &s->drop->list[s->next++];

		if (!m->marked)
			put_entry(s, m, s->reply == REPLY_UIDL);
	}
	if (s->next == s->drop->count) {
		buf_add(&s->out, STR(".\r\n"));
		s->reply = REPLY_NONE;
	}
	return SESSION_MORE;
}

/*
 * How much of this piece of the text TOP still wants: all up to the empty
 * line that ends the header, then so many lines.
 */
static size_t
wanted(struct session *s, struct str piece)
{
	size_t n = 0;

	while (n < piece.n && (!s->in_body || s->lines > 0)) {
		struct str rest = str_from(piece, n);
		size_t lf = str_find(rest, '\n');
		bool empty = !s->line_open && (lf == 0 ||
		    (lf == 1 && *rest.p == '\r'));

		if (lf == rest.n) {
			/* A CR alone may yet be an empty line. */
			s->line_open = s->line_open ||
			    !str_eq(rest, STR("\r"));
			return piece.n;
		}
		n += lf + 1;
		s->line_open = false;
		if (s->in_body)
			s->lines--;
		else if (empty)
			s->in_body = true;
	}
	return n;
}

static void
end_text(struct session *s)
{
	crlf_out_end(&s->text, &s->out);
	s->drop->ops->close(s->drop->arg);
	s->reply = REPLY_NONE;
}

static enum session_event
more_text(struct session *s)
{
	while (s->reply == REPLY_TEXT && buf_len(&s->out) < SESSION_STEP) {
		char *piece = buf_reserve(&s->piece, READ_STEP);
		ssize_t got = s->drop->ops->read(
		    s->drop->arg, s->at, piece, READ_STEP);
		struct str in;
		size_t n;

		/* There is no way to say so within the reply, and the client
		 * must not take what it has for the whole. */
		if (got == -1)
			return SESSION_BROKEN;
		in = str_n(piece, (size_t)got);
		n = s->top ? wanted(s, in) : in.n;
		in.n = n;
		s->at += n;
		crlf_out_feed(&s->text, &in, &s->out, OUT_MAX);
		if (got == 0 || n < (size_t)got)
			end_text(s);
	}
	return SESSION_MORE;
}

enum session_event
session_more(struct session *s)
{
	switch (s->reply) {
	case REPLY_NONE:
		return SESSION_MORE;
	case REPLY_LIST:
	case REPLY_UIDL:
		return more_list(s);
	case REPLY_TEXT:
		return more_text(s);
	}
	return SESSION_MORE;
}
