#include "mail/header.h"

#include "mail/date.h"
#include "mail/msgid.h"
#include "tests/unit/mail/exact.h"
#include "tests/unit/unit.h"

enum { HOPS = 2 * HEADER_HOPS_MAX };

/* clang-format off */
static const struct {
	const char *in;
	const char *out; /* "name=value|" of each field, value unfolded */
	size_t body;
} headers[] = {
	{ "A: 1\nB: 2\n\nC: 3\n", "A=1|B=2|", 11 },
	{ "A: 1\r\nB: 2\r\n\r\nC: 3\r\n", "A=1|B=2|", 14 },
	{ "A: 1\n 2\n\t3\nB:4\n", "A=1 2\t3|B=4|", 15 },
	{ "A : 1\nB\t:2\n", "A=1|B=2|", 11 },
	{ "A:\n\nx", "A=|", 4 },
	{ "A:", "A=|", 2 },
	{ "\nA: 1\n", "", 1 },
	{ "", "", 0 },
	{ " fold\nA: 1\n", "A=1|", 11 },
	{ "no field\nA: 1\n", "A=1|", 14 },
	{ "a b: 1\nA: 1\n", "A=1|", 12 },
	{ ": 1\nA: 1\n", "A=1|", 9 },
	{ "A: 1\n \n 2\n\nB", "A=1  2|", 11 },
	{ "From x\nA: x:y\n", "A=x:y|", 14 },
};
/* clang-format on */

START_TEST(fields)
{
	struct str in = exact(str_c(headers[_i].in)), s = in;
	struct header_field f;
	struct buf b;

	buf_init(&b, 1000);
	ck_assert_uint_eq(header_end(in), headers[_i].body);
	while (header_next(&s, &f)) {
		buf_add(&b, f.name);
		buf_add_char(&b, '=');
		ck_assert(header_unfold(&b, f.value));
		buf_add_char(&b, '|');
	}
	ck_str(buf_str(&b), str_c(headers[_i].out));
	buf_clear(&b);
	exact_free(in);
}
END_TEST

START_TEST(get)
{
	struct header_field f;
	struct str in = STR("To: a\nSubject: b\nsubject: c\n\nX: y\n");

	ck_assert(header_get(in, STR("SUBJECT"), &f));
	ck_str(f.value, STR(" b"));
	ck_str(f.whole, STR("Subject: b\n"));
	ck_assert(!header_get(in, STR("X"), &f));
}
END_TEST

/* clang-format off */
static const struct {
	const char *in;
	enum header_verdict verdict;
	unsigned has, hops;
} scans[] = {
	{ "From: a\nDate: b\nMessage-Id: c\n\nTo: d\n", HEADER_FINE,
	    HEADER_HAS_FROM | HEADER_HAS_DATE | HEADER_HAS_MESSAGE_ID, 0 },
	{ "From: a\nFROM: b\n\n", HEADER_TWO_FROM, HEADER_HAS_FROM, 0 }, /* I30 */
	{ "From : a\n\n", HEADER_BAD_FIELD, HEADER_HAS_FROM, 0 },
	{ "X-Odd : a\n\n", HEADER_FINE, 0, 0 },
	{ "Received: a\n b\nreceived: c\n\n", HEADER_FINE, 0, 2 },
	{ "A: 1\n From: x\n\n", HEADER_FINE, 0, 0 },
	{ "\nFrom: x\n", HEADER_FINE, 0, 0 },
	{ "From\nTo: x\n", HEADER_FINE, HEADER_HAS_TO, 0 },
	{ "From-x: 1\nFrom-and-much-longer-than-that: 1\n", HEADER_FINE, 0, 0 },
	{ "Subject: x\r\nCc: y\r\n\r\nBcc: z\r\n", HEADER_FINE,
	    HEADER_HAS_SUBJECT | HEADER_HAS_CC, 0 },
	{ "Reply-To: a\nSender: b\nBcc: c\n", HEADER_FINE,
	    HEADER_HAS_REPLY_TO | HEADER_HAS_SENDER | HEADER_HAS_BCC, 0 },
};
/* clang-format on */

START_TEST(scan)
{
	struct str in = str_c(scans[_i].in);

	for (size_t cut = 0; cut <= in.n; cut++) {
		struct header_scan s;

		header_scan_init(&s, HOPS);
		header_scan_feed(&s, str_first(in, cut));
		header_scan_feed(&s, str_from(in, cut));
		ck_assert_int_eq(header_scan_verdict(&s), scans[_i].verdict);
		ck_assert_uint_eq(s.has, scans[_i].has);
		ck_assert_uint_eq(s.hops, scans[_i].hops);
	}
	ck_assert_int_eq(header_judge(in, scans[_i].hops), scans[_i].verdict);
	if (scans[_i].hops > 0)
		ck_assert_int_eq(
		    header_judge(in, scans[_i].hops - 1), HEADER_LOOP);
}
END_TEST

/* Each limit at n and at n + 1 (TRUST: every row of the table). */
START_TEST(limits)
{
	for (unsigned over = 0; over < 2; over++) {
		struct header_scan s;
		struct str octet = STR("x");

		header_scan_init(&s, HOPS);
		for (unsigned i = 0; i < HEADER_FIELDS_MAX + over; i++)
			header_scan_feed(&s, STR("A: 1\n"));
		ck_assert_int_eq(header_scan_verdict(&s),
		    over ? HEADER_TOO_BIG : HEADER_FINE);

		header_scan_init(&s, HOPS);
		for (unsigned i = 0; i < HOPS + over; i++)
			header_scan_feed(&s, STR("Received: x\n"));
		ck_assert_int_eq(header_scan_verdict(&s),
		    over ? HEADER_LOOP : HEADER_FINE);

		header_scan_init(&s, HOPS);
		header_scan_feed(&s, STR("A:"));
		for (unsigned i = 3; i < HEADER_FIELD_MAX + over; i++)
			header_scan_feed(&s, octet);
		header_scan_feed(&s, STR("\n"));
		ck_assert_int_eq(header_scan_verdict(&s),
		    over ? HEADER_TOO_BIG : HEADER_FINE);
	}
}
END_TEST

/* clang-format off */
static const struct {
	const char *in, *out;
} ids[] = {
	{ "<a@b>", "a@b|" },
	{ "text <a@b> (x) <c@d>\n <e>", "a@b|c@d|e|" },
	{ "<a b> <c>", "c|" },
	{ "<<a>", "a|" },
	{ "<>", "" },
	{ "<a", "" },
	{ "a>", "" },
	{ "", "" },
};
/* clang-format on */

START_TEST(msgid)
{
	struct str in = exact(str_c(ids[_i].in)), s = in, id;
	struct buf b;

	buf_init(&b, 100);
	while (msgid_take(&s, &id)) {
		buf_add(&b, id);
		buf_add_char(&b, '|');
	}
	ck_str(buf_str(&b), str_c(ids[_i].out));
	buf_clear(&b);
	exact_free(in);
}
END_TEST

/* clang-format off */
static const struct {
	const char *in;
	const char *out; /* NULL: no date */
	int64_t time;
} dates[] = {
	{ "Thu, 1 Jan 1970 00:00:00 +0000", "Thu, 1 Jan 1970 00:00:00 +0000", 0 },
	{ "Mon, 23 Nov 2026 01:02:03 +0100", "Mon, 23 Nov 2026 01:02:03 +0100", 1795392123 },
	{ "23 Nov 2026 01:02 -0530", "Mon, 23 Nov 2026 01:02:00 -0530", 1795415520 },
	{ "Fri , 21 Nov 97 09(comment):   55  :  06 -0600", "Fri, 21 Nov 1997 09:55:06 -0600", 880127706 },
	{ "21 Nov 97 09:55:06 GMT", "Fri, 21 Nov 1997 09:55:06 +0000", 880106106 },
	{ "21 Nov 97 09:55:06 EDT", "Fri, 21 Nov 1997 09:55:06 -0400", 880120506 },
	{ "21 Nov 97 09:55:06 Z", "Fri, 21 Nov 1997 09:55:06 +0000", 880106106 },
	{ "21 Nov 97 09:55:06", "Fri, 21 Nov 1997 09:55:06 +0000", 880106106 },
	{ "1 Jan 49 00:00:00 +0000", "Fri, 1 Jan 2049 00:00:00 +0000", 2493072000 },
	{ "1 Jan 101 00:00:00 +0000", "Mon, 1 Jan 2001 00:00:00 +0000", 978307200 },
	{ "29 Feb 2000 23:59:60 +0000", "Wed, 1 Mar 2000 00:00:00 +0000", 951868800 },
	{ "Sat,\r\n 1 January 2000 00:00:00 +0000 (x(y)\\))", "Sat, 1 Jan 2000 00:00:00 +0000", 946684800 },
	{ "31 Dec 1969 23:59:59 +0000", "Wed, 31 Dec 1969 23:59:59 +0000", -1 },
	{ "1 Jan 0001 00:00:00 +0000", "Mon, 1 Jan 0001 00:00:00 +0000", -62135596800 },
	{ "31 Dec 9999 23:59:59 +0000", "Fri, 31 Dec 9999 23:59:59 +0000", 253402300799 },
	{ "29 Feb 1900 00:00:00 +0000", NULL, 0 },
	{ "31 Apr 2000 00:00:00 +0000", NULL, 0 },
	{ "0 Jan 2000 00:00:00 +0000", NULL, 0 },
	{ "1 Jan 2000 24:00:00 +0000", NULL, 0 },
	{ "1 Jan 2000 00:60:00 +0000", NULL, 0 },
	{ "1 Jan 10000 00:00:00 +0000", NULL, 0 },
	{ "1 Foo 2000 00:00:00 +0000", NULL, 0 },
	{ "99999999999999999999 Jan 2000 00:00:00", NULL, 0 },
	{ "", NULL, 0 },
	{ "(", NULL, 0 },
	{ "(\\", NULL, 0 },
	{ "Mon,", NULL, 0 },
};
/* clang-format on */

START_TEST(date)
{
	struct str whole = str_c(dates[_i].in);
	struct date d;
	struct buf b;

	for (size_t n = 0; n <= whole.n; n++) {
		struct str in = exact(str_first(whole, n));
		bool ok = date_parse(in, &d);

		if (n == whole.n)
			ck_assert_int_eq(ok, dates[_i].out != NULL);
		exact_free(in);
	}
	if (dates[_i].out == NULL)
		return;
	ck_assert_int_eq(d.time, dates[_i].time);
	buf_init(&b, 100);
	ck_assert(date_format(&b, &d));
	ck_str(buf_str(&b), str_c(dates[_i].out));
	buf_clear(&b);
}
END_TEST

START_TEST(imap_date)
{
	struct date d;
	struct buf b;
	int64_t day;

	ck_assert(date_parse_imap(STR(" 3-Nov-2026 01:02:03 -0130"), &d));
	buf_init(&b, 100);
	ck_assert(date_format_imap(&b, &d));
	ck_str(buf_str(&b), STR(" 3-Nov-2026 01:02:03 -0130"));
	buf_clear(&b);
	ck_assert(date_parse_imap(STR("13-Nov-2026 01:02:03 +0000"), &d));
	ck_assert(!date_parse_imap(STR("13-Nov-2026 01:02:03"), &d));
	ck_assert(!date_parse_imap(STR("13-Nov-2026 01:02:03 +0000 "), &d));
	ck_assert(!date_parse_imap(STR("13-Nov-26 01:02:03 +0000"), &d));
	ck_assert(!date_parse_imap(STR("32-Nov-2026 01:02:03 +0000"), &d));
	ck_assert(date_parse_day(STR("2-Jan-1970"), &day) && day == 1);
	ck_assert(!date_parse_day(STR("2-Jan-1970 "), &day));
	/* SEARCH disregards the zone: the writer's own calendar counts. */
	ck_assert(date_parse(STR("1 Jan 1970 23:30:00 -0800"), &d));
	ck_assert_int_eq(date_day(&d), 0);
	ck_assert(date_parse(STR("1 Jan 1970 00:30:00 +0800"), &d));
	ck_assert_int_eq(date_day(&d), 0);
}
END_TEST

/* Every fifth day of 800 years: there and back. */
START_TEST(calendar)
{
	for (int64_t day = -146097; day < 146097; day += 5) {
		struct date d = { day * 86400 + 12345, 90 }, again;
		struct buf b;

		buf_init(&b, 100);
		ck_assert(date_format(&b, &d));
		ck_assert(date_parse(buf_str(&b), &again));
		ck_assert_int_eq(again.time, d.time);
		ck_assert_int_eq(again.zone, 90);
		buf_clear(&b);
	}
}
END_TEST

static TCase *
fields_cases(void)
{
	TCase *t = tcase_create("fields");

	tcase_add_loop_test(t, fields, 0, (int)N_OF(headers));
	tcase_add_test(t, get);
	tcase_add_loop_test(t, scan, 0, (int)N_OF(scans));
	tcase_add_test(t, limits);
	tcase_add_loop_test(t, msgid, 0, (int)N_OF(ids));
	return t;
}

static TCase *
date_cases(void)
{
	TCase *t = tcase_create("dates");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, date, 0, (int)N_OF(dates));
	tcase_add_test(t, imap_date);
	tcase_add_test(t, calendar);
	return t;
}

UNIT_MAIN("header", fields_cases, date_cases)
