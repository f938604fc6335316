#include <time.h>

#include "store/batch.h"
#include "store/disk.h"
#include "store/inner.h"
#include "tests/unit/store/box.h"
#include "tests/unit/unit.h"

static struct box b;
static struct batch *batch;
static int64_t slow_sync_ms;

static const char text[] = "From: a@example.org\nSubject: one\n\nHello one\n";

static void
fresh_batch(uint64_t epoch)
{
	struct batch_conf conf = { .store = { .epoch = epoch },
		.rootfd = b.root, .slow_sync_ms = slow_sync_ms };

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
message(uint64_t id, const char *path)
{
	struct delivery d = { .path = str_c(path),
		.account = STR("alice@example.org"), .accepted = 1700000000,
		.head = STR("Delivered-To: alice@example.org\n"),
		.text = str_c(text), .size = sizeof(text) - 1 };

	batch_guid(STR("0123456789abcdef"), id, str_c(path), d.guid);
	return d;
}

START_TEST(many)
{
	static struct delivery list[64];
	char path[64][32];

	for (int i = 0; i < 64; i++) {
		snprintf(path[i], sizeof(path[i]), "example.org/u%d", i % 5);
		list[i] = message((uint64_t)i, path[i]);
		batch_add(batch, &list[i]);
	}
	ck_assert_uint_eq(batch_count(batch), 64);
	ck_assert_int_eq(batch_commit(batch), 0);
	for (int i = 0; i < 64; i++) {
		ck_assert_int_eq(list[i].result, DELIVERY_OK);
		ck_assert_uint_eq(list[i].uid, 1 + (unsigned)i / 5);
		ck_assert_str_eq(list[i].where, "INBOX");
	}
	ck_assert_uint_eq(batch_count(batch), 0);
}
END_TEST

START_TEST(seen_by_reader)
{
	struct delivery d = message(1, "example.org/alice");
	struct view *view = view_open(b.m, NULL, NULL);
	struct view_news news;

	batch_add(batch, &d);
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_int_eq(d.result, DELIVERY_OK);
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	ck_assert(view_sync(view, true, &news));
	ck_assert(news.grown);
	ck_assert_uint_eq(news.exists, 1);
	box_expect(b.m, d.uid, "one");
	box_flag(b.m, d.uid, FLAGS_ADD, FLAG_SEEN, NULL);
	view_close(view);
	d = message(2, "example.org/alice");
	batch_add(batch, &d);
	ck_assert_int_eq(batch_commit(batch), 0);
	box_reopen(&b, 0);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 2);
	ck_assert_uint_eq(mailbox_status(b.m)->unseen, 1);
}
END_TEST

START_TEST(repeated)
{
	struct delivery d = message(1, "example.org/alice"), twin = d;

	batch_add(batch, &d);
	batch_add(batch, &twin);
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_int_eq(d.result, DELIVERY_OK);
	ck_assert_int_eq(twin.result, DELIVERY_REPEATED);
	ck_assert_uint_eq(twin.uid, d.uid);
	/* Without the mark: the file is there and tells. */
	twin = message(1, "example.org/alice");
	batch_add(batch, &twin);
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_int_eq(twin.result, DELIVERY_REPEATED);
	/* With it, though the user has removed it meanwhile. */
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	box_expunge(b.m, d.uid);
	ck_assert_int_eq(box_count(&b, "cur"), 0);
	fresh_batch(2);
	twin = message(1, "example.org/alice");
	twin.maybe_repeated = true;
	batch_add(batch, &twin);
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_int_eq(twin.result, DELIVERY_REPEATED);
	ck_assert_int_eq(box_count(&b, "cur"), 0);
	/* The same identity with other octets is another message. */
	twin = message(1, "example.org/alice");
	twin.text.n = --twin.size;
	twin.maybe_repeated = true;
	batch_add(batch, &twin);
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_int_eq(twin.result, DELIVERY_OK);
	ck_assert_int_eq(box_count(&b, "cur"), 1);
}
END_TEST

/* What a power cut may leave: the row, and of the file nothing, its name
 * without octets, a part, or other octets. */
static void
take_file(int how)
{
	DIR *dir = fdopendir(box_inside(&b, "cur"));
	struct dirent *e;
	int fd;

	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		fd = openat(dirfd(dir), e->d_name, O_RDWR);
		ck_assert_int_ne(fd, -1);
		if (how == 0)
			ck_assert_int_eq(unlinkat(dirfd(dir), e->d_name, 0), 0);
		else if (how < 3)
			ck_assert_int_eq(ftruncate(fd, how == 1 ? 0 : 40), 0);
		else
			ck_assert_int_eq(pwrite(fd, "\0\0\0", 3, 60), 3);
		close(fd);
	}
	closedir(dir);
}

static void
deliver_again(bool maybe)
{
	struct delivery d = message(1, "example.org/alice");

	d.maybe_repeated = maybe;
	batch_add(batch, &d);
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_int_eq(d.result, DELIVERY_OK);
	box_reopen(&b, 0);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 1);
	ck_assert_int_eq(box_count(&b, "cur"), 1);
	box_expect(b.m, d.uid, "one");
	/* And that one counts. */
	d = message(1, "example.org/alice");
	d.maybe_repeated = true;
	batch_add(batch, &d);
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_int_eq(d.result, DELIVERY_REPEATED);
	ck_assert_int_eq(box_count(&b, "cur"), 1);
}

START_TEST(row_without_file)
{
	struct delivery d = message(1, "example.org/alice");

	batch_add(batch, &d);
	ck_assert_int_eq(batch_commit(batch), 0);
	take_file(_i / 2);
	fresh_batch(2);
	deliver_again(_i % 2 == 1 || _i / 2 == 0);
}
END_TEST

static int syncs;

static int
first_sync(enum disk_op op)
{
	return op == DISK_SYNC && ++syncs == 1 ? EIO : 0;
}

/* The row without a file cannot be written off: nothing may go on. */
START_TEST(row_cannot_be_lost)
{
	struct delivery d = message(1, "example.org/alice"), e;

	batch_add(batch, &d);
	ck_assert_int_eq(batch_commit(batch), 0);
	take_file(0);
	fresh_batch(2);
	d = message(1, "example.org/alice");
	e = message(2, "example.org/alice");
	d.maybe_repeated = true;
	syncs = 0;
	disk_fault = first_sync;
	batch_add(batch, &d);
	batch_add(batch, &e);
	ck_assert_int_eq(syncs, 1);
	ck_assert_int_eq(d.result, DELIVERY_ERROR);
	ck_assert_int_eq(e.result, DELIVERY_ERROR);
	ck_assert_int_eq(batch_commit(batch), -1);
	ck_assert_int_eq(syncs, 1);
	disk_fault = NULL;
	fresh_batch(2);
	deliver_again(true);
}
END_TEST

/* A reader finds it first, and its look expunges the row. */
START_TEST(reader_before_file)
{
	struct delivery d = message(1, "example.org/alice");
	const struct row *row;

	batch_add(batch, &d);
	ck_assert_int_eq(batch_commit(batch), 0);
	take_file(_i);
	box_reopen(&b, 2);
	row = mailbox_get(b.m, d.uid);
	if (row != NULL) {
		ck_assert_int_eq(message_open(b.m, row), -1);
		ck_assert_int_eq(errno, ENOENT);
		ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	}
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 0);
	ck_assert_uint_eq(mailbox_status(b.m)->octets, 0);
	ck_assert_int_eq(box_count(&b, "cur"), 0);
	box_reopen(&b, 3);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 0);
	fresh_batch(3);
	deliver_again(true);
}
END_TEST

START_TEST(folders)
{
	struct delivery d = message(1, "example.org/alice");
	struct delivery e = message(2, "example.org/alice");
	struct mailbox_status s;

	ck_assert_int_eq(account_create(b.a, STR("lists"), 0), STORE_OK);
	d.mailbox = STR("lists");
	e.mailbox = STR("nowhere");
	batch_add(batch, &d);
	batch_add(batch, &e);
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_str_eq(d.where, "lists");
	ck_assert_str_eq(e.where, "INBOX");
	ck_assert_int_eq(account_status(b.a, STR("lists"), &s), STORE_OK);
	ck_assert_uint_eq(s.exists, 1);
	ck_assert_int_eq(account_status(b.a, STR("INBOX"), &s), STORE_OK);
	ck_assert_uint_eq(s.exists, 1);
	/* It goes, and comes again as another. */
	ck_assert_int_eq(account_delete(b.a, STR("lists")), STORE_OK);
	d = message(3, "example.org/alice");
	d.mailbox = STR("lists");
	batch_add(batch, &d);
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_int_eq(d.result, DELIVERY_OK);
	ck_assert_str_eq(d.where, "INBOX");
}
END_TEST

static int opens_left;

static int
one_open(enum disk_op op)
{
	return op == DISK_OPEN && --opens_left == 0 ? EMFILE : 0;
}

/* What cannot be asked whether it has the message may have it. */
START_TEST(repeated_unknown)
{
	struct delivery d = message(1, "example.org/alice"), again;
	bool failed = false;

	batch_add(batch, &d);
	ck_assert_int_eq(batch_commit(batch), 0);
	for (int at = 1; at < 40; at++) {
		fresh_batch(2);
		again = message(1, "example.org/alice");
		again.maybe_repeated = _i == 1;
		opens_left = at;
		disk_fault = one_open;
		batch_add(batch, &again);
		disk_fault = NULL;
		ck_assert_int_eq(batch_commit(batch), 0);
		failed = failed || again.result == DELIVERY_ERROR;
		ck_assert_int_ne(again.result, DELIVERY_OK);
		box_reopen(&b, 2);
		ck_assert_uint_eq(mailbox_status(b.m)->exists, 1);
		ck_assert_int_eq(box_count(&b, "cur"), 1);
		box_expect(b.m, d.uid, "one");
	}
	ck_assert(failed);
	ck_assert_int_gt(opens_left, 0);
	ck_assert_int_eq(again.result, DELIVERY_REPEATED);
}
END_TEST

/* A reader makes snapshots, so that the log which the batch has open goes:
 * deliveries follow. */
START_TEST(merged_away)
{
	for (uint64_t i = 1; i <= 4; i++) {
		struct delivery d = message(i, "example.org/alice");

		batch_add(batch, &d);
		ck_assert_int_eq(batch_commit(batch), 0);
		ck_assert_int_eq(d.result, DELIVERY_OK);
		ck_assert_uint_eq(d.uid, i);
		ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
		mailbox_merge(b.m);
		mailbox_merge(b.m);
	}
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 4);
}
END_TEST

START_TEST(bad_paths)
{
	static const char *const paths[] = { "", "../x", "example.org/../..",
		"/etc", "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t" };

	for (size_t i = 0; i < N_OF(paths); i++) {
		struct delivery d = message(1, paths[i]);

		batch_add(batch, &d);
		ck_assert_int_eq(d.result, DELIVERY_BAD_PATH);
	}
	ck_assert_int_eq(symlinkat("/tmp", b.root, "link"), 0);
	{
		struct delivery d = message(1, "link/x");

		batch_add(batch, &d);
		ck_assert_int_eq(d.result, DELIVERY_BAD_PATH);
	}
	ck_assert_int_eq(batch_commit(batch), 0);
}
END_TEST

START_TEST(over_quota)
{
	struct delivery d = message(1, "example.org/alice");

	d.quota = 100;
	batch_add(batch, &d);
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_int_eq(d.result, DELIVERY_OK);
	d = message(2, "example.org/alice");
	d.quota = 100;
	d.maybe_repeated = _i != 0;
	batch_add(batch, &d);
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_int_eq(d.result, DELIVERY_OVER_QUOTA);
	ck_assert_int_eq(box_count(&b, "cur"), 1);
	/* What filled it is there. */
	d = message(1, "example.org/alice");
	d.quota = 100;
	d.maybe_repeated = true;
	batch_add(batch, &d);
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_int_eq(d.result, DELIVERY_REPEATED);
}
END_TEST

static ssize_t
read_much(void *arg, uint64_t at, char *out, size_t n)
{
	uint64_t size = *(uint64_t *)arg;

	if (at >= size)
		return 0;
	if (n > size - at)
		n = (size_t)(size - at);
	for (size_t i = 0; i < n; i++)
		out[i] = (at + i) % 50 == 49 ? '\n' : 'x';
	return (ssize_t)n;
}

START_TEST(large)
{
	uint64_t size = 5000000;
	struct delivery d = message(1, "example.org/alice");
	const struct row *row;
	struct message_text t;

	d.head = STR("Subject: one\n\n");
	d.read = read_much;
	d.arg = &size;
	d.size = size;
	batch_add(batch, &d);
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_int_eq(d.result, DELIVERY_OK);
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	row = mailbox_get(b.m, d.uid);
	ck_assert_ptr_nonnull(row);
	ck_assert_uint_eq(row->size, 16 + size + size / 50);
	ck_assert_int_eq(message_load(b.m, row, &t), STORE_OK);
	ck_assert_uint_eq(t.text.n, 14 + size);
	message_unload(&t);
}
END_TEST

/* --- Every system call fails once, or is the last one --------------------- */

static int calls, stop_at;
static bool dies;

static int
nth(enum disk_op op)
{
	(void)op;
	if (++calls != stop_at)
		return 0;
	if (dies)
		_exit(99);
	return EIO;
}

/* Delivers messages 1 and 2 to alice; true: both were answered for. */
static bool
deliver_two(bool maybe)
{
	struct delivery d = message(1, "example.org/alice");
	struct delivery e = message(2, "example.org/alice");

	d.maybe_repeated = e.maybe_repeated = maybe;
	batch_add(batch, &d);
	batch_add(batch, &e);
	if (batch_commit(batch) == -1)
		return false;
	return (d.result == DELIVERY_OK || d.result == DELIVERY_REPEATED) &&
	    (e.result == DELIVERY_OK || e.result == DELIVERY_REPEATED);
}

static void
expect_two(void)
{
	box_reopen(&b, 0);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, 2);
	ck_assert_int_eq(box_count(&b, "cur"), 2);
}

/* One run with the fault at call number at; false: there is none so late. */
static bool
run(int at, bool dying)
{
	bool reached, done;
	int status;
	pid_t pid;

	stop_at = at;
	calls = 0;
	dies = dying;
	if (dying) {
		pid = fork();
		if (pid == 0) {
			fresh_batch(5);
			disk_fault = nth;
			_exit(deliver_two(false) ? 0 : 1);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFEXITED(status));
		reached = WEXITSTATUS(status) == 99;
	} else {
		disk_fault = nth;
		done = deliver_two(false);
		disk_fault = NULL;
		reached = calls >= stop_at;
		if (!done)
			ck_assert(reached);
	}
	/* The next process, told that it may have happened. */
	fresh_batch(6);
	ck_assert(deliver_two(true));
	expect_two();
	return reached;
}

START_TEST(each_call_fails)
{
	int at = 1;

	slow_sync_ms = _i / 2 == 0 ? 20 : -1;
	fresh_batch(1);
	for (bool more = true; more; at++) {
		more = run(at, _i % 2 == 1);
		teardown();
		setup();
		ck_assert_int_lt(at, 500);
	}
	ck_assert_int_gt(at, 10);
}
END_TEST

/* A log that grew long ends with a sync; one that fails is not made good by
 * another that succeeds. */
START_TEST(end_of_log_fails)
{
	enum { MESSAGES = 250, LONG = 18000 };
	static struct delivery d[MESSAGES];
	static char letter[LONG];
	int rc;

	slow_sync_ms = _i == 0 ? -1 : 20;
	fresh_batch(1);
	for (size_t i = 0; i < LONG; i += 10)
		memcpy(letter + i, i % 1000 == 0 ? "\nTo: a@b.c" : ", d@e.test",
		    10);
	memcpy(letter, "Subject: x", 10);
	memcpy(letter + LONG - 2, "\n\n", 2);
	d[0] = message(0, "example.org/alice"); /* limits are written */
	batch_add(batch, &d[0]);
	ck_assert_int_eq(batch_commit(batch), 0);
	for (size_t i = 1; i < MESSAGES; i++) {
		d[i] = message(i, "example.org/alice");
		d[i].text = str_n(letter, LONG);
		d[i].size = LONG;
		batch_add(batch, &d[i]);
	}
	syncs = 0;
	disk_fault = first_sync;
	rc = batch_commit(batch);
	disk_fault = NULL;
	slow_sync_ms = 0;
	ck_assert_int_eq(rc, -1);
	ck_assert_int_eq(boxlog_start(&b.m->log, 1), 0);
	ck_assert_int_gt(lseek(b.m->log.fd, 0, SEEK_END), BOXLOG_LONG);
}
END_TEST

/* --- Two processes at once ------------------------------------------------ */

START_TEST(at_once)
{
	enum { EACH = 200 };
	pid_t pid[2];
	int status;

	for (int p = 0; p < 2; p++) {
		pid[p] = fork();
		if (pid[p] != 0)
			continue;
		fresh_batch(9);
		for (int i = 0; i < EACH; i++) {
			struct delivery d = message(
			    (uint64_t)(p * 1000 + i), "example.org/alice");

			batch_add(batch, &d);
			if (i % 7 == 0 && batch_commit(batch) == -1)
				_exit(1);
			if (i % 7 != 0 && batch_commit(batch) == -1)
				_exit(1);
			if (d.result != DELIVERY_OK)
				_exit(2);
		}
		_exit(0);
	}
	/* And we expunge what we see meanwhile. */
	for (int round = 0; round < 50; round++) {
		ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
		for (size_t i = 0; i < mailbox_rows(b.m); i++) {
			const struct row *row = mailbox_row(b.m, i);

			if ((row->flags & ROW_GONE) == 0 && row->uid % 5 == 0) {
				box_expunge(b.m, row->uid);
				break;
			}
		}
		usleep(2000);
	}
	for (int p = 0; p < 2; p++) {
		ck_assert_int_eq(waitpid(pid[p], &status, 0), pid[p]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	ck_assert_uint_eq(mailbox_rows(b.m), 2 * EACH);
	ck_assert_uint_eq((unsigned)box_count(&b, "cur"),
	    mailbox_status(b.m)->exists);
	{
		struct mailbox_status now = *mailbox_status(b.m);

		box_reopen(&b, 0);
		ck_assert_uint_eq(mailbox_status(b.m)->exists, now.exists);
		ck_assert_uint_eq(mailbox_status(b.m)->octets, now.octets);
		/* The two had epochs of their own: UIDs are passed over. */
		ck_assert_uint_ge(mailbox_status(b.m)->uidnext, now.uidnext);
	}
}
END_TEST

static TCase *
deliveries(void)
{
	TCase *tc = tcase_create("deliveries");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, many);
	tcase_add_test(tc, seen_by_reader);
	tcase_add_test(tc, repeated);
	tcase_add_loop_test(tc, row_without_file, 0, 8);
	tcase_add_test(tc, row_cannot_be_lost);
	tcase_add_loop_test(tc, reader_before_file, 0, 2);
	tcase_add_test(tc, folders);
	tcase_add_loop_test(tc, repeated_unknown, 0, 2);
	tcase_add_test(tc, merged_away);
	tcase_add_test(tc, bad_paths);
	tcase_add_loop_test(tc, over_quota, 0, 2);
	tcase_add_test(tc, large);
	tcase_add_loop_test(tc, each_call_fails, 0, 4);
	tcase_add_loop_test(tc, end_of_log_fails, 0, 2);
	tcase_add_test(tc, at_once);
	return tc;
}

UNIT_MAIN("batch", deliveries)
