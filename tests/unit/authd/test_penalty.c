#include "tests/unit/unit.h"

#include <stdio.h>

#include "helpers/authd/penalty.h"

enum { MINUTE = 60000, MOST = 10 };

static struct penalties p;

static void
setup(void)
{
	penalties_init(&p, MOST, 10 * MINUTE, 60000);
}

static void
teardown(void)
{
	penalties_clear(&p);
}

static void
wrong(const char *client, const char *account, int times, int64_t now)
{
	for (int i = 0; i < times; i++)
		penalty_failed(&p, str_c(client), str_c(account), now);
}

static int64_t
delay(const char *client, const char *account, int64_t now)
{
	return penalty_delay(&p, str_c(client), str_c(account), now);
}

static const struct {
	int failures;
	int64_t delay;
} grows[] = { { 0, 0 }, { 9, 0 }, { 10, 1000 }, { 11, 2000 }, { 12, 4000 },
	{ 15, 32000 }, { 16, 60000 }, { 40, 60000 } };

START_TEST(growing)
{
	wrong("192.0.2.1", "bob", grows[_i].failures, 0);
	ck_assert_int_eq(delay("192.0.2.1", "bob", 1), grows[_i].delay);
}
END_TEST

START_TEST(forgotten)
{
	wrong("192.0.2.1", "bob", 12, 0);
	ck_assert_int_eq(delay("192.0.2.1", "bob", 10 * MINUTE - 1), 4000);
	ck_assert_int_eq(delay("192.0.2.1", "bob", 10 * MINUTE), 0);
}
END_TEST

START_TEST(success)
{
	wrong("192.0.2.1", "bob", 12, 0);
	penalty_succeeded(&p, STR("192.0.2.1"), STR("bob"));
	ck_assert_int_eq(delay("192.0.2.1", "bob", 1), 0);
}
END_TEST

static const struct {
	const char *client, *account;
	bool same; /* as 192.0.2.1 bob, or 2001:db8:1:2::3 bob */
} who[] = {
	{ "192.0.2.1", "BOB", true },
	{ "192.0.2.99", "bob", true },
	{ "192.0.3.1", "bob", false },
	{ "192.0.2.1", "alice", false },
	{ "2001:db8:1:2:ffff::1", "bob", true },
	{ "2001:db8:1:3::3", "bob", false },
	{ "unix:1000", "bob", false },
};

START_TEST(pairs)
{
	wrong("192.0.2.1", "bob", 10, 0);
	wrong("2001:db8:1:2::3", "bob", 10, 0);
	ck_assert_int_eq(delay(who[_i].client, who[_i].account, 1) != 0,
	    who[_i].same);
}
END_TEST

/* Many names from one network are slowed down too. */
START_TEST(spraying)
{
	char name[16];

	for (int i = 0; i < 5 * MOST; i++) {
		ck_assert_int_eq(delay("192.0.2.1", "new", 1), 0);
		snprintf(name, sizeof(name), "user%d", i);
		wrong("192.0.2.1", name, 1, 1);
	}
	ck_assert_int_eq(delay("192.0.2.1", "new", 1), 1000);
	ck_assert_int_eq(delay("198.51.100.1", "new", 1), 0);
}
END_TEST

START_TEST(off)
{
	penalties_clear(&p);
	penalties_init(&p, 0, 10 * MINUTE, 60000);
	wrong("192.0.2.1", "bob", 100, 0);
	ck_assert_int_eq(delay("192.0.2.1", "bob", 1), 0);
}
END_TEST

static TCase *
penalty(void)
{
	TCase *tc = tcase_create("penalty");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, growing, 0, N_OF(grows));
	tcase_add_test(tc, forgotten);
	tcase_add_test(tc, success);
	tcase_add_loop_test(tc, pairs, 0, N_OF(who));
	tcase_add_test(tc, spraying);
	tcase_add_test(tc, off);
	return tc;
}

UNIT_MAIN("penalty", penalty)
