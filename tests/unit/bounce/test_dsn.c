#include "delivery/bounce/dsn.h"

#include <stdio.h>

#include "base/base64.h"
#include "mail/transfer.h"
#include "mail/utf8.h"
#include "tests/unit/unit.h"

#define ORIGINAL                                                               \
	"From: a@me.test\nMessage-ID: <m1@me.test>\nSubject: hello\n\nbody\n"

static const struct dsn_rcpt failed_rcpts[] = {
	{ STR_INIT("bob@d.test"), STR_INIT("rfc822;Bob@d.test"), 0, 550,
	    STR_INIT("5.1.1"), STR_INIT("no such user here"),
	    STR_INIT("mx.d.test [192.0.2.1]") },
};

static const char golden[] =
    "From: Mail Delivery System <postmaster@me.test>\n"
    "To: <a@me.test>\n"
    "Subject: Your message could not be delivered\n"
    "Date: Fri, 13 Feb 2009 23:31:30 +0000\n"
    "Message-ID: <failed.0000000000007.499602d2.5176f392@me.test>\n"
    "In-Reply-To: <m1@me.test>\n"
    "References: <m1@me.test>\n"
    "Auto-Submitted: auto-replied\n"
    "MIME-Version: 1.0\n"
    "Content-Type: multipart/report;\n"
    "\treport-type=delivery-status;\n"
    "\tboundary=\"=_report_0000000000007_00000000499602d2\"\n"
    "\n"
    "This is a report in MIME format.\n"
    "\n"
    "--=_report_0000000000007_00000000499602d2\n"
    "Content-Type: text/plain; charset=us-ascii\n"
    "\n"
    "This is the mail server me.test.\n"
    "\n"
    "Sorry, your message could not be delivered to\n"
    "\n"
    "  bob@d.test\n"
    "    The server mx.d.test [192.0.2.1] said:\n"
    "      550 5.1.1 no such user here\n"
    "    There is no such address. Check it for a typing error, or ask the\n"
    "    recipient for the right one.\n"
    "\n"
    "The header of your message is attached.\n"
    "\n"
    "--=_report_0000000000007_00000000499602d2\n"
    "Content-Type: message/delivery-status\n"
    "\n"
    "Original-Envelope-Id: E1\n"
    "Reporting-MTA: dns; me.test\n"
    "X-Postern-Id: 0000000000007\n"
    "Arrival-Date: Fri, 13 Feb 2009 23:00:00 +0000\n"
    "\n"
    "Original-Recipient: rfc822; Bob@d.test\n"
    "Final-Recipient: rfc822; bob@d.test\n"
    "Action: failed\n"
    "Status: 5.1.1\n"
    "Remote-MTA: dns; mx.d.test\n"
    "Diagnostic-Code: smtp; 550 5.1.1 no such user here\n"
    "Last-Attempt-Date: Fri, 13 Feb 2009 23:31:30 +0000\n"
    "\n"
    "--=_report_0000000000007_00000000499602d2\n"
    "Content-Type: text/rfc822-headers\n"
    "\n"
    "From: a@me.test\n"
    "Message-ID: <m1@me.test>\n"
    "Subject: hello\n"
    "\n"
    "\n"
    "--=_report_0000000000007_00000000499602d2--\n";

static struct dsn
request(void)
{
	return (struct dsn){ .hostname = "me.test", .action = DSN_FAILED,
		.id = 7, .secret = 1234567890, .now = 1234567890,
		.accepted = 1234566000, .expires = 1234999999,
		.sender = STR("a@me.test"), .full_max = 1000,
		.envid = STR("E1"), .original = STR(ORIGINAL),
		.original_size = sizeof(ORIGINAL) - 1,
		.rcpts = failed_rcpts, .nrcpts = 1 };
}

static const char *
build(const struct dsn *d, struct buf *out, bool *utf8)
{
	buf_init(out, DSN_MAX);
	ck_assert(dsn_build(out, d, utf8));
	return buf_cstr(out);
}

START_TEST(failed)
{
	const struct dsn d = request();
	bool utf8;
	struct buf out;

	ck_assert_str_eq(build(&d, &out, &utf8), golden);
	ck_assert(!utf8);
	buf_clear(&out);
}
END_TEST

START_TEST(full)
{
	struct dsn d = request();
	bool utf8;
	struct buf out;
	const char *text;

	d.want_full = true;
	d.full_max = 1000;
	text = build(&d, &out, &utf8);
	ck_assert_ptr_nonnull(
	    strstr(text, "Content-Type: message/rfc822\n\n" ORIGINAL));
	buf_clear(&out);
	d.original_size = 1001;
	text = build(&d, &out, &utf8);
	ck_assert_ptr_null(strstr(text, "body\n"));
	ck_assert_ptr_nonnull(strstr(text, "too large to be sent back"));
	buf_clear(&out);
}
END_TEST

/* What failed of a temporary reply failed of its time: the reply is given as
 * it was, and our words as ours. */
START_TEST(late)
{
	struct dsn d = request();
	struct dsn_rcpt r = { .address = STR("b@d.test"), .code = 451,
		.status = STR("4.7.1"), .text = STR("come back for tea"),
		.remote = STR("mx.d.test [192.0.2.1]") };
	bool utf8;
	struct buf out;
	const char *text;

	d.rcpts = &r;
	text = build(&d, &out, &utf8);
	ck_assert_ptr_nonnull(strstr(text, "\nStatus: 5.4.7\n"
	    "Remote-MTA: dns; mx.d.test\n"
	    "Diagnostic-Code: smtp; 451 4.7.1 come back for tea\n"));
	ck_assert_ptr_nonnull(strstr(text,
	    "    The server mx.d.test [192.0.2.1] said last:\n"
	    "      451 4.7.1 come back for tea\n"
	    "    It was tried until the time was over."));
	buf_clear(&out);
	r.remote = STR_NONE;
	r.text = STR("mx.d.test: no connection");
	text = build(&d, &out, &utf8);
	ck_assert_ptr_nonnull(strstr(text, "\nStatus: 5.4.7\n"
	    "Diagnostic-Code: X-Postern; "
	    "not delivered in time; last: mx.d.test: no\n connection\n"));
	ck_assert_ptr_nonnull(strstr(text, "  b@d.test\n"
	    "      not delivered in time; last: mx.d.test: no connection\n"));
	ck_assert_ptr_null(strstr(text, "said"));
	buf_clear(&out);
	d.action = DSN_DELAYED;
	text = build(&d, &out, &utf8);
	ck_assert_ptr_nonnull(strstr(text, "\nStatus: 4.7.1\n"
	    "Diagnostic-Code: X-Postern; mx.d.test: no connection\n"));
	buf_clear(&out);
}
END_TEST

START_TEST(delayed)
{
	struct dsn d = request();
	bool utf8;
	struct buf out;
	const char *text;

	d.action = DSN_DELAYED;
	text = build(&d, &out, &utf8);
	ck_assert_ptr_nonnull(strstr(text, "Action: delayed\n"));
	ck_assert_ptr_nonnull(strstr(text,
	    "Will-Retry-Until: Wed, 18 Feb 2009 23:33:19 +0000\n"));
	ck_assert_ptr_nonnull(strstr(text, "need not do anything"));
	buf_clear(&out);
}
END_TEST

/* Who asked for DELAY alone is not told of the end. */
START_TEST(delayed_told)
{
	static const struct {
		uint32_t notify[2];
		const char *words;
	} cases[] = {
		{ { 0, 0 }, "If it fails until then, you will be told." },
		{ { NOTIFY_DELAY | NOTIFY_FAILURE, 0 },
		    "If it fails until then, you will be told." },
		{ { NOTIFY_DELAY, NOTIFY_DELAY | NOTIFY_SUCCESS },
		    "If it fails until then, you will not be told, "
		    "as you wished." },
		{ { NOTIFY_DELAY, 0 }, "If it fails until then, you will be "
		    "told, but not of those for whom you did not wish it." },
	};
	struct dsn d = request();
	struct dsn_rcpt rs[] = { failed_rcpts[0], failed_rcpts[0] };
	bool utf8;
	struct buf out;
	char *text;

	rs[0].notify = cases[_i].notify[0];
	rs[1].notify = cases[_i].notify[1];
	d.action = DSN_DELAYED;
	d.rcpts = rs;
	d.nrcpts = N_OF(rs);
	build(&d, &out, &utf8);
	text = buf_release(&out);
	for (char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		*at = ' ';
	ck_assert_ptr_nonnull(strstr(text, cases[_i].words));
	free(text);
}
END_TEST

START_TEST(own_words)
{
	struct str text_list[] = { STR_INIT("Hier ist {hostname}."),
		STR_INIT("Ihre Nachricht {id} ging nicht an") };
	struct str end_list[] = {
		STR_INIT("Fragen? {admin}, nicht {nobody}. {{attached}"),
		STR_INIT("{sender} {attached}") };
	struct dsn_words words = { STR("Zur\xc3\xbc""ck von {hostname}"),
		{ text_list, 2 }, { end_list, 2 } };
	struct dsn d = request();
	bool utf8;
	struct buf out, plain;
	struct str text, part;

	d.words = &words;
	d.admin = STR("hilfe@me.test");
	text = str_c(build(&d, &out, &utf8));
	ck_assert_ptr_nonnull(strstr(text.p,
	    "\nSubject: =?utf-8?B?WnVyw7xjayB2b24gbWUudGVzdA==?=\n"));
	ck_assert_ptr_nonnull(strstr(text.p,
	    "Content-Type: text/plain; charset=us-ascii\n\n"
	    "Hier ist me.test.\n\n"
	    "Ihre Nachricht 0000000000007 ging nicht an\n\n"
	    "  bob@d.test\n"));
	ck_assert_ptr_nonnull(strstr(text.p,
	    "\n\nFragen? hilfe@me.test, nicht {nobody}. {attached}\n\n"
	    "a@me.test The header of your message is attached.\n\n--="));
	buf_clear(&out);

	/* Not ASCII: it must pass servers that take seven bits only. */
	text_list[0] = STR("F\xc3\xbcr Sie:");
	text = str_c(build(&d, &out, &utf8));
	ck_assert(!utf8);
	for (size_t i = 0; i < text.n; i++)
		ck_assert((unsigned char)text.p[i] < 0x80);
	part = str_from(text, str_find_str(text,
	    STR("charset=utf-8\nContent-Transfer-Encoding: base64\n\n")));
	ck_assert_uint_gt(part.n, 0);
	str_take(&part, strlen("charset=utf-8\nContent-Transfer-Encoding: "
	    "base64\n\n"));
	buf_init(&plain, 10000);
	while (part.n > 0 && part.p[0] != '\n')
		ck_assert(base64_decode(&plain, str_take_until(&part, '\n')));
	ck_assert(str_starts(buf_str(&plain), STR("F\xc3\xbcr Sie:\n\nIhre ")));
	ck_assert(str_ends(buf_str(&plain), STR("is attached.\n")));
	buf_clear(&plain);
	buf_clear(&out);
}
END_TEST

/* Who has such an address himself is told in UTF-8. */
START_TEST(international)
{
	struct dsn d = request();
	struct dsn_rcpt r = { .address = STR("b\xc3\xbc@d.test"),
		.orcpt = STR("utf-8;b\xc3\xbc+x@d.test"), .code = 550,
		.status = STR("5.1.1"), .text = STR("no") };
	bool utf8;
	struct buf out;
	const char *text;

	d.sender = STR("\xc3\xa4@me.test");
	d.rcpts = &r;
	text = build(&d, &out, &utf8);
	ck_assert(utf8);
	ck_assert_ptr_nonnull(strstr(text, "\nTo: <\xc3\xa4@me.test>\n"));
	ck_assert_ptr_nonnull(
	    strstr(text, "Final-Recipient: utf-8; b\xc3\xbc@d.test\n"));
	ck_assert_ptr_nonnull(
	    strstr(text, "Original-Recipient: utf-8; b\xc3\xbc+x@d.test\n"));
	ck_assert_ptr_nonnull(
	    strstr(text, "Content-Type: message/global-delivery-status\n"));
	ck_assert_ptr_nonnull(
	    strstr(text, "Content-Type: message/global-headers\n"));
	ck_assert_ptr_nonnull(strstr(text, "Diagnostic-Code: X-Postern; no\n"));
	buf_clear(&out);
}
END_TEST

/* A report in UTF-8 is all UTF-8, whatever a server said. */
START_TEST(no_utf8)
{
	struct dsn d = request();
	struct dsn_rcpt r = failed_rcpts[0];
	bool utf8;
	struct buf out;
	const char *text;

	d.sender = STR("\xc3\xa4@me.test");
	d.envid = STR("e\xe4");
	d.rcpts = &r;
	r.text = STR("f\xfcr f\xc3\xbcr\x1b \xc2\x9b\xed\xa0\x80 \xe4\xb8");
	r.remote = STR("mx\xff [192.0.2.1]");
	text = build(&d, &out, &utf8);
	ck_assert(utf8);
	ck_assert(utf8_ok(buf_str(&out)));
#define BAD "\xef\xbf\xbd"
	ck_assert_ptr_nonnull(strstr(text, "\n      550 5.1.1 f" BAD
	    "r f\xc3\xbcr " BAD BAD BAD " " BAD BAD "\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nRemote-MTA: dns; mx" BAD "\n"));
	ck_assert_ptr_nonnull(strstr(text, "-Envelope-Id: e" BAD "\n"));
	buf_clear(&out);
}
END_TEST

static void
ck_seven_bits(struct buf *out)
{
	struct str text = buf_str(out);

	for (size_t i = 0; i < text.n; i++)
		ck_assert(text.p[i] > 0);
	while (text.n > 0)
		ck_assert_uint_le(str_take_until(&text, '\n').n, 998);
}

/* RFC 6533 3: all others in ASCII, so that it passes every server. */
START_TEST(downgraded)
{
	struct dsn d = request();
	struct dsn_rcpt r = { .address = STR("\"b\xc3\xbc +=\\\\\"@\xe4\xb8\xad"),
		.orcpt = STR("utf-8;b\xf0\x9f\x90\x8e\\x{2B}@d.test"),
		.code = 550, .status = STR("5.1.1"),
		.text = STR("f\xc3\xbcr \xff niemand") };
	bool utf8;
	struct buf out;
	const char *text;

	d.rcpts = &r;
	text = build(&d, &out, &utf8);
	ck_assert(!utf8);
	ck_seven_bits(&out);
	ck_assert_ptr_nonnull(strstr(text, "\nFinal-Recipient: utf-8; "
	    "\"b\\x{FC}\\x{20}\\x{2B}\\x{3D}\\x{5C}\\x{5C}\"@\\x{4E2D}\n"));
	ck_assert_ptr_nonnull(strstr(text,
	    "\nOriginal-Recipient: utf-8; b\\x{1F40E}\\x{2B}@d.test\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nDiagnostic-Code: X-Postern; "
	    "f\\x{FC}r \\x{FFFD} niemand\n"));
	ck_assert_ptr_nonnull(
	    strstr(text, "\nContent-Type: message/delivery-status\n\n"));
	ck_assert_ptr_nonnull(
	    strstr(text, "\nContent-Type: text/rfc822-headers\n\n"));
	buf_clear(&out);
}
END_TEST

/* What follows what in text, without the quoted-printable that it is in. */
static char *
unquoted(const char *text, const char *what)
{
	const char *at = strstr(text, what);
	struct transfer t;
	struct buf out;

	ck_assert_ptr_nonnull(at);
	buf_init(&out, BUF_NO_MAX);
	transfer_init(&t, TRANSFER_QP);
	transfer_feed(&t, str_c(at + strlen(what)), &out);
	transfer_end(&t, &out);
	return buf_release(&out);
}

/* RFC 6533 3: an address is never broken, however long it is in ASCII. */
START_TEST(long_address)
{
	static const struct {
		size_t n;
		bool is_ascii;
	} lengths[] = { { 150, true }, { 255, false } };
	const size_t n = lengths[_i].n;
	struct dsn d = request();
	char address[300], orcpt[310], field[400], *plain;
	struct dsn_rcpt r = { .code = 550, .status = STR("5.1.1"),
		.text = STR("no \xc3\xbc") };
	bool utf8;
	struct buf out;
	const char *text;

	snprintf(address, sizeof(address), "%.*s\xc3\xbc@d.test", (int)n,
	    "++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++"
	    "++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++"
	    "++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++"
	    "++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++");
	snprintf(orcpt, sizeof(orcpt), "utf-8;%s", address);
	r.address = str_c(address);
	r.orcpt = str_c(orcpt);
	d.rcpts = &r;
	text = build(&d, &out, &utf8);
	ck_assert(!utf8);
	ck_seven_bits(&out);
	ck_assert_ptr_null(strstr(text, "\\x{2B}\n"));
	if (lengths[_i].is_ascii) {
		ck_assert_ptr_nonnull(strstr(text,
		    "\\x{2B}\\x{2B}\\x{FC}@d.test\nAction: failed\n"));
		ck_assert_ptr_nonnull(strstr(text,
		    "\nContent-Type: message/delivery-status\n\n"));
	} else {
		plain = unquoted(text,
		    "\nContent-Type: message/global-delivery-status\n"
		    "Content-Transfer-Encoding: quoted-printable\n\n");
		ck_assert(str_starts(str_c(plain),
		    STR("Original-Envelope-Id: E1\n")));
		snprintf(field, sizeof(field),
		    "\nFinal-Recipient: utf-8; %s\nAction: failed\n", address);
		ck_assert_ptr_nonnull(strstr(plain, field));
		snprintf(field, sizeof(field),
		    "\nOriginal-Recipient: utf-8; %s\nFinal-", address);
		ck_assert_ptr_nonnull(strstr(plain, field));
		free(plain);
	}
	buf_clear(&out);
}
END_TEST

#define UTF8_HEADER "Subject: f\xc3\xbcr\nMessage-ID: <\xc3\xbc@a.test>\n"
#define LATIN_HEADER "Subject: f\xfcr\n"

static const struct {
	struct str original;
	bool full;
	const char *part;
} originals[] = {
	{ STR_INIT(UTF8_HEADER "\nbody\n"), false,
	    "Content-Type: message/global-headers\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "Subject: f=C3=BCr\n" },
	{ STR_INIT(UTF8_HEADER "\nb\xc3\xb6\n"), true,
	    "Content-Type: message/global\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "Subject: f=C3=BCr\nMessage-ID: <=C3=BC@a.test>\n\nb=C3=B6\n" },
	{ STR_INIT(LATIN_HEADER "\nbody\n"), false,
	    "Content-Type: text/rfc822-headers\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "Subject: f=FCr\n" },
	{ STR_INIT("A: b\n\nnul \0 here \nno end"), true,
	    "Content-Type: message/rfc822\n\n"
	    "A: b\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=unknown-8bit\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "nul =00 here=20\nno end\n\n--=" },
	{ STR_INIT("A: b\n\nb\xc3\xb6\n"), true,
	    "Content-Type: message/rfc822\n\n"
	    "A: b\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=unknown-8bit\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "b=C3=B6\n\n--=" },
	/* The encoding said so, and that was not true. */
	{ STR_INIT("A: b\nContent-Transfer-Encoding: base64\n\nb\xc3\xb6\n"),
	    true, "Content-Type: message/global\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "A: b\nContent-Transfer-Encoding: base64\n\nb=C3=B6\n" },
};

START_TEST(original_part)
{
	struct dsn d = request();
	bool utf8;
	struct buf out;
	const char *text;

	d.original = originals[_i].original;
	d.original_size = d.original.n;
	d.want_full = originals[_i].full;
	d.full_max = 1000;
	text = build(&d, &out, &utf8);
	ck_assert(!utf8);
	ck_seven_bits(&out);
	ck_assert_ptr_nonnull(strstr(text, originals[_i].part));
	buf_clear(&out);
}
END_TEST

/* Most octets of the header too: whole fields of it, and the report says what
 * is missing. */
START_TEST(large_header)
{
	static char original[70000];
	struct dsn d = request();
	size_t n = (size_t)snprintf(original, sizeof(original),
	    "Received: first\nX-Long: ");
	bool utf8;
	struct buf out;
	char *text, *part, *said;

	memset(original + n, 'x', 60000);
	for (size_t i = 70; i < 60000; i += 80)
		memcpy(original + n + i, "\n\t", 2);
	n += 60000;
	n += (size_t)snprintf(original + n, sizeof(original) - n,
	    "\nX-Middle: %0500d\nX-End: %0400d\nSubject: hello\n\nbody\n", 0, 0);
	d.original = str_n(original, n);
	d.original_size = n;
	d.full_max = _i == 0 ? 1024 : 512;
	d.want_full = _i == 1;
	build(&d, &out, &utf8);
	ck_assert_uint_lt(buf_len(&out), 1500 + d.full_max);
	text = buf_release(&out);
	said = strstr(text, _i == 0 ? "\n\nThe header of your" :
	                              "\n\nYour message is too");
	part = strstr(text, "Content-Type: text/rfc822-headers\n\n");
	ck_assert_ptr_nonnull(said);
	ck_assert_ptr_nonnull(part);
	ck_assert_ptr_nonnull(strstr(part, "\n\nReceived: first\nX-"));
	ck_assert_ptr_nonnull(strstr(part, "\nSubject: hello\n\n\n--"));
	ck_assert_ptr_null(strstr(part, "X-Long"));
	ck_assert_int_eq(strstr(part, "\nX-Middle: ") != NULL, _i == 0);
	for (char *at = said; (at = strchr(at, '\n')) != NULL; at++)
		*at = ' ';
	ck_assert_ptr_nonnull(strstr(said, _i == 0 ?
	    "is attached, without the fields X-Long (60009 octets), for which "
	    "a report has no room.  --=" :
	    "its header is attached, without the fields X-Long, X-Middle "
	    "(60520 octets), for which a report has no room.  --="));
	free(text);
}
END_TEST

/* A line of it is longer than mail may have. */
START_TEST(original_long_line)
{
	static char original[5000];
	struct dsn d = request();
	bool utf8;
	struct buf out;
	struct str text;

	memset(original, 'x', sizeof(original));
	memcpy(original, "A: b\n\n", 6);
	original[sizeof(original) - 1] = '\n';
	d.original = str_n(original, sizeof(original));
	d.original_size = d.original.n;
	d.want_full = true;
	d.full_max = sizeof(original);
	build(&d, &out, &utf8);
	text = buf_str(&out);
	while (text.n > 0)
		ck_assert_uint_le(str_take_until(&text, '\n').n, 76);
	buf_clear(&out);
}
END_TEST

/* I03, I04: nothing that a stranger said begins a line of its own. */
START_TEST(injection)
{
	struct dsn d = request();
	struct dsn_rcpt r = { .address = STR("b@d.test"),
		.orcpt = STR("rfc822;x\nAction: delivered"), .code = 550,
		.status = STR("5.1.1"),
		.text = STR("no\n\nAction: delivered\r\n--x"),
		.remote = STR("mx\nAction: delivered [1]") };
	bool utf8;
	struct buf out;
	const char *text;

	d.rcpts = &r;
	d.envid = STR("e\nAction: delivered");
	text = build(&d, &out, &utf8);
	ck_assert_ptr_null(strstr(text, "\nAction: delivered"));
	buf_clear(&out);
}
END_TEST

START_TEST(long_lines)
{
	struct dsn d = request();
	static char word[1024];
	struct dsn_rcpt r = { .address = STR("b@d.test"), .code = 550,
		.status = STR("5.1.1"), .remote = STR("mx [1]") };
	bool utf8;
	struct buf out;
	struct str text;

	if (_i == 2)
		d.sender = STR("\xc3\xa4@me.test");
	memset(word, _i == 2 ? '\xff' : 'a', sizeof(word));
	for (size_t i = 0; _i == 1 && i < sizeof(word); i += 5)
		word[i] = ' ';
	r.text = str_n(word, sizeof(word));
	d.rcpts = &r;
	build(&d, &out, &utf8);
	text = buf_str(&out);
	while (text.n > 0)
		ck_assert_uint_le(str_take_until(&text, '\n').n,
		    _i == 1 ? 80 : 998);
	buf_clear(&out);
}
END_TEST

/* RFC 3464 2.3.7: where a report does not follow an attempt at once nobody
 * knows when the last one was. */
START_TEST(last_attempt)
{
	static const struct {
		enum dsn_action action;
		uint32_t code;
		const char *remote;
		bool is_there;
	} cases[] = {
		{ DSN_FAILED, 550, "mx.d.test [192.0.2.1]", true },
		{ DSN_FAILED, 451, "mx.d.test [192.0.2.1]", false }, /* late */
		{ DSN_FAILED, 550, "", false }, /* an administrator, an alias */
		{ DSN_RELAYED, 250, "mx.d.test [192.0.2.1]", true },
		{ DSN_DELIVERED, 250, "", true },
		{ DSN_EXPANDED, 250, "", false },
		{ DSN_DELAYED, 451, "mx.d.test [192.0.2.1]", false },
	};
	struct dsn d = request();
	struct dsn_rcpt r = failed_rcpts[0];
	bool utf8;
	struct buf out;

	d.action = cases[_i].action;
	d.rcpts = &r;
	r.code = cases[_i].code;
	r.remote = str_c(cases[_i].remote);
	ck_assert_int_eq(strstr(build(&d, &out, &utf8),
	    "\nLast-Attempt-Date: Fri, 13 Feb 2009 23:31:30 +0000\n") != NULL,
	    cases[_i].is_there);
	buf_clear(&out);
}
END_TEST

START_TEST(prefix)
{
	const struct dsn d = request();
	struct buf out;
	uint32_t at;

	buf_init(&out, 1000);
	dsn_prefix(&out, &d, &at);
	ck_assert(str_eq(buf_str(&out),
	    STR("Received: by me.test (Postern) id 0000000000000;\n"
	        "\tFri, 13 Feb 2009 23:31:30 +0000\n")));
	ck_assert(str_starts(
	    str_from(buf_str(&out), at), STR("0000000000000;")));
	buf_clear(&out);
}
END_TEST

static TCase *
reports(void)
{
	TCase *tc = tcase_create("dsn");

	tcase_add_test(tc, failed);
	tcase_add_test(tc, full);
	tcase_add_test(tc, late);
	tcase_add_test(tc, delayed);
	tcase_add_loop_test(tc, delayed_told, 0, 4);
	tcase_add_test(tc, international);
	tcase_add_test(tc, no_utf8);
	tcase_add_test(tc, downgraded);
	tcase_add_loop_test(tc, long_address, 0, 2);
	tcase_add_loop_test(tc, original_part, 0, (int)N_OF(originals));
	tcase_add_loop_test(tc, large_header, 0, 2);
	tcase_add_test(tc, original_long_line);
	tcase_add_test(tc, own_words);
	tcase_add_test(tc, injection);
	tcase_add_loop_test(tc, long_lines, 0, 3);
	tcase_add_loop_test(tc, last_attempt, 0, 7);
	tcase_add_test(tc, prefix);
	return tc;
}

UNIT_MAIN("bounce dsn", reports)
