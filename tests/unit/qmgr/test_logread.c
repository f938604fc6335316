/* The queue log read back: what is not written yet, and what is damaged. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "qmgr/disk.h"
#include "tests/unit/qmgr/rig.h"

enum { SEGMENT = 16384 };

static struct rig rig;

static void
setup(void)
{
	rig_init(&rig);
	rig_load(&rig, SEGMENT);
}

static void
teardown(void)
{
	disk_fault = NULL;
	rig_clear(&rig);
}

static void
fill_body(char *body, size_t n, int number)
{
	memset(body, 'a' + number % 26, n - 1);
	body[n - 1] = 0;
}

enum { COPIED = 6 };

static struct message *copied[COPIED];

/* All can be read, wherever they are just now. */
static void
read_copied(void)
{
	char body[3000];
	struct buf room;

	buf_init(&room, BUF_NO_MAX);
	for (int i = 0; i < COPIED; i++) {
		fill_body(body, sizeof(body), i);
		ck_assert(str_ends(
		    rig_text(&rig, copied[i], &room), str_c(body)));
	}
	buf_clear(&room);
}

static int reads;

static int
read_in_between(
    enum disk_call call, int fd, const void *p, size_t n, uint64_t at)
{
	(void)fd;
	(void)p;
	(void)n;
	(void)at;
	if (call != DISK_WRITE && call != DISK_DATASYNC)
		return 0;
	read_copied();
	/* The second part finds no room at first. */
	return call == DISK_WRITE && ++reads == 2 ? ENOSPC : 0;
}

/* Moved over several segments, in the batch that is being written, which waits
 * for room as well, and in the one behind it. */
START_TEST(a_copy_is_read_before_it_is_written)
{
	char body[3000];
	struct buf room;

	buf_init(&room, BUF_NO_MAX);
	for (int i = 0; i < COPIED; i++) {
		fill_body(body, sizeof(body), i);
		copied[i] = rig_accept(&rig, 1, body, NULL);
	}
	rig_flush(&rig);
	for (int i = 0; i < COPIED; i++)
		queue_copy(&rig.q, copied[i],
		    rig_text(&rig, copied[i], &room));
	read_copied();
	reads = 0;
	disk_fault = read_in_between;
	rig_flush(&rig);
	ck_assert_int_eq(rig.full, ENOSPC);
	read_copied();
	queue_copy(&rig.q, copied[0], rig_text(&rig, copied[0], &room));
	read_copied();
	disk_fault = NULL;
	qlog_again(&rig.q.log);
	syncer_wait(rig.syncer);
	read_copied();
	rig_flush(&rig);
	read_copied();
	buf_clear(&room);
}
END_TEST

START_TEST(what_is_damaged_says_so)
{
	struct message *m = rig_accept(&rig, 1, "body", NULL);
	struct buf room;
	struct record r;

	rig_flush(&rig);
	ck_assert_int_eq(disk_write(m->seg->fd, "X", 1, m->off + 60), 0);
	if (_i == 1)
		ck_assert_int_eq(ftruncate(m->seg->fd, m->off + 9), 0);
	buf_init(&room, BUF_NO_MAX);
	errno = 0;
	ck_assert(!qlog_read(
	    &rig.q.log, m->seg, m->off, m->size, &room, &r));
	ck_assert_int_eq(errno, EBADMSG);
	buf_clear(&room);
}
END_TEST

static TCase *
reading(void)
{
	TCase *tc = tcase_create("reading");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_copy_is_read_before_it_is_written);
	tcase_add_loop_test(tc, what_is_damaged_says_so, 0, 2);
	return tc;
}

UNIT_MAIN("qlog: reading", reading)
