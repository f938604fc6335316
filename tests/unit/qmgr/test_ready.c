/*
 * Days of the queue under a clock of our own: what is ready, what waits, what
 * is told, with servers that are a function in the place of the agents, and a
 * routerd that says the domain.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"
#include "qmgr/qmgr.h"
#include "tests/unit/unit.h"

enum {
	MINUTE = 60000,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR,
	MESSAGES_MOST = 2000,
	JOBS_MOST = 64,
	RCPTS_MOST = 5,
	TOOK = 200 /* ms of a job, and some for each that is under way */
};

/* What became of a message, by queue time; 0: it did not. */
struct story {
	uint64_t id;
	int64_t sent, warned, returned, delivered;
};

struct run {
	int64_t ends;
	struct message *m;
	struct site *site;
	struct lane *lane;
	struct rcpt *r;
};

static struct qmgr d;
static char path[64];
static struct story stories[MESSAGES_MOST];
static size_t nstories;
static struct run runs[JOBS_MOST];
static size_t nruns;
static unsigned jobs;      /* begun */
static int64_t up_from, up_until; /* when the servers answer */
static unsigned busy, grey;       /* so many jobs they refuse, first for being
                                   * too much, then by a greylist */
static int64_t refused_at;        /* the last of these */

struct answer {
	uint32_t code;
	const char *status, *text;
	enum job_status job;
	enum site_state site;
};

static struct story *
story(const struct message *m)
{
	for (size_t i = 0; i < nstories; i++)
		if (stories[i].id == m->id)
			return &stories[i];
	ck_abort_msg("a message that was never sent");
	return NULL;
}

/* --- the rest of qmgr ------------------------------------------------------ */

int64_t
qmgr_now(struct qmgr *q)
{
	return q->q.now;
}

void
qmgr_pump(struct qmgr *q)
{
	(void)q;
}

bool
dsn_wanted(const struct rcpt *r, enum dsn_action action)
{
	return message_sender(r->m).n != 0 &&
	    (action == DSN_FAILED || action == DSN_DELAYED);
}

/* One report of all that wait. */
static void
warn(struct qmgr *q, struct message *m)
{
	struct rcpt *r;

	ck_assert_int_eq(story(m)->warned, 0);
	story(m)->warned = q->q.now;
	RCPT_FOREACH(r, m)
		if (r->state == RCPT_DEFERRED)
			queue_warned(&q->q, m, &r, 1);
}

void
dsn_dropped(const struct rcpt *r)
{
	(void)r;
}

/* Each report is written at once. */
void
dsn_queue(struct qmgr *q, struct message *m, enum dsn_action action)
{
	struct rcpt *r = message_rcpt(m, 0);

	if (action == DSN_DELAYED) {
		warn(q, m);
		return;
	}
	ck_assert_int_eq(r->state, RCPT_REPORT);
	ck_assert(r->reason != NULL);
	story(m)->returned = q->q.now;
	queue_done(&q->q, m, &r, 1, END_REPORT);
}

static void
on_quiet(void *arg, struct message *m)
{
	dsn_queue(arg, m, DSN_FAILED);
}

/* --- the world -------------------------------------------------------------- */

static struct message *
send_to_all(const char *const domains[], uint32_t n)
{
	static const struct settle none;
	const struct envelope env = { .sender = STR("a@here.test"),
		.client = STR("192.0.2.1") };
	char address[RCPTS_MOST][64];
	struct rcpt_init init[RCPTS_MOST] = { 0 };
	struct message *m;

	for (uint32_t i = 0; i < n; i++) {
		snprintf(address[i], sizeof(address[i]), "x@%s", domains[i]);
		init[i].index = i;
		init[i].address = str_c(address[i]);
	}
	m = message_new(queue_new_id(&d.q, 1000), &env, init, n, n);

	m->accepted = d.q.now;
	queue_accept(&d.q, m, STR_NONE, &none);
	m->flags |= MSG_FLUSHED;
	ck_assert_uint_lt(nstories, MESSAGES_MOST);
	stories[nstories++] = (struct story){ .id = m->id, .sent = d.q.now };
	return m;
}

static struct message *
send_to(const char *domain)
{
	return send_to_all(&domain, 1);
}

static void
route_all(void)
{
	struct rcpt *r;

	while ((r = TAILQ_FIRST(&d.q.routing)) != NULL ||
	    (r = TAILQ_FIRST(&d.q.routing_bulk)) != NULL) {
		struct str domain = rcpt_address(r);
		struct message *m = r->m;

		str_take_until(&domain, '@');
		rcpt_ready(&d.q, r, site_smtp(&d.q.sites, domain, 0), NULL);
		if (m->asking == 0)
			message_ready(&d, m);
	}
}

static void
begin_jobs(void)
{
	struct bundle *b;

	while (nruns < JOBS_MOST &&
	    (b = sched_pick(&d.q.sched, SITE_SMTP, d.q.now)) != NULL) {
		struct run *run = &runs[nruns++];

		*run = (struct run){ d.q.now + TOOK + (int64_t)nruns, b->m, b->site,
			b->site->lane, bundle_take(b) };
		rcpt_inflight(&d.q, run->r);
		message_hold_ref(run->m);
		bundle_free(b);
		jobs++;
	}
}

static struct answer
answer_now(void)
{
	static const struct answer taken = { 250, "2.0.0", "ok", JOB_OK,
		SITE_FINE },
		nobody = { 451, "4.4.1", "no connection", JOB_TEMPORARY,
		SITE_DOWN },
		too_much = { 421, "4.3.2", "too busy", JOB_TEMPORARY,
		SITE_SLOW_DOWN },
		later = { 450, "4.7.1", "greylisted", JOB_TEMPORARY,
		SITE_FINE };

	if (d.q.now < up_from || d.q.now >= up_until)
		return nobody;
	if (busy == 0 && grey == 0)
		return taken;
	refused_at = d.q.now;
	if (busy == 0) {
		grey--;
		return later;
	}
	busy--;
	return too_much;
}

static void
end_job(struct run *run)
{
	const struct answer a = answer_now();
	struct reason *why = reason_get(&d.q.reasons, a.code, str_c(a.status),
	    str_c(a.text), STR("mx"));
	const struct outcome o = { .r = run->r, .status = a.job, .reason = why };
	const enum site_change change = sched_result(
	    &d.q.sched, run->site, run->lane, a.site, d.q.now);

	/* As job.c tells a site. */
	lane_said(&d.q.sites, run->lane, why);
	if (change == SITE_DIED || change == SITE_SLOWED)
		lane_defer_ready(&d, run->lane);
	if (change == SITE_BACK)
		lane_back(&d, run->lane, true);
	if (a.site == SITE_FINE)
		lane_wake(&d, run->lane, LANE_WOKEN);
	if (a.job == JOB_OK)
		story(run->m)->delivered = d.q.now;
	outcome_apply(&d, run->m, &o, 1);
	message_drop_ref(&d.q, run->m);
	reason_drop(&d.q.reasons, why);
}

/* When something happens next. */
static int64_t
next_event(void)
{
	const struct heap_node *first = heap_first(&d.q.timers);
	int64_t next = sched_next(&d.q.sched);

	if (first != NULL && first->key < next)
		next = first->key;
	for (size_t i = 0; i < nruns; i++)
		if (runs[i].ends < next)
			next = runs[i].ends;
	return next;
}

static void
turn(void)
{
	struct heap_node *first;

	for (size_t i = 0; i < nruns;)
		if (runs[i].ends <= d.q.now) {
			struct run run = runs[i];

			runs[i] = runs[--nruns];
			end_job(&run);
		} else {
			i++;
		}
	while ((first = heap_first(&d.q.timers)) != NULL &&
	    first->key <= d.q.now)
		message_due(&d, (struct message *)(void *)((char *)first -
		    offsetof(struct message, timer)));
	route_all();
	begin_jobs();
	qlog_flush(&d.q.log);
	syncer_wait(d.syncer);
}

static void
run_until(int64_t until)
{
	int64_t next;

	turn();
	while ((next = next_event()) <= until) {
		ck_assert_int_ge(next, d.q.now);
		d.q.now = next;
		turn();
	}
	d.q.now = until;
}

static void
on_segment(void *arg)
{
	(void)arg;
}

static void
on_dirty(void *arg)
{
	(void)arg;
}

static void
on_failed(void *arg, int error)
{
	(void)arg;
	ck_abort_msg("a flush failed: %d", error);
}

static void
setup(void)
{
	static const struct sched_options o = { 5, 20, 100, 5 * MINUTE,
		70 * MINUTE };
	static const struct qlog_ops log = { .on_dirty = on_dirty,
		.on_failed = on_failed, .on_segment = on_segment };

	d = (struct qmgr){ .o.sched = o };
	d.o.lifetime = 5 * DAY;
	d.o.warn_after = 4 * HOUR;
	d.o.per_message = 100;
	snprintf(path, sizeof(path), "/tmp/postern-ready.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(path));
	d.syncer = syncer_new(NULL);
	queue_init(&d.q, &o, 7);
	d.q.now = 1000000;
	d.q.on_quiet = on_quiet;
	d.q.arg = &d;
	qlog_init(&d.q.log, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	    4 << 20, 5, d.syncer, &log, NULL);
	qlog_start(&d.q.log, 0, 1);
	rules_init(&d.rules);
	nstories = nruns = jobs = 0;
	up_from = up_until = 0;
	busy = grey = 0;
}

static void
teardown(void)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -r %s", path);
	ck_assert_int_eq(system(command), 0);
}

/* --- tests ------------------------------------------------------------------ */

/* Nobody answers for a week: each sender is warned once and told in the end,
 * whether his message was a probe or never left; and that costs the dead site
 * a few connections, not some for each message. */
START_TEST(a_week_of_silence)
{
	enum { N = 400 };
	const int64_t began = d.q.now;

	for (int i = 0; i < N; i++) {
		send_to("dead.test");
		run_until(began + (i + 1) * (DAY / N));
	}
	run_until(began + 7 * DAY);
	for (size_t i = 0; i < nstories; i++) {
		const struct story *s = &stories[i];

		ck_assert_int_eq(s->delivered, 0);
		ck_assert_int_ge(s->warned - s->sent, 4 * HOUR);
		ck_assert_int_le(s->warned - s->sent, 4 * HOUR + 90 * MINUTE);
		ck_assert_int_ge(s->returned - s->sent, 5 * DAY);
		ck_assert_int_le(s->returned - s->sent, 5 * DAY + 90 * MINUTE);
	}
	ck_assert_uint_eq(d.q.table.n, 0);
	ck_assert_uint_le(jobs, 7 * 24 * 60 / 50 + 20);
	ck_assert_uint_ge(jobs, 6 * 24 * 60 / 90);
}
END_TEST

/* It comes back after two days: all goes within the time of one probe, and
 * nobody hears of failure. */
START_TEST(it_comes_back)
{
	enum { N = 400 };
	const int64_t began = d.q.now, back = began + 2 * DAY;

	up_from = back;
	up_until = INT64_MAX;
	for (int i = 0; i < N; i++) {
		send_to("back.test");
		run_until(began + (i + 1) * (DAY / N));
	}
	run_until(back + DAY);
	for (size_t i = 0; i < nstories; i++) {
		ck_assert_int_eq(stories[i].returned, 0);
		ck_assert_int_ge(stories[i].delivered, back);
		ck_assert_int_le(stories[i].delivered, back + 90 * MINUTE);
	}
	ck_assert_uint_eq(d.q.table.n, 0);
}
END_TEST

/* That a server was busy for hours says nothing of how long a greylist is. */
START_TEST(too_much_and_then_a_greylist)
{
	up_until = INT64_MAX;
	busy = 8;
	grey = 1;
	send_to("far.test");
	run_until(d.q.now + 12 * HOUR);
	ck_assert_uint_eq(jobs, 10);
	ck_assert_int_ge(stories[0].delivered - refused_at, 5 * MINUTE);
	ck_assert_int_le(
	    stories[0].delivered - refused_at, 6 * MINUTE + 2 * TOOK);
}
END_TEST

/* A pause is no reason: nobody is warned or told, and all goes at its end. */
START_TEST(a_pause_gives_nothing_up)
{
	const int64_t began = d.q.now;
	struct lane *lane;

	up_until = INT64_MAX;
	send_to("paused.test");
	run_until(began + 1000);
	ck_assert_int_ne(stories[0].delivered, 0);
	lane = TAILQ_FIRST(&d.q.sites.lanes);
	lane->paused_until = began + 6 * DAY;
	send_to("paused.test");
	run_until(began + 6 * DAY);
	ck_assert_int_eq(stories[1].warned + stories[1].returned, 0);
	run_until(began + 6 * DAY + 2 * HOUR);
	ck_assert_int_ne(stories[1].delivered, 0);
}
END_TEST

/* Older than its lifetime when a pause or a hold ends, and then its server is
 * down: it is tried for a fifth of that time. */
START_TEST(who_was_held_is_tried_for_a_day)
{
	enum { HELD = 6 * DAY };
	const int64_t began = d.q.now;
	struct lane *lane;
	struct message *m;

	up_until = INT64_MAX;
	send_to("paused.test");
	run_until(began + 1000);
	lane = TAILQ_FIRST(&d.q.sites.lanes);
	if (_i < 2)
		lane->paused_until = began + HELD;
	else
		up_until = d.q.now;
	m = send_to("paused.test");
	if (_i == 2) {
		run_until(d.q.now + 1000);
		queue_hold(&d.q, m, true);
	}
	run_until(began + HELD);
	if (_i == 1) { /* as the order is swept away */
		lane->resumed = lane->paused_until;
		lane->paused_until = 0;
	}
	if (_i == 2) {
		queue_hold(&d.q, m, false);
		message_released(&d, m);
	}
	up_until = d.q.now;
	run_until(began + HELD + 20 * HOUR);
	ck_assert_int_eq(stories[1].returned, 0);
	ck_assert_uint_ge(jobs, 10);
	run_until(began + HELD + 28 * HOUR);
	ck_assert_int_ne(stories[1].returned, 0);
}
END_TEST

/* A pause each night is not long: the end comes as ever.  Nor does a hold count
 * twice. */
START_TEST(short_pauses_keep_nobody_for_ever)
{
	const int64_t began = d.q.now;
	struct lane *lane;
	struct message *m;

	m = send_to("paused.test");
	run_until(began + HOUR);
	lane = TAILQ_FIRST(&d.q.sites.lanes);
	for (int day = 0; day < 8; day++) {
		if (_i == 0) {
			lane->paused_at = d.q.now;
			lane->paused_until = d.q.now + 8 * HOUR;
		} else if (stories[0].returned == 0) {
			queue_hold(&d.q, m, true);
			run_until(d.q.now + 8 * HOUR);
			queue_hold(&d.q, m, false);
			message_released(&d, m);
		}
		run_until(began + (day + 1) * DAY);
	}
	ck_assert_int_ge(stories[0].returned, began + 5 * DAY);
	ck_assert_int_le(stories[0].returned, began + 5 * DAY + 34 * HOUR);
}
END_TEST

/* Held while its site was paused, it does not wait for what the pause made of
 * its time. */
START_TEST(what_was_never_tried_goes_when_released)
{
	struct message *m;
	struct lane *lane;

	up_until = INT64_MAX;
	send_to("paused.test");
	run_until(d.q.now + 1000);
	lane = TAILQ_FIRST(&d.q.sites.lanes);
	lane->paused_until = LANE_EVER;
	m = send_to("paused.test");
	run_until(d.q.now + 1000);
	queue_hold(&d.q, m, true);
	lane->paused_until = 0;
	run_until(d.q.now + HOUR / 2);
	ck_assert_int_eq(stories[1].delivered, 0);
	queue_hold(&d.q, m, false);
	message_released(&d, m);
	run_until(d.q.now + 1000);
	ck_assert_int_ne(stories[1].delivered, 0);
}
END_TEST

/* Their servers answer one after the other: one warning tells of all. */
START_TEST(one_warning_for_all_sites)
{
	static const char *const domains[RCPTS_MOST] = { "a.test", "b.test",
		"c.test", "d.test", "e.test" };
	const int64_t late = d.q.now + d.o.warn_after;
	struct message *m;

	up_until = INT64_MAX;
	grey = 1000;
	m = send_to_all(domains, RCPTS_MOST);
	run_until(late - HOUR);
	for (uint32_t i = 0; i < RCPTS_MOST; i++)
		message_rcpt(m, i)->next = late;
	queue_set_timer(&d.q, m);
	run_until(late);
	ck_assert_uint_eq(nruns, RCPTS_MOST);
	ck_assert_int_eq(stories[0].warned, 0);
	run_until(late + HOUR);
	ck_assert_int_eq(stories[0].warned, late + TOOK + RCPTS_MOST);
}
END_TEST

/* One of them has no turn for hours: the others' sender is told. */
START_TEST(a_warning_waits_for_nobody_long)
{
	static const char *const domains[] = { "a.test", "stuck.test" };
	const int64_t late = d.q.now + d.o.warn_after;
	struct site *stuck = site_smtp(&d.q.sites, STR("stuck.test"), 0);

	sched_block(&d.q.sched, stuck->lane, true);
	send_to_all(domains, 2);
	run_until(late + 2 * HOUR);
	ck_assert_int_ge(stories[0].warned, late);
}
END_TEST

/* Sixty a minute: who came first goes first, though more than a minute of it
 * waits and more comes all the time, and the rate is kept. */
START_TEST(a_rate_keeps_the_order)
{
	const int64_t began = d.q.now;
	int64_t late = 0;

	up_until = INT64_MAX;
	send_to("rated.test");
	run_until(began + 1000);
	TAILQ_FIRST(&d.q.sites.lanes)->gap_us = 1000000;
	TAILQ_FIRST(&d.q.sites.lanes)->rate_until = LANE_EVER;
	for (int i = 0; i < 300; i++)
		send_to("rated.test");
	for (int i = 0; i < 300; i++) {
		send_to("rated.test");
		run_until(d.q.now + 900);
	}
	run_until(began + HOUR);
	for (size_t i = 1; i < nstories; i++) {
		const int64_t at = stories[i].delivered;

		ck_assert_int_ne(at, 0);
		/* Turns are looked at by the minute that is kept ready. */
		ck_assert_int_ge(at, late - 2 * MINUTE);
		if (at > late)
			late = at;
	}
	ck_assert_int_ge(late - began, 599 * 1000);
	ck_assert_int_le(late - began, 620 * 1000);
}
END_TEST

static TCase *
days(void)
{
	TCase *tc = tcase_create("days");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_week_of_silence);
	tcase_add_test(tc, it_comes_back);
	tcase_add_test(tc, too_much_and_then_a_greylist);
	tcase_add_test(tc, a_pause_gives_nothing_up);
	tcase_add_loop_test(tc, who_was_held_is_tried_for_a_day, 0, 3);
	tcase_add_loop_test(tc, short_pauses_keep_nobody_for_ever, 0, 2);
	tcase_add_test(tc, what_was_never_tried_goes_when_released);
	tcase_add_test(tc, one_warning_for_all_sites);
	tcase_add_test(tc, a_warning_waits_for_nobody_long);
	tcase_add_test(tc, a_rate_keeps_the_order);
	tcase_set_timeout(tc, 60);
	return tc;
}

UNIT_MAIN("ready", days)
