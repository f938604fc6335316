#include "mail/charset.h"
#include "mail/mutf7.h"
#include "mail/param.h"
#include "mail/rfc2047.h"
#include "mail/transfer.h"
#include "mail/utf8.h"

#include "tests/unit/mail/exact.h"
#include "tests/unit/unit.h"

/* clang-format off */
static const struct {
	const char *in;
	bool ok;
} utf8s[] = {
	{ "a\303\251\342\202\254\360\237\230\200", true },
	{ "\300\200", false },         /* overlong NUL */
	{ "\301\277", false },
	{ "\340\237\277", false },
	{ "\360\217\277\277", false },
	{ "\355\240\200", false },     /* surrogate */
	{ "\355\237\277", true },
	{ "\364\220\200\200", false }, /* U+110000 */
	{ "\364\217\277\277", true },
	{ "\365\200\200\200", false },
	{ "\303", false },
	{ "\342\202", false },
	{ "\200", false },
	{ "\303a", false },
};
/* clang-format on */

START_TEST(utf8)
{
	struct str in = exact(str_c(utf8s[_i].in)), s = in;
	struct buf b;
	uint32_t c;

	buf_init(&b, 100);
	ck_assert_int_eq(utf8_ok(in), utf8s[_i].ok);
	if (utf8s[_i].ok) {
		while (utf8_take(&s, &c))
			utf8_put(&b, c);
		ck_str(buf_str(&b), in);
	} else {
		ck_assert(utf8_repair(&b, in));
		ck_assert(utf8_ok(buf_str(&b)));
	}
	buf_clear(&b);
	exact_free(in);
}
END_TEST

/* clang-format off */
static const struct {
	const char *utf8, *mutf7;
} boxes[] = {
	{ "INBOX", "INBOX" },
	{ "", "" },
	{ "a&b", "a&-b" },
	{ "&", "&-" },
	{ "~peter/mail/\345\217\260\345\214\227/\346\227\245\346\234\254\350\252\236",
	    "~peter/mail/&U,BTFw-/&ZeVnLIqe-" },
	{ "Entw\303\274rfe", "Entw&APw-rfe" },
	{ "\360\237\230\200", "&2D3eAA-" },
	{ "\303\251&", "&AOk-&-" },
};
static const char *const bad_boxes[] = {
	"a&b", "&", "&A-", "&AA-", "&AGE-", "a\303\251", "a\n", "&AOk",
	"&AOk-&AOk-", "&AOl-\001", "&2D0-", "&3gA-", "&2D0AYQ-", "&AOkA-",
	"&AOl=-", "&AOkB-", "&AAA-", "&AAo-",
};
/* clang-format on */

START_TEST(mailbox)
{
	struct buf b;

	buf_init(&b, 100);
	ck_assert(mutf7_encode(&b, str_c(boxes[_i].utf8)));
	ck_str(buf_str(&b), str_c(boxes[_i].mutf7));
	buf_reset(&b);
	ck_assert(mutf7_decode(&b, str_c(boxes[_i].mutf7)));
	ck_str(buf_str(&b), str_c(boxes[_i].utf8));
	buf_clear(&b);
}
END_TEST

START_TEST(bad_mailbox)
{
	struct str in = exact(str_c(bad_boxes[_i]));
	struct buf b;

	buf_init(&b, 100);
	buf_add(&b, STR("x"));
	ck_assert(!mutf7_decode(&b, in));
	ck_str(buf_str(&b), STR("x"));
	ck_assert(!mutf7_encode(&b, STR("a\377")));
	buf_clear(&b);
	exact_free(in);
}
END_TEST

/* clang-format off */
static const struct {
	const char *in, *out;
} words[] = {
	{ "plain text", "plain text" },
	{ "=?utf-8?q?a_b=C3=A9?=", "a b\303\251" },
	{ "=?UTF-8?B?w6k=?=", "\303\251" },
	{ "=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab" },
	{ "=?ISO-8859-1?Q?a?=\n =?ISO-8859-1?Q?b?= c", "ab c" },
	{ "x =?ISO-8859-1?Q?a?= y", "x a y" },
	{ "=?iso-8859-1?q?=E9?=", "\303\251" },
	{ "=?windows-1252?q?=80?=", "\342\202\254" },
	{ "=?koi8-r?B?8NLJ18XU?=", "\320\237\321\200\320\270\320\262\320\265\321\202" },
	{ "=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "\303\251" }, /* cut in two */
	{ "=?utf-8*en?q?x?=", "x" },
	{ "=?nosuch?q?x?=", "=?nosuch?q?x?=" },
	{ "=?utf-8?x?x?=", "=?utf-8?x?x?=" },
	{ "=?utf-8?q?x", "=?utf-8?q?x" },
	{ "=?utf-8?q?", "=?utf-8?q?" },
	{ "=?utf-8?q", "=?utf-8?q" },
	{ "=?", "=?" },
	{ "=", "=" },
	{ "=?utf-8?q?=?=", "=" },
	{ "=?utf-8?q?a=?=b", "a=b" },
	{ "a\377b", "a\357\277\275b" },
	{ "=?us-ascii?q?=FF?=", "\357\277\275" },
	{ "a\n b\r\n\tc", "a b\tc" },
	{ "", "" },
	{ "=?../../x?q?y?=", "=?../../x?q?y?=" },
};
/* clang-format on */

START_TEST(word)
{
	struct str whole = str_c(words[_i].in);

	for (size_t n = 0; n <= whole.n; n++) {
		struct str in = exact(str_first(whole, n));
		struct buf b;

		buf_init(&b, 1000);
		ck_assert(rfc2047_decode(&b, in));
		ck_assert(utf8_ok(buf_str(&b)));
		if (n == whole.n)
			ck_str(buf_str(&b), str_c(words[_i].out));
		buf_clear(&b);
		exact_free(in);
	}
}
END_TEST

START_TEST(charsets)
{
	struct buf b;

	buf_init(&b, 1000);
	charset_prepare();
	ck_assert(charset_to_utf8(&b, STR("iso-2022-jp"),
	    STR("\033$BF|K\\\033(B")));
	ck_str(buf_str(&b), STR("\346\227\245\346\234\254"));
	buf_reset(&b);
	ck_assert(charset_to_utf8(&b, STR("gb2312"), STR("\326\320\316")));
	ck_str(buf_str(&b), STR("\344\270\255\357\277\275"));
	buf_reset(&b);
	ck_assert(charset_to_utf8(&b, STR("shift_jis"), STR("a\377b")));
	ck_str(buf_str(&b), STR("a\357\277\275b"));
	ck_assert(!charset_to_utf8(&b, STR("x//TRANSLIT"), STR("a")));
	ck_assert(!charset_known(STR("ISO-2022-CN-EXT")));
	buf_clear(&b);
}
END_TEST

/* A long text passes the converter's small buffer many times. */
START_TEST(charset_long)
{
	struct buf in, out;

	buf_init(&in, BUF_NO_MAX);
	buf_init(&out, BUF_NO_MAX);
	for (int i = 0; i < 30000; i++)
		buf_add_char(&in, (char)0xe9);
	ck_assert(charset_to_utf8(&out, STR("windows-1252"), buf_str(&in)));
	ck_assert_uint_eq(buf_len(&out), 60000);
	ck_assert(utf8_ok(buf_str(&out)));
	buf_clear(&in);
	buf_clear(&out);
}
END_TEST

/* clang-format off */
static const struct {
	const char *in;
	const char *name;
	const char *value; /* as UTF-8; NULL: none */
} params[] = {
	{ "; charset=utf-8", "charset", "utf-8" },
	{ "; Charset = \"us-ascii\" (Plain text)", "charset", "us-ascii" },
	{ "; charset=us-ascii (Plain text)", "charset", "us-ascii" },
	{ ";a=1;b=2", "b", "2" },
	{ ";a=\"x;b=3\";b=2", "b", "2" },
	{ ";a=\"x\\\"y\\\\\"", "a", "x\"y\\" },
	{ ";a=\"x", "a", "x" },
	{ ";a=\"x\\", "a", "x\\" },
	{ ";a=", "a", "" },
	{ ";a", "a", NULL },
	{ ";", "a", NULL },
	{ "junk; a=1", "a", "1" },
	{ ";a=1;a=2", "a", "1" },
	{ ";name=my file.txt;b=1", "name", "my file.txt" },
	{ ";name=\"=?utf-8?q?=C3=A9?=\"", "name", "\303\251" },
	{ ";url*0=\"ftp://\";url*1=\"x/y\"", "url", "ftp://x/y" },
	{ ";url*1=\"x/y\"; url*0=\"ftp://\"", "url", "ftp://x/y" },
	{ ";t*=us-ascii'en-us'This%20is%20%2A%2A", "t", "This is **" },
	{ ";t*0*=iso-8859-1'de'%E9;t*1*=%E9;t*2=x%20", "t", "\303\251\303\251x%20" },
	{ ";t=plain;t*=utf-8''%C3%A9", "t", "\303\251" },
	{ ";t*=nosuch''%FFx", "t", "\357\277\275x" },
	{ ";t*=utf-8", "t", "utf-8" },
	{ ";t*=utf-8'", "t", "utf-8'" },
	{ ";t*=utf-8''%", "t", "%" },
	{ ";t*=utf-8''%4", "t", "%4" },
	{ ";t*1=x", "t", NULL },
	{ ";t*99999999999=x", "t", NULL },
	{ ";filename*0*=''a.ex;filename*1=e", "filename", "a.exe" }, /* I30 */
};
/* clang-format on */

START_TEST(parameter)
{
	struct str whole = str_c(params[_i].in);

	for (size_t n = 0; n <= whole.n; n++) {
		struct str in = exact(str_first(whole, n)), s = in, text;
		struct pool pool = { 0 };
		struct params p;
		bool found;

		params_take(&s, &pool, &p);
		found = params_text(&p, &pool, str_c(params[_i].name), &text);
		if (found)
			ck_assert(utf8_ok(text));
		if (n == whole.n) {
			ck_assert_int_eq(found, params[_i].value != NULL);
			if (found)
				ck_str(text, str_c(params[_i].value));
		}
		pool_clear(&pool);
		exact_free(in);
	}
}
END_TEST

/* I27: a flood of pieces costs no more than the first few. */
START_TEST(parameter_flood)
{
	struct buf b;
	struct pool pool = { 0 };
	struct params p;
	struct str s, text;

	buf_init(&b, BUF_NO_MAX);
	for (int i = 0; i < 100000; i++)
		buf_addf(&b, ";a*%d=x", i);
	s = buf_str(&b);
	params_take(&s, &pool, &p);
	ck_assert_uint_eq(p.count, PARAM_MAX);
	ck_assert(params_text(&p, &pool, STR("a"), &text));
	ck_assert_uint_eq(text.n, PARAM_MAX);
	pool_clear(&pool);
	buf_clear(&b);
}
END_TEST

/* clang-format off */
static const struct {
	enum transfer_kind kind;
	const char *in, *out;
} bodies[] = {
	{ TRANSFER_IDENTITY, "a=41\n", "a=41\n" },
	{ TRANSFER_UNKNOWN, "a=41\n", "a=41\n" },
	{ TRANSFER_QP, "a=41b", "aAb" },
	{ TRANSFER_QP, "a=4ab=e9", "aJb\351" },
	{ TRANSFER_QP, "a=\nb", "ab" },
	{ TRANSFER_QP, "a=\r\nb", "ab" },
	{ TRANSFER_QP, "a= \t\nb", "ab" },
	{ TRANSFER_QP, "a= b", "a= b" },
	{ TRANSFER_QP, "a  \nb \r\nc", "a\nb\r\nc" },
	{ TRANSFER_QP, "a  b", "a  b" },
	{ TRANSFER_QP, "a=zb", "a=zb" },
	{ TRANSFER_QP, "a=4zb", "a=4zb" },
	{ TRANSFER_QP, "a=4=41", "a=4A" },
	{ TRANSFER_QP, "a==41", "a=A" },
	{ TRANSFER_QP, "a=", "a" },
	{ TRANSFER_QP, "a=4", "a=4" },
	{ TRANSFER_QP, "a ", "a" },
	{ TRANSFER_BASE64, "YWJj", "abc" },
	{ TRANSFER_BASE64, "YWI=", "ab" },
	{ TRANSFER_BASE64, "YQ==", "a" },
	{ TRANSFER_BASE64, "YQ", "a" },
	{ TRANSFER_BASE64, "Y", "" },
	{ TRANSFER_BASE64, "Y W\nJ*j", "abc" },
	{ TRANSFER_BASE64, "YQ==YQ==", "aa" },
	{ TRANSFER_BASE64, "====", "" },
	{ TRANSFER_BASE64, "", "" },
};
/* clang-format on */

START_TEST(body)
{
	struct str in = str_c(bodies[_i].in);

	for (size_t cut = 0; cut <= in.n; cut++) {
		struct transfer t;
		struct buf b;

		buf_init(&b, 100);
		transfer_init(&t, bodies[_i].kind);
		ck_assert(transfer_feed(&t, str_first(in, cut), &b));
		ck_assert(transfer_feed(&t, str_from(in, cut), &b));
		ck_assert(transfer_end(&t, &b));
		ck_str(buf_str(&b), str_c(bodies[_i].out));
		buf_clear(&b);
	}
}
END_TEST

START_TEST(white_flood)
{
	struct transfer t;
	struct buf b;

	buf_init(&b, BUF_NO_MAX);
	transfer_init(&t, TRANSFER_QP);
	for (int i = 0; i < 10000; i++)
		ck_assert(transfer_feed(&t, STR(" "), &b));
	ck_assert(transfer_feed(&t, STR("=          "), &b));
	for (int i = 0; i < 10000; i++)
		ck_assert(transfer_feed(&t, STR("\t"), &b));
	ck_assert(transfer_feed(&t, STR("x"), &b));
	ck_assert(transfer_end(&t, &b));
	ck_assert_uint_eq(buf_len(&b), 20012);
	ck_assert_int_eq(transfer_kind(STR("BASE64")), TRANSFER_BASE64);
	ck_assert_int_eq(transfer_kind(STR("x-uu")), TRANSFER_UNKNOWN);
	buf_clear(&b);
}
END_TEST

static const struct {
	const char *text, *coded;
} encoded[] = {
	{ "", "" },
	{ "Your message", "Your message" },
	{ "Gr\303\274\303\237e", "=?utf-8?B?R3LDvMOfZQ==?=" },
	/* 44 octets, then a character of two: it goes into the next word. */
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\303\274",
	    "=?utf-8?B?YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"
	    "YWFhYWE=?=\n =?utf-8?B?w7w=?=" },
};

START_TEST(encoded_words)
{
	struct buf out, back;
	struct str left;

	buf_init(&out, 1000);
	buf_init(&back, 1000);
	rfc2047_encode(&out, str_c(encoded[_i].text));
	ck_assert_str_eq(buf_cstr(&out), encoded[_i].coded);
	ck_assert(rfc2047_decode(&back, buf_str(&out)));
	ck_assert_str_eq(buf_cstr(&back), encoded[_i].text);
	left = buf_str(&out);
	while (left.n > 0)
		ck_assert_uint_le(str_take_until(&left, '\n').n, 76);
	buf_clear(&out);
	buf_clear(&back);
}
END_TEST

static TCase *
characters(void)
{
	TCase *t = tcase_create("characters");

	tcase_add_loop_test(t, utf8, 0, (int)N_OF(utf8s));
	tcase_add_loop_test(t, mailbox, 0, (int)N_OF(boxes));
	tcase_add_loop_test(t, bad_mailbox, 0, (int)N_OF(bad_boxes));
	tcase_add_loop_test(t, word, 0, (int)N_OF(words));
	tcase_add_loop_test(t, encoded_words, 0, (int)N_OF(encoded));
	tcase_add_test(t, charsets);
	tcase_add_test(t, charset_long);
	return t;
}

static TCase *
content(void)
{
	TCase *t = tcase_create("content");

	tcase_add_loop_test(t, parameter, 0, (int)N_OF(params));
	tcase_add_test(t, parameter_flood);
	tcase_add_loop_test(t, body, 0, (int)N_OF(bodies));
	tcase_add_test(t, white_flood);
	return t;
}

UNIT_MAIN("text", characters, content)
