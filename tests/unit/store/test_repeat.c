/*
 * A delivery that comes again, to a mailbox that is not as it was left: the
 * message is there once, and whole.
 */
#include "store/batch.h"
#include "store/disk.h"
#include "store/guid.h"
#include "store/inner.h"
#include "tests/unit/store/box.h"
#include "tests/unit/unit.h"

#define ALICE "example.org/alice"

enum { OLD_S = 120 };

static struct box b;
static struct batch *batch;
static const char text[] = "From: a@example.org\nSubject: one\n\nHello one\n";

static void
fresh_batch(uint64_t epoch)
{
	struct batch_conf conf = { .store = { .epoch = epoch,
		                       .shared = b.conf.shared },
		.rootfd = b.root, .accounts = 4 };

	batch_free(batch);
	batch = batch_new(&conf);
}

static void
setup(void)
{
	box_new(&b);
	batch = NULL;
	fresh_batch(1);
}

static void
teardown(void)
{
	batch_free(batch);
	batch = NULL;
	box_end(&b);
}

static struct delivery
message(uint64_t id, const char *path, bool maybe_repeated)
{
	struct delivery d = { .path = str_c(path),
		.account = STR("alice@example.org"), .accepted = time(NULL),
		.maybe_repeated = maybe_repeated,
		.head = STR("Delivered-To: alice@example.org\n"),
		.text = str_c(text), .size = sizeof(text) - 1 };

	batch_guid(STR("0123456789abcdef"), id, str_c(path), d.guid);
	return d;
}

static enum delivery_result
deliver(struct delivery d)
{
	batch_add(batch, &d);
	ck_assert_int_eq(batch_commit(batch), 0);
	return d.result;
}

static void
run(const char *what)
{
	char line[1000];

	snprintf(line, sizeof(line), "cd %s/" ALICE " && { %s; }", b.path, what);
	ck_assert_int_eq(system(line), 0);
}

static uint32_t
exists(const char *name)
{
	struct mailbox_status s;

	ck_assert_int_eq(account_status(b.a, str_c(name), &s), STORE_OK);
	return s.exists;
}

/* Once, and its file is its own. */
static void
expect_one(void)
{
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 1);
	ck_assert_int_eq(box_count(&b, "cur"), 1);
	for (size_t i = 0; i < mailbox_rows(b.m); i++)
		if ((mailbox_row(b.m, i)->flags & ROW_GONE) == 0)
			box_expect(b.m, mailbox_row(b.m, i)->uid, "one");
}

/* The frame is torn; the file is old enough to be taken in, or it is not. */
START_TEST(frame_was_torn)
{
	struct stat st;
	int fd;

	ck_assert_int_eq(deliver(message(1, ALICE, false)), DELIVERY_OK);
	box_close(&b);
	fd = box_inside(&b, "ix/log.1");
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(ftruncate(fd, st.st_size - 40), 0);
	close(fd);
	b.conf.epoch = 2;
	fresh_batch(2);
	box_ahead = _i == 0 ? 0 : OLD_S;
	ck_assert_int_eq(deliver(message(1, ALICE, true)),
	    _i == 0 ? DELIVERY_OK : DELIVERY_REPEATED);
	box_open(&b);
	expect_one();
}
END_TEST

/* deliver dies before the frame, and a reader takes the file in. */
START_TEST(taken_in_after_death)
{
	struct delivery d = message(1, ALICE, false);

	batch_add(batch, &d);
	batch_free(batch);
	batch = NULL;
	box_ahead = OLD_S;
	b.m->lost = true;
	expect_one();
	if (_i == 1)
		box_expunge(b.m, mailbox_row(b.m, 0)->uid);
	fresh_batch(1);
	ck_assert_int_eq(deliver(message(1, ALICE, true)), DELIVERY_REPEATED);
	if (_i == 0)
		expect_one();
	else
		ck_assert_uint_eq(exists("INBOX"), 0);
}
END_TEST

/* It only hung for long. */
START_TEST(taken_in_before_the_row)
{
	struct delivery d = message(1, ALICE, false);

	batch_add(batch, &d);
	box_ahead = OLD_S;
	b.m->lost = true;
	expect_one();
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_int_eq(d.result, DELIVERY_REPEATED);
	ck_assert_uint_eq(d.uid, mailbox_row(b.m, 0)->uid);
	expect_one();
}
END_TEST

/* And its successor delivered the message meanwhile. */
START_TEST(two_at_once)
{
	struct delivery d = message(1, ALICE, false), e = message(2, ALICE, false);
	struct batch *old = batch;

	batch_add(old, &d);
	batch_add(old, &e);
	batch = NULL;
	fresh_batch(2);
	ck_assert_int_eq(deliver(message(1, ALICE, true)), DELIVERY_OK);
	ck_assert_int_eq(batch_commit(old), 0);
	ck_assert_int_eq(d.result, DELIVERY_REPEATED);
	ck_assert_int_eq(e.result, DELIVERY_OK);
	batch_free(old);
	ck_assert_uint_eq(exists("INBOX"), 2);
	ck_assert_int_eq(box_count(&b, "cur"), 2);
	box_expect(b.m, d.uid, "one");
	box_expect(b.m, e.uid, "one");
}
END_TEST

/* Between file and row the mailbox is merged twice, and what the log told is
 * gone; in the second round a reader had taken the file in before. */
START_TEST(merged_meanwhile)
{
	struct delivery d = message(1, ALICE, false), e = message(2, ALICE, false);

	batch_add(batch, &d);
	if (_i == 1) {
		box_ahead = OLD_S;
		b.m->lost = true;
		expect_one();
	}
	for (int i = 0; i < 3; i++) {
		box_expunge(b.m, box_add(&b, "another"));
		mailbox_merge(b.m);
	}
	batch_add(batch, &e);
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_int_eq(
	    d.result, _i == 0 ? DELIVERY_OK : DELIVERY_REPEATED);
	ck_assert_int_eq(e.result, DELIVERY_OK);
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 2);
	box_expect(b.m, d.uid, "one");
	box_expect(b.m, e.uid, "one");
}
END_TEST

/* So is it by deliver's own look, which finds damage and another start. */
START_TEST(merged_by_the_look)
{
	struct delivery d = message(1, ALICE, false);
	struct stat st;
	int fd;

	fresh_batch(2);
	batch_add(batch, &d);
	for (int i = 0; i < 3; i++) {
		box_expunge(b.m, box_add(&b, "another"));
		mailbox_merge(b.m);
	}
	box_add(&b, "last but one");
	box_add(&b, "last");
	fd = openat(b.m->log.ix, "log.4", O_RDWR);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(pwrite(fd, "XXXX", 4, st.st_size / 2), 4);
	close(fd);
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_int_eq(d.result, DELIVERY_OK);
	box_close(&b);
	b.conf.epoch = 3;
	box_ahead = OLD_S;
	box_open(&b);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 3);
}
END_TEST

/* A row that came while the clock was wrong hides none. */
START_TEST(row_of_another_time)
{
	struct newcomer *n = calloc(1, sizeof(*n));

	ck_assert_int_eq(deliver(message(1, ALICE, false)), DELIVERY_OK);
	ck_assert_int_eq(mailbox_begin(b.m, 1), STORE_OK);
	guid_random(n->cold.guid);
	n->cold.name = STR("1.x");
	n->saved = time(NULL) - 3 * 86400;
	mailbox_add(b.m, n);
	ck_assert_int_eq(mailbox_commit(b.m), STORE_OK);
	free(n);
	ck_assert_int_eq(deliver(message(1, ALICE, true)), DELIVERY_REPEATED);
	ck_assert_int_eq(box_count(&b, "cur"), 1);
}
END_TEST

/* The folder of that name is another one by now. */
START_TEST(folder_replaced)
{
	struct delivery d = message(1, ALICE, false);

	ck_assert_int_eq(account_create(b.a, STR("Work"), 0), STORE_OK);
	d.mailbox = STR("Work");
	ck_assert_int_eq(deliver(d), DELIVERY_OK);
	ck_assert_int_eq(
	    account_rename(b.a, STR("Work"), STR("Old")), STORE_OK);
	ck_assert_int_eq(account_create(b.a, STR("Work"), 0), STORE_OK);
	d = message(2, ALICE, false);
	d.mailbox = STR("Work");
	if (_i == 0) {
		ck_assert_int_eq(deliver(d), DELIVERY_OK);
	} else { /* under the batch's feet */
		batch_add(batch, &d);
		ck_assert_int_eq(
		    account_rename(b.a, STR("Work"), STR("Older")), STORE_OK);
		ck_assert_int_eq(account_create(b.a, STR("Work"), 0), STORE_OK);
		ck_assert_int_eq(batch_commit(batch), 0);
		ck_assert_int_eq(d.result, DELIVERY_ERROR);
		ck_assert_uint_eq(exists("Older"), 0);
	}
	d.maybe_repeated = true;
	ck_assert_int_eq(
	    deliver(d), _i == 0 ? DELIVERY_REPEATED : DELIVERY_OK);
	ck_assert_uint_eq(exists("Work"), 1);
	ck_assert_uint_eq(exists("Old"), 1);
}
END_TEST

/* The folder that it went to has another name by now, and that one is taken
 * again, or it is not. */
START_TEST(folder_renamed)
{
	struct delivery d = message(1, ALICE, false);

	ck_assert_int_eq(account_create(b.a, STR("Work"), 0), STORE_OK);
	d.mailbox = STR("Work");
	ck_assert_int_eq(deliver(d), DELIVERY_OK);
	ck_assert_int_eq(
	    account_rename(b.a, STR("Work"), STR("Old")), STORE_OK);
	if (_i == 0)
		ck_assert_int_eq(
		    account_create(b.a, STR("Work"), 0), STORE_OK);
	fresh_batch(2);
	d.maybe_repeated = true;
	ck_assert_int_eq(deliver(d), DELIVERY_REPEATED);
	ck_assert_uint_eq(exists("Old"), 1);
	ck_assert_uint_eq(exists("INBOX"), 0);
}
END_TEST

/* DELETE was killed when it had put the folder aside. */
START_TEST(folder_put_aside)
{
	struct delivery d = message(1, ALICE, false);

	ck_assert_int_eq(account_create(b.a, STR("Work"), 0), STORE_OK);
	d.mailbox = STR("Work");
	ck_assert_int_eq(deliver(d), DELIVERY_OK);
	run("mv .Work tmp/0.aside");
	d = message(2, ALICE, false);
	d.mailbox = STR("Work");
	batch_add(batch, &d);
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_int_eq(d.result, DELIVERY_OK);
	ck_assert_str_eq(d.where, "INBOX");
	expect_one();
}
END_TEST

/* An administrator puts a copy in the place of a damaged account. */
START_TEST(account_replaced)
{
	ck_assert_int_eq(deliver(message(1, ALICE, false)), DELIVERY_OK);
	box_close(&b);
	run("cd ..; mv alice damaged; cp -a damaged alice");
	ck_assert_int_eq(deliver(message(2, ALICE, false)), DELIVERY_OK);
	b.conf.epoch = 2;
	box_open(&b);
	ck_assert_uint_eq(exists("INBOX"), 2);
}
END_TEST

/* A start reads what came last before; a file that somebody edited since is no
 * leftover of a power cut. */
START_TEST(edited)
{
	ck_assert_int_eq(deliver(message(1, ALICE, false)), DELIVERY_OK);
	box_close(&b);
	run(_i == 0 ? "sed -i s/Hello/HELLO/ cur/*; touch -d '1 hour' cur/*" :
	    "sed -i s/Hello/HELLO/ cur/*");
	b.conf.epoch = 2;
	box_open(&b);
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, _i == 0 ? 1 : 0);
}
END_TEST

/* More mailboxes in one batch than are kept open. */
START_TEST(many_mailboxes)
{
	static struct delivery d[12];
	char path[12][32];

	for (unsigned i = 0; i < 12; i++) {
		snprintf(path[i], sizeof(path[i]), "example.org/u%u", i);
		d[i] = message(i, path[i], false);
		ck_assert_int_eq(batch_is_full(batch), i >= 4);
		batch_add(batch, &d[i]);
	}
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert(!batch_is_full(batch));
	for (unsigned i = 0; i < 12; i++) {
		ck_assert_int_eq(d[i].result, DELIVERY_OK);
		snprintf(path[i], sizeof(path[i]), "../u%u/cur", i);
		ck_assert_int_eq(box_count(&b, path[i]), 1);
	}
}
END_TEST

static TCase *
repeats(void)
{
	TCase *tc = tcase_create("repeats");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, frame_was_torn, 0, 2);
	tcase_add_loop_test(tc, taken_in_after_death, 0, 2);
	tcase_add_test(tc, taken_in_before_the_row);
	tcase_add_test(tc, two_at_once);
	tcase_add_loop_test(tc, merged_meanwhile, 0, 2);
	tcase_add_test(tc, merged_by_the_look);
	tcase_add_test(tc, row_of_another_time);
	tcase_add_loop_test(tc, folder_replaced, 0, 2);
	tcase_add_loop_test(tc, folder_renamed, 0, 2);
	tcase_add_test(tc, folder_put_aside);
	tcase_add_test(tc, account_replaced);
	tcase_add_loop_test(tc, edited, 0, 2);
	tcase_add_test(tc, many_mailboxes);
	return tc;
}

UNIT_MAIN("repeat", repeats)
