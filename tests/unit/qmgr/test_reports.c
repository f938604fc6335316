/* When senders are told, and of what. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "qmgr/disk.h"
#include "tests/unit/qmgr/whole.h"
#include "tests/unit/unit.h"

static struct agent_end one, bounce;
static struct message *m;

static bool
has_job(void)
{
	return one.jobs != 0;
}

static bool
is_reported(void)
{
	return bounce.jobs != 0;
}

static bool
is_reporting(void)
{
	return m->nreport != 0;
}

/* A message that an agent has refused, and nobody to tell of it yet. */
static void
refused(void)
{
	agent_start(&one, ROLE_SMTP);
	agent_greet(&one);
	m = whole_submit("b@far.test");
	whole_until(has_job);
	one.jobs = 0;
	agent_done(&one, JOB_PERMANENT, SITE_FINE);
	whole_until(is_reporting);
	whole_run(20); /* that is on disk */
	ck_assert_ptr_null(m->text);
}

static void
bounce_comes(void)
{
	agent_start(&bounce, ROLE_BOUNCE);
	agent_greet(&bounce);
}

/* --- when ------------------------------------------------------------------- */

/* Whatever takes the last one away that a report waited for. */
START_TEST(a_report_waits_for_nobody_who_left)
{
	struct lane *lane; /* of who waits */
	struct rcpt *r;

	whole.o.smtp_jobs = 1;
	agent_start(&one, ROLE_SMTP);
	agent_greet(&one);
	bounce_comes();
	m = whole_submit("a@1.test b@2.test c@3.test");
	whole_until(has_job);
	RCPT_FOREACH(r, m)
		if (r->state == RCPT_READY)
			sched_block(&whole.q.sched, r->site->lane, true);
	agent_done(&one, JOB_PERMANENT, SITE_FINE);
	whole_until(is_reporting);
	whole_run(20);
	ck_assert_uint_eq(bounce.jobs, 0);
	RCPT_FOREACH(r, m)
		if (r->state == RCPT_READY) {
			lane = r->site->lane;
			if (_i == 0)
				queue_done(&whole.q, m, &r, 1, END_DROPPED);
			else if (_i == 1)
				rcpt_wait(&whole.q, r, whole.q.now + 60000);
			else
				queue_report(&whole.q, m, &r, 1, DSN_FAILED,
				    NULL);
			sched_block(&whole.q.sched, lane, false);
		}
	ck_assert_uint_eq(m->nbusy, 0);
	whole_until(is_reported);
	ck_assert_uint_eq(bounce.nrcpts, _i == 2 ? 3 : 1);
}
END_TEST

/* --- several reports ---------------------------------------------------------- */

static bool
is_gone(void)
{
	return whole.q.table.n == 0;
}

static bool
all_warned(void)
{
	struct rcpt *r;

	RCPT_FOREACH(r, m)
		if ((r->flags & RCPT_WARNED) == 0)
			return false;
	return true;
}

/* bounce had room for the first one. */
static void
report_one(void)
{
	whole_until(is_reported);
	bounce.jobs = 0;
	agent_result_of(&bounce, bounce.index[0], JOB_OK);
	for (uint32_t i = 1; i < bounce.nrcpts; i++)
		agent_result_of(&bounce, bounce.index[i], JOB_TEMPORARY);
	bounce.nrcpts = 0;
	agent_done(&bounce, JOB_OK, SITE_FINE);
}

/* The others get the next one, which does not wait. */
START_TEST(a_report_has_room_for_some)
{
	const bool late = _i != 0;

	whole.o.sched.retry_min = 600000;
	agent_start(&one, ROLE_SMTP);
	agent_greet(&one);
	m = whole_submit("a@1.test b@1.test c@1.test");
	whole_until(has_job);
	agent_done(&one, late ? JOB_TEMPORARY : JOB_PERMANENT, SITE_FINE);
	whole_run(20);
	ck_assert_uint_eq(m->nbusy, 0);
	if (late)
		dsn_queue(&whole, m, DSN_DELAYED);
	bounce_comes();
	for (uint32_t left = 3; left != 0; left--) {
		whole_until(is_reported);
		ck_assert_uint_eq(bounce.nrcpts, left);
		ck_assert_uint_eq(bounce.index[0], 3 - left);
		report_one();
	}
	whole_until(late ? all_warned : is_gone);
}
END_TEST

/* --- the original ------------------------------------------------------------ */

static volatile bool hold_writes;

/* A slow disk: until somebody has a job, or for a second. */
static int
wait_for_job(enum disk_call call, int fd, const void *p, size_t n, uint64_t at)
{
	(void)fd;
	(void)p;
	(void)n;
	(void)at;
	for (int i = 0; call == DISK_WRITE && hold_writes && i < 1000; i++)
		usleep(1000);
	return 0;
}

static void
compact(void)
{
	const struct str text = message_text(&whole, m);

	ck_assert_ptr_nonnull(text.p);
	queue_copy(&whole.q, m, text);
}

/* Its record has been moved and is not on disk yet: not as compaction left it,
 * nor while it is being written. */
START_TEST(a_report_has_what_is_not_written)
{
	refused();
	hold_writes = true;
	disk_fault = wait_for_job;
	compact();
	if (_i != 0)
		whole_run(20);
	bounce_comes();
	whole_until(is_reported);
	hold_writes = false;
	ck_assert_uint_gt(bounce.octets, 0);
	ck_assert_int_eq(m->rcpts[0].state, RCPT_REPORT);
}
END_TEST

static bool
was_tried(void)
{
	return m->rcpts[0].attempts != 0 && m->rcpts[0].state == RCPT_DEFERRED;
}

START_TEST(a_job_has_what_is_not_written)
{
	agent_start(&one, ROLE_SMTP);
	agent_greet(&one);
	m = whole_submit("b@far.test");
	whole_until(has_job);
	agent_done(&one, JOB_TEMPORARY, SITE_FINE);
	whole_until(was_tried);
	whole_run(20);
	one.jobs = 0;
	hold_writes = true;
	disk_fault = wait_for_job;
	compact();
	rcpt_route(&whole.q, &m->rcpts[0], false);
	qmgr_pump(&whole);
	whole_until(has_job);
	hold_writes = false;
	ck_assert_uint_eq(m->rcpts[0].attempts, 1);
	ck_assert_uint_gt(one.octets, 0);
}
END_TEST

/* --- a disk that fails ------------------------------------------------------- */

/* A disk that fails may be well again: the report waits, but not for ever. */
START_TEST(a_report_waits_for_what_cannot_be_read)
{
	struct segment broken = { .fd = -1 }, *seg;

	whole.o.sched.retry_min = 20;
	refused();
	whole.q.now += 1; /* 0 would be no time */
	seg = m->seg;
	m->seg = &broken;
	bounce_comes();
	whole_run(200);
	ck_assert_uint_eq(bounce.jobs, 0);
	ck_assert_int_eq(m->rcpts[0].state, RCPT_REPORT);
	if (_i == 0)
		m->seg = seg;
	else
		message_more(m)->dsn_failing -= 3600 * 1000;
	whole_until(is_reported);
	if (_i == 0)
		ck_assert_uint_gt(bounce.octets, 0);
	ck_assert_uint_eq(bounce.flags, _i == 0 ? 0 : JOB_WITHOUT);
	m->seg = seg;
}
END_TEST

START_TEST(a_report_says_what_is_damaged)
{
	refused();
	ck_assert_int_eq(disk_write(m->seg->fd, "X", 1, m->off + 60), 0);
	bounce_comes();
	whole_until(is_reported);
	ck_assert_uint_eq(bounce.octets, 0);
	ck_assert_uint_eq(bounce.flags, JOB_WITHOUT);
}
END_TEST

static TCase *
times(void)
{
	TCase *tc = tcase_create("times");

	tcase_add_checked_fixture(tc, whole_start, whole_end);
	tcase_add_loop_test(tc, a_report_waits_for_nobody_who_left, 0, 3);
	tcase_add_loop_test(tc, a_report_has_room_for_some, 0, 2);
	tcase_set_timeout(tc, 30);
	return tc;
}

static TCase *
originals(void)
{
	TCase *tc = tcase_create("originals");

	tcase_add_checked_fixture(tc, whole_start, whole_end);
	tcase_add_loop_test(tc, a_report_has_what_is_not_written, 0, 2);
	tcase_add_test(tc, a_job_has_what_is_not_written);
	tcase_add_loop_test(tc, a_report_waits_for_what_cannot_be_read, 0, 2);
	tcase_add_test(tc, a_report_says_what_is_damaged);
	tcase_set_timeout(tc, 30);
	return tc;
}

UNIT_MAIN("reports", times, originals)
