/* What agents may say, and what comes of those that say nothing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

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

static const char *
address_of(const struct message *m)
{
	static char address[100];

	str_copy(address, sizeof(address), rcpt_address(&m->rcpts[0]));
	return address;
}

/* An agent that has told all may not speak of others' mail. */
START_TEST(inflight_too_late)
{
	struct message *m = under_way(roles[_i]);

	m->rcpts[0].flags |= RCPT_MAYBE;
	agent_start(&other, roles[_i]);
	agent_greet(&other);
	agent_inflight(&other, m->id, 0, address_of(m), JOB_OK);
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
	agent_inflight(&other, m->id, 0, address_of(m), JOB_OK);
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
	agent_inflight(&other, m->id, 0, address_of(m), JOB_OK);
	agent_greet(&other);
	whole_until(is_flushed);
	ck_assert_uint_eq(whole.q.table.n, roles[_i] == ROLE_DELIVER ? 1 : 0);
}
END_TEST

/* It had the number before: of a list that was asked for anew. */
START_TEST(inflight_of_somebody_else)
{
	struct message *m = under_way(ROLE_SMTP);

	m->rcpts[0].flags |= RCPT_MAYBE;
	agent_start(&other, ROLE_SMTP);
	agent_inflight(&other, m->id, 0, "a@far.test", JOB_OK);
	agent_greet(&other);
	whole_until(is_flushed);
	ck_assert_int_eq(m->rcpts[0].state, RCPT_INFLIGHT);
}
END_TEST

static bool
is_empty(void)
{
	return whole.q.table.n == 0;
}

/* Dropped while it had it, a message is not sent once more when it dies. */
START_TEST(dropped_and_died)
{
	under_way(ROLE_SMTP)->rcpts[0].flags |= RCPT_DROP;
	link_free(one.link);
	whole_until(is_empty);
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

/* None comes, as when there are too many: it is asked for again, for a
 * minute. */
START_TEST(none_comes)
{
	struct message *m = whole_submit("b@local");
	struct rcpt *r = &m->rcpts[0];

	whole_until(is_asked);
	r->site->asked_at -= 10000;
	agents_look(&whole);
	qmgr_pump(&whole);
	asks_wanted = 2;
	whole_until(is_asked_again);
	ck_assert_int_eq(r->state, RCPT_READY);
	r->site->asked_at -= 50000;
	agents_look(&whole);
	ck_assert_int_eq(r->state, RCPT_DEFERRED);
	ck_assert_uint_eq(r->attempts, 1);
}
END_TEST

static bool
is_settled(void)
{
	return one.flushed == 2;
}

/* What it had no room for goes when it has; else its sites, which may be
 * many, are not looked at for each message. */
START_TEST(a_full_worker)
{
	struct message *m;
	struct lane *lane;

	whole.o.local_jobs = 1;
	m = under_way(ROLE_DELIVER);
	lane = m->rcpts[0].site->lane;
	m = whole_submit("c@local");
	whole_run(20);
	ck_assert_uint_eq(one.jobs, 1);
	ck_assert(lane->blocked);
	agent_done(&one, JOB_OK, SITE_FINE);
	one.jobs = 0;
	whole_until(has_job);
	ck_assert_uint_eq(one.id, m->id);
	ck_assert(!lane->blocked);
	lane->blocked = true; /* as nothing does then */
	agent_done(&one, JOB_OK, SITE_FINE);
	whole_until(is_settled);
	whole_run(50);
	ck_assert(lane->blocked);
}
END_TEST

static bool
is_due(void)
{
	return timer_is_set(&whole.due);
}

static struct lane *far;

static bool
is_slowed(void)
{
	return far->inflight == 0 && far->slow_until != 0;
}

/* Another of its servers took, or refused for good, what was too much for the
 * first one. */
static const enum job_status judged[] = { JOB_OK, JOB_PERMANENT };

START_TEST(the_other_server_judges_it)
{
	uint32_t window;

	whole.o.smtp_jobs = 1;
	far = under_way(ROLE_SMTP)->rcpts[0].site->lane;
	window = far->window;
	whole_submit("c@far.test");
	one.jobs = 0;
	agent_done(&one, judged[_i], SITE_SLOW_DOWN);
	whole_until(has_job);
	ck_assert_uint_eq(far->refusals, 0);
	ck_assert_uint_eq(far->window, window);
	/* None did, and then none did again. */
	whole_submit("d@far.test");
	one.jobs = 0;
	agent_done(&one, JOB_TEMPORARY, SITE_SLOW_DOWN);
	whole_until(has_job);
	ck_assert_uint_eq(far->refusals, 1);
	agent_done(&one, JOB_TEMPORARY, SITE_SLOW_DOWN);
	whole_until(is_slowed);
}
END_TEST

/* What waits for its turn at a rate does not wake us while the disk is full,
 * but when there is room again.  A minute: no disk takes so long to store a
 * message. */
START_TEST(a_rate_on_a_full_disk)
{
	struct message *m = under_way(ROLE_SMTP);
	struct lane *lane = m->rcpts[0].site->lane;

	agent_done(&one, JOB_OK, SITE_FINE);
	lane->gap_us = 60000000;
	lane->rate_until = LANE_EVER;
	lane->next_us = (whole.q.now + 60000) * 1000;
	whole_submit("c@far.test");
	whole_until(is_due);
	ck_assert_int_ne(sched_next(&whole.q.sched), INT64_MAX);
	whole.q.log.full = ENOSPC;
	qmgr_pump(&whole);
	whole_run(20);
	ck_assert(!is_due());
	whole.q.log.full = 0;
	space_full(&whole, 0);
	whole_until(is_due);
	ck_assert_int_ne(sched_next(&whole.q.sched), INT64_MAX);
}
END_TEST

/* Read back for one recipient, the text is there for the others. */
START_TEST(a_text_is_read_once)
{
	struct message *m = whole_submit("a@1.test b@2.test c@3.test");

	message_drop_text(&whole.q, m);
	whole.o.smtp_jobs = 1;
	if (_i != 0)
		whole.o.memory = 20; /* there is no room for it */
	agent_start(&one, ROLE_SMTP);
	agent_greet(&one);
	for (int i = 0; i < 3; i++) {
		whole_until(has_job);
		one.jobs = 0;
		ck_assert_int_eq(m->text != NULL, _i == 0);
		agent_done(&one, JOB_TEMPORARY, SITE_FINE);
	}
	whole_run(50);
	ck_assert_uint_eq(m->nbusy, 0);
	ck_assert_ptr_null(m->text);
	ck_assert_uint_eq(whole.q.text_memory, 0);
}
END_TEST

/* --- reports --------------------------------------------------------------- */

static bool
is_reported(void)
{
	return other.jobs != 0;
}

/* Mail that is refused, and bounce, which gets the report. */
static void
report(const char *rcpt, enum job_status status)
{
	one.jobs = other.jobs = 0;
	if (rcpt != NULL) {
		ck_assert_ptr_nonnull(whole_submit(rcpt));
		whole_until(has_job);
		agent_done(&one, JOB_PERMANENT, SITE_FINE);
	}
	whole_until(is_reported);
	agent_done(&other, status, SITE_FINE);
}

/* Reports that fail stand aside until their time comes, whatever goes on. */
START_TEST(reports_fail)
{
	struct dsns *q = &whole.dsn;
	struct message *m;

	/* Longer than any disk takes for what comes between. */
	whole.o.sched.retry_min = 600000;
	agent_start(&one, ROLE_SMTP);
	agent_greet(&one);
	agent_start(&other, ROLE_BOUNCE);
	agent_greet(&other);
	report("a@far.test", JOB_TEMPORARY);
	report("b@far.test", JOB_TEMPORARY);
	report("c@far.test", JOB_TEMPORARY);
	report("d@far.test", JOB_OK);
	whole_run(20);
	ck_assert_uint_eq(q->now.n, 0);
	ck_assert_uint_eq(q->later.n, 3);
	ck_assert(timer_is_set(&q->again));
	ck_assert_uint_eq(whole.q.table.n, 3);
	for (int i = 0; i < 3; i++) {
		TAILQ_FOREACH(m, &whole.q.table.all, entry)
			if (m->dsn_next > whole.q.now)
				break;
		ck_assert_ptr_nonnull(m);
		m->dsn_next = whole.q.now;
		timer_set(&q->again, 0);
		report(NULL, JOB_OK);
	}
	whole_until(is_empty);
	ck_assert_uint_eq(q->later.n, 0);
}
END_TEST

/* What is reported has a time and no mailbox, and is not sent as one. */
START_TEST(a_delay_is_reported)
{
	struct message *m = under_way(ROLE_SMTP);

	agent_done(&one, JOB_TEMPORARY, SITE_FINE);
	agent_start(&other, ROLE_BOUNCE);
	agent_greet(&other);
	whole_run(20);
	ck_assert_int_eq(m->rcpts[0].state, RCPT_DEFERRED);
	dsn_queue(&whole, m, DSN_DELAYED);
	whole_until(is_reported);
	ck_assert_ptr_null(rcpt_target(&m->rcpts[0]));
	agent_done(&other, JOB_OK, SITE_FINE);
	whole_run(20);
	ck_assert_int_ne(m->rcpts[0].flags & RCPT_WARNED, 0);
	ck_assert_int_gt(m->rcpts[0].next, whole.q.now);
}
END_TEST

static void
remove_large(void)
{
	const int fd = openat(whole.spoolfd, "large", O_RDONLY | O_DIRECTORY);
	DIR *dir = fdopendir(fd);
	struct dirent *e;
	int n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			n += unlinkat(fd, e->d_name, 0) == 0;
	closedir(dir);
	ck_assert_int_eq(n, 1);
}

/* The body is gone from the disk: the sender is told without it. */
START_TEST(a_report_without_its_text)
{
	struct message *m;

	whole.o.inline_body = 2;
	whole.o.sched.retry_min = 2000;
	agent_start(&other, ROLE_BOUNCE);
	agent_greet(&other);
	m = under_way(ROLE_SMTP);
	ck_assert_int_ne(m->flags & MSG_LARGE, 0);
	remove_large();
	agent_done(&one, JOB_PERMANENT, SITE_FINE);
	whole_run(50);
	ck_assert_uint_eq(other.jobs, 0); /* the disk may be well soon */
	whole_until(is_reported);
	ck_assert_uint_eq(other.flags, JOB_WITHOUT);
	agent_done(&other, JOB_OK, SITE_FINE);
	whole_until(is_empty);
}
END_TEST

/* Nobody else of the message is on his way any more, though none had an
 * outcome. */
START_TEST(a_report_does_not_wait_for_who_is_held)
{
	struct message *m;
	struct lane *lane; /* of who waits */

	whole.o.smtp_jobs = 1;
	agent_start(&one, ROLE_SMTP);
	agent_greet(&one);
	agent_start(&other, ROLE_BOUNCE);
	agent_greet(&other);
	m = whole_submit("a@1.test b@2.test");
	whole_until(has_job);
	lane = m->rcpts[m->rcpts[0].state == RCPT_READY ? 0 : 1].site->lane;
	sched_block(&whole.q.sched, lane, true);
	agent_done(&one, JOB_PERMANENT, SITE_FINE);
	whole_run(20);
	ck_assert_uint_eq(m->nreport, 1);
	ck_assert_uint_eq(other.jobs, 0);
	queue_hold(&whole.q, m, true);
	sched_block(&whole.q.sched, lane, false);
	qmgr_pump(&whole);
	whole_until(is_reported);
	ck_assert_uint_eq(other.id, m->id);
	ck_assert_uint_eq(m->nreport, 1);
	ck_assert_uint_eq(m->nbusy, 0);
}
END_TEST

/* --- what may come in ------------------------------------------------------ */

static bool
is_answered(void)
{
	return answered != 0;
}

static void
submit_many(uint64_t cookie, uint32_t n)
{
	submit_begin(cookie, "a@x.test");
	for (uint32_t i = 0; i < n; i++)
		submit_rcpt(cookie, "somebody@far.test");
}

/* Recipients in the queue take memory; mail that is there goes on. */
START_TEST(recipients_fill_the_queue)
{
	struct message *m;
	struct rcpt *r;

	whole.o.memory = 100000;
	submit_many(1000, 1000);
	submit_body(1000, "x\n");
	whole_until(is_answered);
	ck_assert_uint_eq(answered, 250);
	ck_assert_ptr_null(whole_submit("b@far.test"));
	ck_assert_uint_eq(answered, 452);
	ck_assert_str_eq(intake_why(&whole),
	    "texts and recipients take all of queue.memory");
	m = TAILQ_FIRST(&whole.q.table.all);
	RCPT_FOREACH(r, m)
		if (r->index != 0)
			queue_done(&whole.q, m, &r, 1, END_NEXT_HOP);
	r = &m->rcpts[0];
	queue_done(&whole.q, m, &r, 1, END_NEXT_HOP);
	ck_assert_uint_eq(whole.q.rcpt_memory, 0);
	ck_assert_ptr_nonnull(whole_submit("b@far.test"));
}
END_TEST

/* So do long answers, each another one. */
START_TEST(replies_fill_the_queue)
{
	struct reason *said[200];
	char text[1000];

	whole.o.memory = 100000;
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < N_OF(said); i++) {
		memcpy(text, &i, sizeof(i));
		said[i] = reason_get(&whole.q.reasons, 451, STR("4.7.1"),
		    str_n(text, sizeof(text)), STR("mx.far.test"));
	}
	ck_assert_ptr_null(whole_submit("b@far.test"));
	ck_assert_uint_eq(answered, 452);
	for (size_t i = 0; i < N_OF(said); i++)
		reason_drop(&whole.q.reasons, said[i]);
	ck_assert_uint_eq(whole.q.reasons.octets, 0);
	ck_assert_ptr_nonnull(whole_submit("b@far.test"));
}
END_TEST

/* So do those that never come to an end. */
START_TEST(recipients_without_end)
{
	whole.o.memory = 100000;
	submit_many(1000, 2000);
	whole_until(is_answered);
	ck_assert_uint_eq(answered, 452);
	ck_assert_uint_eq(whole.intake.memory, 0);
	ck_assert_uint_eq(whole.intake.open, 0);
}
END_TEST

START_TEST(submits_without_end)
{
	for (uint64_t i = 1; i < 12000; i++)
		submit_begin(10000 + i, "");
	whole_until(is_answered);
	ck_assert_uint_eq(answered, 452);
	whole_run(100);
	ck_assert_uint_le(whole.intake.open, 10000);
}
END_TEST

static TCase *
incoming(void)
{
	TCase *tc = tcase_create("incoming");

	tcase_add_checked_fixture(tc, whole_start, whole_end);
	tcase_add_test(tc, reports_fail);
	tcase_add_test(tc, a_delay_is_reported);
	tcase_add_test(tc, a_report_without_its_text);
	tcase_add_test(tc, a_report_does_not_wait_for_who_is_held);
	tcase_add_loop_test(tc, a_text_is_read_once, 0, 2);
	tcase_add_test(tc, recipients_fill_the_queue);
	tcase_add_test(tc, replies_fill_the_queue);
	tcase_add_test(tc, recipients_without_end);
	tcase_add_test(tc, submits_without_end);
	tcase_set_timeout(tc, 30);
	return tc;
}

static TCase *
workers(void)
{
	TCase *tc = tcase_create("workers");

	tcase_add_checked_fixture(tc, whole_start, whole_end);
	tcase_add_test(tc, dies_at_start);
	tcase_add_test(tc, goes_when_asked);
	tcase_add_test(tc, none_comes);
	tcase_add_test(tc, a_full_worker);
	tcase_add_loop_test(
	    tc, the_other_server_judges_it, 0, (int)N_OF(judged));
	tcase_add_test(tc, a_rate_on_a_full_disk);
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
	tcase_add_test(tc, inflight_of_somebody_else);
	tcase_add_test(tc, dropped_and_died);
	tcase_set_timeout(tc, 30);
	return tc;
}

UNIT_MAIN("agents", telling, workers, incoming)
