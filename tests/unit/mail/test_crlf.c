#include "mail/crlf.h"

#include "mail/line.h"
#include "tests/unit/mail/exact.h"
#include "tests/unit/unit.h"

/* --- the text of DATA --- */

/* clang-format off */
static const struct {
	const char *in;
	const char *out;
	bool over, cr, lf;
	const char *rest;
} datas[] = {
	{ ".\r\n", "", true, false, false, "" },
	{ "\r\n.\r\n", "\n", true, false, false, "" },
	{ "a\r\n.\r\nQUIT\r\n", "a\n", true, false, false, "QUIT\r\n" },
	{ "a\r\n..\r\n.b\r\n.\r\n", "a\n.\nb\n", true, false, false, "" },
	{ "...\r\n.\r\n", "..\n", true, false, false, "" },
	{ "a.\r\n.\r\n", "a.\n", true, false, false, "" },
	/* I12: nothing but CRLF.CRLF ends it */
	{ "a\n.\nb\r\n", "a\n.\nb\n", false, false, true, "" },
	{ "a\n.\r\nb\r\n", "a\n.\nb\n", false, false, true, "" },
	{ "a\r\n.\nb\r\n", "a\n\nb\n", false, false, true, "" },
	{ "a\r.\rb\r\n", "a\r.\rb\n", false, true, false, "" },
	{ "a\r\n.\rb\r\n", "a\n\rb\n", false, true, false, "" },
	{ "a\r.\r\nb\r\n", "a\r.\nb\n", false, true, false, "" },
	{ "a\r\r\n.\r\n", "a\r\n", true, true, false, "" },
	{ "a\r\n.\r\r\n.\r\n", "a\n\r\n", true, true, false, "" },
	{ "a\n\r\n.\r\n", "a\n\n", true, false, true, "" },
	{ "a\r", "a", false, false, false, "" },
	{ "a\r\n.", "a\n", false, false, false, "" },
};
/* clang-format on */

/* Feeds in in two pieces, cut at cut. */
static bool
data_cut(struct crlf_in *d, struct str in, size_t cut, struct buf *out,
    struct str *rest)
{
	struct str a = exact(str_first(in, cut)), b = exact(str_from(in, cut));
	struct str s = a;
	bool over;

	crlf_in_init(d);
	over = crlf_in_feed(d, &s, out);
	if (over) {
		*rest = str_from(in, cut - s.n);
	} else {
		s = b;
		over = crlf_in_feed(d, &s, out);
		*rest = str_from(in, in.n - s.n);
	}
	exact_free(a);
	exact_free(b);
	return over;
}

START_TEST(data)
{
	struct str in = str_c(datas[_i].in), rest;
	struct crlf_in d;
	struct buf b;

	for (size_t cut = 0; cut <= in.n; cut++) {
		buf_init(&b, 100);
		ck_assert_int_eq(
		    data_cut(&d, in, cut, &b, &rest), datas[_i].over);
		ck_str(buf_str(&b), str_c(datas[_i].out));
		ck_str(rest, str_c(datas[_i].rest));
		ck_assert_int_eq(d.bare_cr, datas[_i].cr);
		ck_assert_int_eq(d.bare_lf, datas[_i].lf);
		ck_assert_uint_eq(d.size, buf_len(&b));
		buf_clear(&b);
	}
}
END_TEST

/* I12: every way to write two line ends around a dot with CR, LF, CRLF, NUL
 * and VT, two of them on each side. */
START_TEST(smuggling)
{
	static const char *const ends[] = { "\r", "\n", "\r\n", "\0", "\v" };
	static const size_t sizes[] = { 1, 1, 2, 1, 1 };

	for (int i = 0; i < 625; i++) {
		int n[4] = { i / 125, i / 25 % 5, i / 5 % 5, i % 5 };
		struct crlf_in d;
		struct buf in, out;
		struct str s;
		bool ends_here;

		buf_init(&in, 100);
		buf_init(&out, 100);
		buf_add(&in, STR("a"));
		for (int k = 0; k < 4; k++) {
			if (k == 2)
				buf_add(&in, STR("."));
			buf_add(&in, str_n(ends[n[k]], sizes[n[k]]));
		}
		buf_add(&in, STR("b"));
		s = buf_str(&in);
		ends_here = str_find_str(s, STR("\r\n.\r\n")) < s.n;
		crlf_in_init(&d);
		ck_assert_int_eq(crlf_in_feed(&d, &s, &out), ends_here);
		buf_clear(&in);
		buf_clear(&out);
	}
}
END_TEST

START_TEST(facts)
{
	struct crlf_in d;
	struct buf b;
	struct str s = str_n("abc\0\r\n\303\251\r\nlonger line\r\n.\r\n", 27);

	buf_init(&b, 100);
	crlf_in_init(&d);
	ck_assert(crlf_in_feed(&d, &s, &b));
	ck_assert(d.nul && d.eight && !d.bare_cr && !d.bare_lf);
	ck_assert_uint_eq(d.longest, 11);
	buf_clear(&b);
}
END_TEST

START_TEST(counted)
{
	struct str in = STR("a\r\n.\r\n..b\rc\nd\r");

	for (size_t cut = 0; cut <= in.n; cut++) {
		struct crlf_in d;
		struct buf b;

		buf_init(&b, 100);
		crlf_in_init(&d);
		crlf_in_counted(&d, str_first(in, cut), &b);
		crlf_in_counted(&d, str_from(in, cut), &b);
		crlf_in_end(&d, &b);
		ck_str(buf_str(&b), STR("a\n.\n..b\rc\nd\r"));
		ck_assert(d.bare_cr && d.bare_lf);
		ck_assert_uint_eq(d.size, buf_len(&b));
		buf_clear(&b);
	}
}
END_TEST

static void
same_facts(const struct crlf_in *a, const struct crlf_in *b)
{
	ck_assert_int_eq(a->bare_cr, b->bare_cr);
	ck_assert_int_eq(a->bare_lf, b->bare_lf);
	ck_assert_int_eq(a->nul, b->nul);
	ck_assert_int_eq(a->eight, b->eight);
	ck_assert_uint_eq(a->line, b->line);
	ck_assert_uint_eq(a->longest, b->longest);
	ck_assert_uint_eq(a->size, b->size);
}

/* Plain octets are taken many at a time: what is special is found wherever
 * among them it stands, as when each comes alone. */
START_TEST(many_at_a_time)
{
	static const char specials[] = "\r\n\0\200\377.\r\n";
	uint32_t r = (uint32_t)_i + 1;
	struct crlf_in whole, single;
	struct buf in, a, b;
	struct str s;

	buf_init(&in, 1000);
	buf_init(&a, 2000);
	buf_init(&b, 2000);
	while (buf_len(&in) < 600) {
		r = r * 1103515245 + 12345;
		if (r >> 16 & 7)
			buf_add_char(&in, (char)('a' + (r >> 20) % 26));
		else
			buf_add_char(&in, specials[(r >> 20) % 8]);
		if ((r >> 28) == 0)
			buf_add(&in, STR("a line of plain text and no less\r\n"));
	}
	s = exact(buf_str(&in));
	crlf_in_init(&whole);
	crlf_in_init(&single);
	crlf_in_counted(&whole, s, &a);
	for (size_t i = 0; i < s.n; i++)
		crlf_in_counted(&single, str_first(str_from(s, i), 1), &b);
	ck_str(buf_str(&a), buf_str(&b));
	same_facts(&whole, &single);
	buf_reset(&a);
	buf_reset(&b);
	crlf_in_init(&whole);
	crlf_in_init(&single);
	for (struct str rest = s; rest.n != 0; )
		crlf_in_feed(&whole, &rest, &a);
	for (size_t i = 0; i < s.n; i++) {
		struct str one = str_first(str_from(s, i), 1);

		crlf_in_feed(&single, &one, &b);
	}
	ck_str(buf_str(&a), buf_str(&b));
	same_facts(&whole, &single);
	exact_free(s);
	buf_clear(&in);
	buf_clear(&a);
	buf_clear(&b);
}
END_TEST

/* --- on the way out --- */

/* clang-format off */
static const struct {
	const char *in;
	bool dots, strict;
	const char *out; /* with crlf_out_end */
} outs[] = {
	{ "", false, false, "" },
	{ "", true, false, ".\r\n" },
	{ "a\n", true, false, "a\r\n.\r\n" },
	{ "a", true, false, "a\r\n.\r\n" },
	{ "a\r\n", true, false, "a\r\n.\r\n" },
	{ ".\n..\na.b\n", true, false, "..\r\n...\r\na.b\r\n.\r\n" },
	{ ".\n..\n", false, false, ".\r\n..\r\n" },
	{ "a\rb\n", true, false, "a\rb\r\n.\r\n" },
	{ "a\rb\n", true, true, "a\r\nb\r\n.\r\n" },
	{ "a\r.b\n", true, true, "a\r\n..b\r\n.\r\n" },
	{ "a\r\r\n.", true, true, "a\r\n\r\n..\r\n.\r\n" },
	{ "a\r", true, true, "a\r\n.\r\n" },
	{ "a\r", true, false, "a\r\r\n.\r\n" },
	{ "\n\n", false, false, "\r\n\r\n" },
};
/* clang-format on */

static void
out_cut(size_t i, size_t cut, size_t most, struct buf *out)
{
	struct str in = str_c(outs[i].in);
	struct crlf_out o;

	crlf_out_init(&o, outs[i].dots);
	o.strict = outs[i].strict;
	for (int k = 0; k < 2; k++) {
		struct str piece = exact(
		    k == 0 ? str_first(in, cut) : str_from(in, cut));
		struct str s = piece;

		while (s.n != 0) {
			size_t was = buf_len(out);

			crlf_out_feed(&o, &s, out, most);
			ck_assert_uint_le(buf_len(out), was + most + 3);
		}
		exact_free(piece);
	}
	crlf_out_end(&o, out);
}

START_TEST(out)
{
	for (size_t cut = 0; cut <= strlen(outs[_i].in); cut++) {
		for (size_t most = 1; most < 8; most++) {
			struct buf b;

			buf_init(&b, 100);
			out_cut((size_t)_i, cut, most, &b);
			ck_str(buf_str(&b), str_c(outs[_i].out));
			buf_clear(&b);
		}
	}
}
END_TEST

START_TEST(sizes)
{
	struct str in = STR("a\nb\r\n\n\r\nc\r\r\nd");

	for (size_t cut = 0; cut <= in.n; cut++) {
		char last = 0;
		uint64_t n = crlf_size(str_first(in, cut), &last);

		n += crlf_size(str_from(in, cut), &last);
		ck_assert_uint_eq(n, in.n + 2);
	}
	ck_assert_uint_eq(crlf_lines(in), 5);
	ck_assert_uint_eq(crlf_lines(STR_NONE), 0);
}
END_TEST

/* --- command lines --- */

/* clang-format off */
static const struct {
	const char *in; /* L: one line is read after the other */
	bool lenient;
	const char *results; /* "ok", "long", "bare" of each, as o l b e */
} lines[] = {
	{ "A\r\nB\r\n", false, "oo" },
	{ "\r\n", false, "o" },
	{ "A\nB\r\n", false, "bo" },
	{ "A\nB\r\n", true, "oo" },
	{ "A\rB\r\n", false, "b" },
	{ "A\r\r\n", false, "b" },
	{ "A\rB\n", true, "b" },
	{ "12345678\r\nA\r\n", false, "oo" },
	{ "123456789\r\nA\r\n", false, "lo" },
	{ "1234567890123\r\nA\r\n", false, "lo" },
};
/* clang-format on */

START_TEST(feeding)
{
	struct str in = str_c(lines[_i].in);

	for (size_t cut = 0; cut <= in.n; cut++) {
		struct line l;
		struct str line;
		char results[10] = "";
		size_t n = 0;

		line_init(&l, 10);
		l.lf_ends = lines[_i].lenient;
		for (int k = 0; k < 2; k++) {
			struct str s = k == 0 ? str_first(in, cut) :
			    str_from(in, cut);
			enum line_result r;

			while ((r = line_feed(&l, &s, &line)) != LINE_MORE)
				results[n++] = "molbe"[r];
		}
		ck_assert_str_eq(results, lines[_i].results);
		ck_assert(!line_is_open(&l));
		line_clear(&l);
	}
}
END_TEST

START_TEST(line_text)
{
	struct str in = STR("MAIL FROM:<a@b>\r\nx"), line;
	struct line l;

	line_init(&l, 100);
	ck_assert_int_eq(line_feed(&l, &in, &line), LINE_OK);
	ck_str(line, STR("MAIL FROM:<a@b>"));
	ck_str(in, STR("x"));
	ck_assert_int_eq(line_feed(&l, &in, &line), LINE_MORE);
	ck_assert(line_is_open(&l));
	in = str_n("\0\r\n", 3);
	ck_assert_int_eq(line_feed(&l, &in, &line), LINE_BARE);
	line_clear(&l);
}
END_TEST

/* I06: memory stays flat, and there is an end. */
START_TEST(endless)
{
	struct line l;
	struct str line;
	enum line_result r = LINE_MORE;
	size_t fed = 0;

	line_init(&l, 100);
	while (r == LINE_MORE && fed < 100000) {
		struct str in = STR("xxxxxxxxxx");

		r = line_feed(&l, &in, &line);
		fed += 10;
	}
	ck_assert_int_eq(r, LINE_ENDLESS);
	ck_assert_uint_le(fed, 6500);
	ck_assert_uint_le(buf_len(&l.buf), 100);
	line_clear(&l);
}
END_TEST

static TCase *
incoming(void)
{
	TCase *t = tcase_create("incoming");

	tcase_add_loop_test(t, data, 0, (int)N_OF(datas));
	tcase_add_test(t, smuggling);
	tcase_add_test(t, facts);
	tcase_add_loop_test(t, many_at_a_time, 0, 200);
	tcase_add_test(t, counted);
	return t;
}

static TCase *
outgoing(void)
{
	TCase *t = tcase_create("outgoing");

	tcase_add_loop_test(t, out, 0, (int)N_OF(outs));
	tcase_add_test(t, sizes);
	return t;
}

static TCase *
commands(void)
{
	TCase *t = tcase_create("commands");

	tcase_add_loop_test(t, feeding, 0, (int)N_OF(lines));
	tcase_add_test(t, line_text);
	tcase_add_test(t, endless);
	return t;
}

UNIT_MAIN("crlf", incoming, outgoing, commands)
