#include "store/syncpick.h"
#include "tests/unit/unit.h"

enum { MS = 1000 };

/* A disk: what a batch of n costs either way. */
static int64_t
run(struct syncpick *p, size_t n, int64_t all, int64_t file)
{
	if (syncpick_is_files(p, n)) {
		syncpick_took_files(p, n, (int64_t)n * file);
		return (int64_t)n * file;
	}
	syncpick_took_all(p, all);
	return all;
}

static int64_t
run_many(struct syncpick *p, int batches, size_t n, int64_t all, int64_t file)
{
	int64_t sum = 0;

	while (batches-- > 0)
		sum += run(p, n, all, file);
	return sum;
}

START_TEST(fast_disk)
{
	struct syncpick p;

	syncpick_init(&p, 20);
	ck_assert_int_eq(run_many(&p, 100, 1, 2 * MS, 1), 100 * 2 * MS);
	ck_assert(!syncpick_may_be_files(&p));
	/* One hiccup changes nothing. */
	run(&p, 30, 70 * MS, 1);
	ck_assert(!syncpick_may_be_files(&p));
}
END_TEST

/* Others write much, our files are cheap: nearly all go one by one. */
START_TEST(shared_disk)
{
	struct syncpick p;
	int64_t took;

	syncpick_init(&p, 20);
	took = run_many(&p, 1000, 4, 400 * MS, 1 * MS);
	ck_assert_int_lt(took, 1000 * 4 * MS + 30 * 400 * MS);
	/* They stop: it is found out, and stays. */
	run_many(&p, 65, 4, 1 * MS, 1 * MS);
	ck_assert_int_eq(run_many(&p, 100, 4, 1 * MS, 1 * MS), 100 * MS);
}
END_TEST

/* The whole disk is slow: large batches at once, single ones either way. */
START_TEST(slow_disk)
{
	struct syncpick p;
	int64_t took;

	syncpick_init(&p, 20);
	took = run_many(&p, 1000, 64, 60 * MS, 25 * MS);
	ck_assert_int_lt(took, 1000 * 60 * MS + 64 * 25 * MS);
	took = run_many(&p, 1000, 1, 60 * MS, 25 * MS);
	ck_assert_int_lt(took, 1000 * 25 * MS + 20 * 60 * MS);
}
END_TEST

START_TEST(never)
{
	struct syncpick p;

	syncpick_init(&p, 0);
	run_many(&p, 10, 1, 1000 * MS, 1);
	ck_assert(!syncpick_may_be_files(&p));
	ck_assert(!syncpick_is_files(&p, 1));
}
END_TEST

static TCase *
cases(void)
{
	TCase *tc = tcase_create("pick");

	tcase_add_test(tc, fast_disk);
	tcase_add_test(tc, shared_disk);
	tcase_add_test(tc, slow_disk);
	tcase_add_test(tc, never);
	return tc;
}

UNIT_MAIN("syncpick", cases)
