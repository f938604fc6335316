/*
 * Which file system a batch flushes, with a mailbox on one of its own where
 * this process may mount one.
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "store/batch.h"
#include "store/disk.h"
#include "tests/unit/store/box.h"
#include "tests/unit/unit.h"

static struct box b;
static struct batch *batch;
static dev_t watched;
static unsigned flushes; /* of it */
static bool flush_fails; /* the first of them */

static void
fresh_batch(uint64_t epoch)
{
	struct batch_conf conf = { .store = { .epoch = epoch },
		.rootfd = b.root };

	batch_free(batch);
	batch = batch_new(&conf);
}

static void
setup(void)
{
	box_new(&b);
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
		.account = STR("bob@example.org"), .accepted = 1700000000,
		.head = STR("Delivered-To: bob@example.org\n"),
		.text = STR("Subject: one\n\nHello\n"), .size = 20 };

	batch_guid(STR("0123456789abcdef"), id, d.path, d.guid);
	return d;
}

/* Instead of libc's. */
int
syncfs(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	if (st.st_dev == watched && ++flushes == 1 && flush_fails) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_syncfs, fd);
}

static bool
tell_kernel(const char *path, const char *words)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	const ssize_t n = fd == -1 ? -1 : write(fd, words, strlen(words));

	if (fd != -1)
		close(fd);
	return n == (ssize_t)strlen(words);
}

/* Mounts of this process alone; who is not root needs users of his own. */
static bool
own_mounts(void)
{
	char users[32], groups[32];

	snprintf(users, sizeof(users), "%u %u 1", geteuid(), geteuid());
	snprintf(groups, sizeof(groups), "%u %u 1", getegid(), getegid());
	if (unshare(CLONE_NEWNS) == -1 &&
	    (unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1 ||
	        !tell_kernel("/proc/self/setgroups", "deny") ||
	        !tell_kernel("/proc/self/uid_map", users) ||
	        !tell_kernel("/proc/self/gid_map", groups)))
		return false;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static bool
mount_on(const char *folder)
{
	if (!own_mounts() ||
	    mount("tmpfs", folder, "tmpfs", 0, "mode=700") == -1)
		return false;
	/* The one that is open is below the mounts of before. */
	close(b.root);
	b.root = open(b.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ne(b.root, -1);
	return true;
}

static int
dies_at_sync(enum disk_op op)
{
	if (op == DISK_SYNC)
		_exit(99);
	return 0;
}

/* Messages 1 and 2; what is there of the second is in memory alone. */
static void
deliver_and_die(const char *path)
{
	const pid_t pid = fork();
	struct delivery d;
	int status;

	if (pid == 0) {
		fresh_batch(5);
		d = message(1, path);
		batch_add(batch, &d);
		/* With it the limits, which would be flushed first. */
		if (batch_commit(batch) == -1)
			_exit(1);
		disk_fault = dies_at_sync;
		d = message(2, path);
		batch_add(batch, &d);
		batch_commit(batch);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 99);
}

/* A repeat counts when the file system that has its first copy was flushed,
 * which need not be the mail root's; before, nothing is known. */
START_TEST(repeat_is_flushed)
{
	static const char path[] = "example.org/bob";
	const bool mounted = _i >= 2, maybe = (_i & 1) != 0;
	struct delivery d;
	struct stat root, box;
	char folder[100];

	snprintf(folder, sizeof(folder), "%s/%s", b.path, path);
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	if (mounted)
		ck_assert(mount_on(folder));
	ck_assert_int_eq(fstat(b.root, &root), 0);
	ck_assert_int_eq(stat(folder, &box), 0);
	ck_assert_int_eq(root.st_dev != box.st_dev, mounted);
	deliver_and_die(path);
	watched = box.st_dev;
	for (int round = 0; round < 2; round++) {
		fresh_batch(6);
		d = message(2, path);
		d.maybe_repeated = maybe;
		flushes = 0;
		flush_fails = round == 0;
		batch_add(batch, &d);
		ck_assert_int_eq(batch_commit(batch), flush_fails ? -1 : 0);
		ck_assert_int_eq(d.result, DELIVERY_REPEATED);
		ck_assert_uint_eq(flushes, 1);
	}
	batch_free(batch);
	batch = NULL;
	if (mounted)
		ck_assert_int_eq(umount2(folder, MNT_DETACH), 0);
}
END_TEST

static bool
may_mount(void)
{
	const pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(own_mounts() && mount("tmpfs", "/tmp", "tmpfs", 0,
		    "mode=700") == 0 ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0;
}

static TCase *
file_systems(void)
{
	TCase *tc = tcase_create("file systems");
	const bool can = may_mount();

	if (!can)
		fprintf(stderr, "no file system of its own: not tested\n");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, repeat_is_flushed, 0, can ? 4 : 2);
	return tc;
}

UNIT_MAIN("flush", file_systems)
