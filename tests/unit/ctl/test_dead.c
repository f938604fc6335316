/* Where ~/dead.letter is: homes and disks that are not as they should be. */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "ctl/sendmail.h"
#include "tests/unit/unit.h"

enum { NOBODY = 65534 };

static char home[] = "/tmp/dead-test-XXXXXX";
static struct sm s;
static int folder_error, file_error; /* of fsync */

/* In the place of the C library's. */
int
fsync(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	errno = S_ISDIR(st.st_mode) ? folder_error : file_error;
	return errno != 0 ? -1 : 0;
}

/* In the place of sendmail.c's. */
int
sm_fail(const struct sm *sm, int code, const char *fmt, ...)
{
	(void)sm;
	(void)fmt;
	return code;
}

static void
setup(void)
{
	strcpy(home + sizeof(home) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(home));
	setenv("HOME", home, 1);
	memset(&s, 0, sizeof(s));
	s.head.sender = STR("a@b.test");
	buf_init(&s.text, BUF_NO_MAX);
	buf_add_c(&s.text, "Subject: x\n\nx\n");
	folder_error = file_error = 0;
}

static void
teardown(void)
{
	char line[128];

	snprintf(line, sizeof(line), "rm -rf %s", home);
	ck_assert_int_eq(system(line), 0);
	buf_clear(&s.text);
}

static int
open_letter(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/dead.letter", home);
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static off_t
size(void)
{
	const int fd = open_letter();
	const off_t n = lseek(fd, 0, SEEK_END);

	close(fd);
	return n;
}

static const struct {
	int folder, file;
	bool kept;
} disks[] = {
	{ 0, 0, true },
	{ EINVAL, 0, true },
	{ ENOTSUP, 0, true },
	{ EBADF, 0, true },
	{ EIO, 0, false },
	{ 0, EIO, false },
	{ 0, EINVAL, false },
};

/* The file was written to disk, though its folder cannot be. */
START_TEST(disk)
{
	folder_error = disks[_i].folder;
	file_error = disks[_i].file;
	ck_assert_int_eq(sm_dead_letter(&s, 75), disks[_i].kept);
	ck_assert_int_eq(size() > 0, disks[_i].kept);
}
END_TEST

/* A home that its owner may enter but not list. */
START_TEST(unreadable)
{
	const bool root = geteuid() == 0;
	bool kept;

	if (root) {
		ck_assert_int_eq(chown(home, NOBODY, NOBODY), 0);
		ck_assert_int_eq(seteuid(NOBODY), 0);
	}
	ck_assert_int_eq(chmod(home, 0300), 0);
	folder_error = EBADF; /* O_PATH */
	kept = sm_dead_letter(&s, 75);
	ck_assert_int_eq(chmod(home, 0700), 0);
	if (root)
		ck_assert_int_eq(seteuid(0), 0);
	ck_assert(kept);
	ck_assert_int_gt(size(), 0);
}
END_TEST

/* Somebody else does not let go of it: added all the same, but not cut, as
 * others may have added something too. */
START_TEST(locked)
{
	const int fd = open_letter();
	off_t n;

	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert(sm_dead_letter(&s, 75));
	n = size();
	ck_assert_int_gt(n, 0);
	file_error = EIO;
	ck_assert(!sm_dead_letter(&s, 75));
	ck_assert_int_gt(size(), n);
	close(fd);
	n = size();
	ck_assert(!sm_dead_letter(&s, 75));
	ck_assert_int_eq(size(), n);
}
END_TEST

static TCase *
dead(void)
{
	TCase *tc = tcase_create("dead letter");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_loop_test(tc, disk, 0, (int)N_OF(disks));
	tcase_add_test(tc, unreadable);
	tcase_add_test(tc, locked);
	return tc;
}

UNIT_MAIN("dead letter", dead)
