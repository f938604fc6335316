/* Pauses and rates: what holds for whom, and the file. */
#include "tests/unit/unit.h"

#include "qmgr/rules.h"

static struct rules rules;
static struct sites sites;

static void
setup(void)
{
	rules_init(&rules);
	sites_init(&sites);
}

static void
teardown(void)
{
	rules_clear(&rules);
	sites_clear(&sites);
}

static struct lane *
lane(const char *domain)
{
	struct site *s = site_smtp(&sites, str_c(domain), 1);

	rules_apply(&rules, s->lane);
	return s->lane;
}

START_TEST(a_domain_stands_for_its_lane)
{
	struct site *a = site_smtp(&sites, STR("a.test"), 1);
	struct site *b = site_smtp(&sites, STR("b.test"), 1);

	lane_enter(&sites, a->lane, b);
	rules_get(&rules, STR("B.test"))->paused_until = 5000;
	rules_apply(&rules, a->lane);
	ck_assert_int_eq(a->lane->paused_until, 5000);
	ck_assert_int_eq(lane("c.test")->paused_until, 0);
	/* By its exchangers, too; the longer pause holds. */
	lane_name(&sites, a->lane, "1 mx1.test,mx2.test");
	rules_get(&rules, STR("mx1.test,MX2.test"))->paused_until = LANE_EVER;
	rules_apply(&rules, a->lane);
	ck_assert_int_eq(a->lane->paused_until, LANE_EVER);
}
END_TEST

START_TEST(orders_go_before_limits)
{
	const struct rule_limit all = { STR("*"), 10, 1000 };
	const struct rule_limit some = { STR("*.slow.test"), 2, 60000 };
	struct rule *r;

	rules_limit(&rules, &all);
	rules_limit(&rules, &some);
	ck_assert_uint_eq(lane("x.test")->most, 10);
	ck_assert_int_eq(lane("x.test")->gap_us, 1000);
	ck_assert_uint_eq(lane("x.slow.test")->most, 2);
	ck_assert_int_eq(lane("x.slow.test")->gap_us, 60000);
	ck_assert_int_eq(lane("x.slow.test")->rate_until, LANE_EVER);
	r = rules_get(&rules, STR("x.slow.test"));
	r->gap_us = 500;
	r->rate_until = 9000;
	ck_assert_int_eq(lane("x.slow.test")->gap_us, 500);
	ck_assert_int_eq(lane("x.slow.test")->rate_until, 9000);
	ck_assert(!rules_sweep(&rules, 8999));
	ck_assert(rules_sweep(&rules, 9000));
	ck_assert_int_eq(lane("x.slow.test")->gap_us, 60000);
}
END_TEST

START_TEST(the_file_comes_back)
{
	struct rules other;
	struct buf text, again;
	struct rule *r = rules_get(&rules, STR("a.test"));

	r->paused_until = LANE_EVER;
	r->gap_us = 600000;
	r->rate_until = 123;
	rules_get(&rules, STR("[127.0.0.1]:2525"))->paused_until = 77;
	buf_init(&text, BUF_NO_MAX);
	buf_init(&again, BUF_NO_MAX);
	rules_text(&rules, &text);
	rules_init(&other);
	ck_assert(rules_parse(&other, buf_str(&text)));
	rules_text(&other, &again);
	ck_assert(str_eq(buf_str(&text), buf_str(&again)));
	rules_clear(&other);
	/* Cut anywhere it is damaged, and never worse than that. */
	for (size_t n = 0; n + 1 < buf_len(&text); n++) {
		rules_init(&other);
		ck_assert(!rules_parse(&other, str_first(buf_str(&text), n)));
		rules_clear(&other);
	}
	buf_clear(&text);
	buf_clear(&again);
}
END_TEST

START_TEST(names)
{
	char long_name[RULE_NAME_MAX + 2];

	memset(long_name, 'x', sizeof(long_name));
	ck_assert_ptr_null(rules_get(&rules, STR_NONE));
	ck_assert_ptr_null(rules_get(&rules, STR("a b")));
	ck_assert_ptr_null(rules_get(&rules, STR("a\nend")));
	ck_assert_ptr_null(
	    rules_get(&rules, str_n(long_name, sizeof(long_name))));
	ck_assert_ptr_eq(rules_get(&rules, STR("A.Test")),
	    rules_get(&rules, STR("a.tesT")));
	ck_assert_ptr_eq(rules_get(&rules, STR("A.Test.")),
	    rules_get(&rules, STR("a.test")));
	ck_assert_uint_eq(rules.n, 1);
}
END_TEST

/* As they are given to postern site. */
START_TEST(given_names)
{
	static const struct {
		const char *given, *name;
	} cases[] = { { "KNOWS.test.", "knows.test" },
		{ "MX1.test.,mx2.test.", "mx1.test,mx2.test" },
		{ "[127.0.0.1]:2525", "[127.0.0.1]:2525" },
		{ "lmtp:/run/A@b", "lmtp:/run/a@b" }, { "*", "" },
		{ "*.test", "" }, { "a?.test", "" }, { "", "" }, { ".", "" },
		{ " ", "" }, { "a b", "" }, { "bob@a.test", "" } };
	char room[RULE_NAME_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert(str_eq(rules_name(str_c(cases[i].given), room),
		    str_c(cases[i].name)));
}
END_TEST

START_TEST(known_ones)
{
	struct site *a = site_smtp(&sites, STR("A.test"), 1);

	rules_get(&rules, STR("a.test"));
	rules_get(&rules, STR("b.test"));
	rules_know(&rules, a->lane);
	ck_assert(rules_find(&rules, STR("a.test"))->known);
	ck_assert(!rules_find(&rules, STR("b.test"))->known);
	ck_assert_ptr_null(rules_find(&rules, STR("c.test")));
}
END_TEST

static TCase *
all(void)
{
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_domain_stands_for_its_lane);
	tcase_add_test(tc, orders_go_before_limits);
	tcase_add_test(tc, the_file_comes_back);
	tcase_add_test(tc, names);
	tcase_add_test(tc, given_names);
	tcase_add_test(tc, known_ones);
	return tc;
}

UNIT_MAIN("rules", all)
