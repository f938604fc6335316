#include "mail/esmtp.h"

#include "tests/unit/mail/exact.h"
#include "tests/unit/unit.h"

enum { ALL = 63 };

/* clang-format off */
static const struct {
	const char *args;
	unsigned can;
	enum esmtp_result result;
} mails[] = {
	{ "", ALL, ESMTP_OK },
	{ " ", ALL, ESMTP_OK },
	{ " SIZE=1000", ALL, ESMTP_OK },
	{ " size=1000  body=8bitmime ", ALL, ESMTP_OK },
	{ "SIZE=1000", ALL, ESMTP_SYNTAX },
	{ "x", ALL, ESMTP_SYNTAX },
	{ " =", ALL, ESMTP_SYNTAX },
	{ " -A=1", ALL, ESMTP_SYNTAX },
	{ " A_B=1", ALL, ESMTP_SYNTAX },
	{ " SIZE", ALL, ESMTP_VALUE },
	{ " SIZE=", ALL, ESMTP_VALUE },
	{ " SIZE=-1", ALL, ESMTP_VALUE },
	{ " SIZE=18446744073709551615", ALL, ESMTP_OK },
	{ " SIZE=18446744073709551616", ALL, ESMTP_VALUE },
	{ " SIZE=000000000000000000001", ALL, ESMTP_VALUE },
	{ " SIZE=1 SIZE=2", ALL, ESMTP_TWICE },
	{ " SIZE=1", ALL & ~ESMTP_CAN_SIZE, ESMTP_UNKNOWN },
	{ " BODY=7BIT", ALL, ESMTP_OK },
	{ " BODY=BINARYMIME", ALL, ESMTP_OK },
	{ " BODY=BINARYMIME", ESMTP_CAN_8BITMIME, ESMTP_VALUE },
	{ " BODY=9BIT", ALL, ESMTP_VALUE },
	{ " BODY=7BIT BODY=7BIT", ALL, ESMTP_TWICE },
	{ " SMTPUTF8", ALL, ESMTP_OK },
	{ " SMTPUTF8=1", ALL, ESMTP_VALUE },
	{ " SMTPUTF8", 0, ESMTP_UNKNOWN },
	{ " RET=FULL ENVID=a+2Bb", ALL, ESMTP_OK },
	{ " RET=HDRS", ALL, ESMTP_OK },
	{ " RET=ALL", ALL, ESMTP_VALUE },
	{ " ENVID=a+0Ab", ALL, ESMTP_VALUE },
	{ " ENVID=a+0Db", ALL, ESMTP_VALUE },
	{ " ENVID=a+00b", ALL, ESMTP_VALUE },
	{ " ENVID=a+", ALL, ESMTP_VALUE },
	{ " AUTH=<>", ALL, ESMTP_OK },
	{ " AUTH=a+2Bb@c", ALL, ESMTP_OK },
	{ " AUTH=a+0A@c", ALL, ESMTP_VALUE },
	{ " AUTH=nobody", ALL, ESMTP_VALUE },
	{ " AUTH=<>", ESMTP_CAN_DSN, ESMTP_UNKNOWN },
	{ " XDROP=x", ESMTP_CAN_XDROP, ESMTP_OK },
	{ " XDROP=x", ALL, ESMTP_UNKNOWN },
	{ " XDROP", ESMTP_CAN_XDROP, ESMTP_VALUE },
	{ " NOTIFY=NEVER", ALL, ESMTP_UNKNOWN },
	{ " XYZ=1", ALL, ESMTP_UNKNOWN },
	{ " XYZ", ALL, ESMTP_UNKNOWN },
	{ " ENVID=\001", ALL, ESMTP_VALUE },
	{ " ENVID=\377", ALL, ESMTP_VALUE },
};
static const struct {
	const char *args;
	enum esmtp_result result;
	uint32_t notify;
	const char *orcpt;
} rcpts[] = {
	{ "", ESMTP_OK, 0, "" },
	{ " NOTIFY=NEVER", ESMTP_OK, ESMTP_NEVER, "" },
	{ " NOTIFY=SUCCESS,delay", ESMTP_OK, ESMTP_SUCCESS | ESMTP_DELAY, "" },
	{ " NOTIFY=FAILURE", ESMTP_OK, ESMTP_FAILURE, "" },
	{ " NOTIFY=NEVER,FAILURE", ESMTP_VALUE, 0, "" },
	{ " NOTIFY=", ESMTP_VALUE, 0, "" },
	{ " NOTIFY=,", ESMTP_VALUE, 0, "" },
	{ " NOTIFY=SUCCESS,", ESMTP_VALUE, 0, "" },
	{ " NOTIFY=SUCCESS,,DELAY", ESMTP_VALUE, 0, "" },
	{ " ORCPT=rfc822;Bob+2Bx@example.org", ESMTP_OK, 0, "rfc822;Bob+x@example.org" },
	{ " ORCPT=utf-8;\303\251@example.org", ESMTP_OK, 0, "utf-8;\303\251@example.org" },
	{ " ORCPT=utf-8;\\x{E9}@example.org", ESMTP_OK, 0, "utf-8;\\x{E9}@example.org" },
	{ " ORCPT=rfc822;", ESMTP_VALUE, 0, "" },
	{ " ORCPT=;x", ESMTP_VALUE, 0, "" },
	{ " ORCPT=rfc822", ESMTP_VALUE, 0, "" },
	{ " ORCPT=rf c;x", ESMTP_VALUE, 0, "" },
	{ " ORCPT=rfc822;a+0Ab", ESMTP_VALUE, 0, "" },
	{ " SIZE=1", ESMTP_UNKNOWN, 0, "" },
};
/* clang-format on */

START_TEST(mail)
{
	struct str in = exact(str_c(mails[_i].args));
	struct pool pool = { 0 };
	struct esmtp_mail m;

	ck_assert_int_eq(esmtp_mail_parse(in, mails[_i].can, &pool, &m),
	    mails[_i].result);
	pool_clear(&pool);
	exact_free(in);
}
END_TEST

START_TEST(rcpt)
{
	struct str in = exact(str_c(rcpts[_i].args));
	struct pool pool = { 0 };
	struct esmtp_rcpt r;

	ck_assert_int_eq(
	    esmtp_rcpt_parse(in, ALL, &pool, &r), rcpts[_i].result);
	if (rcpts[_i].result == ESMTP_OK) {
		ck_assert_uint_eq(r.notify, rcpts[_i].notify);
		ck_str(r.orcpt, str_c(rcpts[_i].orcpt));
	}
	pool_clear(&pool);
	exact_free(in);
}
END_TEST

START_TEST(values)
{
	struct pool pool = { 0 };
	struct esmtp_mail m;

	ck_assert_int_eq(esmtp_mail_parse(STR(" SIZE=77 BODY=8BITMIME "
	    "SMTPUTF8 RET=HDRS ENVID=a+2Bb AUTH=x+2By@z"), ALL, &pool, &m),
	    ESMTP_OK);
	ck_assert(m.has_size && m.size == 77 && m.smtputf8 && m.has_auth);
	ck_assert(m.body == ESMTP_8BITMIME && m.ret == ESMTP_RET_HDRS);
	ck_str(m.envid, STR("a+b"));
	ck_str(m.auth, STR("x+y@z"));
	ck_assert_uint_eq(esmtp_code(ESMTP_UNKNOWN), 555);
	ck_assert_uint_eq(esmtp_code(ESMTP_VALUE), 501);
	ck_assert(esmtp_text(ESMTP_TWICE) != NULL);
	pool_clear(&pool);
}
END_TEST

START_TEST(envid_length)
{
	struct pool pool = { 0 };
	struct esmtp_mail m;
	char text[200] = " ENVID=";

	memset(text + 7, 'x', 150);
	ck_assert_int_eq(
	    esmtp_mail_parse(str_n(text, 107), ALL, &pool, &m), ESMTP_OK);
	ck_assert_int_eq(
	    esmtp_mail_parse(str_n(text, 108), ALL, &pool, &m), ESMTP_VALUE);
	pool_clear(&pool);
}
END_TEST

static TCase *
parameters(void)
{
	TCase *t = tcase_create("parameters");

	tcase_add_loop_test(t, mail, 0, (int)N_OF(mails));
	tcase_add_loop_test(t, rcpt, 0, (int)N_OF(rcpts));
	tcase_add_test(t, values);
	tcase_add_test(t, envid_length);
	return t;
}

UNIT_MAIN("esmtp", parameters)
