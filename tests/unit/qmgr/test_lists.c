/*
 * No agent gets a list's members before the log has them on disk: whoever
 * reads it after a kill would not know whom the agent speaks of.
 */
#include <semaphore.h>

#include "tests/unit/qmgr/whole.h"
#include "tests/unit/unit.h"

static struct agent_end smtp;

/* --- a disk that takes its time -------------------------------------------- */

static sem_t begun, over;
static struct work slow[2];

static bool
run_slow(struct work *w)
{
	(void)w;
	sem_post(&begun);
	while (sem_wait(&over) == -1)
		;
	return false;
}

static void
done_slow(struct work *w)
{
	(void)w;
}

static void
wait_begun(void)
{
	while (sem_wait(&begun) == -1)
		;
}

/* So many times in a row; a flush that is posted meanwhile goes between. */
static void
disk_stops(int n)
{
	sem_init(&begun, 0, 0);
	sem_init(&over, 0, 0);
	for (int i = 0; i < n; i++) {
		slow[i] = (struct work){ .run = run_slow, .done = done_slow };
		syncer_post(whole.syncer, &slow[i]);
	}
	wait_begun();
}

static void
disk_goes_on(void)
{
	sem_post(&over);
}

/* --- tests ----------------------------------------------------------------- */

static unsigned lists_wanted;
static bool
is_asked(void)
{
	return lists_asked == lists_wanted;
}

static void
wait_asked(unsigned n)
{
	lists_wanted = n;
	whole_until(is_asked);
}

static bool
has_job(void)
{
	return smtp.jobs != 0;
}

static bool
is_deferred(void)
{
	return whole.q.ndeferred == 1;
}

START_TEST(members_wait)
{
	struct message *m = whole_submit("l@list");

	agent_start(&smtp, ROLE_SMTP);
	agent_greet(&smtp);
	wait_asked(1);
	disk_stops(1);
	whole_list("a@far.test b@far.test");
	whole_run(60);
	ck_assert_uint_eq(m->nleft, 2);
	ck_assert_uint_eq(m->asking, 0);
	ck_assert_uint_eq(smtp.jobs, 0);
	disk_goes_on();
	whole_until(has_job);
	ck_assert_uint_eq(smtp.nrcpts, 2);
}
END_TEST

/* They come to one who has waited for an agent before. */
START_TEST(members_join)
{
	struct message *m;

	whole.o.sched.retry_min = 600000;
	m = whole_submit("a@far.test l@list");
	wait_asked(1);
	whole_list("");
	whole_until(is_deferred);
	rcpt_route(&whole.q, &m->rcpts[1], false);
	qmgr_pump(&whole);
	wait_asked(2);
	ck_assert_uint_eq(whole.q.sched.nrcpts, 1);
	disk_stops(1);
	whole_list("b@far.test");
	whole_run(20);
	ck_assert_uint_eq(whole.q.sched.nrcpts, 2);
	agent_start(&smtp, ROLE_SMTP);
	agent_greet(&smtp);
	whole_run(60);
	ck_assert_uint_eq(smtp.jobs, 0);
	disk_goes_on();
	whole_until(has_job);
	ck_assert_uint_eq(smtp.nrcpts, 2);
}
END_TEST

/* Two lists, of which the log has one. */
START_TEST(the_last_counts)
{
	struct message *m = whole_submit("l@list");

	agent_start(&smtp, ROLE_SMTP);
	agent_greet(&smtp);
	wait_asked(1);
	disk_stops(2);
	whole_list("a@far.test k@list");
	wait_asked(2);
	whole_run(20); /* the flush is posted */
	whole_list("b@far.test");
	whole_run(20);
	ck_assert_uint_eq(m->nleft, 2);
	disk_goes_on();
	wait_begun();
	whole_run(60);
	ck_assert_uint_eq(smtp.jobs, 0);
	disk_goes_on();
	whole_until(has_job);
	ck_assert_uint_eq(smtp.nrcpts, 2);
}
END_TEST

static TCase *
lists(void)
{
	TCase *tc = tcase_create("lists");

	tcase_add_checked_fixture(tc, whole_start, whole_end);
	tcase_add_test(tc, members_wait);
	tcase_add_test(tc, members_join);
	tcase_add_test(tc, the_last_counts);
	tcase_set_timeout(tc, 30);
	return tc;
}

UNIT_MAIN("lists", lists)
