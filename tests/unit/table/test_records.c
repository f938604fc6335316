#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "table/records.h"

static int
make_dir(void)
{
	char dir[] = "/tmp/postern-records-XXXXXX";
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ne(fd, -1);
	return fd;
}

static void
remove_dir(int fd)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "rm -rf \"$(readlink /proc/%ld/fd/%d)\"",
	    (long)getpid(), fd);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(system(cmd), 0);
	close(fd);
}

static struct records *
open_in(int fd)
{
	char error[RECORDS_ERROR] = "";
	struct records *r = records_open(fd, "test.db", error);

	ck_assert_msg(r != NULL, "%s", error);
	return r;
}

static bool
holds(struct records *r, const char *key, const char *value)
{
	struct buf b;
	bool same;

	buf_init(&b, BUF_NO_MAX);
	same = records_get(r, str_c(key), &b) == 1 &&
	    str_eq(buf_str(&b), str_c(value));
	buf_clear(&b);
	return same;
}

START_TEST(keeps)
{
	int fd = make_dir();
	struct records *r = open_in(fd);

	ck_assert_int_eq(records_put(r, STR("a"), STR("1")), 0);
	ck_assert_int_eq(records_put(r, STR("b"), STR("2")), 0);
	ck_assert(holds(r, "a", "1"));
	ck_assert_int_eq(records_commit(r), 0);
	ck_assert_int_eq(records_del(r, STR("a")), 0);
	ck_assert_int_eq(records_del(r, STR("never there")), 0);
	ck_assert_int_eq(records_commit(r), 0);
	ck_assert_int_eq(records_put(r, STR("c"), STR("3")), 0);
	records_abort(r);
	records_close(r);
	r = open_in(fd);
	ck_assert(!holds(r, "a", "1"));
	ck_assert(holds(r, "b", "2"));
	ck_assert(!holds(r, "c", "3"));
	records_close(r);
	remove_dir(fd);
}
END_TEST

static bool
count(void *arg, struct str key, struct str value)
{
	int *n = arg;

	ck_assert_int_eq(key.p[0], 'A');
	ck_assert_uint_eq(value.n, 1);
	return ++*n < 100;
}

START_TEST(walk)
{
	int fd = make_dir(), n = 0;
	struct records *r = open_in(fd);
	char key[16];

	for (int i = 0; i < 150; i++) {
		snprintf(key, sizeof(key), "A%05d", i);
		records_put(r, str_c(key), STR("x"));
		key[0] = 'B';
		records_put(r, str_c(key), STR("yy"));
	}
	records_commit(r);
	ck_assert_int_eq(records_walk(r, STR("A0001"), count, &n), 0);
	ck_assert_int_eq(n, 10);
	ck_assert_int_eq(records_walk(r, STR("A"), count, &n), 0);
	ck_assert_int_eq(n, 100);
	records_close(r);
	remove_dir(fd);
}
END_TEST

/* Killed in the middle: what was committed is there, the rest is not. */
START_TEST(killed)
{
	int fd = make_dir();
	pid_t pid = fork();
	struct records *r;

	if (pid == 0) {
		r = open_in(fd);
		records_put(r, STR("done"), STR("1"));
		records_commit(r);
		records_put(r, STR("under way"), STR("1"));
		kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	r = open_in(fd);
	ck_assert(holds(r, "done", "1"));
	ck_assert(!holds(r, "under way", "1"));
	records_close(r);
	remove_dir(fd);
}
END_TEST

static TCase *
records(void)
{
	TCase *tc = tcase_create("records");

	tcase_add_test(tc, keeps);
	tcase_add_test(tc, walk);
	tcase_add_test(tc, killed);
	return tc;
}

UNIT_MAIN("records", records)
