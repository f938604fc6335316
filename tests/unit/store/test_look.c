/*
 * Files without a row: each that is whole gets one, be it that whoever began
 * to look for them dies, fails, or is closed before the youngest are old
 * enough; and none gets two.
 */
#include "store/batch.h"
#include "store/disk.h"
#include "store/inner.h"
#include "store/look.h"
#include "tests/unit/store/box.h"
#include "tests/unit/unit.h"

#define ALICE "example.org/alice"

enum { OLD_S = 120, CALLS_MOST = 300 };

static struct box b;
static int calls, strike;
static int order[2]; /* calls of the last sync and the first rename */

static void
setup(void)
{
	box_new(&b);
	calls = strike = order[0] = order[1] = 0;
}

static void
teardown(void)
{
	disk_fault = NULL;
	box_end(&b);
}

static void
run(const char *what)
{
	char line[1000];

	snprintf(line, sizeof(line), "cd %s/" ALICE " && { %s; }", b.path, what);
	ck_assert_int_eq(system(line), 0);
}

/* A delivery as others leave it. */
static void
deliver(uint64_t id, uint64_t epoch)
{
	struct batch_conf conf = { .store = { .epoch = epoch },
		.rootfd = b.root };
	struct batch *batch = batch_new(&conf);
	struct delivery d = { .path = STR(ALICE),
		.account = STR("alice@example.org"), .accepted = 1700000000,
		.text = STR("From: a@example.org\nSubject: x\n\nHello x\n"),
		.size = 40 };

	batch_guid(STR("0123456789abcdef"), id, STR(ALICE), d.guid);
	batch_add(batch, &d);
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_int_eq(d.result, DELIVERY_OK);
	batch_free(batch);
}

static void
two_without_index(void)
{
	box_add(&b, "one");
	box_add(&b, "two");
	ck_assert_int_eq(account_flush(b.a), 0);
	box_close(&b);
	run("rm -rf ix");
	b.conf.epoch++;
}

/* What the next who opens it sees; its first look may only see the change. */
static uint32_t
exists(void)
{
	uint32_t n;

	b.conf.epoch++;
	box_open(&b);
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	n = mailbox_status(b.m)->exists;
	return n;
}

static int
die_there(enum disk_op op)
{
	(void)op;
	if (++calls == strike)
		_exit(9);
	return 0;
}

static int
fail_there(enum disk_op op)
{
	static const int errors[] = { [DISK_OPEN] = EMFILE,
		[DISK_WRITE] = ENOSPC, [DISK_LOCK] = 0 };

	return ++calls == strike ? errors[op] : 0;
}

/* 0: opened; 9: died. */
static int
open_and_die(void)
{
	struct account *a;
	struct mailbox *m;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		a = account_open(
		    account_folder(b.root, BOX_ACCOUNT), &b.conf);
		disk_fault = die_there;
		_exit(mailbox_open(a, STR("INBOX"), &m) == STORE_OK ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void
open_and_fail(void)
{
	struct account *a =
	    account_open(account_folder(b.root, BOX_ACCOUNT), &b.conf);
	struct mailbox *m;

	calls = 0;
	disk_fault = fail_there;
	if (mailbox_open(a, STR("INBOX"), &m) == STORE_OK)
		mailbox_close(m);
	disk_fault = NULL;
	account_close(a);
}

START_TEST(dies_while_it_looks)
{
	int status = 9;

	for (strike = 1; status == 9 && strike < CALLS_MOST; strike++) {
		two_without_index();
		box_ahead = OLD_S;
		status = open_and_die();
		ck_assert_msg(exists() == 2, "call %d: %u", strike,
		    mailbox_status(b.m)->exists);
		box_end(&b);
		box_new(&b);
	}
	ck_assert_int_eq(status, 0);
	ck_assert_int_gt(strike, 20);
}
END_TEST

START_TEST(fails_while_it_looks)
{
	for (strike = 1; strike == 1 || calls >= strike - 1; strike++) {
		ck_assert_int_lt(strike, CALLS_MOST);
		two_without_index();
		box_ahead = OLD_S;
		open_and_fail();
		ck_assert_msg(exists() == 2, "call %d: %u", strike,
		    mailbox_status(b.m)->exists);
		box_end(&b);
		box_new(&b);
	}
	ck_assert_int_gt(strike, 20);
}
END_TEST

/* Closed while its files are young; in the second round it is deliver that
 * opens it first. */
START_TEST(closed_while_young)
{
	two_without_index();
	if (_i == 1)
		deliver(1, b.conf.epoch);
	ck_assert_uint_eq(exists(), _i == 1 ? 1 : 0);
	ck_assert(look_is_set(b.m->log.ix));
	box_close(&b);
	box_ahead = OLD_S;
	ck_assert_uint_eq(exists(), _i == 1 ? 3 : 2);
	ck_assert(!look_is_set(b.m->log.ix));
}
END_TEST

/* A frame in the middle, or the last one, which is cut off. */
START_TEST(damaged_while_young)
{
	struct stat st;
	int fd;

	for (uint64_t id = 1; id <= 3; id++)
		deliver(id, 1);
	box_close(&b);
	fd = box_inside(&b, "ix/log.1");
	ck_assert_int_eq(fstat(fd, &st), 0);
	if (_i == 0)
		ck_assert_int_eq(pwrite(fd, "XXXX", 4, st.st_size - 500), 4);
	else
		ck_assert_int_eq(ftruncate(fd, st.st_size - 10), 0);
	close(fd);
	ck_assert_uint_eq(exists(), 2);
	box_close(&b);
	box_ahead = OLD_S;
	ck_assert_uint_eq(exists(), 3);
}
END_TEST

/* Written while the clock was a year ahead. */
START_TEST(clock_was_ahead)
{
	two_without_index();
	box_ahead = -365 * 86400;
	ck_assert_uint_eq(exists(), 2);
}
END_TEST

/* COPY links a file that may be years old; its row comes a moment later. */
START_TEST(copy_under_way)
{
	box_add(&b, "one");
	run("touch -d '2 years ago' cur/*; cd cur; f=$(echo *); "
	    "ln $f ${f%%.*}.ffffffffffffffffffffffffffffffff.${f#*.*.}");
	b.m->lost = true;
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 1);
	box_ahead = OLD_S;
	b.m->lost = true;
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 2);
}
END_TEST

/* Where the records are was told before two snapshots by somebody else. */
START_TEST(places_are_old)
{
	struct mailbox *other;
	struct account *a;
	uint32_t uid = box_add(&b, "one");

	box_flag(b.m, uid, FLAGS_ADD, FLAG_SEEN, NULL);
	a = account_open(account_folder(b.root, BOX_ACCOUNT), &b.conf);
	ck_assert_int_eq(mailbox_open(a, STR("INBOX"), &other), STORE_OK);
	mailbox_merge(other);
	box_add_to(other, "two", 0);
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	mailbox_merge(other);
	box_add_to(other, "three", 0);
	coldfiles_clear(&b.m->cold);
	box_ahead = OLD_S;
	b.m->lost = true;
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 3);
	ck_assert_ptr_nonnull(mailbox_get(b.m, uid));
	ck_assert_int_ne(mailbox_get(b.m, uid)->flags & FLAG_SEEN, 0);
	box_expect(b.m, uid, "one");
	account_close(a);
}
END_TEST

static int
note_order(enum disk_op op)
{
	calls++;
	if (op == DISK_SYNC && order[1] == 0)
		order[0] = calls;
	if (op == DISK_RENAME && order[1] == 0)
		order[1] = calls;
	return 0;
}

/* In cur/ nobody would look for a row that a power cut took. */
START_TEST(row_first)
{
	run("printf 'Subject: x\\n\\nx\\n' > new/1700000000.X1.host");
	disk_fault = note_order;
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	disk_fault = NULL;
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 1);
	ck_assert_int_eq(box_count(&b, "new"), 0);
	ck_assert_int_gt(order[0], 0);
	ck_assert_int_gt(order[1], order[0]);
}
END_TEST

/* Another message of the same name is not written over. */
START_TEST(same_name)
{
	run("printf 'Subject: A\\n\\nA\\n' > cur/1700000000.X1.host:2,");
	b.m->lost = true;
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	usleep(100000); /* a time stamp of its own */
	run("printf 'Subject: B\\n\\nB\\n' > new/1700000000.X1.host");
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	run("grep -q A cur/*");
	run("grep -q B new/*");
}
END_TEST

static int
no_more_files(enum disk_op op)
{
	if (op != DISK_OPEN)
		return 0;
	return ++calls >= strike ? EMFILE : 0;
}

/* What cannot be opened now is looked at again. */
START_TEST(new_not_opened)
{
	usleep(100000);
	run("printf 'Subject: x\\n\\nx\\n' > new/1700000000.X1.host");
	usleep(100000);
	strike = 2; /* the first opens the folder */
	disk_fault = no_more_files;
	(void)mailbox_refresh(b.m);
	disk_fault = NULL;
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 0);
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 1);
}
END_TEST

static TCase *
look(void)
{
	TCase *tc = tcase_create("look");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, dies_while_it_looks);
	tcase_add_test(tc, fails_while_it_looks);
	tcase_add_loop_test(tc, closed_while_young, 0, 2);
	tcase_add_loop_test(tc, damaged_while_young, 0, 2);
	tcase_add_test(tc, clock_was_ahead);
	tcase_add_test(tc, copy_under_way);
	tcase_add_test(tc, places_are_old);
	tcase_add_test(tc, row_first);
	tcase_add_test(tc, same_name);
	tcase_add_test(tc, new_not_opened);
	return tc;
}

UNIT_MAIN("look", look)
