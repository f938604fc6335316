/* Cold records of messages whose structure is long beyond all measure. */
#include "store/batch.h"
#include "store/coldrec.h"
#include "tests/unit/mail/flood.h"
#include "tests/unit/mail/relist.h"
#include "tests/unit/store/box.h"
#include "tests/unit/unit.h"

static struct box b;
static struct buf letter;

static void
setup(void)
{
	box_new(&b);
	buf_init(&letter, BUF_NO_MAX);
	flood_put(&letter, 70);
}

static void
teardown(void)
{
	buf_clear(&letter);
	box_end(&b);
}

/* What FETCH would say of it. */
static void
expect_flood(uint32_t uid)
{
	static struct cold cold;
	const struct row *row = mailbox_get(b.m, uid);
	struct buf space;

	ck_assert_ptr_nonnull(row);
	buf_init(&space, BUF_NO_MAX);
	ck_assert_int_eq(message_cold(b.m, row, &space, &cold), STORE_OK);
	ck_assert(relist_ok(cold.envelope));
	ck_assert(str_starts(cold.envelope, STR("(NIL \"flood\" ")));
	ck_assert(relist_ok(cold.structure));
	ck_assert(str_starts(cold.structure, STR("((\"text\" \"plain\" (")));
	ck_assert_uint_eq(cold.nparts, 71);
	buf_clear(&space);
}

static struct delivery
delivery(uint64_t id, struct str text)
{
	struct delivery d = { .path = BOX_ACCOUNT,
		.account = STR("alice@example.org"), .accepted = 1700000000,
		.text = text, .size = text.n };

	batch_guid(STR("0123456789abcdef"), id, d.path, d.guid);
	return d;
}

/* It is delivered, and so is what comes with it. */
START_TEST(delivered)
{
	struct batch_conf conf = { .store = { .epoch = 1 }, .rootfd = b.root };
	struct batch *batch = batch_new(&conf);
	struct delivery d = delivery(1, buf_str(&letter));
	struct delivery e = delivery(2, STR("Subject: one\n\nHello one\n"));

	batch_add(batch, &d);
	batch_add(batch, &e);
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_int_eq(d.result, DELIVERY_OK);
	ck_assert_int_eq(e.result, DELIVERY_OK);
	batch_free(batch);
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	expect_flood(d.uid);
	box_expect(b.m, e.uid, "one");
}
END_TEST

START_TEST(appended)
{
	struct append_info info = { .date = 1700000000 };
	struct append *ap = append_begin(b.m, &info);
	struct uids uids = { 0 };

	ck_assert_ptr_nonnull(ap);
	ck_assert_int_eq(append_write(ap, buf_str(&letter)), 0);
	ck_assert_int_eq(append_commit(&ap, 1, &uids), STORE_OK);
	expect_flood(uids.list[0]);
	uids_clear(&uids);
}
END_TEST

START_TEST(found_in_new)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/example.org/alice/new/1.x.y", b.path);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(
	    fwrite(letter.p, 1, buf_len(&letter), f), buf_len(&letter));
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 1);
	expect_flood(1);
}
END_TEST

/* Less space than it may need: it is left out, or an error, and no end. */
START_TEST(no_space)
{
	static struct cold cold;
	struct append_info info = { .date = 1700000000 };
	struct append *ap = append_begin(b.m, &info);
	struct uids uids = { 0 };
	struct buf space;

	ck_assert_int_eq(append_write(ap, buf_str(&letter)), 0);
	ck_assert_int_eq(append_commit(&ap, 1, &uids), STORE_OK);
	buf_init(&space, COLDREC_MAX);
	buf_add(&space, STR("before"));
	coldrec_study(&cold, &space, buf_str(&letter));
	ck_assert_uint_eq(cold.nparts, 71);
	ck_assert(str_starts(cold.envelope, STR("(NIL \"flood\" ")));
	ck_assert_uint_eq(cold.structure.n, 0);
	ck_assert_int_eq(
	    message_cold(b.m, mailbox_get(b.m, uids.list[0]), &space, &cold),
	    STORE_ERROR);
	buf_clear(&space);
	uids_clear(&uids);
}
END_TEST

static TCase *
cold(void)
{
	TCase *tc = tcase_create("cold");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, delivered);
	tcase_add_test(tc, appended);
	tcase_add_test(tc, found_in_new);
	tcase_add_test(tc, no_space);
	return tc;
}

UNIT_MAIN("cold", cold)
