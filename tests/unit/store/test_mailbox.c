#include <errno.h>

#include "store/disk.h"
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

START_TEST(empty)
{
	const struct mailbox_status *s = mailbox_status(b.m);

	ck_assert_uint_eq(s->exists, 0);
	ck_assert_uint_eq(s->uidnext, 1);
	ck_assert_uint_ne(s->uidvalidity, 0);
}
END_TEST

START_TEST(append_and_read)
{
	ck_assert_uint_eq(box_add(&b, "one"), 1);
	ck_assert_uint_eq(box_add(&b, "two"), 2);
	ck_assert_int_eq(account_flush(b.a), 0);
	box_expect(b.m, 1, "one");
	box_expect(b.m, 2, "two");
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 2);
	ck_assert_uint_eq(mailbox_status(b.m)->unseen, 2);
	box_reopen(&b, 0);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 2);
	box_expect(b.m, 1, "one");
	box_expect(b.m, 2, "two");
	ck_assert_uint_eq(box_add(&b, "three"), 3);
}
END_TEST

START_TEST(another_epoch)
{
	uint64_t modseq;

	box_add(&b, "one");
	modseq = mailbox_status(b.m)->highestmodseq;
	box_reopen(&b, 77);
	ck_assert_uint_ge(box_add(&b, "two"), 1024);
	ck_assert_uint_gt(
	    mailbox_status(b.m)->highestmodseq, modseq + 65000);
}
END_TEST

START_TEST(long_message)
{
	struct append_info info = { .date = -5 };
	struct append *ap = append_begin(b.m, &info);
	struct uids uids = { 0 };
	struct message_text text;
	const struct row *row;

	ck_assert_int_eq(append_write(ap, STR("Subject: x\n\n")), 0);
	for (int i = 0; i < 100000; i++)
		ck_assert_int_eq(append_write(ap, STR("line by line\n")), 0);
	ck_assert_int_eq(append_commit(&ap, 1, &uids), STORE_OK);
	row = mailbox_get(b.m, uids.list[0]);
	ck_assert_uint_eq(row->size, 14 + 100000 * 14);
	ck_assert_uint_eq(row->date, 0);
	ck_assert_int_eq(message_load(b.m, row, &text), STORE_OK);
	ck_assert_uint_eq(text.text.n, 12 + 100000 * 13);
	message_unload(&text);
	uids_clear(&uids);
	ck_assert_int_eq(box_count(&b, "tmp"), 0);
}
END_TEST

START_TEST(aborted)
{
	struct append_info info = { 0 };
	struct append *ap = append_begin(b.m, &info);
	static char much[300000];

	memset(much, 'x', sizeof(much));
	ck_assert_int_eq(append_write(ap, str_n(much, sizeof(much))), 0);
	append_abort(ap);
	ck_assert_int_eq(box_count(&b, "tmp"), 0);
	ck_assert_int_eq(box_count(&b, "cur"), 0);
}
END_TEST

START_TEST(flags)
{
	uint32_t uid = box_add(&b, "one");
	uint64_t modseq = mailbox_status(b.m)->highestmodseq;

	box_flag(b.m, uid, FLAGS_ADD, FLAG_SEEN | FLAG_DELETED, NULL);
	ck_assert_uint_eq(mailbox_status(b.m)->unseen, 0);
	ck_assert_uint_eq(mailbox_status(b.m)->deleted, 1);
	ck_assert_uint_eq(mailbox_get(b.m, uid)->modseq, modseq + 1);
	/* No change, no modseq. */
	box_flag(b.m, uid, FLAGS_ADD, FLAG_SEEN, NULL);
	ck_assert_uint_eq(mailbox_get(b.m, uid)->modseq, modseq + 1);
	box_flag(b.m, uid, FLAGS_REMOVE, FLAG_SEEN, NULL);
	ck_assert_uint_eq(mailbox_get(b.m, uid)->flags, FLAG_DELETED);
	box_flag(b.m, uid, FLAGS_REPLACE, FLAG_DRAFT, NULL);
	ck_assert_uint_eq(mailbox_get(b.m, uid)->flags, FLAG_DRAFT);
	box_reopen(&b, 0);
	ck_assert_uint_eq(mailbox_get(b.m, uid)->flags, FLAG_DRAFT);
	ck_assert_uint_eq(mailbox_status(b.m)->unseen, 1);
	ck_assert_uint_eq(mailbox_status(b.m)->deleted, 0);
}
END_TEST

START_TEST(keywords)
{
	static const struct str two[] = { STR_INIT("$Junk"), STR_INIT("work") };
	struct flags_op op = { .keywords = two, .nkeywords = 2,
		.unchanged_since = UINT64_MAX };
	uint32_t uid = box_add(&b, "one");
	struct uids uids = { &uid, 1, 1 };
	const struct str *list;
	size_t n;

	ck_assert_int_eq(mailbox_flags(b.m, &uids, &op, NULL), STORE_OK);
	for (int round = 0; round < 2; round++) {
		list = mailbox_row_keywords(b.m, mailbox_get(b.m, uid), &n);
		ck_assert_uint_eq(n, 2);
		ck_assert(str_eq(list[0], two[0]));
		ck_assert(str_eq(list[1], two[1]));
		ck_assert(mailbox_row_has(
		    b.m, mailbox_get(b.m, uid), STR("$junk")));
		box_reopen(&b, 0);
	}
	op.how = FLAGS_REMOVE;
	op.nkeywords = 1;
	ck_assert_int_eq(mailbox_flags(b.m, &uids, &op, NULL), STORE_OK);
	mailbox_row_keywords(b.m, mailbox_get(b.m, uid), &n);
	ck_assert_uint_eq(n, 1);
	op.how = FLAGS_REPLACE;
	op.nkeywords = 0;
	ck_assert_int_eq(mailbox_flags(b.m, &uids, &op, NULL), STORE_OK);
	mailbox_row_keywords(b.m, mailbox_get(b.m, uid), &n);
	ck_assert_uint_eq(n, 0);
	mailbox_keywords(b.m, &n);
	ck_assert_uint_eq(n, 2);
}
END_TEST

START_TEST(unchanged_since)
{
	uint32_t list[] = { box_add(&b, "one"), box_add(&b, "two") };
	struct uids uids = { list, 2, 2 }, modified = { 0 };
	struct flags_op op = { .flags = FLAG_FLAGGED };

	op.unchanged_since = mailbox_get(b.m, list[0])->modseq;
	ck_assert_int_eq(mailbox_flags(b.m, &uids, &op, &modified), STORE_OK);
	ck_assert_uint_eq(modified.n, 1);
	ck_assert_uint_eq(modified.list[0], list[1]);
	ck_assert_uint_eq(mailbox_get(b.m, list[0])->flags, FLAG_FLAGGED);
	ck_assert_uint_eq(mailbox_get(b.m, list[1])->flags, 0);
	uids_clear(&modified);
}
END_TEST

START_TEST(expunge)
{
	uint32_t one = box_add(&b, "one"), two = box_add(&b, "two");

	box_flag(b.m, one, FLAGS_ADD, FLAG_DELETED, NULL);
	ck_assert_int_eq(mailbox_expunge(b.m, NULL, true), STORE_OK);
	ck_assert_ptr_null(mailbox_get(b.m, one));
	ck_assert_ptr_nonnull(mailbox_get(b.m, two));
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 1);
	ck_assert_int_eq(box_count(&b, "cur"), 1);
	box_reopen(&b, 0);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 1);
	ck_assert_uint_eq(mailbox_status(b.m)->deleted, 0);
	box_expect(b.m, two, "two");
}
END_TEST

static int
no_sync(enum disk_op op)
{
	return op == DISK_SYNC ? EIO : 0;
}

/* What cannot be made durable there stays here. */
START_TEST(moving_needs_the_copy_on_disk)
{
	uint32_t list[] = { box_add(&b, "one") };
	struct uids uids = { list, 1, 1 }, from = { 0 }, to = { 0 };
	struct mailbox *work;

	ck_assert_int_eq(account_create(b.a, STR("Work"), 0), STORE_OK);
	ck_assert_int_eq(mailbox_open(b.a, STR("Work"), &work), STORE_OK);
	ck_assert_int_eq(
	    mailbox_copy(b.m, &uids, work, false, &from, &to), STORE_OK);
	ck_assert_int_eq(account_flush(b.a), 0);
	disk_fault = no_sync;
	ck_assert_int_eq(mailbox_copy(b.m, &uids, work, true, &from, &to),
	    STORE_ERROR);
	disk_fault = NULL;
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 1);
	box_expect(b.m, list[0], "one");
	/* And nobody is told afterwards that it worked. */
	ck_assert(account_is_dirty(b.a));
	ck_assert_int_eq(account_flush(b.a), -1);
	mailbox_close(work);
	uids_clear(&from);
	uids_clear(&to);
}
END_TEST

START_TEST(copying_and_moving)
{
	uint32_t list[] = { box_add(&b, "one"), box_add(&b, "two") };
	struct uids uids = { list, 2, 2 }, from = { 0 }, to = { 0 };
	struct mailbox *work;

	ck_assert_int_eq(account_create(b.a, STR("Work"), 0), STORE_OK);
	ck_assert_int_eq(mailbox_open(b.a, STR("Work"), &work), STORE_OK);
	box_flag(b.m, list[1], FLAGS_ADD, FLAG_SEEN, NULL);
	ck_assert_int_eq(
	    mailbox_copy(b.m, &uids, work, false, &from, &to), STORE_OK);
	ck_assert_uint_eq(to.n, 2);
	box_expect(work, to.list[0], "one");
	box_expect(work, to.list[1], "two");
	ck_assert_uint_eq(mailbox_get(work, to.list[1])->flags, FLAG_SEEN);
	from.n = to.n = 0;
	uids.n = 1;
	ck_assert_int_eq(
	    mailbox_copy(b.m, &uids, work, true, &from, &to), STORE_OK);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 1);
	ck_assert_uint_eq(mailbox_status(work)->exists, 3);
	box_expect(work, to.list[0], "one");
	box_expect(b.m, list[1], "two");
	ck_assert_int_eq(account_flush(b.a), 0);
	mailbox_close(work);
	uids_clear(&from);
	uids_clear(&to);
}
END_TEST

/* Enough changes that snapshots are made, with old readers at the side. */
START_TEST(merging)
{
	struct box other = b;
	uint32_t uid = 0;
	char name[32];

	box_open(&other);
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		uid = box_add(&b, name);
		if (i % 3 == 0)
			box_expunge(b.m, uid);
		if (i % 500 == 0)
			ck_assert_int_eq(account_flush(b.a), 0);
	}
	ck_assert_int_eq(account_flush(b.a), 0);
	ck_assert_int_eq(mailbox_refresh(other.m), STORE_OK);
	ck_assert_uint_eq(mailbox_status(other.m)->exists, 2000);
	box_expect(other.m, 2, "m1");
	box_expect(b.m, 2, "m1");
	box_expect(b.m, uid, "m2999");
	box_close(&other);
	box_reopen(&b, 0);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 2000);
	box_expect(b.m, 2, "m1");
	box_expect(b.m, uid, "m2999");
	ck_assert_int_le(box_count(&b, "ix"), 12);
}
END_TEST

START_TEST(foreign_mail)
{
	int dir = box_inside(&b, "new");
	int fd = openat(dir, "123.x.host", O_CREAT | O_WRONLY, 0600);
	static const char text[] = "Subject: one\n\nHello one\n";

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	close(dir);
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 1);
	box_expect(b.m, 1, "one");
	ck_assert_int_eq(box_count(&b, "new"), 0);
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 1);
	box_reopen(&b, 0);
	box_expect(b.m, 1, "one");
}
END_TEST

/* Whoever else may write to the folder cuts a file that is being read. */
START_TEST(a_file_cut_meanwhile)
{
	struct message_text text;
	char line[128];

	ck_assert_int_eq(message_load(
	    b.m, mailbox_get(b.m, box_add(&b, "one")), &text), STORE_OK);
	snprintf(line, sizeof(line),
	    "cd %s/example.org/alice/cur && truncate -s 0 *", b.path);
	ck_assert_int_eq(system(line), 0);
	ck_assert_uint_lt(str_find_str(text.text, STR("one")), text.text.n);
	message_unload(&text);
}
END_TEST

static int
bad_sector(enum disk_op op)
{
	return op == DISK_READ ? EIO : 0;
}

/* What cannot be read is an error for a while, and nothing is lost. */
START_TEST(bad_sectors)
{
	struct message_text text;
	struct mailbox *m;
	uint32_t uid = box_add(&b, "one");
	char line[256];

	for (int i = 0; i < 2500; i++) /* enough for a snapshot */
		box_expunge(b.m, box_add(&b, "x"));
	disk_fault = bad_sector;
	ck_assert_int_eq(message_load(b.m, mailbox_get(b.m, uid), &text),
	    STORE_ERROR);
	snprintf(line, sizeof(line), "cd %s/example.org/alice && "
	    "printf 'Subject: two\n\nHello two\n' >new/1.x.y", b.path);
	ck_assert_int_eq(system(line), 0);
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 1);
	account_close(b.a);
	b.a = account_open(account_folder(b.root, BOX_ACCOUNT), &b.conf);
	ck_assert_int_eq(mailbox_open(b.a, STR("INBOX"), &m), STORE_ERROR);
	disk_fault = NULL;
	box_reopen(&b, 0);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 2);
	box_expect(b.m, uid, "one");
}
END_TEST

/* Expunged, and a crash left the file: it does not come back. */
START_TEST(files_of_the_expunged)
{
	uint32_t uid = box_add(&b, "one");
	char line[400];

	box_add(&b, "two");
	snprintf(line, sizeof(line), "cd %s/example.org/alice/cur && "
	    "f=$(grep -l one *) && cp -p $f ../keep && "
	    "echo $f >../name", b.path);
	ck_assert_int_eq(system(line), 0);
	box_expunge(b.m, uid);
	/* As if it had never been unlinked, two minutes ago. */
	snprintf(line, sizeof(line), "cd %s/example.org/alice && "
	    "touch -d '2 minutes ago' keep && mv keep cur/$(cat name)",
	    b.path);
	ck_assert_int_eq(system(line), 0);
	b.conf.shared = true; /* cur/ is looked through */
	box_reopen(&b, 0);
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 1);
	ck_assert_int_eq(box_count(&b, "cur"), 1);
}
END_TEST

START_TEST(lost_index)
{
	box_ahead = 120; /* its files are old */
	char line[200];
	uint32_t before;

	box_add(&b, "one");
	box_add(&b, "two");
	before = mailbox_status(b.m)->uidvalidity;
	box_close(&b);
	snprintf(line, sizeof(line), "cd %s/example.org/alice && rm -rf ix && "
	    "touch -d '2 minutes ago' cur/*", b.path);
	ck_assert_int_eq(system(line), 0);
	box_open(&b);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 2);
	ck_assert_uint_ge(mailbox_status(b.m)->uidvalidity, before);
	ck_assert_ptr_nonnull(mailbox_get(b.m, 1));
	ck_assert_ptr_nonnull(mailbox_get(b.m, 2));
}
END_TEST

/* The file of the first delivery is there, and its row comes in a moment: who
 * opens the mailbox for the first time just then makes no row of his own. */
START_TEST(first_delivery_under_way)
{
	char line[128];

	box_add(&b, "one");
	box_close(&b);
	snprintf(line, sizeof(line), "rm -rf %s/example.org/alice/ix", b.path);
	ck_assert_int_eq(system(line), 0);
	box_open(&b);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 0);
	ck_assert_int_eq(box_count(&b, "cur"), 1);
}
END_TEST

START_TEST(renamed_and_removed_files)
{
	char line[256];
	uint32_t two;

	box_add(&b, "one");
	two = box_add(&b, "two");
	/* As mutt marks them seen. */
	snprintf(line, sizeof(line),
	    "cd %s/example.org/alice/cur && for f in *; do mv $f ${f}S; done",
	    b.path);
	ck_assert_int_eq(system(line), 0);
	box_expect(b.m, 1, "one");
	snprintf(line, sizeof(line),
	    "cd %s/example.org/alice/cur && rm $(grep -l one *)", b.path);
	ck_assert_int_eq(system(line), 0);
	ck_assert_int_eq(message_open(b.m, mailbox_get(b.m, 1)), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	ck_assert_ptr_null(mailbox_get(b.m, 1));
	box_expect(b.m, two, "two");
}
END_TEST

START_TEST(quota)
{
	struct append_info info = { 0 };
	struct append *ap;
	struct uids uids = { 0 };
	struct usage usage;

	box_add(&b, "one");
	account_set_quota(b.a, 90);
	ap = append_begin(b.m, &info);
	ck_assert_int_eq(append_write(ap,
	    STR("Subject: this one would go over the limit\n\nx\n")), 0);
	ck_assert_int_eq(append_commit(&ap, 1, &uids), STORE_OVER_QUOTA);
	ck_assert_int_eq(account_usage(b.a, &usage), STORE_OK);
	ck_assert_uint_eq(usage.messages, 1);
	ck_assert_uint_eq(usage.octets, mailbox_status(b.m)->octets);
	ck_assert_int_eq(box_count(&b, "cur"), 1);
	uids_clear(&uids);
}
END_TEST

static TCase *
mailbox(void)
{
	TCase *tc = tcase_create("mailbox");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, empty);
	tcase_add_test(tc, append_and_read);
	tcase_add_test(tc, another_epoch);
	tcase_add_test(tc, long_message);
	tcase_add_test(tc, aborted);
	tcase_add_test(tc, flags);
	tcase_add_test(tc, keywords);
	tcase_add_test(tc, unchanged_since);
	tcase_add_test(tc, expunge);
	tcase_add_test(tc, copying_and_moving);
	tcase_add_test(tc, moving_needs_the_copy_on_disk);
	tcase_add_test(tc, merging);
	tcase_add_test(tc, foreign_mail);
	tcase_add_test(tc, a_file_cut_meanwhile);
	tcase_add_test(tc, bad_sectors);
	tcase_add_test(tc, files_of_the_expunged);
	tcase_add_test(tc, lost_index);
	tcase_add_test(tc, first_delivery_under_way);
	tcase_add_test(tc, renamed_and_removed_files);
	tcase_add_test(tc, quota);
	return tc;
}

UNIT_MAIN("mailbox", mailbox)
