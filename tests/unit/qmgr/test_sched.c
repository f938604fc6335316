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

START_TEST(who_asks_for_less_gets_less)
{
	const struct reply_hint slow = { REPLY_SLOW, 0 };
	struct site *s = site("slow");
	int64_t wait = 0;

	for (int i = 0; i < 100; i++)
		add(s, message_for(s, 1), 1);
	ck_assert_uint_eq(fill(s), 5);
	for (int k = 0; k < 5; k++) {
		/* All of a window say so, and the last one has no other. */
		while (s->lane->inflight > 1) {
			ck_assert_int_eq(result(s, SITE_SLOW_DOWN), SITE_SAME);
			ck_assert_uint_eq(s->lane->window, s->lane->inflight);
			ck_assert(!sched_refuses(s->lane, now));
			ck_assert_uint_eq(fill(s), 0);
		}
		ck_assert_int_eq(result(s, SITE_SLOW_DOWN), SITE_SLOWED);
		ck_assert_uint_ge(s->lane->window, 1);
		ck_assert(!s->lane->dead);
		ck_assert(sched_refuses(s->lane, now));
		ck_assert_int_gt(s->lane->slow_until - now, wait);
		wait = (s->lane->slow_until - now) * 3 / 2;
		/* Not the recipient's own time, but the site's. */
		ck_assert_int_gt(now + sched_wait(&sched, &slow, 90, s->lane, now),
		    s->lane->slow_until);
		ck_assert_int_le(now + sched_wait(&sched, &slow, 90, s->lane, now),
		    s->lane->slow_until + 300000);
		now = s->lane->slow_until;
		ck_assert(!sched_refuses(s->lane, now));
		add(s, message_for(s, 1), 1);
		ck_assert_uint_eq(fill(s), 1);
	}
	ck_assert_uint_eq(s->lane->window, 1);
	/* The one under way is what it takes, for as long as it names. */
	ck_assert_int_eq(sched_named(&sched, s->lane, 0, now), SITE_SAME);
	ck_assert_int_eq(sched_named(&sched, s->lane, 1800, now), SITE_SAME);
	ck_assert(!sched_refuses(s->lane, now));
	ck_assert_int_eq(s->lane->ceiling_until, now + 1800000);
	result(s, SITE_UNTRIED);
	ck_assert_int_eq(sched_named(&sched, s->lane, 0, now), SITE_SAME);
	ck_assert(!sched_refuses(s->lane, now));
	ck_assert_int_eq(sched_named(&sched, s->lane, 1800, now), SITE_SLOWED);
	ck_assert_int_eq(s->lane->slow_until, now + 1800000);
	ck_assert_int_eq(sched_named(&sched, s->lane, 99999, now), SITE_SAME);
	ck_assert_int_eq(s->lane->slow_until, now + 4200000);
	sched_revive(&sched, s);
	ck_assert(!sched_refuses(s->lane, now));
	add(s, message_for(s, 1), 1);
	ck_assert_uint_eq(fill(s), 1);
	result(s, SITE_FINE);
	ck_assert_uint_eq(s->lane->slows, 0);
}
END_TEST

/* A message that is always too much has its own times. */
START_TEST(too_much_again_and_again)
{
	const struct reply_hint slow = { REPLY_SLOW, 0 };
	struct site *s = site("slow");
	int64_t wait;

	add(s, message_for(s, 1), 1);
	ck_assert_uint_eq(fill(s), 1);
	ck_assert_int_eq(result(s, SITE_SLOW_DOWN), SITE_SLOWED);
	for (int i = 0; i < 100; i++) {
		wait = sched_wait(&sched, &slow, 2, s->lane, now);
		ck_assert_int_gt(now + wait, s->lane->slow_until);
		ck_assert_int_le(now + wait, s->lane->slow_until + 10000);
		wait = sched_wait(&sched, &slow, 3, s->lane, now);
		ck_assert_int_ge(wait, 90000);
		ck_assert_int_le(wait, 150000);
		wait = sched_wait(&sched, &slow, 9, s->lane, now);
		ck_assert_int_ge(wait, 300000);
		ck_assert_int_le(wait, 300001);
	}
}
END_TEST

/* Who asks for less lives. */
START_TEST(a_dead_site_that_is_busy)
{
	struct site *s = site("far");

	for (int i = 0; i < 100; i++)
		add(s, message_for(s, 1), 1);
	for (int i = 0; i < 8; i++) {
		while (fill(s) != 0)
			continue;
		while (s->lane->inflight != 0)
			result(s, SITE_DOWN);
		ck_assert(s->lane->dead);
		now = s->lane->probe_at;
	}
	ck_assert_uint_eq(fill(s), 1);
	ck_assert_int_eq(result(s, SITE_SLOW_DOWN), SITE_SLOWED);
	ck_assert(!s->lane->dead);
	ck_assert_int_le(s->lane->slow_until - now, 36000);
	now = s->lane->slow_until;
	ck_assert_uint_eq(fill(s), 1);
	result(s, SITE_FINE);
	ck_assert_uint_eq(s->lane->failures, 0);
	ck_assert_uint_eq(s->lane->deaths, 0);
	ck_assert_uint_gt(fill(s), 1);
}
END_TEST

/* --- a server that takes so many connections and answers more with 421 ---- */

enum { CAP_MESSAGES = 10000, TOOK = 200, REFUSED = 20 /* ms */ };

static const uint32_t caps[] = { 1, 2, 3, 7, 12, 19, 20, 50 };

struct job {
	int64_t ends;
	bool taken;
};

struct server {
	struct site *site;
	struct job jobs[64];
	size_t njobs;
	uint32_t most, taken, done, refused;
};

/* As many as the scheduler gives; what is refused waits for another turn. */
static void
server_begin(struct server *v)
{
	struct bundle *b;

	while (!sched_refuses(v->site->lane, now) &&
	    (b = sched_pick(&sched, SITE_SMTP, now)) != NULL) {
		struct message *m = b->m;
		const bool taken = v->taken < v->most;

		ck_assert_uint_lt(v->njobs, N_OF(v->jobs));
		v->jobs[v->njobs++] = (struct job){
			now + (taken ? TOOK : REFUSED), taken };
		bundle_take(b);
		v->taken += taken;
		if (taken) {
			bundle_free(b);
			continue;
		}
		bundle_add(b, &m->rcpts[0]);
		add(v->site, m, 1);
	}
}

static void
server_end(struct server *v)
{
	size_t first = 0;
	struct job j;

	for (size_t i = 1; i < v->njobs; i++)
		if (v->jobs[i].ends < v->jobs[first].ends)
			first = i;
	j = v->jobs[first];
	v->jobs[first] = v->jobs[--v->njobs];
	now = j.ends;
	v->taken -= j.taken;
	v->done += j.taken;
	v->refused += !j.taken;
	result(v->site, j.taken ? SITE_FINE : SITE_SLOW_DOWN);
}

/* One turn of jobs, or of waiting. */
static void
server_step(struct server *v)
{
	server_begin(v);
	if (v->njobs != 0)
		server_end(v);
	else
		now = v->site->lane->slow_until;
	ck_assert(!v->site->lane->dead);
}

static struct server
server_new(void)
{
	struct server v = { .site = site("hub") };

	for (int i = 0; i < CAP_MESSAGES; i++)
		add(v.site, message_for(v.site, 1), 1);
	return v;
}

/* It has sent all at 80 % of the server's speed at least. */
static void
check_speed(const struct server *v, int64_t began)
{
	const uint32_t could = v->most < 20 ? v->most : 20;
	const int64_t ideal = (int64_t)CAP_MESSAGES * TOOK / could;

	ck_assert_int_le(now - began, ideal * 5 / 4);
}

START_TEST(the_window_finds_what_a_server_takes)
{
	struct server v = server_new();
	const int64_t began = now;

	v.most = caps[_i];
	while (v.done < CAP_MESSAGES)
		server_step(&v);
	check_speed(&v, began);
	/* Few are sent away. */
	ck_assert_int_le(v.refused, 20 + (now - began) / 300000 * 2);
}
END_TEST

/* It took nothing at all for a minute: that is not how much it takes. */
START_TEST(a_server_that_is_well_again_gets_all_it_takes)
{
	struct server v = server_new();
	int64_t well = now + 60000;

	while (now < well)
		server_step(&v);
	ck_assert_uint_eq(v.done, 0);
	while (v.njobs != 0)
		server_end(&v);
	if (now < v.site->lane->slow_until)
		now = v.site->lane->slow_until;
	well = now;
	v.most = caps[_i];
	while (v.done < CAP_MESSAGES)
		server_step(&v);
	check_speed(&v, well);
}
END_TEST

/* One that takes long, and a bad moment: that is no server for one. */
START_TEST(a_bad_moment_and_a_long_job)
{
	struct server v = server_new();
	const int64_t began = now;

	v.most = 20;
	while (v.site->lane->window < 20)
		server_step(&v);
	server_begin(&v);
	v.jobs[0].ends = now + 60000;
	v.most = 0;
	while (now < began + 60000 && v.njobs > 1)
		server_step(&v);
	ck_assert_uint_eq(v.site->lane->window, 1);
	v.most = 20;
	while (v.done < CAP_MESSAGES)
		server_step(&v);
	ck_assert_int_le(now - began, 60000 + 30000 + CAP_MESSAGES * TOOK / 16);
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
	tcase_add_test(tc, who_asks_for_less_gets_less);
	tcase_add_test(tc, too_much_again_and_again);
	tcase_add_test(tc, a_dead_site_that_is_busy);
	tcase_add_loop_test(tc, the_window_finds_what_a_server_takes, 0,
	    (int)N_OF(caps));
	tcase_add_loop_test(tc, a_server_that_is_well_again_gets_all_it_takes,
	    0, (int)N_OF(caps));
	tcase_add_test(tc, a_bad_moment_and_a_long_job);
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
