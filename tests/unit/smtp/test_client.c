/*
 * The client machine against scripts: "S: " lines are what the server says,
 * "C: " lines what the client must have said by then.  Every script runs with
 * the server's octets in one piece and cut into single octets.
 */
#include "delivery/smtp/client.h"

#include <stdio.h>

#include "base/num.h"
#include "tests/unit/unit.h"

enum { OPT_LMTP = 1, OPT_ENCRYPT = 2, OPT_NO_TLS = 4, OPT_8BIT = 8, OPT_LOOP = 16,
	OPT_DSN = 32 };

struct script {
	const char *name;
	unsigned options;
	const char *lines;
	const char *fates; /* one a recipient: o t p, "-" none */
	enum client_end end;
	bool after_dot;
};

#define HELLO "S: 220 mx.example.org ESMTP\nC: EHLO me.example.net\n"
#define PLAIN HELLO "S: 250 mx.example.org\n"
#define PIPE HELLO "S: 250-mx.example.org\nS: 250 PIPELINING\n"
#define MAIL "C: MAIL FROM:<a@me.example.net>\n"
#define RCPT1 "C: RCPT TO:<b@example.org>\n"
#define RCPT2 "C: RCPT TO:<c@example.org>\n"
#define DATA "C: DATA\n"
#define TEXT "C: Subject: x\nC: \nC: ..dot\nC: .\n"
#define QUIT "C: QUIT\nS: 221 bye\n"

static const struct script scripts[] = {
	{ "one by one", OPT_NO_TLS,
	    PLAIN MAIL "S: 250 ok\n" RCPT1 "S: 250 ok\n" RCPT2 "S: 250 ok\n"
	    DATA "S: 354 go\n" TEXT "S: 250 2.0.0 queued\n" QUIT,
	    "oo", END_QUIT, false },
	{ "pipelining", OPT_NO_TLS,
	    PIPE MAIL RCPT1 RCPT2 "S: 250 ok\nS: 250 ok\nS: 250 ok\n"
	    DATA "S: 354 go\n" TEXT "S: 250 2.0.0 queued\n" QUIT,
	    "oo", END_QUIT, false },
	{ "one recipient refused", OPT_NO_TLS,
	    PIPE MAIL RCPT1 RCPT2
	    "S: 250 ok\nS: 550-5.1.1 no\nS: 550 5.1.1 such user\nS: 250 ok\n"
	    DATA "S: 354 go\n" TEXT "S: 250 2.0.0 queued\n" QUIT,
	    "po", END_QUIT, false },
	{ "all refused", OPT_NO_TLS,
	    PIPE MAIL RCPT1 RCPT2
	    "S: 250 ok\nS: 550 5.1.1 no\nS: 451 4.7.1 later\n"
	    "C: RSET\nS: 250 ok\n" QUIT,
	    "pt", END_QUIT, false },
	{ "MAIL refused in a group", OPT_NO_TLS,
	    PIPE MAIL RCPT1 RCPT2
	    "S: 550 5.7.1 no\nS: 503 bad\nS: 503 bad\n"
	    "C: RSET\nS: 250 ok\n" QUIT,
	    "pp", END_QUIT, false },
	{ "MAIL deferred", OPT_NO_TLS,
	    PLAIN MAIL "S: 451 later\nC: RSET\nS: 250 ok\n" QUIT,
	    "tt", END_QUIT, false },
	{ "DATA refused", OPT_NO_TLS,
	    PLAIN MAIL "S: 250 ok\n" RCPT1 "S: 250 ok\n" RCPT2 "S: 250 ok\n"
	    DATA "S: 554 no\nC: RSET\nS: 250 ok\n" QUIT,
	    "pp", END_QUIT, false },
	{ "text refused", OPT_NO_TLS,
	    PLAIN MAIL "S: 250 ok\n" RCPT1 "S: 250 ok\n" RCPT2 "S: 250 ok\n"
	    DATA "S: 354 go\n" TEXT "S: 552 5.3.4 too big\n" QUIT,
	    "pp", END_QUIT, false },
	{ "LMTP answers for each", OPT_NO_TLS | OPT_LMTP,
	    "S: 220 hi\nC: LHLO me.example.net\nS: 250 hi\n"
	    MAIL "S: 250 ok\n" RCPT1 "S: 250 ok\n" RCPT2 "S: 250 ok\n"
	    DATA "S: 354 go\n" TEXT "S: 250 ok\nS: 452 4.2.2 full\n" QUIT,
	    "ot", END_QUIT, false },
	{ "LMTP, first refused at RCPT", OPT_NO_TLS | OPT_LMTP,
	    "S: 220 hi\nC: LHLO me.example.net\nS: 250 hi\n"
	    MAIL "S: 250 ok\n" RCPT1 "S: 550 no\n" RCPT2 "S: 250 ok\n"
	    DATA "S: 354 go\n" TEXT "S: 250 ok\n" QUIT,
	    "po", END_QUIT, false },
	{ "HELO after EHLO is unknown", OPT_NO_TLS,
	    HELLO "S: 502 what\nC: HELO me.example.net\nS: 250 hi\n"
	    MAIL "S: 250 ok\n" RCPT1 "S: 250 ok\n" RCPT2 "S: 250 ok\n"
	    DATA "S: 354 go\n" TEXT "S: 250 ok\n" QUIT,
	    "oo", END_QUIT, false },
	{ "STARTTLS and EHLO anew", 0,
	    HELLO "S: 250-mx\nS: 250-PIPELINING\nS: 250 STARTTLS\n"
	    "C: STARTTLS\nS: 220 go\nT:\nC: EHLO me.example.net\n"
	    "S: 250 mx\n" MAIL "S: 250 ok\n" RCPT1 "S: 250 ok\n" RCPT2
	    "S: 250 ok\n" DATA "S: 354 go\n" TEXT "S: 250 ok\n" QUIT,
	    "oo", END_QUIT, false },
	{ "STARTTLS refused, may", 0,
	    HELLO "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 454 no\n"
	    MAIL "S: 250 ok\n" RCPT1 "S: 250 ok\n" RCPT2
	    "S: 250 ok\n" DATA "S: 354 go\n" TEXT "S: 250 ok\n" QUIT,
	    "oo", END_QUIT, false },
	{ "STARTTLS refused, must", OPT_ENCRYPT,
	    HELLO "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 454 no\n",
	    "--", END_TLS, false },
	{ "no STARTTLS, must", OPT_ENCRYPT, PLAIN, "--", END_TLS, false },
	{ "I11: EHLO reply behind 220 go", OPT_ENCRYPT,
	    HELLO "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\n"
	    "S: 220 go\nS: 250-mx\n", "--", END_PROTOCOL, false },
	{ "I57: 250 before the dot", OPT_NO_TLS,
	    PLAIN MAIL "S: 250 ok\n" RCPT1 "S: 250 ok\n" RCPT2 "S: 250 ok\n"
	    DATA "S: 354 go\nS: 250 ok\n", "--", END_PROTOCOL, false },
	{ "I57: two answers to one RCPT", OPT_NO_TLS,
	    PLAIN MAIL "S: 250 ok\n" RCPT1 "S: 250 ok\nS: 250 ok\n",
	    "--", END_PROTOCOL, false },
	{ "I57: an answer to the next command", OPT_NO_TLS,
	    PLAIN MAIL "S: 250 ok\nS: 250 ok\n",
	    "--", END_PROTOCOL, false },
	{ "DATA answered 250", OPT_NO_TLS,
	    PLAIN MAIL "S: 250 ok\n" RCPT1 "S: 250 ok\n" RCPT2 "S: 250 ok\n"
	    DATA "S: 250 ok\n", "--", END_PROTOCOL, false },
	{ "dot answered 354", OPT_NO_TLS,
	    PLAIN MAIL "S: 250 ok\n" RCPT1 "S: 250 ok\n" RCPT2 "S: 250 ok\n"
	    DATA "S: 354 go\n" TEXT "S: 354 go\n",
	    "--", END_PROTOCOL, true },
	{ "greeting 554", OPT_NO_TLS, "S: 554 no service\n",
	    "--", END_REPLY, false },
	{ "greeting 421", OPT_NO_TLS, "S: 421 4.7.0 slow\n",
	    "--", END_REPLY, false },
	{ "not SMTP", OPT_NO_TLS, "S: SSH-2.0-x\n", "--", END_PROTOCOL,
	    false },
	{ "two greetings", OPT_NO_TLS, "S: 220 a\nS: 220 b\n",
	    "--", END_PROTOCOL, false },
	{ "421 at RCPT", OPT_NO_TLS,
	    PLAIN MAIL "S: 250 ok\n" RCPT1 "S: 421 4.3.2 going down\n",
	    "--", END_REPLY, false },
	{ "lost in RCPT", OPT_NO_TLS,
	    PLAIN MAIL "S: 250 ok\n" RCPT1 "S: 250 ok\nL:\n",
	    "--", END_LOST, false },
	{ "lost after the dot", OPT_NO_TLS,
	    PLAIN MAIL "S: 250 ok\n" RCPT1 "S: 250 ok\n" RCPT2 "S: 250 ok\n"
	    DATA "S: 354 go\n" TEXT "L:\n", "--", END_LOST, true },
	{ "our own greeting", OPT_NO_TLS | OPT_LOOP,
	    "S: 220 ME.example.net ESMTP\n", "--", END_LOOP, false },
	{ "DSN and 8 bits", OPT_NO_TLS | OPT_DSN | OPT_8BIT,
	    HELLO "S: 250-mx\nS: 250-SIZE 1000\nS: 250-8BITMIME\nS: 250 DSN\n"
	    "C: MAIL FROM:<a@me.example.net> SIZE=22 BODY=8BITMIME RET=HDRS "
	    "ENVID=e+2B1\nS: 250 ok\n"
	    "C: RCPT TO:<b@example.org> NOTIFY=SUCCESS,DELAY "
	    "ORCPT=rfc822;o+2Bx@example.org\nS: 250 ok\n"
	    "C: RCPT TO:<c@example.org> NOTIFY=NEVER\nS: 250 ok\n"
	    DATA "S: 354 go\n" TEXT "S: 250 ok\n" QUIT,
	    "oo", END_QUIT, false },
};

struct run {
	const struct script *script;
	struct client client;
	struct client_rcpt rcpts[2];
	struct client_mail mail;
	char fates[3];
	bool begun;
};

static void
on_fate(void *arg, size_t rcpt, const struct client_result *r)
{
	struct run *run = arg;

	ck_assert_int_eq(run->fates[rcpt], '-');
	run->fates[rcpt] = r->status == JOB_OK ? 'o' :
	    r->status == JOB_TEMPORARY         ? 't' :
	                                         'p';
	ck_assert_uint_gt(r->enhanced.n, 0);
}

/* Does what the machine asks for, as its owner would. */
static void
act(struct run *run, enum client_event event)
{
	struct client *c = &run->client;

	switch (event) {
	case CLIENT_WAIT:
	case CLIENT_OVER:
	case CLIENT_TLS:
		break;
	case CLIENT_READY:
		ck_assert(!run->begun);
		run->begun = true;
		client_begin(c, &run->mail);
		break;
	case CLIENT_TEXT:
		client_text(c, STR("Subject: x\n\n.d"));
		client_text(c, STR("ot\n"));
		client_dot(c);
		client_drained(c);
		break;
	case CLIENT_DONE:
		client_quit(c);
		break;
	}
}

static void
feed(struct run *run, struct str octets, bool cut)
{
	while (octets.n > 0 && run->client.state != AT_OVER) {
		struct str piece = str_take(&octets, cut ? 1 : octets.n);

		act(run, client_feed(&run->client, &piece));
	}
}

static void
expect(struct run *run, struct str line)
{
	struct buf *out = &run->client.out;
	struct str have = buf_str(out);

	ck_assert_msg(have.n >= line.n + 2 &&
	        str_eq(str_first(have, line.n), line) &&
	        str_starts(str_from(have, line.n), STR("\r\n")),
	    "%s: want '%.*s', have '%.*s'", run->script->name, STR_ARG(line),
	    STR_ARG(have));
	buf_drop(out, line.n + 2);
}

static void
play(const struct script *s, bool cut)
{
	struct run run = { .script = s, .fates = "--" };
	struct client_conf conf = { .hostname = "me.example.net",
		.lmtp = (s->options & OPT_LMTP) != 0,
		.check_loop = (s->options & OPT_LOOP) != 0,
		.tls = (s->options & OPT_ENCRYPT) ? ROUTE_TLS_ENCRYPT :
		    (s->options & OPT_NO_TLS)     ? ROUTE_TLS_NONE :
		                                ROUTE_TLS_MAY };
	struct str lines = str_c(s->lines);
	struct buf said; /* by the server, until the client's turn */

	client_init(&run.client, &conf);
	run.rcpts[0].address = STR("b@example.org");
	run.rcpts[1].address = STR("c@example.org");
	run.mail = (struct client_mail){ .sender = STR("a@me.example.net"),
		.rcpts = run.rcpts, .nrcpts = 2, .on_fate = on_fate,
		.arg = &run, .size = 22 };
	if ((s->options & OPT_8BIT) != 0)
		run.mail.flags |= ENV_8BIT;
	if ((s->options & OPT_DSN) != 0) {
		run.mail.flags |= ENV_RET_HDRS;
		run.mail.envid = STR("e+1");
		run.rcpts[0].notify = NOTIFY_SUCCESS | NOTIFY_DELAY;
		run.rcpts[0].orcpt = STR("rfc822;o+x@example.org");
		run.rcpts[1].notify = NOTIFY_NEVER;
	}
	buf_init(&said, 65536);
	while (lines.n > 0) {
		struct str line = str_take_until(&lines, '\n');
		const char who = line.p[0];

		if (who == 'S') {
			buf_add(&said, str_from(line, 3));
			buf_add_c(&said, "\r\n");
			if (str_starts(lines, STR("S:")))
				continue;
			feed(&run, buf_str(&said), cut);
			buf_reset(&said);
		} else if (who == 'C') {
			expect(&run, str_from(line, 3));
		} else if (who == 'T') {
			ck_assert_int_eq((int)run.client.state, AT_TLS);
			act(&run, client_tls_started(&run.client));
		} else {
			act(&run, client_lost(&run.client, "lost"));
		}
	}
	ck_assert_msg(run.client.state == AT_OVER, "%s: still there", s->name);
	ck_assert_int_eq((int)run.client.failure.end, (int)s->end);
	ck_assert_int_eq(run.client.failure.after_dot, s->after_dot);
	/* Cut, the server's early words are an answer to what was said. */
	if (!cut || s->end == END_QUIT)
		ck_assert_msg(strcmp(run.fates, s->fates) == 0, "%s: %s",
		    s->name, run.fates);
	buf_clear(&said);
	client_clear(&run.client);
}

START_TEST(whole)
{
	play(&scripts[_i], false);
}
END_TEST

/* Octet by octet nothing out of turn can be seen in one read; the scripts
 * that are about that only run whole. */
START_TEST(cut)
{
	if (scripts[_i].end == END_PROTOCOL)
		return;
	play(&scripts[_i], true);
}
END_TEST

/* I03: whatever it says, the session ends and memory stays small. */
static const char *const hostile[] = {
	"220-x\r\n", "550-", "\n", "220 x\n", "220\r220\r\n", "999 x\r\n",
	"220-a\r\n250 b\r\n", "22", "220x\r\n", "\r\n", "2 2 0\r\n", "220",
};

START_TEST(hostile_replies)
{
	struct client c;
	const struct client_conf conf = { .hostname = "me" };
	enum client_event e = CLIENT_WAIT;

	client_init(&c, &conf);
	for (unsigned i = 0; i < 100000 && c.state == AT_GREETING; i++) {
		struct str in = str_c(hostile[_i]);

		e = client_feed(&c, &in);
	}
	ck_assert_int_ne((int)c.state, AT_GREETING);
	ck_assert_uint_lt(c.reply.text.cap + c.reply.line.cap, 65536);
	(void)e;
	client_clear(&c);
}
END_TEST

START_TEST(endless_line)
{
	struct client c;
	const struct client_conf conf = { .hostname = "me" };
	static const char octets[1024];

	client_init(&c, &conf);
	for (unsigned i = 0; i < 1024 && c.state == AT_GREETING; i++) {
		struct str in = str_n(octets, sizeof(octets));

		client_feed(&c, &in);
	}
	ck_assert_int_eq((int)c.state, AT_OVER);
	ck_assert_int_eq((int)c.failure.end, END_PROTOCOL);
	client_clear(&c);
}
END_TEST

START_TEST(fits)
{
	struct client c;
	const struct client_conf conf = { .hostname = "me" };

	client_init(&c, &conf);
	ck_assert_int_eq((int)client_fits(&c, 0, 1), CLIENT_FITS);
	ck_assert_int_eq((int)client_fits(&c, ENV_8BIT, 1), CLIENT_NO_8BIT);
	ck_assert_int_eq((int)client_fits(&c, ENV_UTF8, 1), CLIENT_NO_UTF8);
	c.ehlo = (struct ehlo){ .can = EHLO_SIZE | EHLO_8BITMIME, .size = 10,
		.rcpt_max = 7 };
	ck_assert_int_eq((int)client_fits(&c, ENV_8BIT, 10), CLIENT_FITS);
	ck_assert_int_eq((int)client_fits(&c, 0, 11), CLIENT_TOO_BIG);
	ck_assert_uint_eq(client_rcpts_max(&c), 7);
	client_clear(&c);
}
END_TEST

static TCase *
sessions(void)
{
	TCase *tc = tcase_create("sessions");

	tcase_add_loop_test(tc, whole, 0, (int)N_OF(scripts));
	tcase_add_loop_test(tc, cut, 0, (int)N_OF(scripts));
	tcase_add_loop_test(tc, hostile_replies, 0, (int)N_OF(hostile));
	tcase_add_test(tc, endless_line);
	tcase_add_test(tc, fits);
	return tc;
}

UNIT_MAIN("smtp client", sessions)
