/*
 * What disks, power cuts and users do to the files below ix/: nothing may
 * crash, and no message whose file is whole may be lost.
 */
#include "store/batch.h"
#include "store/disk.h"
#include "store/inner.h"
#include "tests/unit/store/box.h"
#include "tests/unit/unit.h"

enum { MESSAGES = 20, STEP = 512 };

static struct box b;
static uint32_t uidvalidity;

static void
setup(void)
{
	char name[16];

	box_new(&b);
	box_ahead = 120; /* no file is young */
	for (int i = 0; i < MESSAGES; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		box_add(&b, name);
	}
	box_flag(b.m, 3, FLAGS_ADD, FLAG_SEEN, NULL);
	box_expunge(b.m, 5);
	ck_assert_int_eq(account_flush(b.a), 0);
	uidvalidity = mailbox_status(b.m)->uidvalidity;
}

static void
teardown(void)
{
	box_end(&b);
}

static void
load(const char *path, struct buf *out)
{
	int fd = box_inside(&b, path);
	struct stat st;

	ck_assert_int_ne(fd, -1);
	fstat(fd, &st);
	buf_init(out, BUF_NO_MAX);
	ck_assert_int_eq(read(fd, buf_reserve(out, (size_t)st.st_size + 1),
	    (size_t)st.st_size), st.st_size);
	buf_commit(out, (size_t)st.st_size);
	close(fd);
}

static void
save(const char *path, const char *p, size_t n)
{
	int fd = box_inside(&b, path);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(pwrite(fd, p, n, 0), (ssize_t)n);
	close(fd);
}

static void
restore(void)
{
	char line[200];

	snprintf(line, sizeof(line),
	    "cd %s && rm -rf example.org && cp -a saved example.org", b.path);
	ck_assert_int_eq(system(line), 0);
}

static void
keep(void)
{
	char line[200];

	snprintf(line, sizeof(line), "cd %s && cp -a example.org saved", b.path);
	ck_assert_int_eq(system(line), 0);
}

/* Files of ours that are young may be deliveries under way: these are not. */
static void
make_old(void)
{
	char line[200];

	snprintf(line, sizeof(line),
	    "find %s -path '*/cur/*' -exec touch -d '1 hour ago' {} +", b.path);
	ck_assert_int_eq(system(line), 0);
}

/* All living messages can be read, whatever their UIDs are by now. */
static void
expect_all(void)
{
	unsigned found = 0;

	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	for (size_t i = 0; i < mailbox_rows(b.m); i++) {
		const struct row *row = mailbox_row(b.m, i);
		struct message_text text;
		uint32_t uid = row->uid;

		if ((row->flags & ROW_GONE) != 0)
			continue;
		if (message_load(b.m, row, &text) != STORE_OK) {
			/* Found out now: gone with the next look. */
			ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
			ck_assert_ptr_null(mailbox_get(b.m, uid));
			continue;
		}
		found++;
		message_unload(&text);
	}
	ck_assert_uint_ge(found, MESSAGES - 1);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, found);
	/* And it goes on. */
	box_expect(b.m, box_add(&b, "next"), "next");
}

/* The newest file PREFIX.<gen>. */
static void
newest(const char *prefix, char path[64])
{
	for (int gen = 20; gen > 0; gen--) {
		int fd;

		snprintf(path, 64, "alice/ix/%s.%d", prefix, gen);
		fd = openat(b.root, "example.org", O_RDONLY | O_DIRECTORY);
		if (faccessat(fd, path, F_OK, 0) == 0) {
			close(fd);
			snprintf(path, 64, "ix/%s.%d", prefix, gen);
			return;
		}
		close(fd);
	}
	ck_abort_msg("no %s", prefix);
}

enum harm { CUT, FLIP, ZERO };

static void
harm(const char *path, enum harm how, size_t at)
{
	struct buf file;
	char *p;

	load(path, &file);
	p = file.p + file.at;
	if (how == CUT) {
		save(path, p, at);
	} else {
		if (how == FLIP)
			p[at] = (char)(p[at] ^ 0x10);
		else
			memset(p + at, 0, buf_len(&file) - at < 512 ?
			        buf_len(&file) - at : 512);
		save(path, p, buf_len(&file));
	}
	buf_clear(&file);
}

static void
each_place(const char *prefix)
{
	char path[64];
	struct buf file;
	size_t size;

	make_old();
	box_close(&b);
	keep();
	newest(prefix, path);
	load(path, &file);
	size = buf_len(&file);
	buf_clear(&file);
	for (size_t at = 0; at < size; at += STEP)
		for (enum harm how = CUT; how <= ZERO; how++) {
					harm(path, how, at);
			box_open(&b);
			expect_all();
			box_close(&b);
			box_open(&b);
			ck_assert_uint_ge(
			    mailbox_status(b.m)->exists, MESSAGES);
			box_close(&b);
			restore();
		}
	box_open(&b);
}

/* Enough changes that a snapshot is there, and a log behind it. */
static void
make_snapshot(void)
{
	for (int i = 0; i < 2500; i++)
		box_expunge(b.m, box_add(&b, "x"));
	ck_assert_int_eq(account_flush(b.a), 0);
}

START_TEST(log_harmed)
{
	each_place("log");
}
END_TEST

START_TEST(snapshot_harmed)
{
	make_snapshot();
	each_place("snap");
}
END_TEST

START_TEST(removed)
{
	static const char *const what[] = { "log.*", "snap.*", "meta.*", "*",
		"lock", "account" };
	char line[200];

	make_snapshot();
	make_old();
	box_close(&b);
	snprintf(line, sizeof(line), "cd %s/example.org/alice/ix && rm -f %s",
	    b.path, what[_i]);
	ck_assert_int_eq(system(line), 0);
	box_open(&b);
	expect_all();
}
END_TEST

/* A frame in the middle is damaged: its neighbours keep their UIDs. */
START_TEST(neighbours)
{
	struct buf file;

	make_old();
	box_close(&b);
	load("ix/log.1", &file);
	harm("ix/log.1", FLIP, buf_len(&file) / 2);
	buf_clear(&file);
	box_open(&b);
	ck_assert_uint_eq(mailbox_status(b.m)->uidvalidity, uidvalidity);
	box_expect(b.m, 1, "m0");
	box_expect(b.m, MESSAGES, "m19");
	expect_all();
}
END_TEST

static void
deliver_one(struct delivery *d)
{
	struct batch_conf conf = { .store = { .epoch = 1 }, .rootfd = b.root };
	struct batch *batch = batch_new(&conf);

	*d = (struct delivery){ .path = BOX_ACCOUNT,
		.text = STR("Subject: one\n\nHello one\n"), .size = 24,
		.accepted = 1700000000 };
	batch_guid(STR("u"), 1, STR("a"), d->guid);
	batch_add(batch, d);
	ck_assert_int_eq(batch_commit(batch), 0);
	ck_assert_int_eq(d->result, DELIVERY_OK);
	batch_free(batch);
}

/* A crash came between the end of a log and the beginning of the next, or a
 * power cut left nothing in that: who comes first goes on, with the lock or
 * without. */
START_TEST(no_next_log)
{
	struct mailbox_status status;
	struct delivery d;
	int fd;

	make_old();
	ck_assert_int_eq(boxlog_lock(&b.m->log), 0);
	ck_assert_int_eq(boxlog_rotate(&b.m->log), 0);
	boxlog_unlock(&b.m->log);
	fd = box_inside(&b, "ix/log.2");
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	if (_i / 3 == 2) /* zeros */
		ck_assert_int_eq(ftruncate(fd, 100), 0);
	close(fd);
	if (_i / 3 == 0)
		ck_assert_int_eq(
		    unlinkat(b.root, "example.org/alice/ix/log.2", 0), 0);
	box_close(&b);
	if (_i % 3 == 0) {
		deliver_one(&d);
		box_open(&b);
		box_expect(b.m, d.uid, "one");
		expect_all();
		return;
	}
	b.a = account_open(account_folder(b.root, BOX_ACCOUNT), &b.conf);
	ck_assert_ptr_nonnull(b.a);
	if (_i % 3 == 1) {
		ck_assert_int_eq(account_status(b.a, STR("INBOX"), &status),
		    STORE_OK);
		ck_assert_uint_eq(status.exists, MESSAGES - 1);
	}
	ck_assert_int_eq(mailbox_open(b.a, STR("INBOX"), &b.m), STORE_OK);
	expect_all();
	box_add(&b, "more");
}
END_TEST

/* A torn frame at the end is cut off by the next writer, deliver too. */
START_TEST(torn_tail)
{
	struct delivery d;
	int fd;

	make_old();
	fd = box_inside(&b, "ix/log.1");
	ck_assert_int_eq(lseek(fd, 0, SEEK_END) > 0, 1);
	ck_assert_int_eq(write(fd, "PsF1 and no more than that", 26), 26);
	close(fd);
	if (_i == 0) {
		ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
		box_add(&b, "more");
	}
	deliver_one(&d);
	ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
	box_expect(b.m, d.uid, "one");
	box_reopen(&b, 0);
	box_expect(b.m, d.uid, "one");
	ck_assert_uint_eq(mailbox_status(b.m)->uidvalidity, uidvalidity);
}
END_TEST

/* --- Every call of an operation fails once, or is the last one ------------ */

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
	return ENOSPC;
}

static void
do_append(void)
{
	struct append_info info = { .flags = FLAG_SEEN };
	struct append *ap = append_begin(b.m, &info);
	struct uids uids = { 0 };

	if (ap == NULL)
		return;
	if (append_write(ap, STR("Subject: one\n\nHello one\n")) == -1)
		append_abort(ap);
	else
		(void)append_commit(&ap, 1, &uids);
	uids_clear(&uids);
}

static void
do_flags(void)
{
	uint32_t list[] = { 1, 2, 3, 7, 9 };
	struct uids uids = { list, 5, 5 };
	struct flags_op op = { .flags = FLAG_FLAGGED,
		.unchanged_since = UINT64_MAX };

	(void)mailbox_flags(b.m, &uids, &op, NULL);
}

static void
do_expunge(void)
{
	uint32_t list[] = { 1, 2, 3, 7, 9 };
	struct uids uids = { list, 5, 5 };

	(void)mailbox_expunge(b.m, &uids, false);
}

static void
do_move(void)
{
	uint32_t list[] = { 1, 2, 3 };
	struct uids uids = { list, 3, 3 }, from = { 0 }, to = { 0 };
	struct mailbox *m;

	if (account_create(b.a, STR("Work"), 0) != STORE_OK ||
	    mailbox_open(b.a, STR("Work"), &m) != STORE_OK)
		return;
	(void)mailbox_copy(b.m, &uids, m, true, &from, &to);
	mailbox_close(m);
	uids_clear(&from);
	uids_clear(&to);
}

static void
do_open(void)
{
	struct mailbox *m;

	account_close(b.a);
	b.a = account_open(account_folder(b.root, BOX_ACCOUNT), &b.conf);
	if (b.a != NULL)
		(void)mailbox_open(b.a, STR("INBOX"), &m);
}

static void
do_merge(void)
{
	for (int i = 0; i < 700; i++)
		do_append();
}

static void
do_rotate(void)
{
	if (boxlog_lock(&b.m->log) == -1)
		return;
	(void)boxlog_rotate(&b.m->log);
	boxlog_unlock(&b.m->log);
}

static const struct {
	void (*run)(void);
	unsigned least, most; /* messages in all mailboxes afterwards */
	int from, step, until; /* places of the fault */
} ops[] = {
	{ do_append, 19, 20, 1, 1, 30 },
	{ do_flags, 19, 19, 1, 1, 20 },
	{ do_expunge, 14, 19, 1, 1, 30 },
	{ do_move, 19, 22, 1, 1, 100 },
	{ do_open, 19, 19, 1, 1, 60 },
	{ do_merge, 19, 719, 2000, 97, 3500 },
	{ do_rotate, 19, 19, 1, 1, 12 },
};

static unsigned
messages(void)
{
	struct mailbox_status s;
	unsigned n;

	ck_assert_int_eq(account_status(b.a, STR("INBOX"), &s), STORE_OK);
	n = s.exists;
	if (account_status(b.a, STR("Work"), &s) == STORE_OK)
		n += s.exists;
	return n;
}

static void
check_index(void)
{
	struct mailbox_status warm = *mailbox_status(b.m), cold;

	box_reopen(&b, 0);
	cold = *mailbox_status(b.m);
	ck_assert_uint_eq(warm.exists, cold.exists);
	ck_assert_uint_eq(warm.unseen, cold.unseen);
	ck_assert_uint_eq(warm.octets, cold.octets);
	ck_assert_uint_eq(cold.uidvalidity, uidvalidity);
}

START_TEST(each_call)
{
	int which = _i / 2, status;
	struct delivery d;
	pid_t pid;

	dies = _i % 2 == 1;
	make_old();
	box_close(&b);
	keep();
	for (int at = ops[which].from; at < ops[which].until;
	    at += ops[which].step) {
		box_open(&b);
		stop_at = at;
		calls = 0;
		if (dies) {
			pid = fork();
			if (pid == 0) {
				/* Not the parent's open descriptors. */
				box_open(&b);
				disk_fault = nth;
				ops[which].run();
				_exit(0);
			}
			ck_assert_int_eq(waitpid(pid, &status, 0), pid);
			ck_assert(WIFEXITED(status));
			ck_assert(WEXITSTATUS(status) == 0 ||
			    WEXITSTATUS(status) == 99);
			deliver_one(&d); /* looks without the lock */
			ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
		} else {
			disk_fault = nth;
			ops[which].run();
			disk_fault = NULL;
			if (ops[which].run == do_open) {
				account_close(b.a);
				box_open(&b);
			}
			ck_assert_int_eq(mailbox_refresh(b.m), STORE_OK);
		}
		check_index();
		ck_assert_uint_ge(messages() - dies, ops[which].least);
		ck_assert_uint_le(messages() - dies, ops[which].most);
		for (size_t i = 0; i < mailbox_rows(b.m); i++) {
			const struct row *row = mailbox_row(b.m, i);
			struct message_text text;

			if ((row->flags & ROW_GONE) != 0)
				continue;
			ck_assert_int_eq(
			    message_load(b.m, row, &text), STORE_OK);
			message_unload(&text);
		}
		box_close(&b);
		restore();
	}
	box_open(&b);
}
END_TEST

/* The file of a message, by the text in it. */
static int
file_with(const char *subject, char name[256])
{
	DIR *dir = fdopendir(box_inside(&b, "cur"));
	char text[256], line[64];
	struct dirent *e;
	int fd = -1;

	snprintf(line, sizeof(line), "Subject: %s\n", subject);
	while (fd == -1 && (e = readdir(dir)) != NULL) {
		ssize_t n;

		fd = openat(dirfd(dir), e->d_name, O_RDWR);
		n = fd != -1 ? pread(fd, text, sizeof(text), 0) : -1;
		if (n < 0 ||
		    str_find_str(str_n(text, (size_t)n), str_c(line)) ==
		        (size_t)n) {
			if (fd != -1)
				close(fd);
			fd = -1;
			continue;
		}
		snprintf(name, 256, "cur/.lost.%.200s", e->d_name);
	}
	closedir(dir);
	ck_assert_int_ne(fd, -1);
	return fd;
}

/* Nobody was told of the last ones when the power went. */
START_TEST(power_cut)
{
	uint32_t whole = box_add(&b, "whole"), broken = box_add(&b, "half");
	uint32_t other = box_add(&b, "other");
	char aside[256];
	int fd;

	fd = file_with("half", aside);
	ck_assert_int_eq(ftruncate(fd, 30), 0);
	close(fd);
	fd = file_with("other", aside);
	ck_assert_int_eq(pwrite(fd, "\0\0\0", 3, 30), 3);
	close(fd);
	box_reopen(&b, 2);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, MESSAGES - 1 + 1);
	ck_assert_ptr_null(mailbox_get(b.m, broken));
	ck_assert_ptr_null(mailbox_get(b.m, other));
	box_expect(b.m, whole, "whole");
	box_expect(b.m, 1, "m0");
	ck_assert_uint_gt(box_add(&b, "next"), other);
	/* What is left of it is kept where no reader of a Maildir looks. */
	fd = box_inside(&b, aside);
	ck_assert_int_ne(fd, -1);
	close(fd);
	/* Harm that comes later is no power cut: what is left is shown. */
	ck_assert_int_eq(account_flush(b.a), 0);
	fd = file_with("whole", aside);
	ck_assert_int_eq(pwrite(fd, "X", 1, 0), 1);
	close(fd);
	box_reopen(&b, 0);
	ck_assert_ptr_nonnull(mailbox_get(b.m, whole));
	ck_assert_uint_eq(mailbox_status(b.m)->uidvalidity, uidvalidity);
}
END_TEST

static int
no_flush(enum disk_op op)
{
	return op == DISK_SYNC ? EIO : 0;
}

/* The disk refused: what was never acknowledged is not seen either. */
START_TEST(failed_flush)
{
	uint32_t last = box_add(&b, "kept");
	struct uids uids = { &last, 1, 1 }, from = { 0 }, to = { 0 };
	struct mailbox *other;

	ck_assert_int_eq(account_flush(b.a), 0);
	ck_assert_int_eq(account_create(b.a, STR("other"), 0), STORE_OK);
	ck_assert_int_eq(mailbox_open(b.a, STR("other"), &other), STORE_OK);
	ck_assert_int_eq(account_flush(b.a), 0);
	box_add(&b, "one");
	box_add_to(other, "two", 0);
	ck_assert_int_eq(
	    mailbox_copy(b.m, &uids, other, false, &from, &to), STORE_OK);
	ck_assert_uint_eq(mailbox_status(other)->exists, 2);
	mailbox_close(other);
	disk_fault = no_flush;
	ck_assert_int_eq(account_flush(b.a), -1);
	ck_assert_int_eq(errno, EIO);
	disk_fault = NULL;
	box_reopen(&b, _i == 0 ? 0 : 2);
	ck_assert_uint_eq(mailbox_status(b.m)->exists, MESSAGES);
	box_expect(b.m, last, "kept");
	ck_assert_int_eq(mailbox_open(b.a, STR("other"), &other), STORE_OK);
	ck_assert_uint_eq(mailbox_status(other)->exists, 0);
	ck_assert_int_eq(box_count(&b, ".other/cur"), 0);
	mailbox_close(other);
	uids_clear(&from);
	uids_clear(&to);
}
END_TEST

static int syncs_left;

static int
one_sync(enum disk_op op)
{
	return op == DISK_SYNC && --syncs_left == 0 ? EIO : 0;
}

/* A snapshot that did not reach the disk: rows point to what did. */
START_TEST(merge_refused)
{
	for (int at = 1; at <= 8; at++) {
		uint64_t before = mailbox_row(b.m, 0)->cold_at;
		bool moved;
		char name[32];
		int fd;

		box_add(&b, "more");
		ck_assert_int_eq(account_flush(b.a), 0);
		syncs_left = at;
		disk_fault = one_sync;
		mailbox_merge(b.m);
		disk_fault = NULL;
		moved = mailbox_row(b.m, 0)->cold_at != before;
		/* What was being written when the sync failed is not there. */
		snprintf(name, sizeof(name), "ix/meta.%d", 1);
		fd = box_inside(&b, name);
		if (fd != -1 && !moved && syncs_left <= 0 && before >> 63 == 0)
			ck_assert_int_eq(ftruncate(fd, 0), 0);
		if (fd != -1)
			close(fd);
		box_expect(b.m, 1, "m0");
		/* A log whose sync failed takes nothing any more. */
		ck_assert(b.m->log.failed == 0 || account_flush(b.a) == -1);
		box_reopen(&b, 0);
		box_expect(b.m, 1, "m0");
		ck_assert_uint_eq(
		    mailbox_status(b.m)->exists, (unsigned)(MESSAGES - 1 + at));
	}
	ck_assert_int_gt(syncs_left, 0);
}
END_TEST

static TCase *
damage(void)
{
	TCase *tc = tcase_create("damage");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, log_harmed);
	tcase_add_test(tc, snapshot_harmed);
	tcase_add_loop_test(tc, removed, 0, 6);
	tcase_add_test(tc, power_cut);
	tcase_add_test(tc, merge_refused);
	tcase_add_loop_test(tc, failed_flush, 0, 2);
	tcase_add_test(tc, neighbours);
	tcase_add_loop_test(tc, torn_tail, 0, 2);
	tcase_add_loop_test(tc, no_next_log, 0, 9);
	tcase_add_loop_test(tc, each_call, 0, 2 * (int)N_OF(ops));
	return tc;
}

UNIT_MAIN("damage", damage)
