/* The scheduler under a clock of our own. */
#include "tests/unit/unit.h"

#include "qmgr/heap.h"
#include "tests/unit/qmgr/sched_rig.h"

/* --- concurrency ------------------------------------------------------------- */

START_TEST(a_good_site_gets_more)
{
	struct site *s = site("good");
	uint32_t at_once;

	for (int i = 0; i < 5000; i++)
		add(s, message_for(s, 1), 1);
	at_once = fill(s);
	ck_assert_uint_eq(at_once, 5);
	for (int round = 0; round < 40; round++) {
		const uint32_t n = s->lane->inflight;

		for (uint32_t i = 0; i < n; i++)
			result(s, SITE_FINE);
		fill(s);
	}
	ck_assert_uint_eq(s->lane->inflight, 20);
	/* One too many: not more for a while, then one more again. */
	result(s, SITE_SLOW_DOWN);
	ck_assert_uint_eq(s->lane->window, 19);
	ck_assert_uint_eq(fill(s), 0);
	for (int i = 0; i < 100; i++) {
		result(s, SITE_FINE);
		ck_assert_uint_eq(fill(s), 1);
	}
	ck_assert_uint_eq(s->lane->window, 19);
	now += 300000;
	for (int i = 0; i < 100; i++) {
		result(s, SITE_FINE);
		fill(s);
	}
	ck_assert_uint_eq(s->lane->window, 20);
}
END_TEST

START_TEST(a_dead_site_is_probed_by_one)
{
	struct site *s = site("dead");
	enum site_change change = SITE_SAME;

	for (int i = 0; i < 100; i++)
		add(s, message_for(s, 1), 1);
	fill(s);
	while (s->lane->inflight != 0 && change != SITE_DIED)
		change = result(s, SITE_DOWN);
	ck_assert_int_eq(change, SITE_DIED);
	while (s->lane->inflight != 0)
		result(s, SITE_DOWN);
	ck_assert(sched_refuses(s->lane, now));
	now = s->lane->probe_at;
	ck_assert(!sched_refuses(s->lane, now));
	add(s, message_for(s, 1), 1);
	ck_assert_uint_eq(fill(s), 1);
	ck_assert(sched_refuses(s->lane, now));
	ck_assert_int_eq(
	    result(s, SITE_DOWN), SITE_DIED);
	ck_assert_int_gt(s->lane->probe_at, now);
	now = s->lane->probe_at;
	add(s, message_for(s, 1), 1);
	ck_assert_uint_eq(fill(s), 1);
	ck_assert_int_eq(
	    result(s, SITE_FINE), SITE_BACK);
	ck_assert(!s->lane->dead);
	ck_assert_uint_ge(fill(s), 1);
}
END_TEST

/* However many senders wait: the last one taken is counted before the next is
 * offered. */
START_TEST(many_senders_get_no_more)
{
	struct site *s = site("narrow");

	for (uint64_t sender = 1; sender <= 10; sender++)
		add(s, message_for(s, 1), sender);
	ck_assert_uint_eq(fill(s), 5);
	while (s->lane->inflight != 0)
		result(s, SITE_DOWN);
	ck_assert(s->lane->dead);
	now = s->lane->probe_at;
	ck_assert_uint_eq(fill(s), 1);
}
END_TEST

START_TEST(a_blocked_site_gets_nothing)
{
	struct site *s = site("blocked");

	add(s, message_for(s, 1), 1);
	sched_block(&sched, s->lane, true);
	ck_assert_uint_eq(fill(s), 0);
	sched_block(&sched, s->lane, false);
	ck_assert_uint_eq(fill(s), 1);
}
END_TEST

START_TEST(a_rate_is_kept)
{
	struct site *s = site("rated"), *other = site("other");
	int sent = 0, sent_other = 0;

	for (int i = 0; i < 200; i++) {
		add(s, message_for(s, 1), 1);
		add(other, message_for(other, 1), 1);
	}
	s->lane->gap_us = 600000; /* 100 a minute */
	s->lane->rate_until = now + 60000;
	sched_rules(&sched, s->lane);
	for (const int64_t end = now + 60000; now < end; now += 10) {
		struct bundle *b;

		while ((b = sched_pick(&sched, SITE_SMTP, now)) != NULL) {
			struct site *of = b->site;

			sent += of == s;
			sent_other += of == other;
			bundle_take(b);
			bundle_free(b);
			sched_result(&sched, of, of->lane, SITE_FINE, now);
		}
		if (s->lane->nready != 0)
			ck_assert_int_gt(sched_next(&sched), now);
	}
	ck_assert_int_eq(sent_other, 200);
	ck_assert_int_ge(sent, 99);
	ck_assert_int_le(sent, 101);
	ck_assert_int_ne(sched_backlog(s->lane, now - 1), 0);
	ck_assert_int_eq(sched_backlog(s->lane, now), 0);
	/* Its time is over: all goes. */
	now += 1000;
	ck_assert_uint_ge(fill(s), 1);
}
END_TEST

START_TEST(a_pause_refuses_all)
{
	struct site *s = site("paused");

	s->lane->paused_until = now + 1000;
	ck_assert(sched_refuses(s->lane, now));
	ck_assert_int_gt(sched_after(&sched, s->lane, now), now + 1000);
	ck_assert(!sched_refuses(s->lane, now + 1000));
	s->lane->paused_until = LANE_EVER;
	ck_assert(sched_refuses(s->lane, now + (int64_t)5 * DAY));
	ck_assert_int_le(sched_after(&sched, s->lane, now), now + 4200000 * 2);
}
END_TEST

/* --- the same servers -------------------------------------------------------- */

/* A site's first answer names its servers, which others have already. */
START_TEST(a_rate_goes_along)
{
	struct site *first = site("first"), *s = site("second");

	ck_assert(!sched_hosts(&sched, first, STR("mx1")));
	first->lane->gap_us = s->lane->gap_us = 2000000;
	first->lane->rate_until = s->lane->rate_until = LANE_EVER;
	add(s, message_for(s, 1), 1);
	add(s, message_for(s, 1), 1);
	ck_assert_uint_eq(fill(s), 1);
	result(s, SITE_FINE);
	ck_assert(sched_hosts(&sched, s, STR("mx1")));
	ck_assert_ptr_eq(s->lane, first->lane);
	now += 1999;
	ck_assert_uint_eq(fill(s), 0);
	now += 1;
	ck_assert_uint_eq(fill(s), 1);
}
END_TEST

START_TEST(same_servers_share_a_window)
{
	struct site *a = site("a"), *b = site("b"), *c = site("c");
	struct lane *was;

	for (int i = 0; i < 100; i++) {
		add(a, message_for(a, 1), 1);
		add(b, message_for(b, 1), 1);
		add(c, message_for(c, 1), 2);
	}
	ck_assert(!sched_hosts(&sched, a, STR("mx1,mx2")));
	was = a->lane;
	ck_assert(sched_hosts(&sched, b, STR("mx1,mx2")));
	ck_assert_ptr_eq(a->lane, was);
	ck_assert_ptr_eq(b->lane, was);
	ck_assert_uint_eq(was->nready, 200);
	ck_assert_uint_eq(sites.nlanes, 2);
	ck_assert(!sched_hosts(&sched, b, STR("mx1,mx2")));
	ck_assert(!sched_hosts(&sched, c, STR("mx1")));
	ck_assert_uint_eq(fill(a), 10); /* five for two, five for one */
	ck_assert_uint_eq(was->inflight, 5);
	/* b gets exchangers of its own: what is under way stays counted. */
	ck_assert(sched_hosts(&sched, b, STR("mx3")));
	ck_assert_ptr_ne(b->lane, was);
	ck_assert_uint_eq(was->inflight, 5);
	ck_assert_uint_eq(was->nready + b->lane->nready, 195);
	ck_assert_uint_eq(fill(b), 5);
	ck_assert(sched_hosts(&sched, b, STR("mx1")));
	ck_assert_ptr_eq(b->lane, c->lane);
	ck_assert_uint_eq(c->lane->inflight, 5);
	ck_assert_uint_eq(fill(b), 0);
}
END_TEST

START_TEST(what_is_learnt_is_kept_and_shared)
{
	struct site *a = site("a"), *b = site("b");
	struct site *other = site_smtp(&sites, STR("c"), 2);
	struct lane *jobs[5];

	for (int i = 0; i < 5; i++)
		add(a, message_for(a, 1), 1);
	fill(a);
	for (int i = 0; i < 5; i++) {
		jobs[i] = a->lane;
		sched_result(&sched, a, jobs[i], SITE_DOWN, now);
	}
	ck_assert(a->lane->dead);
	ck_assert(!sched_hosts(&sched, a, STR("mx")));
	ck_assert(a->lane->dead);
	ck_assert(!sched_refuses(b->lane, now));
	ck_assert(sched_hosts(&sched, b, STR("mx")));
	ck_assert(sched_refuses(b->lane, now));
	/* Another TLS policy may well do better. */
	sched_hosts(&sched, other, STR("mx"));
	ck_assert_ptr_ne(other->lane, b->lane);
	ck_assert(str_eq(lane_text(b->lane), STR("mx")));
}
END_TEST

START_TEST(a_lane_outlives_its_site_by_its_jobs)
{
	struct site *a = site("a"), *b = site("b");
	struct lane *was = a->lane;

	add(a, message_for(a, 1), 1);
	ck_assert_uint_eq(fill(a), 1);
	sched_hosts(&sched, b, STR("mx"));
	ck_assert(sched_hosts(&sched, a, STR("mx")));
	ck_assert_uint_eq(was->nsites, 0);
	ck_assert_uint_eq(sites.nlanes, 2);
	sched_result(&sched, a, was, SITE_DOWN, now);
	ck_assert_uint_eq(sites.nlanes, 1);
	sites_sweep(&sites, now + 1);
	ck_assert_uint_eq(sites.n, 0);
	ck_assert_uint_eq(sites.nlanes, 0);
}
END_TEST

/* --- time -------------------------------------------------------------------- */

START_TEST(five_days_of_retries)
{
	int64_t t = 0, last = 0;
	unsigned attempts = 0;

	while (t < (int64_t)5 * DAY) {
		const int64_t wait = sched_retry(&sched, ++attempts);

		ck_assert_int_ge(wait, 300000 * 8 / 10);
		ck_assert_int_le(wait, 4200000 * 12 / 10);
		last = wait;
		t += wait;
	}
	ck_assert_int_ge(last, 4200000 * 8 / 10);
	/* 5, 10, 20, 40 and then 70 minutes: about 105 attempts. */
	ck_assert_uint_ge(attempts, 95);
	ck_assert_uint_le(attempts, 120);
}
END_TEST

START_TEST(the_heap_is_ordered)
{
	static struct heap_node nodes[500];
	struct heap h = { 0 };
	uint64_t x = 88172645463325252u;
	int64_t last = INT64_MIN;
	size_t n = 0;

	for (size_t i = 0; i < 500; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		heap_set(&h, &nodes[i], (int64_t)(x % 1000));
	}
	for (size_t i = 0; i < 500; i += 3)
		heap_set(&h, &nodes[i], (int64_t)(i * 7 % 1000));
	for (size_t i = 0; i < 500; i += 5)
		heap_remove(&h, &nodes[i]);
	while (heap_first(&h) != NULL) {
		struct heap_node *first = heap_first(&h);

		ck_assert_int_ge(first->key, last);
		last = first->key;
		heap_remove(&h, first);
		ck_assert(!heap_has(first));
		n++;
	}
	ck_assert_uint_eq(n, 400);
	heap_clear(&h);
}
END_TEST

/* Many waits of one kind after so many attempts: all between these. */
static void
waits(uint32_t code, const char *status, const char *text, unsigned attempts,
    int64_t least, int64_t most)
{
	const struct reply_hint hint =
	    reply_hint(code, str_c(status), str_c(text));

	for (int i = 0; i < 200; i++) {
		const int64_t wait =
		    sched_wait(&sched, &hint, attempts, NULL, now);

		ck_assert_msg(wait >= least && wait <= most,
		    "%u %s %s: %lld s", code, status, text,
		    (long long)wait / 1000);
	}
}

START_TEST(the_wait_is_what_was_said)
{
	enum { MIN = 60000 };

	/* Greylists: 5 to 6 minutes, several times; or what they name. */
	waits(450, "4.2.0", "greylisted", 1, 5 * MIN, 6 * MIN);
	waits(450, "4.2.0", "greylisted", 6, 5 * MIN, 6 * MIN);
	waits(450, "4.2.0", "greylisted", 12, 40 * MIN, 84 * MIN);
	waits(451, "4.7.1", "greylisted, again in 20 minutes", 1, 20 * MIN,
	    24 * MIN);
	waits(451, "4.7.1", "greylisted, again in 1 second", 1, 5000, 6000);
	waits(451, "4.7.1", "greylisted, again in 20 hours", 1, 70 * MIN,
	    84 * MIN);
	/* A full mailbox. */
	waits(452, "4.2.2", "full", 1, 12 * MIN, 18 * MIN);
	waits(452, "4.2.2", "full", 9, 168 * MIN, 252 * MIN);
	/* The rest. */
	waits(451, "4.3.0", "error", 1, 4 * MIN, 6 * MIN);
	waits(451, "4.3.0", "error", 3, 16 * MIN, 24 * MIN);
	waits(451, "4.4.1", "no connection", 9, 56 * MIN, 84 * MIN);
}
END_TEST

static TCase *
concurrency(void)
{
	TCase *tc = tcase_create("concurrency");

	tcase_add_checked_fixture(tc, rig_setup, rig_teardown);
	tcase_add_test(tc, a_good_site_gets_more);
	tcase_add_test(tc, a_dead_site_is_probed_by_one);
	tcase_add_test(tc, many_senders_get_no_more);
	tcase_add_test(tc, a_rate_is_kept);
	tcase_add_test(tc, a_pause_refuses_all);
	tcase_add_test(tc, a_blocked_site_gets_nothing);
	return tc;
}

static TCase *
servers(void)
{
	TCase *tc = tcase_create("servers");

	tcase_add_checked_fixture(tc, rig_setup, rig_teardown);
	tcase_add_test(tc, a_rate_goes_along);
	tcase_add_test(tc, same_servers_share_a_window);
	tcase_add_test(tc, what_is_learnt_is_kept_and_shared);
	tcase_add_test(tc, a_lane_outlives_its_site_by_its_jobs);
	return tc;
}

static TCase *
time_passes(void)
{
	TCase *tc = tcase_create("time");

	tcase_add_checked_fixture(tc, rig_setup, rig_teardown);
	tcase_add_test(tc, five_days_of_retries);
	tcase_add_test(tc, the_wait_is_what_was_said);
	tcase_add_test(tc, the_heap_is_ordered);
	return tc;
}

UNIT_MAIN("sched", concurrency, servers, time_passes)
