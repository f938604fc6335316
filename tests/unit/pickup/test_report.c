/* What a sender reads when pickup gives a message back. */
#include "helpers/pickup/pickup.h"

#include <stdio.h>

#include "tests/unit/unit.h"

static const char text[] = "Subject: \xc3\xa4\n\nbody\n.\nFrom x\n";
static struct pickup p;
static struct buf file;

static void
setup(void)
{
	const struct drop_head head = { .sender = STR("a@b.test") };
	struct env_rcpt to[3] = { { .address = STR("b@c.test") },
		{ .address = STR("x\nAction: relayed@c.test") },
		{ .address = STR("\xc3\xa4@c.test") } };

	memset(&p, 0, sizeof(p));
	p.hostname = STR("h.test");
	p.size_max = 100000;
	strcpy(p.now.why, "554 5.4.6 in a loop");
	buf_init(&p.now.report, BUF_NO_MAX);
	buf_init(&file, BUF_NO_MAX);
	drop_write(&file, &head, to, 3, str_c(text));
	ck_assert_int_eq(drop_read(buf_str(&file), &p.now.drop), DROP_OK);
}

static void
teardown(void)
{
	buf_clear(&p.now.report);
	buf_clear(&file);
}

static bool
has(const char *words)
{
	const struct str all = buf_str(&p.now.report);

	return str_find_str(all, str_c(words)) < all.n;
}

START_TEST(whole)
{
	struct drop d = p.now.drop;
	struct env_rcpt rcpt;

	report_make(&p);
	ck_assert(!p.now.part);
	ck_assert(has("\nTo: <a@b.test>\n"));
	ck_assert(has("\n    554 5.4.6 in a loop\n"));
	ck_assert(has("for 3 recipients:\n\n    b@c.test\n    \xc3\xa4@c.test\n"
	    "    ...\n"));
	ck_assert(has("\nContent-Type: message/delivery-status\n\n"
	    "Reporting-MTA: dns; h.test\n\nFinal-Recipient: rfc822; b@c.test\n"
	    "Action: failed\nStatus: 5.4.6\n"
	    "Diagnostic-Code: smtp; 554 5.4.6 in a loop\n\n--"));
	ck_assert(has("\nContent-Type: message/rfc822\n"
	    "Content-Transfer-Encoding: 8bit\n\n"));
	ck_assert(has(text));
	ck_assert(!has("relayed"));
	/* To the next one who asks they are all still there. */
	ck_assert(drop_next(&p.now.drop, &rcpt));
	ck_assert(str_eq(p.now.drop.text, d.text));
}
END_TEST

START_TEST(too_large)
{
	report_make(&p);
	p.size_max = buf_len(&p.now.report) - 1;
	report_make(&p);
	ck_assert(p.now.part);
	ck_assert(has("\nContent-Type: text/rfc822-headers\n"));
	ck_assert(has("\nSubject: \xc3\xa4\n"));
	ck_assert(!has("\nbody\n"));
	ck_assert(has("with the administrator"));
}
END_TEST

static TCase *
report(void)
{
	TCase *tc = tcase_create("report");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, whole);
	tcase_add_test(tc, too_large);
	return tc;
}

UNIT_MAIN("pickup report", report)
