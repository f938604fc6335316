#include "mail/ehlo.h"
#include "mail/smtp_reply.h"

#include "tests/unit/mail/exact.h"
#include "tests/unit/unit.h"

/* clang-format off */
static const struct {
	const char *in;
	enum smtp_reply_result result;
	const char *words; /* of a reply that is done */
	const char *rest;
} replies[] = {
	{ "250 Ok\r\n", SMTP_REPLY_DONE, "250 Ok", "" },
	{ "250\r\n", SMTP_REPLY_DONE, "250", "" },
	{ "250 \r\n", SMTP_REPLY_DONE, "250", "" },
	{ "220-a\r\n220-b\r\n220 c\r\n221 x\r\n", SMTP_REPLY_DONE, "220 a b c", "221 x\r\n" },
	{ "550 5.1.1 no such user\r\n", SMTP_REPLY_DONE, "550 5.1.1 no such user", "" },
	{ "550-5.1.1 no\r\n550 5.1.1 such\r\n", SMTP_REPLY_DONE, "550 5.1.1 no such", "" },
	{ "550 4.1.1 odd class\r\n", SMTP_REPLY_DONE, "550 4.1.1 odd class", "" },
	{ "550 5.1.1\r\n", SMTP_REPLY_DONE, "550 5.1.1", "" },
	{ "550 5.1.1x\r\n", SMTP_REPLY_DONE, "550 5.1.1x", "" },
	{ "550 5.9999.1 x\r\n", SMTP_REPLY_DONE, "550 5.9999.1 x", "" },
	{ "250 Ok\n", SMTP_REPLY_DONE, "250 Ok", "" },
	{ "250 a\tb\033[2J\377\r\n", SMTP_REPLY_DONE, "250 a b?[2J?", "" },
	{ "550-", SMTP_REPLY_MORE, NULL, NULL }, /* I03 */
	{ "550-a\r\n", SMTP_REPLY_MORE, NULL, NULL },
	{ "", SMTP_REPLY_MORE, NULL, NULL },
	{ "\r\n", SMTP_REPLY_BROKEN, NULL, NULL },
	{ "\n", SMTP_REPLY_BROKEN, NULL, NULL },
	{ "25\r\n", SMTP_REPLY_BROKEN, NULL, NULL },
	{ "25x Ok\r\n", SMTP_REPLY_BROKEN, NULL, NULL },
	{ "250x\r\n", SMTP_REPLY_BROKEN, NULL, NULL },
	{ "199 x\r\n", SMTP_REPLY_BROKEN, NULL, NULL },
	{ "600 x\r\n", SMTP_REPLY_BROKEN, NULL, NULL },
	{ "250-a\r\n251 b\r\n", SMTP_REPLY_BROKEN, NULL, NULL },
	{ "HTTP/1.1 400 Bad\r\n", SMTP_REPLY_BROKEN, NULL, NULL },
};
/* clang-format on */

START_TEST(reply)
{
	struct str in = str_c(replies[_i].in);

	for (size_t cut = 0; cut <= in.n; cut++) {
		struct str s = str_first(in, cut), rest;
		struct smtp_reply r;
		enum smtp_reply_result result;
		struct buf b;

		smtp_reply_init(&r);
		result = smtp_reply_feed(&r, &s);
		rest = str_from(in, cut - s.n);
		if (result == SMTP_REPLY_MORE) {
			s = str_from(in, cut);
			result = smtp_reply_feed(&r, &s);
			rest = s;
		}
		ck_assert_int_eq(result, replies[_i].result);
		if (result == SMTP_REPLY_DONE) {
			buf_init(&b, 1000);
			smtp_reply_words(&r, &b, 1000);
			ck_str(buf_str(&b), str_c(replies[_i].words));
			ck_str(rest, str_c(replies[_i].rest));
			buf_clear(&b);
		}
		smtp_reply_clear(&r);
	}
}
END_TEST

/* I03: a line or a reply without end. */
START_TEST(hostile)
{
	struct smtp_reply r;
	enum smtp_reply_result result = SMTP_REPLY_MORE;
	struct str s;
	size_t n;

	smtp_reply_init(&r);
	for (n = 0; result == SMTP_REPLY_MORE && n < 1000000; n += 10) {
		s = STR("2500000000");
		result = smtp_reply_feed(&r, &s);
	}
	ck_assert_int_eq(result, SMTP_REPLY_BROKEN);
	ck_assert_uint_le(n, SMTP_REPLY_LINE_MAX + 10);
	smtp_reply_reset(&r);
	result = SMTP_REPLY_MORE;
	for (n = 0; result == SMTP_REPLY_MORE && n < 100000; n++) {
		s = STR("250-x\r\n");
		result = smtp_reply_feed(&r, &s);
	}
	ck_assert_int_eq(result, SMTP_REPLY_BROKEN);
	ck_assert_uint_le(n, SMTP_REPLY_LINES_MAX + 1);
	smtp_reply_clear(&r);
}
END_TEST

START_TEST(text_is_capped)
{
	struct smtp_reply r;
	char line[2000];

	memset(line, 'x', sizeof(line));
	smtp_reply_init(&r);
	for (int i = 0; i < 50; i++) {
		struct str s = str_n(line, sizeof(line));

		memcpy(line, i < 49 ? "250-" : "250 ", 4);
		memcpy(line + sizeof(line) - 2, "\r\n", 2);
		ck_assert_int_eq(smtp_reply_feed(&r, &s),
		    i < 49 ? SMTP_REPLY_MORE : SMTP_REPLY_DONE);
	}
	ck_assert_uint_eq(buf_len(&r.text), SMTP_REPLY_TEXT_MAX);
	smtp_reply_clear(&r);
}
END_TEST

START_TEST(keywords)
{
	struct ehlo e;

	ehlo_parse(STR("mx.example.org PIPELINING\nSIZE 1000\npipelining\n"
	    "8BITMIME\nAUTH PLAIN LOGIN X\nSTARTTLS\nXTHING 1\nDSN\n\n"
	    "LIMITS RCPTMAX=20 MAILMAX=5 X=1\nCHUNKING"), &e);
	ck_assert_uint_eq(e.can, EHLO_SIZE | EHLO_PIPELINING | EHLO_8BITMIME |
	    EHLO_AUTH | EHLO_STARTTLS | EHLO_DSN | EHLO_LIMITS |
	    EHLO_CHUNKING);
	ck_assert_uint_eq(e.size, 1000);
	ck_assert_uint_eq(e.auth, EHLO_AUTH_PLAIN | EHLO_AUTH_LOGIN);
	ck_assert_uint_eq(e.rcpt_max, 20);
	ck_assert_uint_eq(e.mail_max, 5);
	ehlo_parse(STR("mx\nAUTH=LOGIN\nSIZE\nSIZE 99999999999999999999"), &e);
	ck_assert_uint_eq(e.auth, EHLO_AUTH_LOGIN);
	ck_assert_uint_eq(e.size, 0);
	ehlo_parse(STR_NONE, &e);
	ck_assert_uint_eq(e.can, 0);
}
END_TEST

static TCase *
remote(void)
{
	TCase *t = tcase_create("remote");

	tcase_add_loop_test(t, reply, 0, (int)N_OF(replies));
	tcase_add_test(t, hostile);
	tcase_add_test(t, text_is_capped);
	tcase_add_test(t, keywords);
	return t;
}

UNIT_MAIN("reply", remote)
