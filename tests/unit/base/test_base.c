#include <stdio.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/crc32c.h"
#include "base/fill.h"
#include "base/id.h"
#include "base/json.h"
#include "base/map.h"
#include "base/num.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/wire.h"
#include "tests/unit/unit.h"

static const struct {
	const char *plain, *coded;
} base64_good[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
	{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" } };

START_TEST(base64_vectors)
{
	struct buf b;

	buf_init(&b, 64);
	ck_assert(base64_encode(&b, str_c(base64_good[_i].plain)));
	ck_assert_str_eq(buf_cstr(&b), base64_good[_i].coded);
	buf_reset(&b);
	ck_assert(base64_decode(&b, str_c(base64_good[_i].coded)));
	ck_assert_str_eq(buf_cstr(&b), base64_good[_i].plain);
	buf_clear(&b);
}
END_TEST

static const char *const base64_bad[] = { "Z", "Zg", "Zg=", "Zg===", "Z===",
	"Zh==", "Zm9=", "Zm 9", "=Zg=", "Zg==Zg==", "Zm9v\n", "Zm9*" };

START_TEST(base64_refused)
{
	struct buf b;

	buf_init(&b, 64);
	buf_add_c(&b, "kept");
	ck_assert(!base64_decode(&b, str_c(base64_bad[_i])));
	ck_assert_str_eq(buf_cstr(&b), "kept");
	buf_clear(&b);
}
END_TEST

/* Every length and padding: what is encoded decodes to the same (I07). */
START_TEST(base64_all_lengths)
{
	char in[1026];
	struct buf coded, back;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)(i * 37 + (size_t)_i);
	buf_init(&coded, 4096);
	buf_init(&back, 4096);
	ck_assert(base64_encode(&coded, str_n(in, (size_t)_i)));
	ck_assert(base64_decode(&back, buf_str(&coded)));
	ck_assert(str_eq(buf_str(&back), str_n(in, (size_t)_i)));
	buf_clear(&coded);
	buf_clear(&back);
}
END_TEST

START_TEST(crc_known)
{
	const char *digits = "123456789";
	char zeros[32] = { 0 };

	/* RFC 3720 B.4 */
	ck_assert_uint_eq(crc32c(0, zeros, 32), 0x8a9136aa);
	ck_assert_uint_eq(crc32c(0, "123456789", 9), 0xe3069283);
	for (size_t cut = 0; cut <= 9; cut++)
		ck_assert_uint_eq(crc32c(crc32c(0, digits, cut), digits + cut,
		    9 - cut), 0xe3069283);
}
END_TEST

/* Long texts are done in pieces of their own. */
START_TEST(crc_long)
{
	static unsigned char text[20000];
	uint32_t r = 1, whole, pieces, octets = 0;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (unsigned char)((r = r * 1103515245 + 12345) >> 16);
	for (size_t n = 3000; n < sizeof(text); n += 1013) {
		whole = crc32c(7, text + n % 8, n - 8);
		pieces = 7;
		for (size_t at = 0; at < n - 8; at += 1000)
			pieces = crc32c(pieces, text + n % 8 + at,
			    n - 8 - at < 1000 ? n - 8 - at : 1000);
		ck_assert_uint_eq(whole, pieces);
	}
	whole = crc32c(0, text, sizeof(text));
	for (size_t i = 0; i < sizeof(text); i++)
		octets = crc32c(octets, text + i, 1);
	ck_assert_uint_eq(whole, octets);
}
END_TEST

START_TEST(buf_limits)
{
	struct buf b;

	buf_init(&b, 10);
	ck_assert(buf_add_c(&b, "12345"));
	ck_assert(!buf_add_c(&b, "678901"));
	ck_assert(b.overflow);
	ck_assert_str_eq(buf_cstr(&b), "12345");
	buf_drop(&b, 3);
	ck_assert(buf_add_c(&b, "67890ABC"));
	ck_assert_str_eq(buf_cstr(&b), "4567890ABC");
	ck_assert(!buf_addf(&b, "%d", 1));
	buf_clear(&b);
}
END_TEST

START_TEST(buf_long_format)
{
	struct buf b;

	buf_init(&b, BUF_NO_MAX);
	for (int i = 0; i < 50; i++)
		ck_assert(buf_addf(&b, "%0*d", 300, i));
	ck_assert_uint_eq(buf_len(&b), 50 * 300);
	ck_assert(str_ends(buf_str(&b), STR("0049")));
	buf_clear(&b);
}
END_TEST

START_TEST(ids)
{
	static const uint64_t all[] = { 0, 1, 31, 32, UINT64_MAX,
		UINT64_MAX - 1, 0x0123456789abcdef };
	char text[ID_TEXT + 1], last[ID_TEXT + 1] = "";
	uint64_t back;

	for (size_t i = 0; i < N_OF(all); i++) {
		id_text(all[i], text);
		ck_assert(id_parse(str_c(text), &back));
		ck_assert_uint_eq(back, all[i]);
	}
	for (uint64_t v = 1; v != 0; v <<= 1) {
		id_text(v, text);
		ck_assert_int_lt(strcmp(last, text), 0);
		memcpy(last, text, sizeof(last));
	}
	ck_assert(!id_parse(STR("G000000000000"), &back));
	ck_assert(!id_parse(STR("000000000000"), &back));
	ck_assert(!id_parse(STR("000000000000U"), &back));
}
END_TEST

START_TEST(map_many)
{
	struct map m;
	static int values[5000];
	char key[16];
	size_t pos = 0, n = 0;

	map_init(&m);
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		ck_assert_ptr_null(map_set(&m, str_c(key), &values[i]));
	}
	for (int i = 0; i < 5000; i += 2) {
		snprintf(key, sizeof(key), "key%d", i);
		ck_assert_ptr_eq(map_del(&m, str_c(key)), &values[i]);
	}
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		ck_assert_ptr_eq(map_get(&m, str_c(key)),
		    i % 2 != 0 ? &values[i] : NULL);
	}
	while (map_next(&m, &pos, NULL) != NULL)
		n++;
	ck_assert_uint_eq(n, 2500);
	map_clear(&m);
}
END_TEST

/* Keys that come and go must not fill the table for good. */
START_TEST(map_churn)
{
	struct map m;
	int value = 0;

	map_init(&m);
	for (uint64_t i = 0; i < 100000; i++) {
		map_set_id(&m, i, &value);
		if (i >= 10)
			ck_assert_ptr_eq(map_del_id(&m, i - 10), &value);
	}
	ck_assert_uint_eq(m.n, 10);
	ck_assert_uint_le(m.cap, 64);
	map_clear(&m);
}
END_TEST

static const struct {
	const char *in;
	bool ok;
	uint64_t want;
} numbers[] = { { "0", true, 0 }, { "18446744073709551615", true, UINT64_MAX },
	{ "18446744073709551616", false, 0 }, { "", false, 0 },
	{ "-1", false, 0 }, { "+1", false, 0 }, { "1x", false, 0 },
	{ " 1", false, 0 } };

START_TEST(number_vectors)
{
	uint64_t v = 7;

	ck_assert_int_eq(num_u64(str_c(numbers[_i].in), &v), numbers[_i].ok);
	ck_assert_uint_eq(v, numbers[_i].ok ? numbers[_i].want : 7);
}
END_TEST

struct sample {
	uint32_t a;
	struct str s;
	uint64_t b;
	uint8_t c;
};
static const struct wire_field sample_fields[] = {
	W_ENUM(sample, a, 9), W_STR(sample, s, 8), W_U64(sample, b),
	W_U8(sample, c),
};
static const struct wire sample_wire = WIRE(sample, sample_fields);

START_TEST(wire_both_ways)
{
	struct sample in = { 9, STR("12345678"), 1ull << 60, 255 }, out;
	struct buf b;
	struct str s;

	buf_init(&b, 1024);
	ck_assert(wire_put(&b, &sample_wire, &in));
	ck_assert_uint_eq(buf_len(&b), wire_most(&sample_wire));
	for (size_t cut = 0; cut < buf_len(&b); cut++) {
		s = str_first(buf_str(&b), cut);
		ck_assert(!wire_take(&s, &sample_wire, &out));
		ck_assert_uint_eq(s.n, cut);
	}
	s = buf_str(&b);
	ck_assert(wire_take(&s, &sample_wire, &out));
	ck_assert_uint_eq(s.n, 0);
	ck_assert_uint_eq(out.a, 9);
	ck_assert(str_eq(out.s, in.s));
	ck_assert_uint_eq(out.b, in.b);
	ck_assert_uint_eq(out.c, in.c);
	in.a = 10;
	ck_assert(!wire_put(&b, &sample_wire, &in));
	in.a = 1;
	in.s = STR("123456789");
	ck_assert(!wire_put(&b, &sample_wire, &in));
	ck_assert_uint_eq(buf_len(&b), wire_most(&sample_wire));
	b.p[0] = 10; /* an enum out of range */
	s = buf_str(&b);
	ck_assert(!wire_take(&s, &sample_wire, &out));
	buf_clear(&b);
}
END_TEST

START_TEST(json_escapes)
{
	struct buf b;

	buf_init(&b, BUF_NO_MAX);
	json_open(&b);
	json_str(&b, "a\"", str_n("x\n\0\xc3\xa9\xff\"\\", 8));
	json_list(&b, "l");
	json_item(&b, STR("1"));
	json_item(&b, STR("2\xc2\x9b\xc2\xa0"));
	json_list_end(&b);
	json_i64(&b, "n", -5);
	json_bool(&b, "t", true);
	json_time(&b, "at", 1763863383004);
	json_close(&b);
	ck_assert_str_eq(buf_cstr(&b), "{\"a\\\"\":\"x\\u000a\\u0000\xc3\xa9"
	    "\\ufffd\\\"\\\\\",\"l\":[\"1\",\"2\\u009b\xc2\xa0\"],\"n\":-5,\"t\":true,"
	    "\"at\":\"2025-11-23T02:03:03.004Z\"}");
	buf_clear(&b);
}
END_TEST

/* Whatever days came before: 16 days and more apart, and none. */
START_TEST(json_times)
{
	static const struct {
		int64_t ms;
		const char *text;
	} times[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 86399999, "1970-01-01T23:59:59.999Z" },
		{ 86400000, "1970-01-02T00:00:00.000Z" },
		{ 1382400000, "1970-01-17T00:00:00.000Z" },
		{ 1468800001, "1970-01-18T00:00:00.001Z" },
		{ -5, "1970-01-01T00:00:00.000Z" },
		{ 1709164800000, "2024-02-29T00:00:00.000Z" },
		{ 1709251199999, "2024-02-29T23:59:59.999Z" },
		{ 1709251200000, "2024-03-01T00:00:00.000Z" },
		{ 253402300799999, "9999-12-31T23:59:59.999Z" },
	};
	struct buf b;

	buf_init(&b, BUF_NO_MAX);
	for (int i = 0; i < 2 * (int)N_OF(times); i++) {
		const size_t k = (size_t)i % N_OF(times);

		buf_reset(&b);
		json_time(&b, "t", times[k].ms);
		ck_assert_uint_eq(buf_len(&b), 30);
		ck_assert_mem_eq(buf_cstr(&b) + 5, times[k].text, 24);
	}
	buf_clear(&b);
}
END_TEST

START_TEST(pool_gives_zeroed_aligned)
{
	struct pool p;

	pool_init(&p);
	for (size_t n = 1; n < 10000; n += 97) {
		char *got = pool_alloc(&p, n);

		ck_assert_uint_eq((uintptr_t)got % 16, 0);
		for (size_t i = 0; i < n; i++)
			ck_assert_int_eq(got[i], 0);
		memset(got, 0xff, n);
	}
	pool_clear(&p);
	ck_assert_uint_eq(p.used, 0);
}
END_TEST

START_TEST(str_pieces)
{
	struct str s = STR("a:bc:"), word = STR("one  two");

	ck_assert(str_eq(str_take_until(&s, ':'), STR("a")));
	ck_assert(str_eq(str_take_until(&s, ':'), STR("bc")));
	ck_assert_uint_eq(s.n, 0);
	ck_assert(str_eq(str_take_word(&word), STR("one")));
	ck_assert(str_eq(word, STR("two")));
	ck_assert(str_ieq(STR("AbC"), STR("aBc")));
	ck_assert(!str_ieq(STR("@"), STR("`")));
	ck_assert_int_lt(str_cmp(STR("a"), STR("ab")), 0);
	ck_assert(str_eq(str_trim(STR(" \t x ")), STR("x")));
	ck_assert_uint_eq(str_find_str(STR("aab"), STR("ab")), 1);
}
END_TEST

static const struct {
	const char *text, *filled;
} fills[] = {
	{ "", "" },
	{ "none", "none" },
	{ "{a}", "1" },
	{ "x{a}y{bb}{a}", "x1y221" },
	{ "{{a}", "{a}" },
	{ "{{{a}}", "{1}" },
	{ "{c} {} {a }", "{c} {} {a }" },
	{ "open {a", "open {a" },
	{ "{", "{" },
	{ "}", "}" },
};

START_TEST(filled)
{
	const struct fill names[] = { { "a", STR_INIT("1") },
		{ "bb", STR_INIT("22") } };
	struct buf b;

	buf_init(&b, 64);
	fill_put(&b, str_c(fills[_i].text), names, 2);
	ck_assert_str_eq(buf_cstr(&b), fills[_i].filled);
	buf_clear(&b);
}
END_TEST

static TCase *
all(void)
{
	TCase *tc = tcase_create("base");

	tcase_add_loop_test(tc, filled, 0, (int)N_OF(fills));
	tcase_add_loop_test(tc, base64_vectors, 0, N_OF(base64_good));
	tcase_add_loop_test(tc, base64_refused, 0, N_OF(base64_bad));
	tcase_add_loop_test(tc, base64_all_lengths, 0, 1026);
	tcase_add_loop_test(tc, number_vectors, 0, N_OF(numbers));
	tcase_add_test(tc, crc_known);
	tcase_add_test(tc, crc_long);
	tcase_add_test(tc, buf_limits);
	tcase_add_test(tc, buf_long_format);
	tcase_add_test(tc, ids);
	tcase_add_test(tc, map_many);
	tcase_add_test(tc, map_churn);
	tcase_add_test(tc, wire_both_ways);
	tcase_add_test(tc, json_escapes);
	tcase_add_test(tc, json_times);
	tcase_add_test(tc, pool_gives_zeroed_aligned);
	tcase_add_test(tc, str_pieces);
	return tc;
}

UNIT_MAIN("base", all)
