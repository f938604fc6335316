/* Remembered answers: which questions they answer, for how long, how many. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "msg/route_cache.h"

static struct route_cache cache;

static void
setup(void)
{
	route_cache_init(&cache);
}

static void
teardown(void)
{
	route_cache_forget(&cache);
}

static struct msg_route
question(const char *address, uint32_t may_relay, uint32_t depth)
{
	return (struct msg_route){ .address = str_c(address),
		.login = STR("anybody"), .may_relay = may_relay,
		.depth = depth };
}

static const struct msg_route_is *
find(const char *address, uint32_t may_relay, uint32_t depth, int64_t now)
{
	const struct msg_route q = question(address, may_relay, depth);

	return route_cache_find(&cache, &q, now);
}

static void
keep(const char *address, uint32_t may_relay, uint32_t depth, uint32_t is_kept)
{
	const struct msg_route q = question(address, may_relay, depth);
	char account[100], path[100];
	struct msg_route_is is = { .kind = ROUTE_LOCAL, .keep = is_kept,
		.quota = 7, .uid = depth };

	snprintf(account, sizeof(account), "account of %s", address);
	snprintf(path, sizeof(path), "path of %s", address);
	is.account = str_c(account);
	is.path = str_c(path);
	route_cache_keep(&cache, &q, &is, 1000);
	/* It owns copies. */
	memset(account, 'x', sizeof(account));
	memset(path, 'x', sizeof(path));
}

START_TEST(the_same_question_only)
{
	const struct msg_route_is *is;

	keep("a@x.test", 1, 0, 1);
	is = find("a@x.test", 1, 0, 1000);
	ck_assert_ptr_nonnull(is);
	ck_assert(str_eq(is->account, STR("account of a@x.test")));
	ck_assert(str_eq(is->path, STR("path of a@x.test")));
	ck_assert_uint_eq(is->quota, 7);
	ck_assert_uint_eq(is->mailbox.n, 0);
	ck_assert_ptr_null(find("a@x.test", 0, 0, 1000));
	ck_assert_ptr_null(find("A@x.test", 1, 0, 1000));
	ck_assert_ptr_null(find("a@x.tes", 1, 0, 1000));
	/* Members of a list are no aliases. */
	ck_assert_ptr_null(find("a@x.test", 1, 1, 1000));
	keep("a@x.test", 1, 2, 1);
	ck_assert_uint_eq(find("a@x.test", 1, 1, 1000)->uid, 2);
	ck_assert_uint_eq(find("a@x.test", 1, 0, 1000)->uid, 0);
}
END_TEST

START_TEST(only_what_may_be_kept)
{
	keep("a@x.test", 1, 0, 0);
	ck_assert_ptr_null(find("a@x.test", 1, 0, 1000));
}
END_TEST

START_TEST(the_newest_answer)
{
	const struct msg_route q = question("a@x.test", 1, 0);
	const struct msg_route_is is = { .kind = ROUTE_REMOTE, .keep = 1,
		.next_hop = STR_INIT("x.test") };

	keep("a@x.test", 1, 0, 1);
	route_cache_keep(&cache, &q, &is, 1000);
	ck_assert_int_eq((int)find("a@x.test", 1, 0, 1000)->kind, ROUTE_REMOTE);
	ck_assert_uint_eq(cache.known.n, 1);
}
END_TEST

START_TEST(not_for_ever)
{
	keep("a@x.test", 1, 0, 1);
	ck_assert_ptr_nonnull(
	    find("a@x.test", 1, 0, 1000 + ROUTE_CACHE_MS - 1));
	ck_assert_ptr_null(find("a@x.test", 1, 0, 1000 + ROUTE_CACHE_MS));
	route_cache_forget(&cache);
	ck_assert_ptr_null(find("a@x.test", 1, 0, 1000));
}
END_TEST

START_TEST(not_without_end)
{
	char address[32];

	for (int i = 0; i < 2 * ROUTE_CACHE_MOST; i++) {
		snprintf(address, sizeof(address), "u%d@x.test", i);
		keep(address, 1, 0, 1);
		ck_assert_ptr_nonnull(find(address, 1, 0, 1000));
		ck_assert_uint_le(cache.known.n, ROUTE_CACHE_MOST);
	}
}
END_TEST

START_TEST(addresses_of_any_length)
{
	char address[ADDRESS_MAX + 2];

	memset(address, 'a', sizeof(address));
	address[ADDRESS_MAX] = 0;
	keep(address, 1, 0, 1);
	ck_assert_ptr_nonnull(find(address, 1, 0, 1000));
	address[ADDRESS_MAX] = 'a';
	address[ADDRESS_MAX + 1] = 0;
	keep(address, 1, 0, 1);
	ck_assert_ptr_null(find(address, 1, 0, 1000));
	keep("", 1, 0, 1);
	ck_assert_ptr_nonnull(find("", 1, 0, 1000));
}
END_TEST

static TCase *
all(void)
{
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_same_question_only);
	tcase_add_test(tc, only_what_may_be_kept);
	tcase_add_test(tc, the_newest_answer);
	tcase_add_test(tc, not_for_ever);
	tcase_add_test(tc, not_without_end);
	tcase_add_test(tc, addresses_of_any_length);
	return tc;
}

UNIT_MAIN("route_cache", all)
