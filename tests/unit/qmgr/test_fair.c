/* Whose turn it is: a model under a clock of our own. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "tests/unit/qmgr/sched_rig.h"

/* --- fairness ---------------------------------------------------------------- */

START_TEST(a_long_list_holds_up_a_single_by_one_job)
{
	struct site *s = site("hub");
	struct message *list = message_for(s, 100000);
	struct message *one;
	int jobs = 0;

	add(s, list, 1);
	for (int i = 0; i < 5; i++)
		ck_assert_ptr_eq(start_one(1), list);
	one = message_for(s, 1);
	add(s, one, _i == 0 ? 2 : 1); /* another sender, and the same */
	ck_assert_ptr_null(start_one(1)); /* the window is full */
	for (;;) {
		result(s, SITE_FINE);
		jobs++;
		if (start_one(1) == one)
			break;
		ck_assert_int_lt(jobs, 3);
	}
}
END_TEST

START_TEST(senders_share_a_site)
{
	struct site *s = site("hub");
	struct message *mine[10];
	int mine_sent = 0;

	for (int i = 0; i < 1000; i++)
		add(s, message_for(s, 1), 1);
	for (int i = 0; i < 10; i++)
		add(s, mine[i] = message_for(s, 1), 2);
	for (int i = 0; i < 20; i++) {
		const struct message *m = start_one(0);

		for (int k = 0; k < 10; k++)
			mine_sent += m == mine[k];
		result(s, SITE_UNTRIED);
	}
	ck_assert_int_eq(mine_sent, 10);
}
END_TEST

START_TEST(sites_take_turns)
{
	struct site *a = site("a"), *b = site("b");
	int of_a = 0;

	for (int i = 0; i < 100; i++)
		add(a, message_for(a, 1), 1);
	for (int i = 0; i < 3; i++)
		add(b, message_for(b, 1), 1);
	for (int i = 0; i < 6; i++) {
		struct bundle *x = sched_pick(&sched, SITE_SMTP, now);

		of_a += x->site == a;
		bundle_take(x);
		bundle_free(x);
	}
	ck_assert_int_eq(of_a, 3);
}
END_TEST

/*
 * A model: some sites with so many jobs at once altogether, each job as long
 * as any other, under a clock that jumps from one end of a job to the next.
 */
enum { SLOTS = 50, JOB_MS = 100, LISTS = 20 };

struct running {
	int64_t ends;
	struct site *site;
	struct lane *lane;
	struct message *m;
};

struct model {
	struct running slots[SLOTS];
	size_t running;
	struct message *watched; /* when it ends, the run does */
	int64_t watched_end;
	int singles, bulk;       /* jobs done */
};

/* Starts what it can; sender 1..LISTS have lists. */
static void
model_fill(struct model *model)
{
	struct bundle *b;

	while (model->running < SLOTS &&
	    (b = sched_pick(&sched, SITE_SMTP, now)) != NULL) {
		struct running *r = &model->slots[model->running++];
		const struct share share = { b->m->id, 1, CLASS_BULK };

		*r = (struct running){ now + JOB_MS, b->site, b->site->lane,
			b->m };
		for (int i = 0; i < JOB_RCPTS && bundle_take(b) != NULL; i++)
			;
		if (b->n != 0)
			sched_add(&sched, b, &share);
		else
			bundle_free(b);
	}
}

static void
model_end_one(struct model *model)
{
	size_t first = 0;
	struct running r;

	for (size_t i = 1; i < model->running; i++)
		if (model->slots[i].ends < model->slots[first].ends)
			first = i;
	r = model->slots[first];
	model->slots[first] = model->slots[--model->running];
	now = r.ends;
	if (r.m == model->watched)
		model->watched_end = now;
	model->singles += r.m->nfirst == 1;
	model->bulk += r.m->nfirst != 1;
	sched_result(&sched, r.site, r.lane, SITE_FINE, now);
}

static void
model_run(struct model *model, int64_t until)
{
	model_fill(model);
	while (model->running != 0 && now < until &&
	    model->watched_end == 0) {
		model_end_one(model);
		model_fill(model);
	}
}

/* 2000 messages to a site of 20 connections, with and without lists of 100,000
 * to the same (0) or to other sites (1): when the last one is through. */
static int64_t
time_of_singles(int lists, int elsewhere)
{
	struct model model = { .running = 0 };
	struct site *s = site("other0");
	char name[16];

	for (int i = 0; i < lists; i++) {
		snprintf(name, sizeof(name), "other%d", elsewhere ? i : 0);
		message_for(site(name), 100000);
		add_as(site(name), made[nmade - 1], made[nmade - 1]->id,
		    CLASS_BULK);
	}
	s->lane->window = 20;
	model_run(&model, now + 2 * JOB_MS); /* they have everything */
	for (int i = 0; i < 2000; i++)
		add_as(s, message_for(s, 1), (uint64_t)i % 7, CLASS_SINGLE);
	model.watched = made[nmade - 1];
	model_run(&model, INT64_MAX);
	ck_assert_int_ne(model.watched_end, 0);
	if (lists != 0) /* they are not starved either */
		ck_assert_int_ge(model.bulk, 2000 / 10);
	return model.watched_end;
}

START_TEST(lists_slow_the_rest_by_a_quarter_at_most)
{
	const int64_t start = now;
	const int64_t alone = time_of_singles(0, 0) - start;
	int64_t with;

	rig_teardown();
	rig_setup();
	with = time_of_singles(LISTS, _i) - start;
	ck_assert_msg(with <= alone * 5 / 4 + 3 * JOB_MS,
	    "%lld ms alone, %lld ms with lists", (long long)alone,
	    (long long)with);
}
END_TEST

START_TEST(a_single_waits_for_one_job)
{
	struct model model = { .running = 0 };
	struct site *s = site("hub");
	int64_t began;

	for (int i = 0; i < LISTS; i++)
		add_as(s, message_for(s, 100000), (uint64_t)i, CLASS_BULK);
	for (int k = 0; k < 20; k++) {
		model.watched = NULL;
		model.watched_end = 0;
		model_run(&model, now + 7 * JOB_MS / 2);
		began = now;
		model.watched = message_for(s, 1);
		add_as(s, model.watched, 999, CLASS_SINGLE);
		model_run(&model, INT64_MAX);
		ck_assert_int_le(model.watched_end - began, 2 * JOB_MS);
	}
}
END_TEST

START_TEST(classes_have_their_parts)
{
	struct site *s = site("hub");
	int sent[CLASSES] = { 0 };

	for (int i = 0; i < 1000; i++) {
		add_as(s, message_for(s, 1), 1, CLASS_SINGLE);
		add_as(s, message_for(s, 2), 2, CLASS_REPORT);
		add_as(s, message_for(s, 3), 1, CLASS_BULK);
	}
	for (int i = 0; i < 1000; i++) {
		struct bundle *b = sched_pick(&sched, SITE_SMTP, now);

		sent[b->n - 1]++;
		while (bundle_take(b) != NULL)
			;
		bundle_free(b);
		result(s, SITE_UNTRIED);
	}
	ck_assert_int_eq(sent[CLASS_SINGLE], 800);
	ck_assert_int_eq(sent[CLASS_REPORT], 100);
	ck_assert_int_eq(sent[CLASS_BULK], 100);
}
END_TEST

START_TEST(weights_count)
{
	const struct share heavy = { 1, 2, CLASS_SINGLE };
	struct site *s = site("hub");
	int sent = 0;

	for (int i = 0; i < 300; i++) {
		sched_add(&sched, sched_bundle(message_for(s, 1), s), &heavy);
		add(s, message_for(s, 2), 2);
	}
	for (int i = 0; i < 300; i++) {
		struct bundle *b = sched_pick(&sched, SITE_SMTP, now);

		sent += b->n == 1;
		while (bundle_take(b) != NULL)
			;
		bundle_free(b);
		result(s, SITE_UNTRIED);
	}
	ck_assert_int_eq(sent, 200);
}
END_TEST

START_TEST(a_list_to_many_sites)
{
	enum { MANY = 3000 };
	struct message *m = message_for(site("first"), 1);
	char name[16];
	size_t n = 0;

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		ck_assert_ptr_eq(sched_bundle(m, site(name)),
		    sched_bundle(m, site(name)));
	}
	for (struct bundle *b = LIST_FIRST(&m->bundles), *next; b != NULL;
	    b = next) {
		next = LIST_NEXT(b, of_message);
		n++;
		if (b->n == 0)
			bundle_free(b);
	}
	ck_assert_uint_eq(n, MANY + 1);
	ck_assert_ptr_eq(sched_bundle(m, site("first")),
	    LIST_FIRST(&m->bundles));
}
END_TEST

static TCase *
fairness(void)
{
	TCase *tc = tcase_create("fairness");

	tcase_add_checked_fixture(tc, rig_setup, rig_teardown);
	tcase_add_loop_test(
	    tc, a_long_list_holds_up_a_single_by_one_job, 0, 2);
	tcase_add_loop_test(
	    tc, lists_slow_the_rest_by_a_quarter_at_most, 0, 2);
	tcase_add_test(tc, a_single_waits_for_one_job);
	tcase_add_test(tc, classes_have_their_parts);
	tcase_add_test(tc, weights_count);
	tcase_add_test(tc, a_list_to_many_sites);
	tcase_add_test(tc, senders_share_a_site);
	tcase_add_test(tc, sites_take_turns);
	return tc;
}

UNIT_MAIN("fair", fairness)
