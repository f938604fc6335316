#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/num.h"
#include "ctl/client.h"
#include "ctl/try.h"

enum { ARRIVE_MS = 15000, MESSAGE_MAX = 1024 * 1024 };

/* The message and what became of it. */
struct trip {
	const struct try *t;
	char token[20];       /* random: this message and no other */
	struct buf text;      /* as sent, CRLF */
	char last[512];       /* the server's last words, for failures */
};

static void
stamp(const char *what)
{
	int64_t ms = clock_wall_ms();
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	char text[16];

	localtime_r(&s, &tm);
	strftime(text, sizeof(text), "%H:%M:%S", &tm);
	printf("  %s.%03d  %-10s  ", text, (int)(ms % 1000), what);
}

static void
make_text(struct trip *trip)
{
	struct buf *b = &trip->text;
	time_t now = clock_wall();
	char date[64];
	uint64_t r = 0;

	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		r = (uint64_t)clock_wall_ms();
	snprintf(trip->token, sizeof(trip->token), "%016llx",
	    (unsigned long long)r);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000",
	    gmtime(&now));
	buf_init(b, MESSAGE_MAX);
	buf_addf(b, "From: Alice <%s>\r\nTo: Bob <%s>\r\nSubject: Postern "
	    "works\r\nDate: %s\r\nMessage-ID: <%s@try.test>\r\n\r\n",
	    try_accounts[0], try_accounts[1], date, trip->token);
	buf_addf(b, "This message went over authenticated TLS into the queue, "
	    "from there\r\ninto Bob's mailbox, and was read again over IMAP "
	    "and POP3.\r\n\r\n.a line that begins with a dot\r\n%s\r\n",
	    trip->token);
}

static void
keep(struct trip *trip, struct str line)
{
	snprintf(trip->last, sizeof(trip->last), "%.*s",
	    STR_ARG(str_first(line, 400)));
}

static int
failed(struct trip *trip, struct client *c, const char *where)
{
	int code = fail(CTL_FOUND, "postern status; the log is log/mail.log",
	    "%s: %s", where, c->error[0] != '\0' ? c->error : trip->last);

	client_close(c);
	return code;
}

/* ---- SMTP ---- */

/* A whole reply; its last line stays in trip->last. */
static bool
smtp_reply(struct trip *trip, struct client *c, char wanted)
{
	struct str line;

	do {
		if (!client_line(c, &line))
			return false;
		keep(trip, line);
	} while (line.n > 3 && line.p[3] == '-');
	return line.n >= 3 && line.p[0] == wanted;
}

static bool
smtp_auth(struct trip *trip, struct client *c)
{
	struct buf plain, text;
	bool ok;

	buf_init(&plain, 512);
	buf_init(&text, 1024);
	buf_add_char(&plain, '\0');
	buf_add_c(&plain, try_accounts[0]);
	buf_add_char(&plain, '\0');
	buf_add_c(&plain, trip->t->password[0]);
	base64_encode(&text, buf_str(&plain));
	ok = client_sendf(c, "AUTH PLAIN %s", buf_cstr(&text)) &&
	    smtp_reply(trip, c, '2');
	buf_clear_secret(&plain);
	buf_clear_secret(&text);
	return ok;
}

/* The text with dots doubled (RFC 5321 4.5.2). */
static bool
smtp_text(struct trip *trip, struct client *c)
{
	struct str rest = buf_str(&trip->text);

	while (rest.n > 0) {
		struct str line = str_take_until(&rest, '\n');

		if (str_starts(line, STR(".")) && !client_send(c, STR(".")))
			return false;
		if (!client_send(c, line) || !client_send(c, STR("\n")))
			return false;
	}
	return client_sendf(c, ".");
}

static int
submit(struct trip *trip)
{
	struct client c;
	int64_t begin;

	if (!client_open(&c, trip->t->port[TRY_SUBMISSIONS]) ||
	    !smtp_reply(trip, &c, '2') || !client_sendf(&c, "EHLO try") ||
	    !smtp_reply(trip, &c, '2') || !smtp_auth(trip, &c) ||
	    !client_sendf(&c, "MAIL FROM:<%s>", try_accounts[0]) ||
	    !smtp_reply(trip, &c, '2') ||
	    !client_sendf(&c, "RCPT TO:<%s>", try_accounts[1]) ||
	    !smtp_reply(trip, &c, '2') || !client_sendf(&c, "DATA") ||
	    !smtp_reply(trip, &c, '3'))
		return failed(trip, &c, "submission");
	begin = clock_mono_ms();
	if (!smtp_text(trip, &c) || !smtp_reply(trip, &c, '2'))
		return failed(trip, &c, "submission");
	stamp("submitted");
	printf("%s -> %s, %zu octets, %s, authenticated; safe on disk after "
	    "%lld ms\n", try_accounts[0], try_accounts[1],
	    buf_len(&trip->text), client_tls(&c),
	    (long long)(clock_mono_ms() - begin));
	(void)client_sendf(&c, "QUIT");
	client_close(&c);
	return 0;
}

/* The message as it was read: ours behind the trace header fields. */
static bool
same_text(const struct trip *trip, struct str got)
{
	return str_ends(got, buf_str(&trip->text));
}

/* ---- IMAP ---- */

/* Reads up to the tagged answer; untagged lines go to each. */
static bool
imap_answer(struct trip *trip, struct client *c, const char *tag,
    bool (*each)(void *arg, struct client *c, struct str line), void *arg)
{
	struct str line;

	for (;;) {
		if (!client_line(c, &line))
			return false;
		keep(trip, line);
		if (str_starts(line, str_c(tag)))
			return str_starts(str_from(line, strlen(tag)),
			    STR(" OK"));
		if (each != NULL && !each(arg, c, line))
			return false;
	}
}

/* "* SEARCH 3": the last number. */
static bool
on_search(void *arg, struct client *c, struct str line)
{
	uint32_t *uid = arg;

	(void)c;
	if (str_take_iprefix(&line, STR("* SEARCH ")))
		while (num_take_u32(&line, uid) && str_take_char(&line, ' '))
			;
	return true;
}

/* "... {512}": a literal of so many octets follows. */
static bool
on_fetch(void *arg, struct client *c, struct str line)
{
	size_t brace = str_rfind(line, '{');
	struct str n = str_from(line, brace + 1);
	uint32_t octets;

	if (brace == line.n || !num_take_u32(&n, &octets) ||
	    octets > MESSAGE_MAX)
		return true;
	return client_octets(c, octets, arg);
}

static bool
imap_find(struct trip *trip, struct client *c, uint32_t *uid)
{
	int64_t until = clock_mono_ms() + ARRIVE_MS;

	*uid = 0;
	while (*uid == 0 && clock_mono_ms() < until) {
		/* NOOP shows what came since. */
		if (!client_sendf(c, "n NOOP") ||
		    !imap_answer(trip, c, "n", NULL, NULL) ||
		    !client_sendf(c, "s UID SEARCH HEADER Message-ID %s",
		        trip->token) ||
		    !imap_answer(trip, c, "s", on_search, uid))
			return false;
		if (*uid == 0)
			poll(NULL, 0, 10);
	}
	if (*uid == 0)
		snprintf(trip->last, sizeof(trip->last),
		    "the message did not arrive in %d s", ARRIVE_MS / 1000);
	return *uid != 0;
}

static int
read_imap(struct trip *trip)
{
	int64_t begin = clock_mono_ms();
	struct client c;
	struct buf got;
	uint32_t uid;
	bool same;

	if (!client_open(&c, trip->t->port[TRY_IMAPS]) ||
	    !client_sendf(&c, "l LOGIN %s %s", try_accounts[1],
	        trip->t->password[1]) ||
	    !imap_answer(trip, &c, "l", NULL, NULL) ||
	    !client_sendf(&c, "e SELECT INBOX") ||
	    !imap_answer(trip, &c, "e", NULL, NULL) ||
	    !imap_find(trip, &c, &uid))
		return failed(trip, &c, "IMAP");
	stamp("delivered");
	printf("%s  INBOX uid %u, seen %lld ms after the log-in began\n",
	    try_accounts[1], uid, (long long)(clock_mono_ms() - begin));
	buf_init(&got, MESSAGE_MAX);
	if (!client_sendf(&c, "f UID FETCH %u BODY.PEEK[]", uid) ||
	    !imap_answer(trip, &c, "f", on_fetch, &got)) {
		buf_clear(&got);
		return failed(trip, &c, "IMAP");
	}
	same = same_text(trip, buf_str(&got));
	stamp("read");
	printf("IMAPS FETCH uid %u, %zu octets, %s\n", uid, buf_len(&got),
	    same ? "the text is the same" : "the TEXT DIFFERS");
	buf_clear(&got);
	(void)client_sendf(&c, "o LOGOUT");
	client_close(&c);
	return same ? 0 : CTL_FOUND;
}

/* ---- POP3 ---- */

static bool
pop_reply(struct trip *trip, struct client *c)
{
	struct str line;

	if (!client_line(c, &line))
		return false;
	keep(trip, line);
	return str_starts(line, STR("+OK"));
}

/* A multi-line answer, dots undone, CRLF ends; its number of lines. */
static bool
pop_lines(struct client *c, struct buf *out, uint32_t *lines)
{
	struct str line;

	*lines = 0;
	for (;;) {
		if (!client_line(c, &line))
			return false;
		if (str_eq(line, STR(".")))
			return true;
		(void)str_take_char(&line, '.');
		if (!buf_add(out, line) || !buf_add_c(out, "\r\n"))
			return false;
		++*lines;
	}
}

static int
read_pop(struct trip *trip)
{
	struct client c;
	struct buf got;
	uint32_t number = 0, lines;
	bool same, ok;

	buf_init(&got, MESSAGE_MAX);
	/* The newest is the last one. */
	ok = client_open(&c, trip->t->port[TRY_POP3S]) &&
	    pop_reply(trip, &c) &&
	    client_sendf(&c, "USER %s", try_accounts[1]) &&
	    pop_reply(trip, &c) &&
	    client_sendf(&c, "PASS %s", trip->t->password[1]) &&
	    pop_reply(trip, &c) && client_sendf(&c, "UIDL") &&
	    pop_reply(trip, &c) && pop_lines(&c, &got, &number);
	buf_reset(&got);
	ok = ok && client_sendf(&c, "RETR %u", number) &&
	    pop_reply(trip, &c) && pop_lines(&c, &got, &lines);
	if (!ok) {
		buf_clear(&got);
		return failed(trip, &c, "POP3");
	}
	same = same_text(trip, buf_str(&got));
	stamp("read");
	printf("POP3S RETR %u, %zu octets, %s\n", number, buf_len(&got),
	    same ? "the text is the same" : "the TEXT DIFFERS");
	buf_clear(&got);
	(void)client_sendf(&c, "QUIT");
	client_close(&c);
	return same ? 0 : CTL_FOUND;
}

int
try_send(struct ctl *c, const struct try *t)
{
	struct trip trip = { .t = t };
	int code;

	(void)c;
	make_text(&trip);
	if ((code = submit(&trip)) == 0 && (code = read_imap(&trip)) == 0)
		code = read_pop(&trip);
	if (code == 0)
		puts("ok: the mail system works");
	buf_clear(&trip.text);
	return code;
}
