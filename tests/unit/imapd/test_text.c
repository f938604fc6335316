/* Patterns of LIST, sections of messages, what goes out, what is found. */
#include "tests/unit/unit.h"

#include "imapd/fold.h"
#include "imapd/match.h"
#include "imapd/section.h"
#include "imapd/text_search.h"
#include "imapd/window.h"
#include "mail/crlf.h"

/* clang-format off */
static const struct {
	const char *pattern, *name;
	bool ok;
} patterns[] = {
	{ "*", "a/b", true }, { "%", "a/b", false }, { "%", "a", true },
	{ "%/%", "a/b", true }, { "%/%", "a/b/c", false }, { "*/c", "a/b/c", true },
	{ "a*", "a", true }, { "a%c", "abc", true }, { "a%c", "a/c", false },
	{ "a*c", "a/c", true }, { "*%", "a/b", true }, { "%*", "a/b", true },
	{ "inbox", "INBOX", true }, { "InB*", "INBOX/x", true }, { "inbox/X", "INBOX/x", false },
	{ "a", "A", false }, { "", "a", false }, { "", "", true },
	{ "*b*b", "abcb", true }, { "%b*/c%d", "xb/y/cxd", true },
	{ "*a%", "xa/ya", true }, { "*a%", "xa/y", false },
	{ "**", "", true }, { "a.b", "axb", false },
};
/* clang-format on */

START_TEST(pattern)
{
	ck_assert_int_eq(match_mailbox(str_c(patterns[_i].pattern),
	    str_c(patterns[_i].name), '/'), patterns[_i].ok);
}
END_TEST

/* Many wildcards on a long name stay cheap. */
START_TEST(pattern_bomb)
{
	struct buf p, s;

	buf_init(&p, BUF_NO_MAX);
	buf_init(&s, BUF_NO_MAX);
	for (unsigned i = 0; i < 400; i++)
		buf_add_c(&p, "*a%");
	buf_add_char(&p, 'b');
	for (unsigned i = 0; i < 900; i++)
		buf_add_char(&s, 'a');
	ck_assert(!match_mailbox(buf_str(&p), buf_str(&s), '/'));
	buf_clear(&p);
	buf_clear(&s);
}
END_TEST

/* --- what goes out ---------------------------------------------------- */

static const char sample[] = "a\nbc\r\n\n\rd\n\xff e";
static const char sample_out[] = "a\r\nbc\r\n\r\n\rd\r\n\xff e";

/* Each window, in steps of each size, is that part of the whole. */
START_TEST(windows)
{
	struct str want = str_n(sample_out, sizeof(sample_out) - 1);

	for (size_t from = 0; from <= want.n + 1; from++)
		for (size_t count = 1; count <= want.n + 1; count++)
			for (size_t step = 1; step < sizeof(sample); step++) {
				struct window w;
				struct buf out;

				buf_init(&out, BUF_NO_MAX);
				window_init(&w, STR(sample), from, count);
				while (window_step(&w, &out, step))
					continue;
				ck_assert(str_eq(buf_str(&out),
				    str_first(str_from(want, from), count)));
				buf_clear(&out);
			}
}
END_TEST

/* --- sections --------------------------------------------------------- */

static const char message[] =
    "From: a@x.test\n"
    "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n"
    "MIME-Version: 1.0\n"
    "Content-Type: multipart/mixed; boundary=b\n"
    "\n"
    "preamble\n"
    "--b\n"
    "Content-Type: text/plain; charset=iso-8859-1\n"
    "Content-Transfer-Encoding: quoted-printable\n"
    "\n"
    "K=F6nig =\n"
    "Ludwig\n"
    "--b\n"
    "Content-Type: message/rfc822\n"
    "\n"
    "Subject: inner\n"
    "Content-Type: multipart/alternative; boundary=c\n"
    "\n"
    "--c\n"
    "\n"
    "one\n"
    "--c\n"
    "Content-Type: text/html\n"
    "Content-Transfer-Encoding: base64\n"
    "\n"
    "PGI+aGlkZGVuIHBlYXJsPC9iPg==\n"
    "--c--\n"
    "--b\n"
    "Content-Type: application/octet-stream\n"
    "\n"
    "secretattachment\n"
    "--b--\n";

/* clang-format off */
static const struct {
	const char *spec, *want; /* NULL: no such part */
} sections[] = {
	{ "[1]", "K=F6nig =\r\nLudwig" },
	{ "[1.MIME]", "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" },
	{ "[2.HEADER]", "Subject: inner\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n" },
	{ "[2.HEADER.FIELDS (subject)]", "Subject: inner\r\n\r\n" },
	{ "[2.HEADER.FIELDS.NOT (subject)]", "Content-Type: multipart/alternative; boundary=c\r\n\r\n" },
	{ "[2.1]", "one" },
	{ "[2.2]", "PGI+aGlkZGVuIHBlYXJsPC9iPg==" },
	{ "[2.2.MIME]", "Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n" },
	{ "[2.TEXT]", "--c\r\n\r\none\r\n--c\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+aGlkZGVuIHBlYXJsPC9iPg==\r\n--c--" },
	{ "[3]", "secretattachment" },
	{ "[4]", NULL },
	{ "[1.1]", NULL },
	{ "[1.HEADER]", NULL },
	{ "[1.TEXT]", NULL },
	{ "[2.3]", NULL },
	{ "[HEADER.FIELDS (FROM nothing)]", "From: a@x.test\r\n\r\n" },
	{ "[HEADER.FIELDS (nothing)]", "\r\n" },
	{ "[HEADER]", "From: a@x.test\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" },
};
/* clang-format on */

START_TEST(a_section)
{
	struct pool pool = { 0 };
	struct mime m;
	struct str msg = STR(message), spec = str_c(sections[_i].spec), octets;
	struct section s;
	struct section_span span;
	struct window w;
	struct buf out;
	char last = 0;

	buf_init(&out, BUF_NO_MAX);
	ck_assert(section_take(&spec, &pool, &s) && spec.n == 0);
	section_put(&out, &s);
	ck_assert_str_eq(buf_cstr(&out), sections[_i].spec);
	buf_reset(&out);
	mime_parse(&m, &pool, msg);
	section_find(&s, &m, msg, crlf_size(msg, &last), &span);
	ck_assert_int_eq(span.exists, sections[_i].want != NULL);
	octets = str_from(str_first(msg, (size_t)span.end), (size_t)span.at);
	if (span.exists && s.field_n != 0) {
		section_fields(&s, octets, &out);
	} else if (span.exists) {
		window_init(&w, octets, 0, UINT64_MAX);
		while (window_step(&w, &out, 7))
			continue;
		ck_assert_uint_eq(span.crlf, buf_len(&out));
	}
	ck_assert_str_eq(buf_cstr(&out),
	    sections[_i].want == NULL ? "" : sections[_i].want);
	buf_clear(&out);
	pool_clear(&pool);
}
END_TEST

/* --- what is found ---------------------------------------------------- */

static const struct {
	const char *needle;
	bool body, text;
} needles[] = {
	{ "k\xc3\xb6nig ludwig", true, true },
	{ "K\xc3\x96NIG", true, true },
	{ "hidden PEARL", true, true },
	{ "one", true, true },
	{ "inner", true, true },             /* a header of a part */
	{ "gr\xc3\xbc\xc3\x9f" "e", false, true }, /* the message's own */
	{ "a@x.test", false, true },
	{ "from: a", false, true },
	{ "secretattachment", false, false }, /* is no text */
	{ "preamble", false, false },
	{ "nowhere", false, false },
	{ "", true, true },
};

START_TEST(search)
{
	struct pool pool = { 0 };
	struct str needle = fold_pool(&pool, str_c(needles[_i].needle));
	struct text_need needs[] = { { needle, false, false },
		{ needle, true, false } };
	struct text_search t;

	text_search_init(&t, STR(message), needs, 2);
	while (text_search_step(&t))
		continue;
	text_search_clear(&t);
	ck_assert_int_eq(needs[0].found, needles[_i].body);
	ck_assert_int_eq(needs[1].found, needles[_i].text);
	pool_clear(&pool);
}
END_TEST

/* A match that lies across the pieces of a large body is found. */
START_TEST(search_far)
{
	struct text_need need = { STR("needle in\nthe hay"), false, false };
	struct text_search t;
	struct buf msg;

	for (size_t pad = 65500; pad < 65560; pad++) {
		buf_init(&msg, BUF_NO_MAX);
		buf_add_c(&msg, "Subject: x\n\n");
		for (size_t i = 0; i < pad; i++)
			buf_add_char(&msg, i % 80 == 79 ? '\n' : 'x');
		buf_add_c(&msg, "Needle in\nthe hay");
		for (size_t i = 0; i < 70000; i++)
			buf_add_char(&msg, 'y');
		need.found = false;
		text_search_init(&t, buf_str(&msg), &need, 1);
		while (text_search_step(&t))
			continue;
		text_search_clear(&t);
		ck_assert(need.found);
		buf_clear(&msg);
	}
}
END_TEST

START_TEST(header)
{
	struct str msg = STR(message);

	ck_assert(text_search_header(msg, STR("subject"),
	    STR("gr\xc3\xbc\xc3\x9f")));
	ck_assert(text_search_header(msg, STR("SUBJECT"), STR("")));
	ck_assert(!text_search_header(msg, STR("To"), STR("")));
	ck_assert(!text_search_header(msg, STR("Subject"), STR("inner")));
}
END_TEST

static TCase *
patterns_case(void)
{
	TCase *tc = tcase_create("patterns");

	tcase_add_loop_test(tc, pattern, 0, N_OF(patterns));
	tcase_add_test(tc, pattern_bomb);
	return tc;
}

static TCase *
sections_case(void)
{
	TCase *tc = tcase_create("sections");

	tcase_add_loop_test(tc, a_section, 0, N_OF(sections));
	tcase_add_test(tc, windows);
	return tc;
}

static TCase *
search_case(void)
{
	TCase *tc = tcase_create("search");

	tcase_add_loop_test(tc, search, 0, N_OF(needles));
	tcase_add_test(tc, search_far);
	tcase_add_test(tc, header);
	return tc;
}

UNIT_MAIN("imapd-text", patterns_case, sections_case, search_case)
