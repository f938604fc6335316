/* Zeros ahead of the log's records: when, how many, and without room. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "qmgr/disk.h"
#include "tests/unit/qmgr/rig.h"

enum { SEGMENT = 16384, MANY = 32 * SPARE_STEP };

static struct rig rig;
static unsigned zeros; /* writes of them */
static int zeros_error; /* of each, or 0 */

static int
count_zeros(enum disk_call call, int fd, const void *p, size_t n, uint64_t at)
{
	(void)fd;
	(void)n;
	(void)at;
	if (call != DISK_WRITE || *(const char *)p != '\0')
		return 0;
	zeros++;
	return zeros_error;
}

static void
setup(void)
{
	zeros = 0;
	zeros_error = 0;
	disk_fault = count_zeros;
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
restart(uint64_t segment)
{
	rig_unload(&rig);
	rig_load(&rig, segment);
}

static void
look(void)
{
	qlog_look(&rig.q.log);
	syncer_wait(rig.syncer);
}

static void
take_and_deliver(const char *body)
{
	struct message *m = rig_accept(&rig, 1, body, NULL);
	struct rcpt *r = &m->rcpts[0];

	queue_done(&rig.q, m, &r, 1, END_MAILBOX);
	rig_flush(&rig);
}

/* Later ones are what was a segment before. */
START_TEST(only_the_first_segments_cost_zeros)
{
	char body[3000];

	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	for (int round = 0; round < 20; round++) {
		if (round == 5)
			zeros = 0;
		for (int i = 0; i < 10; i++)
			take_and_deliver(body);
		rig_write_state(&rig);
	}
	ck_assert_uint_ge(rig.q.log.current->number, 20);
	ck_assert_uint_eq(zeros, 0);
}
END_TEST

START_TEST(a_busy_log_is_filled_a_little_ahead)
{
	static char body[SPARE_STEP + 1];
	const struct segment *seg;

	memset(body, 'x', SPARE_STEP);
	restart(MANY);
	rig_accept(&rig, 1, body, NULL);
	rig_flush(&rig);
	look();
	seg = rig.q.log.current;
	ck_assert_uint_eq(seg->filled / SPARE_STEP, 9);
	rig_accept(&rig, 1, "little", NULL);
	rig_flush(&rig);
	look();
	ck_assert_uint_eq(seg->filled, MANY);
	ck_assert(spares_ready(&rig.q.log.spares));
	zeros = 0;
	look();
	ck_assert_uint_eq(zeros, 0);
}
END_TEST

/* Else it would be filled beside the segment that has to be filled. */
START_TEST(what_is_filled_of_a_spare_becomes_the_segment)
{
	struct segment *seg = segment_new(7, MANY);
	struct spares s;

	spares_open(&s, rig.dirfd, MANY);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(spares_fill(&s, MANY), 1);
	zeros = 0;
	ck_assert_int_eq(spares_use(&s, seg), 0);
	ck_assert_uint_eq(zeros, 0);
	ck_assert_uint_eq(seg->filled, 3 * SPARE_STEP);
	ck_assert_int_eq(disk_size(seg->fd), 3 * SPARE_STEP);
	ck_assert_int_eq(faccessat(rig.dirfd, "00000007.seg", F_OK, 0), 0);
	ck_assert_int_eq(faccessat(rig.dirfd, "filling", F_OK, 0), -1);
	ck_assert_int_eq(spares_fill_segment(seg, 4 * SPARE_STEP), 1);
	ck_assert_int_eq(spares_fill_segment(seg, 4 * SPARE_STEP), 0);
	ck_assert_uint_eq(seg->filled, 4 * SPARE_STEP);
	segment_free(seg);
	spares_close(&s);
}
END_TEST

/* They are for speed only; they come later. */
START_TEST(no_room_for_zeros_is_no_failure)
{
	zeros_error = ENOSPC;
	restart(SEGMENT);
	rig_accept(&rig, 1, "one", NULL);
	rig_flush(&rig);
	ck_assert_uint_ge(zeros, 1);
	ck_assert_uint_eq(rig.q.log.durable, rig.q.log.next_lsn - 1);
	ck_assert_int_eq(rig.failed, 0);
	ck_assert_int_eq(rig.full, 0);
	ck_assert(rig.q.log.no_room);
	ck_assert(!spares_ready(&rig.q.log.spares));
	zeros_error = 0;
	look();
	ck_assert(!rig.q.log.no_room);
	ck_assert(spares_ready(&rig.q.log.spares));
}
END_TEST

static TCase *
spares(void)
{
	TCase *tc = tcase_create("spares");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, only_the_first_segments_cost_zeros);
	tcase_add_test(tc, a_busy_log_is_filled_a_little_ahead);
	tcase_add_test(tc, what_is_filled_of_a_spare_becomes_the_segment);
	tcase_add_test(tc, no_room_for_zeros_is_no_failure);
	return tc;
}

UNIT_MAIN("spare", spares)
