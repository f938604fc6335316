/* What agents may say, and what comes of those that say nothing. */
#include "tests/unit/qmgr/whole.h"
#include "tests/unit/unit.h"

static struct agent_end one, other;

static bool
has_job(void)
{
	return one.jobs != 0;
}

static bool
is_closed(void)
{
	return other.closed;
}

static bool
is_flushed(void)
{
	return other.flushed != 0;
}

/* A message that an agent of this role has. */
static struct message *
under_way(enum role role)
{
	struct message *m;

	agent_start(&one, role);
	agent_greet(&one);
	m = whole_submit(role == ROLE_DELIVER ? "b@local" : "b@far.test");
	whole_until(has_job);
	ck_assert_uint_eq(one.id, m->id);
	ck_assert_int_eq(m->rcpts[0].state, RCPT_INFLIGHT);
	return m;
}

/* --- results of jobs that this qmgr does not know ------------------------- */

static const enum role roles[] = { ROLE_SMTP, ROLE_DELIVER };

/* An agent that has told all may not speak of others' mail. */
START_TEST(inflight_too_late)
{
	struct message *m = under_way(roles[_i]);

	m->rcpts[0].flags |= RCPT_MAYBE;
	agent_start(&other, roles[_i]);
	agent_greet(&other);
	agent_inflight(&other, m->id, 0, JOB_OK);
	whole_until(is_closed);
	ck_assert_int_eq(m->rcpts[0].state, RCPT_INFLIGHT);
	ck_assert_uint_eq(whole.q.table.n, 1);
}
END_TEST

/* What no former qmgr or link can have given it. */
START_TEST(inflight_of_others)
{
	struct message *m = under_way(roles[_i]);

	agent_start(&other, roles[_i]);
	agent_inflight(&other, m->id, 0, JOB_OK);
	agent_greet(&other);
	whole_until(is_flushed);
	ck_assert_int_eq(m->rcpts[0].state, RCPT_INFLIGHT);
	ck_assert_uint_eq(whole.q.table.n, 1);
}
END_TEST

/* As behind a restart: smtp is believed; a mailbox is asked itself. */
START_TEST(inflight_of_before)
{
	struct message *m = under_way(roles[_i]);

	m->rcpts[0].flags |= RCPT_MAYBE;
	agent_start(&other, roles[_i]);
	agent_inflight(&other, m->id, 0, JOB_OK);
	agent_greet(&other);
	whole_until(is_flushed);
	ck_assert_uint_eq(whole.q.table.n, roles[_i] == ROLE_DELIVER ? 1 : 0);
}
END_TEST

static TCase *
telling(void)
{
	TCase *tc = tcase_create("telling");

	tcase_add_checked_fixture(tc, whole_start, whole_end);
	tcase_add_loop_test(tc, inflight_too_late, 0, 2);
	tcase_add_loop_test(tc, inflight_of_others, 0, 2);
	tcase_add_loop_test(tc, inflight_of_before, 0, 2);
	tcase_set_timeout(tc, 30);
	return tc;
}

UNIT_MAIN("agents", telling)
