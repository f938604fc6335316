/* Commands and literals, the input cut at every position. */
#include "tests/unit/unit.h"

#include "imapd/reader.h"

enum { LINE = 64, LITERAL = 16 };

/*
 * Runs the reader over in, given in two pieces, and writes what happened:
 * [C text] a command, [K n] a literal kept, [R n] one refused, [S octets]
 * one streamed, [L] [B] [E] the failures.
 */
static void
run(struct buf *out, struct str first, struct str second)
{
	struct reader r;
	struct str in = first;
	bool turned = false, streaming = false;

	reader_init(&r, LINE, LITERAL);
	r.skip_max = 400;
	for (;;) {
		switch (reader_feed(&r, &in)) {
		case READER_MORE:
			if (turned)
				goto done;
			turned = true;
			in = second;
			continue;
		case READER_COMMAND:
			if (streaming)
				buf_add_char(out, ']');
			streaming = false;
			buf_addf(out, "[C %.*s]", STR_ARG(reader_text(&r)));
			continue;
		case READER_LITERAL:
			if (str_find_str(reader_text(&r), STR("APPEND")) !=
			    reader_text(&r).n) {
				buf_add_c(out, "[S ");
				streaming = true;
				reader_stream(&r);
			} else if (reader_fits(&r)) {
				buf_addf(out, "[K %d]", (int)r.size);
				reader_keep(&r);
			} else {
				buf_addf(out, "[R %d]", (int)r.size);
				reader_refuse(&r);
			}
			continue;
		case READER_STREAM:
			buf_add(out, reader_take(&r, &in, 3));
			continue;
		case READER_LONG:
			buf_add_c(out, "[L]");
			continue;
		case READER_BARE:
			buf_add_c(out, "[B]");
			continue;
		case READER_ENDLESS:
			buf_add_c(out, "[E]");
			goto done;
		}
	}
done:
	reader_clear(&r);
}

#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16

/* clang-format off */
static const struct {
	const char *in, *want;
	size_t n; /* 0: strlen */
} inputs[] = {
	{ "A NOOP\r\nB NOOP\r\n", "[C A NOOP][C B NOOP]", 0 },
	{ "A X {3}\r\nabc d\r\n", "[K 3][C A X {3}\r\nabc d]", 0 },
	{ "A X {3+}\r\na\r\n {1+}\r\nb\r\nC\r\n",
	  "[K 3][K 1][C A X {3+}\r\na\r\n {1+}\r\nb][C C]", 0 },
	{ "A X {0}\r\n y\r\n", "[K 0][C A X {0}\r\n y]", 0 },
	{ "A APPEND {5}\r\nab\r\nc\r\nB\r\n", "[S ab\r\nc][C A APPEND {5}\r\n][C B]", 0 },
	{ "A APPEND {0}\r\n\r\nB\r\n", "[S ][C A APPEND {0}\r\n][C B]", 0 },
	/* refused: a synchronising one never comes, the other is skipped */
	{ "A X {17}\r\nB NOOP\r\n", "[R 17][C B NOOP]", 0 },
	{ "A X {17+}\r\n" X16 "y more\r\nB\r\n", "[R 17][C B]", 0 },
	{ "A X {17+}\r\n" X16 "y {20+}\r\n" X16 "yyyy\r\nB\r\n", "[R 17][C B]", 0 },
	/* over the cap of all literals together */
	{ "A {16+}\r\n" X16 " {16+}\r\n" X16 " {1+}\r\ny\r\nB\r\n",
	  "[K 16][K 16][R 1][C B]", 0 },
	{ "A " X64 "\r\nB\r\n", "[L][C B]", 0 },
	{ "A " X64 " {3+}\r\nabc\r\nB\r\n", "[L][C B]", 0 },
	{ "A " X64 X64 X64 X64 X64 X64 X64 "\r\nB\r\n", "[E]", 0 },
	{ "A NOOP\nB\r\n", "[B][C B]", 0 },
	{ "A\rB\r\nC\r\n", "[B][C C]", 0 },
	{ "A\0B\r\nC\r\n", "[B][C C]", 8 },
	{ "\r\nC\r\n", "[C ][C C]", 0 },
};
/* clang-format on */

START_TEST(cuts)
{
	struct str in = str_c(inputs[_i].in);
	struct buf got;

	if (inputs[_i].n != 0)
		in.n = inputs[_i].n;
	for (size_t cut = 0; cut <= in.n; cut++) {
		buf_init(&got, BUF_NO_MAX);
		run(&got, str_first(in, cut), str_from(in, cut));
		ck_assert_str_eq(buf_cstr(&got), inputs[_i].want);
		buf_clear(&got);
	}
}
END_TEST

/* Announcing costs nothing: memory grows with what came. */
START_TEST(huge)
{
	struct reader r;
	struct str in = STR("A APPEND x {4294967295}\r\n");

	reader_init(&r, 65536, 65536);
	ck_assert_int_eq(reader_feed(&r, &in), READER_LITERAL);
	ck_assert(!reader_fits(&r));
	ck_assert_uint_eq(r.size, 4294967295u);
	ck_assert_uint_lt(r.cmd.cap, 8192);
	reader_clear(&r);
}
END_TEST

static TCase *
reading(void)
{
	TCase *tc = tcase_create("reading");

	tcase_add_loop_test(tc, cuts, 0, N_OF(inputs));
	tcase_add_test(tc, huge);
	return tc;
}

UNIT_MAIN("imapd-reader", reading)
