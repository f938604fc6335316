/* The door's machine: what is said before the log-in. */
#include "tests/unit/unit.h"

#include "imapd/prelogin.h"

static const struct prelogin_conf conf = { .line = 200, .literal = 64,
	.errors = 3, .host = "mx.test" };

enum { CLEAR = 1, CAN_TLS = 2, PLAIN_OK = 4 };

/* clang-format off */
static const struct {
	unsigned how;
	const char *in, *want; /* events as {NAME args} between the replies */
	size_t n;
} sayings[] = {
	{ PLAIN_OK, "a NOOP\r\n", "a OK Done\r\n", 0 },
	{ PLAIN_OK, "a LOGIN bob \"se cret\"\r\nb NOOP\r\n", "{LOGIN bob/se cret}", 0 },
	{ PLAIN_OK, "a LOGIN {3}\r\nbob {3+}\r\nx y\r\n", "+ Go on\r\n{LOGIN bob/x y}", 0 },
	{ PLAIN_OK, "a LOGIN bob\r\n", "a BAD LOGIN wants a name and a password\r\n", 0 },
	{ CLEAR,    "a LOGIN bob x\r\n", "a NO [PRIVACYREQUIRED] Begin TLS first\r\n", 0 },
	{ CLEAR,    "a AUTHENTICATE PLAIN AGEAYg==\r\n", "a NO [PRIVACYREQUIRED] Begin TLS first\r\n", 0 },
	{ PLAIN_OK, "a AUTHENTICATE PLAIN AGEAYg==\r\n", "{AUTH PLAIN 4}", 0 },
	{ PLAIN_OK, "a authenticate plain =\r\n", "{AUTH plain 0}", 0 },
	{ PLAIN_OK, "a AUTHENTICATE PLAIN\r\n", "{AUTH PLAIN -}", 0 },
	{ PLAIN_OK, "a AUTHENTICATE PLAIN A\r\n", "a BAD That is no base64\r\n", 0 },
	{ CAN_TLS,  "a STARTTLS\r\nb NOOP\r\n", "a OK Begin TLS\r\n{STARTTLS}", 0 },
	{ CLEAR,    "a STARTTLS\r\n", "a NO [UNAVAILABLE] No certificate at the moment\r\n", 0 },
	{ CAN_TLS,  "a STARTTLS now\r\n", "a BAD Wrong number of arguments\r\n", 0 },
	{ CLEAR,    "a CAPABILITY\r\n", "* CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE SASL-IR LOGINDISABLED\r\na OK Done\r\n", 0 },
	{ CAN_TLS | PLAIN_OK, "a CAPABILITY\r\n", "* CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE SASL-IR STARTTLS AUTH=PLAIN AUTH=LOGIN\r\na OK Done\r\n", 0 },
	{ CLEAR,    "a ID NIL\r\n", "* ID (\"name\" \"Postern\" \"version\" \"" POSTERN_VERSION "\")\r\na OK Done\r\n", 0 },
	{ CLEAR,    "a ID (\"name\" \"x\" \"os\" NIL)\r\nb ID ()\r\n",
	  "* ID (\"name\" \"Postern\" \"version\" \"" POSTERN_VERSION "\")\r\na OK Done\r\n"
	  "* ID (\"name\" \"Postern\" \"version\" \"" POSTERN_VERSION "\")\r\nb OK Done\r\n", 0 },
	{ CLEAR,    "a LOGOUT\r\n", "* BYE Goodbye\r\na OK Done\r\n{BYE}", 0 },
	{ CLEAR,    "a SELECT INBOX\r\n", "a BAD Not a command before the log-in\r\n", 0 },
	{ CLEAR,    "\r\n", "* BAD A command begins with a tag and a name\r\n", 0 },
	{ CLEAR,    "x\r\n{ y\r\n", "* BAD A command begins with a tag and a name\r\n* BAD A command begins with a tag and a name\r\n", 0 },
	{ CLEAR,    "x\r\ny\r\nz\r\nnever\r\n", "* BAD A command begins with a tag and a name\r\n* BAD A command begins with a tag and a name\r\n* BAD A command begins with a tag and a name\r\n* BYE Too many errors\r\n{BYE}", 0 },
	/* I25: over the cap */
	{ PLAIN_OK, "a LOGIN {65}\r\nb NOOP\r\n", "a BAD [TOOBIG] Literal too large\r\nb OK Done\r\n", 0 },
	{ PLAIN_OK, "a LOGIN {4294967295}\r\nb NOOP\r\n", "a BAD [TOOBIG] Literal too large\r\nb OK Done\r\n", 0 },
	{ PLAIN_OK, "a LOGIN {4294967295+}\r\nb NOOP\r\n", "* BYE [TOOBIG] Literal too large\r\n{BYE}", 0 },
	{ PLAIN_OK, "a LOGIN {18446744073709551616+}\r\n", "* BYE [TOOBIG] Literal too large\r\n{BYE}", 0 },
	/* I23: NUL */
	{ PLAIN_OK, "a LOGIN \"b\0b\" x\r\n", "* BYE Lines end with CRLF and hold no NUL\r\n{BYE}", 18 },
	{ PLAIN_OK, "a LOGIN {1+}\r\n\0 x\r\n", "a BAD LOGIN wants a name and a password\r\n", 19 },
	{ CLEAR,    "a NOOP\n", "* BYE Lines end with CRLF and hold no NUL\r\n{BYE}", 0 },
	/* I13 */
	{ CLEAR,    "GET / HTTP/1.1\r\n", "* BYE This is no web server\r\n{BYE}", 0 },
};
/* clang-format on */

static void
put_event(struct buf *out, struct prelogin *p, enum prelogin_event e)
{
	buf_add(out, buf_str(&p->out));
	buf_reset(&p->out);
	switch (e) {
	case PRELOGIN_MORE:
		break;
	case PRELOGIN_STARTTLS:
		buf_add_c(out, "{STARTTLS}");
		break;
	case PRELOGIN_LOGIN:
		buf_addf(out, "{LOGIN %.*s/%.*s}", STR_ARG(p->user),
		    STR_ARG(p->password));
		break;
	case PRELOGIN_AUTH:
		if (p->has_initial)
			buf_addf(out, "{AUTH %.*s %zu}", STR_ARG(p->mech),
			    buf_len(&p->response));
		else
			buf_addf(out, "{AUTH %.*s -}", STR_ARG(p->mech));
		break;
	case PRELOGIN_SAY:
		buf_addf(out, "{SAY %zu}", buf_len(&p->response));
		break;
	case PRELOGIN_CANCEL:
		buf_add_c(out, "{CANCEL}");
		break;
	case PRELOGIN_BYE:
		buf_add_c(out, "{BYE}");
		break;
	}
}

/* Octets behind an event stay where they are: none of them is executed. */
static void
feed(struct buf *out, struct prelogin *p, struct str in)
{
	enum prelogin_event e;

	do {
		e = prelogin_feed(p, &in);
		put_event(out, p, e);
	} while (e == PRELOGIN_MORE && in.n != 0 &&
	    p->state == PRELOGIN_COMMANDS);
}

START_TEST(said)
{
	struct str in = str_c(sayings[_i].in);

	if (sayings[_i].n != 0)
		in.n = sayings[_i].n;
	for (size_t cut = 0; cut <= in.n; cut++) {
		struct prelogin p;
		struct buf got;

		buf_init(&got, BUF_NO_MAX);
		prelogin_init(&p, &conf);
		p.plain_ok = (sayings[_i].how & PLAIN_OK) != 0;
		p.can_tls = (sayings[_i].how & CAN_TLS) != 0;
		prelogin_set_mechs(&p, STR("PLAIN LOGIN"));
		feed(&got, &p, str_first(in, cut));
		if (p.state == PRELOGIN_COMMANDS)
			feed(&got, &p, str_from(in, cut));
		ck_assert_str_eq(buf_cstr(&got), sayings[_i].want);
		prelogin_clear(&p);
		buf_clear(&got);
	}
}
END_TEST

START_TEST(challenges)
{
	struct prelogin p;
	struct buf got;

	buf_init(&got, BUF_NO_MAX);
	prelogin_init(&p, &conf);
	p.tls = true;
	prelogin_set_mechs(&p, STR("LOGIN"));
	feed(&got, &p, STR("a AUTHENTICATE LOGIN\r\n"));
	prelogin_challenge(&p, STR("User"));
	feed(&got, &p, STR("Ym9i\r\n"));
	prelogin_challenge(&p, STR("Pass"));
	feed(&got, &p, STR("*\r\nb NOOP\r\n"));
	feed(&got, &p, STR("b NOOP\r\n"));
	feed(&got, &p, STR("c LOGIN a b\r\n"));
	ck_assert_int_eq(prelogin_refused(&p, AUTH_BAD, STR("No\r\nway")),
	    PRELOGIN_MORE);
	feed(&got, &p, STR("d NOOP\r\n"));
	ck_assert_str_eq(buf_cstr(&got), "{AUTH LOGIN -}+ VXNlcg==\r\n{SAY 3}"
	    "+ UGFzcw==\r\na BAD Given up\r\n{CANCEL}b OK Done\r\n{LOGIN a/b}"
	    "c NO [AUTHENTICATIONFAILED] No??way\r\nd OK Done\r\n");
	prelogin_clear(&p);
	buf_clear(&got);
}
END_TEST

static TCase *
door(void)
{
	TCase *tc = tcase_create("door");

	tcase_add_loop_test(tc, said, 0, N_OF(sayings));
	tcase_add_test(tc, challenges);
	return tc;
}

UNIT_MAIN("imapd-prelogin", door)
