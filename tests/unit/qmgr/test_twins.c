/* Recipients of one message that are the same mailbox. */
#include "tests/unit/qmgr/whole.h"
#include "tests/unit/unit.h"

static struct agent_end deliver;
static uint32_t jobs;

static bool
has_job(void)
{
	return deliver.jobs == jobs;
}

static void
wait_job(uint32_t n)
{
	jobs = n;
	whole_until(has_job);
}

static bool
is_deferred(void)
{
	const struct message *m = TAILQ_FIRST(&whole.q.table.all);

	return m->nleft == whole.q.ndeferred;
}

static bool
is_empty(void)
{
	return whole.q.table.n == 0;
}

/* Deliver was told of both, and neither could be written. */
static struct message *
both_deferred(void)
{
	struct message *m;

	whole.o.sched.retry_min = 600000;
	agent_start(&deliver, ROLE_DELIVER);
	agent_greet(&deliver);
	m = whole_submit("b+x@local b+y@local");
	wait_job(1);
	ck_assert_uint_eq(deliver.nrcpts, 2);
	agent_done(&deliver, JOB_TEMPORARY, SITE_FINE);
	whole_until(is_deferred);
	ck_assert_uint_eq(m->nleft, 2);
	return m;
}

static void
again(struct rcpt *r, uint32_t n)
{
	rcpt_route(&whole.q, r, false);
	qmgr_pump(&whole);
	wait_job(n);
	ck_assert_uint_eq(deliver.nrcpts, 1);
	ck_assert_uint_eq(deliver.index[0], r->index);
	agent_done(&deliver, JOB_OK, SITE_FINE);
}

/* They go together, to one folder, where deliver finds the other's copy. */
START_TEST(together)
{
	struct message *m = both_deferred();

	for (int i = 0; i < 2; i++)
		rcpt_route(&whole.q, &m->rcpts[i], false);
	qmgr_pump(&whole);
	wait_job(2);
	ck_assert_uint_eq(deliver.nrcpts, 2);
	ck_assert_int_ne(deliver.flags & JOB_MAYBE_REPEATED, 0);
	ck_assert_str_eq(deliver.folder, "x@local"); /* who was asked first */
	agent_done(&deliver, JOB_OK, SITE_FINE);
	whole_until(is_empty);
}
END_TEST

/* One after the other, whoever is first: who comes second, or again, is looked
 * for. */
START_TEST(apart)
{
	struct message *m = both_deferred();
	struct rcpt *first = &m->rcpts[_i], *second = &m->rcpts[1 - _i];

	again(first, 2);
	again(second, 3);
	ck_assert_int_ne(deliver.flags & JOB_MAYBE_REPEATED, 0);
	whole_until(is_empty);
}
END_TEST

/* In jobs of one recipient each. */
START_TEST(in_two_jobs)
{
	struct message *m;

	whole.o.per_message = 1;
	agent_start(&deliver, ROLE_DELIVER);
	agent_greet(&deliver);
	m = whole_submit("b+x@local b+y@local");
	wait_job(2);
	ck_assert_int_ne(deliver.flags & JOB_MAYBE_REPEATED, 0);
	ck_assert_str_eq(deliver.folder, "x@local");
	ck_assert_int_eq(m->rcpts[0].flags & RCPT_MAYBE, 0);
}
END_TEST

/* What becomes of one is not the other's fate. */
START_TEST(one_goes)
{
	struct message *m = both_deferred();
	struct rcpt *r = &m->rcpts[_i];

	queue_done(&whole.q, m, &r, 1, END_DROPPED);
	ck_assert_uint_eq(m->nleft, 1);
	again(&m->rcpts[1 - _i], 2);
	whole_until(is_empty);
}
END_TEST

static TCase *
twins(void)
{
	TCase *tc = tcase_create("twins");

	tcase_add_checked_fixture(tc, whole_start, whole_end);
	tcase_add_test(tc, together);
	tcase_add_loop_test(tc, apart, 0, 2);
	tcase_add_test(tc, in_two_jobs);
	tcase_add_loop_test(tc, one_goes, 0, 2);
	tcase_set_timeout(tc, 30);
	return tc;
}

UNIT_MAIN("twins", twins)
