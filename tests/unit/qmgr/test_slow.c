/*
 * Servers that want less: what the scheduler makes of "too much", said of the
 * server, of one message, for a time, or by one that is dead.
 */
#include <stdlib.h>

#include "base/fatal.h"
#include "tests/unit/qmgr/sched_rig.h"
#include "tests/unit/unit.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

static const struct reply_hint slow = { REPLY_SLOW, 0 };

/* --- one word after the other ------------------------------------------------ */

static struct site *
site_with(uint32_t messages)
{
	struct site *s = site("slow");

	for (uint32_t i = 0; i < messages; i++)
		add(s, message_for(s, 1), 1);
	return s;
}

/* The only one under way is refused. */
static enum site_change
refuse_one(struct site *s)
{
	add(s, message_for(s, 1), 1);
	ck_assert_uint_eq(fill(s), 1);
	return result(s, SITE_SLOW_DOWN);
}

/* Two in a row. */
static void
close_site(struct site *s)
{
	ck_assert_int_eq(refuse_one(s), SITE_SAME);
	ck_assert(!sched_refuses(s->lane, now));
	ck_assert_int_eq(refuse_one(s), SITE_SLOWED);
	ck_assert(sched_refuses(s->lane, now));
}

START_TEST(who_asks_for_less_gets_less)
{
	struct site *s = site_with(100);
	int64_t wait = 0;

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
		ck_assert_int_gt(now + sched_wait(&sched, &slow, 2, s->lane, now),
		    s->lane->slow_until);
		ck_assert_int_le(now + sched_wait(&sched, &slow, 2, s->lane, now),
		    s->lane->slow_until + 300000);
		now = s->lane->slow_until;
		ck_assert(!sched_refuses(s->lane, now));
		add(s, message_for(s, 1), 1);
		ck_assert_uint_eq(fill(s), 1);
	}
	ck_assert_uint_eq(s->lane->window, 1);
	result(s, SITE_FINE);
	ck_assert_uint_eq(s->lane->refusals, 0);
	ck_assert_uint_eq(s->lane->slows, 0);
}
END_TEST

/* One refusal may be about that message: the next one tells. */
START_TEST(one_word_closes_no_site)
{
	struct site *s = site_with(0);

	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(refuse_one(s), SITE_SAME);
		ck_assert(!sched_refuses(s->lane, now));
		add(s, message_for(s, 1), 1);
		ck_assert_uint_eq(fill(s), 1);
		result(s, SITE_FINE);
	}
	close_site(s);
}
END_TEST

/* A message that is always too much has its own times. */
START_TEST(too_much_again_and_again)
{
	struct site *s = site_with(0);
	int64_t quarter, wait;

	close_site(s);
	quarter = (s->lane->slow_until - now) / 4;
	for (int i = 0; i < 100; i++) {
		/* Behind all that only wait for the site. */
		wait = sched_after(&sched, s->lane, now);
		ck_assert_int_gt(wait, s->lane->slow_until);
		ck_assert_int_le(wait, s->lane->slow_until + quarter + 1);
		wait = sched_wait(&sched, &slow, 2, s->lane, now);
		ck_assert_int_gt(now + wait, s->lane->slow_until + quarter);
		ck_assert_int_le(
		    now + wait, s->lane->slow_until + 2 * quarter + 1);
		wait = sched_wait(&sched, &slow, 2, NULL, now);
		ck_assert_int_ge(wait, 48000);
		ck_assert_int_le(wait, 72001);
		wait = sched_wait(&sched, &slow, 3, s->lane, now);
		ck_assert_int_ge(wait, 4 * MINUTE);
		ck_assert_int_le(wait, 6 * MINUTE);
		wait = sched_wait(&sched, &slow, 9, s->lane, now);
		ck_assert_int_ge(wait, 56 * MINUTE);
		ck_assert_int_le(wait, 84 * MINUTE);
	}
}
END_TEST

/* Named while it serves others, a time is the message's; when it serves nobody,
 * the site's. */
START_TEST(a_time_is_named)
{
	const struct reply_hint half_an_hour = { REPLY_SLOW, 1800 };
	const struct reply_hint soon = { REPLY_SLOW, 3 };
	struct site *s = site_with(100);
	int64_t wait;

	ck_assert_uint_eq(fill(s), 5);
	ck_assert_int_eq(result(s, SITE_SLOW_DOWN), SITE_SAME);
	sched_named(&sched, s->lane, 1800, now);
	ck_assert(!sched_refuses(s->lane, now));
	ck_assert_int_le(s->lane->ceiling_until, now + 30000);
	for (unsigned k = 1; k < 4; k++) {
		wait = sched_wait(&sched, &half_an_hour, k, s->lane, now);
		ck_assert_int_ge(wait, 30 * MINUTE);
		ck_assert_int_le(wait, 36 * MINUTE);
	}
	ck_assert_int_le(sched_wait(&sched, &soon, 2, s->lane, now), 3600);
	ck_assert_int_ge(
	    sched_wait(&sched, &soon, 3, s->lane, now), 4 * MINUTE);
	while (s->lane->inflight != 0)
		result(s, SITE_SLOW_DOWN);
	ck_assert(sched_refuses(s->lane, now));
	sched_named(&sched, s->lane, 0, now);
	sched_named(&sched, s->lane, 1800, now);
	ck_assert_int_ge(s->lane->slow_until, now + 30000);
	ck_assert_int_le(s->lane->slow_until, now + 36000);
	sched_named(&sched, s->lane, 3, now);
	ck_assert_int_eq(s->lane->slow_until, now + 3000);
	/* Closed again: it means us all. */
	now = s->lane->slow_until;
	ck_assert_int_eq(refuse_one(s), SITE_SLOWED);
	sched_named(&sched, s->lane, 1800, now);
	ck_assert_int_eq(s->lane->slow_until, now + 30 * MINUTE);
	sched_named(&sched, s->lane, 3, now);
	ck_assert_int_eq(s->lane->slow_until, now + 30 * MINUTE);
	sched_named(&sched, s->lane, 99999, now);
	ck_assert_int_eq(s->lane->slow_until, now + 70 * MINUTE);
}
END_TEST

/* The administrator knows better, of all that was learnt. */
START_TEST(an_order_lifts_all)
{
	struct site *s = site_with(100);

	ck_assert_uint_eq(fill(s), 5);
	for (int i = 0; i < 3; i++)
		result(s, SITE_SLOW_DOWN);
	ck_assert_int_gt(s->lane->ceiling_until, now);
	sched_revive(&sched, s);
	for (int i = 0; i < 60; i++) {
		result(s, SITE_FINE);
		fill(s);
	}
	ck_assert_uint_ge(s->lane->window, 8);
	while (s->lane->inflight != 0)
		result(s, SITE_SLOW_DOWN);
	ck_assert(sched_refuses(s->lane, now));
	sched_revive(&sched, s);
	ck_assert(!sched_refuses(s->lane, now));
	close_site(s);
}
END_TEST

/* What was found days ago does not count to what is found today. */
START_TEST(a_ceiling_is_forgotten)
{
	struct site *s = site_with(100);

	s->lane->most = 2; /* never two more than the ceiling */
	ck_assert_uint_eq(fill(s), 2);
	for (int day = 0; day < 5; day++) {
		ck_assert_int_eq(result(s, SITE_SLOW_DOWN), SITE_SAME);
		ck_assert_int_eq(s->lane->ceiling_until, now + 30000);
		now += DAY;
		result(s, SITE_FINE);
		ck_assert_uint_eq(fill(s), 2);
	}
}
END_TEST

/* Agents had no time for all that it might have had: it waits for its turn
 * when it refuses one. */
START_TEST(no_turn_without_room)
{
	struct site *s = site_with(100);

	ck_assert_ptr_nonnull(start_one(1));
	ck_assert_ptr_nonnull(start_one(1));
	result(s, SITE_SLOW_DOWN);
	ck_assert_uint_eq(s->lane->inflight, 1);
	ck_assert_uint_eq(fill(s), 0);
	result(s, SITE_FINE);
	ck_assert_uint_eq(fill(s), 1);
}
END_TEST

/* --- and one that is dead ---------------------------------------------------- */

/* Who asks for less lives. */
START_TEST(a_dead_site_that_is_busy)
{
	struct site *s = site_with(100);

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
	/* Only now is it back. */
	ck_assert_int_eq(result(s, SITE_FINE), SITE_BACK);
	ck_assert_uint_eq(s->lane->failures, 0);
	ck_assert_uint_eq(s->lane->deaths, 0);
	ck_assert_uint_gt(fill(s), 1);
}
END_TEST

/* Some of a window find no connection, and some are too much: it dies once. */
START_TEST(a_site_dies_once)
{
	struct site *s = site_with(3000);
	bool odd = false;

	while (s->lane->window < 20) {
		fill(s);
		while (s->lane->inflight != 0)
			result(s, SITE_FINE);
	}
	ck_assert_uint_eq(fill(s), 20);
	while (s->lane->inflight != 0) {
		result(s, odd ? SITE_SLOW_DOWN : SITE_DOWN);
		odd = !odd;
		now += 50;
	}
	ck_assert(s->lane->dead);
	ck_assert_uint_eq(s->lane->deaths, 1);
	ck_assert_int_le(s->lane->probe_at - now, 6 * MINUTE);
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

/* --- messages that are always too much ---------------------------------------- */

/* All of one sender; of another one a message comes every gap ms and is taken. */
static const struct load {
	uint32_t bad, good;
	int64_t gap;
	uint32_t named; /* seconds, to the bad ones */
	uint32_t least; /* tries of each */
	int64_t late;   /* ms that a good one waits at most */
} loads[] = {
	{ 1, 7200, SECOND, 0, 6, SECOND },
	{ 5, 7200, SECOND, 0, 6, MINUTE },
	{ 50, 7200, SECOND, 0, 5, 5 * MINUTE },
	{ 1, 7200, SECOND, 1800, 3, SECOND },
	{ 20, 7200, SECOND, 1800, 3, 2 * MINUTE },
	{ 20, 18000, 100, 0, 4, 2 * MINUTE },
	{ 20, 18000, 100, 1800, 1, 2 * MINUTE },
	{ 1, 720, 10 * MINUTE, 0, 100, MINUTE },
	{ 3, 30, 4 * HOUR, 0, 100, SECOND },
};

struct letter {
	struct message *m;
	int64_t born, at; /* when something happens to it */
	enum { WAITS, READY, TRIED, GONE } state;
	bool is_bad;
	unsigned slows;
};

/* The bad letters, and behind them the others in turn. */
struct traffic {
	const struct load *load;
	struct site *site;
	struct letter *letters;
	size_t n, first, end; /* of the others those that are there */
	int64_t late;
	uint32_t tries;       /* of the bad ones */
};

static void
letter_waits(struct letter *l, int64_t at)
{
	l->state = WAITS;
	l->at = at;
}

/* Its time has come: as message_ready_bundle() does. */
static void
letter_ready(struct traffic *t, struct letter *l)
{
	if (sched_refuses(t->site->lane, now)) {
		letter_waits(l, sched_after(&sched, t->site->lane, now));
		return;
	}
	l->state = READY;
	bundle_add(sched_bundle(l->m, t->site), &l->m->rcpts[0]);
	add(t->site, l->m, l->is_bad);
}

static struct letter *
letter_of(const struct traffic *t, struct bundle *b)
{
	struct letter *l = &t->letters[b->m->id];

	bundle_take(b);
	bundle_free(b);
	return l;
}

static void
letter_refused(struct traffic *t, struct letter *l)
{
	const struct reply_hint hint = { REPLY_SLOW, t->load->named };
	struct lane *lane = t->site->lane;
	struct bundle *b;

	t->tries++;
	if (result(t->site, sched_is_news(lane, l->slows) ? SITE_SLOW_DOWN :
	        SITE_UNTRIED) == SITE_SLOWED)
		while ((b = sched_take(&sched, lane)) != NULL)
			letter_waits(letter_of(t, b),
			    sched_after(&sched, lane, now));
	sched_named(&sched, lane, hint.wait, now);
	l->slows++;
	letter_waits(l, now + sched_wait(&sched, &hint, l->slows, lane, now));
}

static void
letter_taken(struct traffic *t, struct letter *l)
{
	result(t->site, SITE_FINE);
	l->state = GONE;
	if (now - l->born > t->late)
		t->late = now - l->born;
}

static void
letters_act(struct traffic *t, size_t from, size_t to)
{
	for (struct letter *l = t->letters + from; l < t->letters + to; l++)
		if (l->at > now)
			continue;
		else if (l->state == WAITS)
			letter_ready(t, l);
		else if (l->state == TRIED && l->is_bad)
			letter_refused(t, l);
		else if (l->state == TRIED)
			letter_taken(t, l);
}

static void
letters_begin(struct traffic *t)
{
	struct bundle *b;

	while ((b = sched_pick(&sched, SITE_SMTP, now)) != NULL) {
		struct letter *l = letter_of(t, b);

		l->state = TRIED;
		l->at = now + (l->is_bad ? REFUSED : TOOK);
	}
}

static int64_t
letters_next(const struct traffic *t, size_t from, size_t to)
{
	int64_t next = INT64_MAX;

	for (size_t i = from; i < to; i++) {
		const struct letter *l = &t->letters[i];

		if ((l->state == WAITS || l->state == TRIED) && l->at < next)
			next = l->at;
	}
	return next;
}

/* All that happens now; the clock goes on to what comes next. */
static void
traffic_step(struct traffic *t)
{
	const size_t bad = t->load->bad;
	int64_t next, at;

	letters_act(t, 0, bad);
	letters_act(t, t->first, t->end);
	letters_begin(t);
	while (t->first < t->end && t->letters[t->first].state == GONE)
		t->first++;
	next = letters_next(t, 0, bad);
	at = letters_next(t, t->first, t->end);
	if (at < next)
		next = at;
	if (t->end < t->n && t->letters[t->end].at <= next)
		next = t->letters[t->end++].at;
	ck_assert_int_ge(next, now);
	ck_assert_int_ne(next, INT64_MAX);
	now = next;
}

static struct traffic
traffic_new(const struct load *load)
{
	struct traffic t = { .load = load, .site = site("hub"),
		.n = load->bad + load->good, .first = load->bad,
		.end = load->bad };

	t.letters = xcalloc(t.n, sizeof(*t.letters));
	for (size_t i = 0; i < t.n; i++) {
		struct letter *l = &t.letters[i];

		l->m = message_for(t.site, 1);
		l->m->id = i;
		letter_of(&t, sched_bundle(l->m, t.site));
		l->is_bad = i < load->bad;
		l->born = l->is_bad ? MINUTE + (int64_t)i * 3000 :
		                      now + (int64_t)(i - load->bad) * load->gap;
		l->at = l->born;
	}
	return t;
}

/* They wait, each longer and longer; the others' mail goes. */
START_TEST(always_too_much)
{
	struct traffic t = traffic_new(&loads[_i]);

	while (t.first < t.n)
		traffic_step(&t);
	ck_assert_msg(t.late <= loads[_i].late, "%u refused: %lld ms late",
	    loads[_i].bad, (long long)t.late);
	ck_assert_uint_ge(t.tries, loads[_i].least * loads[_i].bad);
	ck_assert_int_le(t.tries,
	    loads[_i].bad * (6 + (now - MINUTE) / (50 * MINUTE)));
	free(t.letters);
}
END_TEST

static TCase *
words(void)
{
	TCase *tc = tcase_create("words");

	tcase_add_checked_fixture(tc, rig_setup, rig_teardown);
	tcase_add_test(tc, who_asks_for_less_gets_less);
	tcase_add_test(tc, one_word_closes_no_site);
	tcase_add_test(tc, too_much_again_and_again);
	tcase_add_test(tc, a_time_is_named);
	tcase_add_test(tc, an_order_lifts_all);
	tcase_add_test(tc, a_ceiling_is_forgotten);
	tcase_add_test(tc, no_turn_without_room);
	tcase_add_test(tc, a_dead_site_that_is_busy);
	tcase_add_test(tc, a_site_dies_once);
	return tc;
}

static TCase *
capacity(void)
{
	TCase *tc = tcase_create("capacity");

	tcase_add_checked_fixture(tc, rig_setup, rig_teardown);
	tcase_add_loop_test(tc, the_window_finds_what_a_server_takes, 0,
	    (int)N_OF(caps));
	tcase_add_loop_test(tc, a_server_that_is_well_again_gets_all_it_takes,
	    0, (int)N_OF(caps));
	tcase_add_test(tc, a_bad_moment_and_a_long_job);
	tcase_add_loop_test(tc, always_too_much, 0, (int)N_OF(loads));
	return tc;
}

UNIT_MAIN("slow", words, capacity)
