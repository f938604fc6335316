/* What a sender reads when pickup gives a message back. */
#include "helpers/pickup/pickup.h"

#include <stdio.h>

#include "mail/seven_bit.h"
#include "tests/unit/unit.h"

static const char text[] = "Subject: a\n\nbody\n.\nFrom x\n";
static struct pickup p;
static struct buf file;

static void
setup(void)
{
	memset(&p, 0, sizeof(p));
	p.hostname = STR("h.test");
	p.size_max = 100000;
	strcpy(p.now.why, "554 5.4.6 in a loop");
	buf_init(&p.now.report, BUF_NO_MAX);
	buf_init(&file, BUF_NO_MAX);
}

static void
teardown(void)
{
	buf_clear(&p.now.report);
	buf_clear(&file);
}

static void
dropped(struct str sender, const struct env_rcpt *to, size_t n, struct str of)
{
	const struct drop_head head = { .sender = sender };

	buf_reset(&file);
	drop_write(&file, &head, to, n, of);
	ck_assert_int_eq(drop_read(buf_str(&file), &p.now.drop), DROP_OK);
}

static void
dropped_text(struct str of)
{
	const struct env_rcpt to = { .address = STR("b@c.test") };

	dropped(STR("a@b.test"), &to, 1, of);
}

static bool
has(const char *words)
{
	const struct str all = buf_str(&p.now.report);

	return str_find_str(all, str_c(words)) < all.n;
}

START_TEST(whole)
{
	const struct env_rcpt to[2] = { { .address = STR("b@c.test") },
		{ .address = STR("x\nAction: relayed@c.test") } };
	struct env_rcpt rcpt;

	dropped(STR("a@b.test"), to, 2, str_c(text));
	report_make(&p);
	ck_assert(!p.now.kept);
	ck_assert(has("\nTo: <a@b.test>\n"));
	ck_assert(has("\n    554 5.4.6 in a loop\n"));
	ck_assert(has("for 2 recipients:\n\n    b@c.test\n"
	    "    and 1 more\n\nIt is below.\n"));
	ck_assert(has("\nContent-Type: message/delivery-status\n\n"
	    "Reporting-MTA: dns; h.test\n\nFinal-Recipient: rfc822; b@c.test\n"
	    "Action: failed\nStatus: 5.4.6\n"
	    "Diagnostic-Code: smtp; 554 5.4.6 in a loop\n\n--"));
	ck_assert(has("\nContent-Type: message/rfc822\n\nSubject: a\n"));
	ck_assert(has(text));
	ck_assert(!has("relayed"));
	/* To the next one who asks they are all still there. */
	ck_assert(drop_next(&p.now.drop, &rcpt));
	ck_assert(str_eq(p.now.drop.text, str_c(text)));
}
END_TEST

static const struct {
	struct str text;
	const char *has, *header_has;
} eights[] = {
	{ STR_INIT("Subject: x\n\n\xc3\xa4\n"), "\nContent-Type: message/rfc822"
	    "\n\nSubject: x\nMIME-Version: 1.0\n",
	    "\nContent-Type: text/rfc822-headers\n\nSubject: x\n" },
	{ STR_INIT("Subject: \xc3\xa4\n\nx\n"),
	    "\nContent-Type: message/global\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "Subject: =C3=A4\n\nx\n",
	    "\nContent-Type: message/global-headers\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "Subject: =C3=A4\n" },
	{ STR_INIT("Subject: \xe4\n\nx\n"), "\nContent-Type: message/global\n"
	    "Content-Transfer-Encoding: quoted-printable\n\nSubject: =E4\n",
	    "\nContent-Type: text/rfc822-headers\n"
	    "Content-Transfer-Encoding: quoted-printable\n\nSubject: =E4\n" },
	{ STR_INIT("S: x\rTo: y\n\nx\r.\n"), "\nContent-Type: message/global\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "S: x=0DTo: y\n\nx=0D.\n",
	    "\nContent-Type: text/rfc822-headers\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "S: x=0DTo: y\n" },
	{ STR_INIT("S: x\n\na\0b\n"), "\nContent-Type: message/rfc822\n\n",
	    "\nContent-Type: text/rfc822-headers\n\n" },
};

/* Any server on the way takes it. */
START_TEST(seven_bits)
{
	struct buf large;
	struct str all;

	dropped_text(eights[_i].text);
	report_make(&p);
	ck_assert(has(eights[_i].has));
	ck_assert(!p.now.kept);
	all = buf_str(&p.now.report);
	ck_assert(seven_bit_is(all) && str_find(all, '\r') == all.n);
	buf_init(&large, BUF_NO_MAX);
	buf_add(&large, eights[_i].text);
	for (unsigned i = 0; i < 10000; i++)
		buf_add_c(&large, "some words\n");
	dropped_text(buf_str(&large));
	report_make(&p);
	ck_assert(has(eights[_i].header_has));
	ck_assert(p.now.kept);
	all = buf_str(&p.now.report);
	ck_assert(seven_bit_is(all) && str_find(all, '\r') == all.n);
	buf_clear(&large);
}
END_TEST

START_TEST(recipient_in_utf8)
{
	const struct env_rcpt to = { .address = STR("\xc3\xa4@c.test") };

	dropped(STR("a@b.test"), &to, 1, str_c(text));
	report_make(&p);
	ck_assert(!p.now.kept);
	ck_assert(seven_bit_is(buf_str(&p.now.report)));
	ck_assert(has("\n    =C3=A4@c.test\n"));
	ck_assert(has("\nContent-Type: message/global-delivery-status\n"
	    "Content-Transfer-Encoding: quoted-printable\n\nReporting-MTA"));
	ck_assert(has("\nFinal-Recipient: utf-8; =C3=A4@c.test\n"));
}
END_TEST

/* The next server may not take such an address, and then it is lost. */
START_TEST(sender_in_utf8)
{
	const struct env_rcpt to = { .address = STR("b@c.test") };

	dropped(STR("\xc3\xa4@b.test"), &to, 1, str_c(text));
	report_make(&p);
	ck_assert(p.now.kept);
	ck_assert(has("\nTo: <\xc3\xa4@b.test>\n"));
	ck_assert(has("below, and with the administrator, in drop/corrupt"));
	ck_assert(has(text));
}
END_TEST

START_TEST(too_large)
{
	struct buf large;

	buf_init(&large, BUF_NO_MAX);
	buf_add_c(&large, "Subject: x\n\n");
	for (unsigned i = 0; i < 100; i++)
		buf_add_c(&large, "body\n");
	dropped_text(buf_str(&large));
	report_make(&p);
	ck_assert(!p.now.kept);
	p.size_max = buf_len(&p.now.report) - 1;
	report_make(&p);
	ck_assert(p.now.kept);
	ck_assert(has("\nContent-Type: text/rfc822-headers\n\nSubject: x\n"));
	ck_assert(!has("\nbody\n"));
	ck_assert(has("Its header is below; all of it is with the admin"));
	buf_clear(&large);
}
END_TEST

/* What has no room is left out as a whole. */
START_TEST(large_fields)
{
	struct buf large;

	buf_init(&large, BUF_NO_MAX);
	buf_add_c(&large, "X: y\nLarge:");
	for (unsigned i = 0; i < 10000; i++)
		buf_add_c(&large, " \xe2\x82\xac\n");
	buf_add_c(&large, "Large:");
	for (unsigned i = 0; i < 15000; i++)
		buf_add_c(&large, " \xe2\x82\xac\n");
	buf_add_c(&large, "Subject: end\n\n");
	for (unsigned i = 0; i < 20000; i++)
		buf_add_c(&large, "some words\n");
	dropped_text(buf_str(&large));
	p.size_max = 200000;
	report_make(&p);
	ck_assert(has("\n\nX: y\nLarge:"));
	ck_assert(has("\nSubject: end\n"));
	ck_assert_uint_lt(buf_len(&p.now.report), 10000 * 12 + 2000);
	buf_clear(&large);
}
END_TEST

/* However many they are for, and with whatever header: it is not refused. */
START_TEST(very_many)
{
	struct env_rcpt *to = calloc(DROP_RCPTS_MAX, sizeof(*to));
	struct buf large;

	for (size_t i = 0; i < DROP_RCPTS_MAX; i++)
		to[i].address = STR("somebody@a-name-of-some-length.test");
	buf_init(&large, BUF_NO_MAX);
	buf_add_c(&large, "Subject: ");
	for (unsigned i = 0; i < 60000; i++)
		buf_add_c(&large, "x");
	buf_add_c(&large, "\n\nx\n");
	dropped(STR("a@b.test"), to, DROP_RCPTS_MAX, buf_str(&large));
	p.size_max = 65536;
	report_make(&p);
	ck_assert(p.now.kept);
	ck_assert_uint_lt(buf_len(&p.now.report), 30000);
	ck_assert(!has("xxx"));
	ck_assert(has("\n    and 9900 more\n"));
	ck_assert(has("\nX-Postern-Not-Listed: 9900\n"));
	ck_assert(has("\nIt is with the administrator, in drop/corrupt.\n"));
	p.size_max = 4096;
	report_make(&p);
	ck_assert_uint_lt(buf_len(&p.now.report), 4096);
	ck_assert(has("\n    and 9995 more\n"));
	buf_clear(&large);
	free(to);
}
END_TEST

static TCase *
report(void)
{
	TCase *tc = tcase_create("report");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, whole);
	tcase_add_loop_test(tc, seven_bits, 0, (int)N_OF(eights));
	tcase_add_test(tc, recipient_in_utf8);
	tcase_add_test(tc, sender_in_utf8);
	tcase_add_test(tc, too_large);
	tcase_add_test(tc, large_fields);
	tcase_add_test(tc, very_many);
	return tc;
}

UNIT_MAIN("pickup report", report)
