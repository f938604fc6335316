#include "tests/unit/unit.h"

#include "base/buf.h"
#include "helpers/routerd/aliasfile.h"

static void
on_alias(void *arg, struct str name, const struct str *to, size_t n)
{
	buf_addf(arg, "%.*s=", STR_ARG(name));
	for (size_t i = 0; i < n; i++)
		buf_addf(arg, "%s%.*s", i == 0 ? "" : ",", STR_ARG(to[i]));
	buf_add_char(arg, ';');
}

static void
on_bad(void *arg, uint32_t line, const char *why, struct str what)
{
	(void)why;
	(void)what;
	buf_addf(arg, "!%u;", line);
}

static const struct {
	const char *text, *want;
} cases[] = {
	{ "", "" },
	{ "# all comment\n\n   \n", "" },
	{ "root: bob\n", "root=bob;" },
	{ "root: bob", "root=bob;" },
	{ "root:bob,carol\r\n", "root=bob,carol;" },
	{ "root : bob , carol\n", "root=bob,carol;" },
	{ "root: bob,\n  carol\n\tdave: x\n", "root=bob,carol\tdave: x;" },
	{ "root: bob,\n# between\n carol\nx: y\n", "root=bob,carol;x=y;" },
	{ "\"a b\": \"c, d\"@x\n", "!1;a b=c, d;" },
	{ "\"a b\": \"c, d\", e\n", "a b=c, d,e;" },
	{ "a: \\b\n", "a=b;" },
	{ "no colon\na: b\n", "!1;a=b;" },
	{ ": b\n", "!1;" },
	{ "a:\nb: c\n", "!1;b=c;" },
	{ "a: |/bin/x\nb: c\n", "!1;!1;b=c;" },
	{ "a: \"|/bin/x y\", c\n", "!1;a=c;" },
	{ "\na: /var/x, b\n", "!2;a=b;" },
	{ "a: :include:/etc/list\n", "!1;!1;" },
	{ "a: \"b\n", "a=b;" },
	{ "a: bob@example.org\n", "a=bob@example.org;" },
};

START_TEST(table)
{
	static const struct aliasfile_ops ops = { on_alias, on_bad };
	struct buf b;

	buf_init(&b, BUF_NO_MAX);
	aliasfile_read(str_c(cases[_i].text), &ops, &b);
	ck_assert_str_eq(buf_cstr(&b), cases[_i].want);
	buf_clear(&b);
}
END_TEST

static TCase *
reading(void)
{
	TCase *tc = tcase_create("reading");

	tcase_add_loop_test(tc, table, 0, N_OF(cases));
	return tc;
}

UNIT_MAIN("aliasfile", reading)
