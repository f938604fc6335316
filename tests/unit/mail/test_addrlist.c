#include "mail/addrlist.h"

#include "base/buf.h"
#include "tests/unit/mail/exact.h"
#include "tests/unit/unit.h"

/* clang-format off */
static const struct {
	const char *in;
	const char *out; /* "name <local@domain>|"; "group:" ... ";" */
} lists[] = {
	{ "a@b", "<a@b>|" },
	{ "a@b, c@d", "<a@b>|<c@d>|" },
	{ "Joe Q <a@b>", "Joe Q<a@b>|" },
	{ "\"Joe, Q\" <a@b>", "Joe, Q<a@b>|" },
	{ "\"Joe \\\"Q\\\"\" <a@b>", "Joe \"Q\"<a@b>|" },
	{ "Joe\n Q  X <a@b>", "Joe Q X<a@b>|" },
	{ "Joe Q. Public <a@b>", "Joe Q. Public<a@b>|" },
	{ "=?utf-8?q?x?= =?utf-8?q?y?= <a@b>", "=?utf-8?q?x?= =?utf-8?q?y?=<a@b>|" },
	{ "a@b (Joe)", "Joe<a@b>|" },
	{ "a@b (Joe (x) \\) y)", "Joe (x) ) y<a@b>|" },
	{ "(c) a (d) @ (e) b (f)", "f<a@b>|" },
	{ "<@x,@y:a@b>", "<a@b>|" },
	{ "<a@b>", "<a@b>|" },
	{ "<a>", "<a@>|" },
	{ "a", "<a@>|" },
	{ "\"a b\"@c", "<a b@c>|" },
	{ "<\"a b\"@c>", "<a b@c>|" },
	{ "a . b @ c . d", "<a.b@c.d>|" },
	{ "a@[1.2.3.4]", "<a@[1.2.3.4]>|" },
	{ "x@y <a@b>", "x@y<a@b>|" },
	{ "g: a@b, c@d;", "g:<a@b>|<c@d>|;" },
	{ "g:;", "g:;" },
	{ "g:", "g:;" },
	{ "Undisclosed recipients:;, a@b", "Undisclosed recipients:;<a@b>|" },
	{ "a:b:c@d;", "a:<c@d>|;" }, /* I28 */
	{ "a:a:a:", "a:;" },
	{ "g:\"x;y\" <a@b>;c@d", "g:x;y<a@b>|;<c@d>|" },
	{ "a@b;c@d", "<a@b>|<c@d>|" },
	{ ",,a@b,,", "<a@b>|" },
	{ "", "" },
	{ "   ", "" },
	{ "(", "" },
	{ "(a\\", "" }, /* I29 */
	{ "a@b (x\\", "x<a@b>|" },
	{ "\"a\\", "<a@>|" },
	{ "<", "<@>|" },
	{ "a <", "a<@>|" },
	{ "a <b@c", "a<b@c>|" },
	{ "a <b@c, d@e>", "a<b@c,d@e>|" },
	{ "a@b>", "<a@b>>|" },
	{ "a@b@c", "<a@b@c>|" },
	{ ")", "<)@>|" },
	{ "\303\251 <a@b>", "\303\251<a@b>|" },
};
/* clang-format on */

static void
render(struct str in, struct buf *out)
{
	struct pool pool = { 0 };
	struct addrlist l;
	struct addrlist_item a;

	addrlist_init(&l, &pool, in);
	while (addrlist_next(&l, &a)) {
		if (a.has_name)
			buf_add(out, a.name);
		if (a.kind == ADDRLIST_MAILBOX)
			buf_addf(out, "<%.*s@%.*s>|", STR_ARG(a.local),
			    STR_ARG(a.domain));
		else
			buf_add_char(out, a.kind == ADDRLIST_GROUP ? ':' : ';');
	}
	pool_clear(&pool);
}

START_TEST(list)
{
	struct str whole = str_c(lists[_i].in);

	for (size_t n = 0; n <= whole.n; n++) {
		struct str in = exact(str_first(whole, n));
		struct buf b;

		buf_init(&b, 1000);
		render(in, &b);
		if (n == whole.n)
			ck_str(buf_str(&b), str_c(lists[_i].out));
		buf_clear(&b);
		exact_free(in);
	}
}
END_TEST

/* I27, I28: floods end, and the number is capped. */
START_TEST(flood)
{
	static const struct {
		const char *piece;
		size_t most;
	} floods[] = {
		{ "a@b,", ADDRLIST_MAX }, { "(", 1 }, { "a:", 3 },
		{ "<", 1 }, { "[", 1 }, { "\\", 1 }, { "\"", 1 },
		{ "a@b;", ADDRLIST_MAX }, { "g:;", ADDRLIST_MAX * 200 },
	};
	struct pool pool = { 0 };
	struct addrlist l;
	struct addrlist_item a;
	struct buf b;
	size_t n = 0;

	buf_init(&b, BUF_NO_MAX);
	for (int i = 0; i < 100000; i++)
		buf_add_c(&b, floods[_i].piece);
	addrlist_init(&l, &pool, buf_str(&b));
	while (addrlist_next(&l, &a))
		n++;
	ck_assert_uint_le(n, floods[_i].most);
	pool_clear(&pool);
	buf_clear(&b);
}
END_TEST

static TCase *
lists_case(void)
{
	TCase *t = tcase_create("lists");

	tcase_add_loop_test(t, list, 0, (int)N_OF(lists));
	tcase_add_loop_test(t, flood, 0, 9);
	return t;
}

UNIT_MAIN("addrlist", lists_case)
