#include "mail/addr.h"

#include "mail/xtext.h"
#include "tests/unit/mail/exact.h"
#include "tests/unit/unit.h"

enum { LONG = 300 };

/* clang-format off */
static const struct {
	const char *in;
	unsigned legal;
	enum addr_result result;
	const char *canonical; /* and what is left behind the path */
	const char *rest;
} paths[] = {
	{ "<a@b>", 0, ADDR_OK, "a@b", "" },
	{ "<Joe.Q@Example.ORG> SIZE=1", 0, ADDR_OK, "Joe.Q@example.org", " SIZE=1" },
	{ "<>", ADDR_NULL, ADDR_OK, "", "" },
	{ "<>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<> X", ADDR_NULL, ADDR_OK, "", " X" },
	{ "<postmaster>", ADDR_POSTMASTER, ADDR_OK, "postmaster", "" },
	{ "<PostMaster>", ADDR_POSTMASTER, ADDR_OK, "PostMaster", "" },
	{ "<postmaster>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<root>", ADDR_POSTMASTER, ADDR_SYNTAX, NULL, NULL },
	{ "<root>", ADDR_BARE, ADDR_OK, "root", "" },
	{ "<@x.org,@y.org:a@b.org>", 0, ADDR_OK, "a@b.org", "" },
	{ "<@x.org:a@b.org>", 0, ADDR_OK, "a@b.org", "" },
	{ "<@x.org a@b.org>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<@x.org,a@b.org>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<@:a@b.org>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<\"a b\"@c>", 0, ADDR_OK, "\"a b\"@c", "" },
	{ "<\"ab\"@c>", 0, ADDR_OK, "ab@c", "" },
	{ "<\"a\\b\"@c>", 0, ADDR_OK, "ab@c", "" },
	{ "<\"a\\\"b\\\\\"@c>", 0, ADDR_OK, "\"a\\\"b\\\\\"@c", "" },
	{ "<\"a@b\"@c>", 0, ADDR_OK, "\"a@b\"@c", "" },
	{ "<\"\"@c>", 0, ADDR_OK, "\"\"@c", "" },
	{ "<\">\"@c>", 0, ADDR_OK, "\">\"@c", "" },
	{ "<\"a@c>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<\"a\\", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<\"a\n\"@c>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a@[192.0.2.1]>", 0, ADDR_OK, "a@[192.0.2.1]", "" },
	{ "<a@[IPv6:2001:DB8::1]>", 0, ADDR_OK, "a@[ipv6:2001:db8::1]", "" },
	{ "<a@[192.0.2.256]>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a@[IPv6:zz]>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a@[x]>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a@[]>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a@[", 0, ADDR_SYNTAX, NULL, NULL },
	{ "a@b", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a@b", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a b@c>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a@b c>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "< a@b>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<.a@b>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a.@b>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a..b@c>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<@>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a@>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<@b>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a@b@c>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a@-b>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a@b->", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a@b-.c>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a@b..c>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a@.b>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a@b.>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a@x_y.org>", 0, ADDR_OK, "a@x_y.org", "" },
	{ "<;touch x;>", 0, ADDR_SYNTAX, NULL, NULL }, /* I02 */
	{ "<;touch@x;>", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<a|b@c>", 0, ADDR_OK, "a|b@c", "" },
	{ "<$(x)@c>", 0, ADDR_SYNTAX, NULL, NULL }, /* I01 */
	{ "<`x`@c>", 0, ADDR_OK, "`x`@c", "" },
	{ "<\303\251@b>", 0, ADDR_NEEDS_UTF8, NULL, NULL },
	{ "<\303\251@b>", ADDR_UTF8, ADDR_OK, "\303\251@b", "" },
	{ "<a@\303\251.org>", ADDR_UTF8, ADDR_OK, "a@\303\251.org", "" },
	{ "<a@\303\251.org>", 0, ADDR_NEEDS_UTF8, NULL, NULL },
	{ "<\303@b>", ADDR_UTF8, ADDR_SYNTAX, NULL, NULL },
	{ "<a@\377>", ADDR_UTF8, ADDR_SYNTAX, NULL, NULL },
	{ "", 0, ADDR_SYNTAX, NULL, NULL },
	{ "<", ADDR_NULL, ADDR_SYNTAX, NULL, NULL },
};
/* clang-format on */

START_TEST(path)
{
	struct str in = exact(str_c(paths[_i].in)), s = in;
	struct addr a = { STR("x"), STR("y") };
	struct buf b;

	ck_assert_int_eq(addr_take(&s, paths[_i].legal, &a), paths[_i].result);
	if (paths[_i].result == ADDR_OK) {
		buf_init(&b, 1024);
		ck_assert(addr_canonical(&b, &a));
		ck_str(buf_str(&b), str_c(paths[_i].canonical));
		ck_str(s, str_c(paths[_i].rest));
		buf_clear(&b);
	} else {
		ck_assert(s.p == in.p && s.n == in.n);
		ck_str(a.local, STR("x"));
	}
	exact_free(in);
}
END_TEST

/* I29: no prefix of a path reads past its end, and only a whole one is one. */
START_TEST(prefix)
{
	struct str whole = str_c(paths[_i].in);

	for (size_t n = 0; n < whole.n; n++) {
		struct str in = exact(str_first(whole, n)), s = in;
		struct addr a;

		if (addr_take(&s, paths[_i].legal, &a) == ADDR_OK)
			ck_assert_int_eq(paths[_i].result, ADDR_OK);
		exact_free(in);
	}
}
END_TEST

START_TEST(lengths)
{
	char text[LONG * 2];
	struct addr a;
	struct str s;

	for (size_t n = 250; n < 260; n++) {
		memset(text, 'a', sizeof(text));
		text[n] = '@';
		text[n + 1] = 'b';
		s = str_n(text, n + 2);
		ck_assert_int_eq(addr_parse(s, 0, &a),
		    n <= ADDR_LOCAL_MAX ? ADDR_OK : ADDR_LOCAL_LONG);

		for (size_t i = 0; i < n; i++)
			text[2 + i] = i % 50 == 49 ? '.' : 'd';
		text[0] = 'a';
		text[1] = '@';
		text[2 + n - 1] = 'e';
		ck_assert_int_eq(addr_parse(str_n(text, n + 2), 0, &a),
		    n <= ADDR_DOMAIN_MAX ? ADDR_OK : ADDR_DOMAIN_LONG);
	}
	memset(text, 'd', 64);
	ck_assert(addr_domain_ok(str_n(text, 63), 0));
	ck_assert(!addr_domain_ok(str_n(text, 64), 0));
}
END_TEST

/* What was read is written so that it reads the same again. */
START_TEST(print_and_parse)
{
	static const char set[] = "ab.\"\\@ <>;|$`\303\251[]1:,";
	unsigned seed = 1;

	for (int round = 0; round < 200000; round++) {
		char text[24];
		struct addr a, again;
		struct buf b, c;
		size_t n = 0;

		for (; n < sizeof(text); n++) {
			seed = seed * 1103515245 + 12345;
			text[n] = set[(seed >> 16) % (sizeof(set) - 1)];
			if (n > 4 && (seed >> 8) % 8 == 0)
				break;
		}
		if (addr_parse(str_n(text, n), ADDR_UTF8, &a) != ADDR_OK)
			continue;
		buf_init(&b, 1024);
		buf_init(&c, 1024);
		ck_assert(addr_canonical(&b, &a));
		ck_assert_int_eq(
		    addr_parse(buf_str(&b), ADDR_UTF8, &again), ADDR_OK);
		ck_assert(addr_canonical(&c, &again));
		ck_str(buf_str(&b), buf_str(&c));
		addr_split(buf_str(&b), &a);
		ck_str(a.local, again.local);
		ck_str(a.domain, again.domain);
		buf_clear(&b);
		buf_clear(&c);
	}
}
END_TEST

/* clang-format off */
static const struct {
	const char *in;
	bool utf8;
	const char *out; /* NULL: refused */
} xtexts[] = {
	{ "", false, "" },
	{ "abc", false, "abc" },
	{ "a+2Bb", false, "a+b" },
	{ "a+3Db", false, "a=b" },
	{ "a+20b", false, "a b" },
	{ "a b", false, NULL },
	{ "a=b", false, NULL },
	{ "a+2bb", false, NULL }, /* lower case */
	{ "a+", false, NULL },
	{ "a+2", false, NULL },
	{ "a+0Ab", false, NULL }, /* I04 */
	{ "a+0Db", false, NULL },
	{ "a+00b", false, NULL },
	{ "a+7Fb", false, NULL },
	{ "a+C3+A9", false, NULL },
	{ "a+C3+A9", true, "a\303\251" },
	{ "a+C3", true, NULL },
	{ "a\303\251", true, "a\303\251" },
};
/* clang-format on */

START_TEST(xtext)
{
	struct str in = exact(str_c(xtexts[_i].in));
	struct buf b;

	buf_init(&b, 100);
	buf_add(&b, STR("x"));
	ck_assert_int_eq(xtext_decode(&b, in, xtexts[_i].utf8),
	    xtexts[_i].out != NULL);
	ck_str(str_from(buf_str(&b), 1), str_c(xtexts[_i].out));
	buf_clear(&b);
	exact_free(in);
}
END_TEST

START_TEST(xtext_all_octets)
{
	char all[256];
	struct buf b;

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	buf_init(&b, 1000);
	ck_assert(xtext_encode(&b, str_n(all, 256)));
	for (size_t i = 0; i < buf_len(&b); i++)
		ck_assert(buf_str(&b).p[i] > ' ' && buf_str(&b).p[i] < 0x7f);
	buf_reset(&b);
	ck_assert(xtext_encode(&b, STR("a+b=c d")));
	ck_str(buf_str(&b), STR("a+2Bb+3Dc+20d"));
	buf_clear(&b);
}
END_TEST

static TCase *
addresses(void)
{
	TCase *t = tcase_create("addresses");

	tcase_add_loop_test(t, path, 0, (int)N_OF(paths));
	tcase_add_loop_test(t, prefix, 0, (int)N_OF(paths));
	tcase_add_test(t, lengths);
	tcase_add_test(t, print_and_parse);
	return t;
}

static TCase *
xtext_cases(void)
{
	TCase *t = tcase_create("xtext");

	tcase_add_loop_test(t, xtext, 0, (int)N_OF(xtexts));
	tcase_add_test(t, xtext_all_octets);
	return t;
}

UNIT_MAIN("addr", addresses, xtext_cases)
