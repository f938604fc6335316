#include "store/rank.h"
#include "tests/unit/store/box.h"
#include "tests/unit/unit.h"

static struct box b;

static void
setup(void)
{
	box_new(&b);
}

static void
teardown(void)
{
	box_end(&b);
}

START_TEST(ranks)
{
	enum { N = 20000 };
	static bool model[N];
	struct rank r = { 0 };
	uint32_t below = 0, members = 0;

	srand(7);
	for (size_t i = 0; i < N; i++) {
		model[i] = rand() % 3 != 0;
		rank_push(&r, model[i]);
	}
	for (size_t i = 0; i < N; i++)
		if (rand() % 2 == 0 || (i > 5000 && i < 15000)) {
			rank_remove(&r, i);
			model[i] = false;
		}
	for (size_t i = 0; i < N; i++) {
		ck_assert_uint_eq(rank_below(&r, i), below);
		ck_assert_int_eq(rank_has(&r, i), model[i]);
		if (!model[i])
			continue;
		ck_assert_uint_eq(rank_select(&r, below), i);
		ck_assert_uint_eq(rank_next(&r, i), i);
		below++;
	}
	members = below;
	ck_assert_uint_eq(rank_below(&r, N), members);
	ck_assert_uint_eq(rank_select(&r, members), N);
	ck_assert_uint_ge(rank_next(&r, 6000), 15000);
	rank_clear(&r);
}
END_TEST

static unsigned heard;

static void
on_news(void *arg)
{
	(void)arg;
	heard++;
}

START_TEST(telling)
{
	struct view *view;
	struct view_news news;
	uint32_t uid[5];

	for (int i = 0; i < 4; i++)
		uid[i] = box_add(&b, "x");
	heard = 0;
	view = view_open(b.m, on_news, NULL);
	ck_assert_uint_eq(view_exists(view), 4);
	ck_assert_uint_eq(view_first_unseen(view), 1);
	ck_assert(!view_sync(view, true, &news));
	box_expunge(b.m, uid[1]);
	uid[4] = box_add(&b, "y");
	box_flag(b.m, uid[0], FLAGS_ADD, FLAG_SEEN, NULL);
	box_flag(b.m, uid[4], FLAGS_ADD, FLAG_SEEN, NULL);
	ck_assert_uint_gt(heard, 0);
	/* Nothing moved yet for the session. */
	ck_assert_uint_eq(view_exists(view), 4);
	ck_assert_uint_eq(view_msn(view, uid[3]), 4);
	ck_assert_uint_eq(view_uid(view, 2), uid[1]);
	ck_assert_uint_eq(view_msn(view, uid[4]), 0);
	ck_assert(view_has_news(view, false));
	ck_assert(view_sync(view, false, &news));
	ck_assert_uint_eq(news.ngone, 0);
	ck_assert(news.grown);
	ck_assert_uint_eq(news.exists, 5);
	ck_assert_uint_eq(news.nchanged, 1);
	ck_assert_uint_eq(news.changed[0], uid[0]);
	ck_assert_uint_eq(view_msn(view, uid[4]), 5);
	ck_assert(!view_sync(view, false, &news));
	ck_assert(view_has_news(view, true));
	box_expunge(b.m, uid[3]);
	ck_assert(view_sync(view, true, &news));
	ck_assert_uint_eq(news.ngone, 2);
	ck_assert_uint_eq(news.gone[0].msn, 4);
	ck_assert_uint_eq(news.gone[0].uid, uid[3]);
	ck_assert_uint_eq(news.gone[1].msn, 2);
	ck_assert_uint_eq(news.exists, 3);
	ck_assert_uint_eq(view_msn(view, uid[4]), 3);
	/* Came and went before the session heard of it. */
	box_expunge(b.m, box_add(&b, "z"));
	ck_assert(!view_sync(view, true, &news));
	ck_assert_uint_eq(view_exists(view), 3);
	/* Its own silent change. */
	box_flag(b.m, uid[2], FLAGS_ADD, FLAG_FLAGGED, view);
	ck_assert(!view_sync(view, true, &news));
	view_close(view);
}
END_TEST

/* --- Against a model: what a client believes is what the view believes ---- */

enum { MODEL_MAX = 4000 };

struct client {
	uint32_t uid[MODEL_MAX]; /* by MSN - 1 */
	size_t n;
};

static void
believe(struct client *c, struct view *v, bool may_expunge)
{
	struct view_news news;
	struct view_at at;
	size_t i = 0;

	view_sync(v, may_expunge, &news);
	for (size_t k = 0; k < news.ngone; k++) {
		uint32_t msn = news.gone[k].msn;

		ck_assert_uint_ge(msn, 1);
		ck_assert_uint_le(msn, c->n);
		ck_assert_uint_eq(c->uid[msn - 1], news.gone[k].uid);
		memmove(c->uid + msn - 1, c->uid + msn,
		    (c->n - msn) * sizeof(c->uid[0]));
		c->n--;
	}
	if (news.grown)
		for (; c->n < news.exists; c->n++)
			c->uid[c->n] = view_uid(v, (uint32_t)c->n + 1);
	ck_assert_uint_eq(view_exists(v), c->n);
	for (uint32_t uid = 1; view_next(v, uid, &at); uid = at.uid + 1, i++) {
		ck_assert_uint_lt(i, c->n);
		ck_assert_uint_eq(at.uid, c->uid[i]);
		ck_assert_uint_eq(at.msn, i + 1);
		ck_assert_uint_eq(view_msn(v, at.uid), i + 1);
		ck_assert_uint_eq(view_uid(v, (uint32_t)i + 1), at.uid);
	}
	ck_assert_uint_eq(i, c->n);
}

START_TEST(like_the_model)
{
	static struct client client[2];
	struct view *view[2];

	srand((unsigned)_i);
	memset(client, 0, sizeof(client));
	view[0] = view_open(b.m, NULL, NULL);
	view[1] = view_open(b.m, NULL, NULL);
	for (int step = 0; step < 400; step++) {
		size_t rows = mailbox_rows(b.m), place;
		int what = rand() % 10;

		if (what < 5 || rows == 0) {
			box_add(&b, "x");
		} else if (what < 8) {
			place = (size_t)rand() % rows;
			if (mailbox_get(b.m, mailbox_row(b.m, place)->uid))
				box_expunge(
				    b.m, mailbox_row(b.m, place)->uid);
		} else {
			int k = rand() % 2;

			believe(&client[k], view[k], rand() % 2 == 0);
		}
	}
	believe(&client[0], view[0], true);
	believe(&client[1], view[1], true);
	ck_assert_uint_eq(client[0].n, mailbox_status(b.m)->exists);
	view_close(view[0]);
	view_close(view[1]);
}
END_TEST

/* Another process rewrites the index twice while we do not look. */
START_TEST(lost_thread)
{
	struct box other = b;
	struct view *view;
	struct view_news news;
	uint32_t one = box_add(&b, "one"), two = box_add(&b, "two");

	view = view_open(b.m, NULL, NULL);
	box_open(&other);
	box_expunge(other.m, one);
	box_flag(other.m, two, FLAGS_ADD, FLAG_SEEN, NULL);
	for (int i = 0; i < 6000; i++)
		box_expunge(other.m, box_add_to(other.m, "x", 0));
	box_add_to(other.m, "three", 0);
	box_close(&other);
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	ck_assert(view_sync(view, true, &news));
	ck_assert_uint_eq(news.ngone, 1);
	ck_assert_uint_eq(news.gone[0].uid, one);
	ck_assert_uint_eq(news.nchanged, 1);
	ck_assert_uint_eq(news.changed[0], two);
	ck_assert_uint_eq(news.exists, 2);
	box_expect(b.m, two, "two");
	view_close(view);
}
END_TEST

static TCase *
views(void)
{
	TCase *tc = tcase_create("views");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, ranks);
	tcase_add_test(tc, telling);
	tcase_add_loop_test(tc, like_the_model, 0, 8);
	tcase_add_test(tc, lost_thread);
	return tc;
}

UNIT_MAIN("view", views)
