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

/* --- workers --------------------------------------------------------------- */

static bool
is_asked(void)
{
	return opened != 0;
}

static unsigned asks_wanted;
static bool
is_asked_again(void)
{
	return opened == asks_wanted;
}

/* A worker that dies before it says a word is not started without end, and
 * who waits for it is told. */
START_TEST(dies_at_start)
{
	struct message *m = whole_submit("b@local");
	struct rcpt *r = &m->rcpts[0];

	for (asks_wanted = 1; asks_wanted <= 3; asks_wanted++) {
		whole_until(is_asked_again);
		agent_start(&one, ROLE_DELIVER);
		link_free(one.link);
	}
	whole_run(300);
	ck_assert_uint_eq(opened, 3);
	ck_assert_int_eq(r->state, RCPT_READY);
	r->site->asked_at -= 10000;
	agents_look(&whole);
	ck_assert_int_eq(r->state, RCPT_DEFERRED);
	ck_assert_uint_eq(r->attempts, 1);
	ck_assert_str_eq(str_dup(r->reason->text),
	    "local delivery ends at its start; the log says why");
	/* Its next attempt finds one. */
	agent_start(&one, ROLE_DELIVER);
	agent_greet(&one);
	whole_until(has_job);
	ck_assert_uint_eq(one.id, m->id);
}
END_TEST

/* One that was just going is asked for again at once. */
START_TEST(goes_when_asked)
{
	struct message *m = whole_submit("b@local");

	whole_until(is_asked);
	agent_start(&one, ROLE_DELIVER);
	link_free(one.link);
	asks_wanted = 2;
	whole_until(is_asked_again);
	agent_start(&one, ROLE_DELIVER);
	agent_greet(&one);
	whole_until(has_job);
	ck_assert_uint_eq(one.id, m->id);
	ck_assert_uint_eq(m->rcpts[0].attempts, 0);
}
END_TEST

static TCase *
workers(void)
{
	TCase *tc = tcase_create("workers");

	tcase_add_checked_fixture(tc, whole_start, whole_end);
	tcase_add_test(tc, dies_at_start);
	tcase_add_test(tc, goes_when_asked);
	tcase_set_timeout(tc, 30);
	return tc;
}

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

UNIT_MAIN("agents", telling, workers)
