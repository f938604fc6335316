/* The queue log with octets that are not as they were written. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
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
	rig_clear(&rig);
}

static void
fill_body(char *body, size_t n, int number)
{
	memset(body, 'a' + number % 26, n - 1);
	body[n - 1] = 0;
}

enum { MESSAGES = 20, STEP = 512 };

/* Each in a flush of its own; the last record vouches for all before it. */
static void
make_log(uint32_t off[MESSAGES], uint32_t size[MESSAGES])
{
	char body[600];

	for (int i = 0; i < MESSAGES; i++) {
		struct message *m;

		fill_body(body, sizeof(body), i);
		m = rig_accept(&rig, 1, body, NULL);
		rig_flush(&rig);
		off[i] = m->off;
		size[i] = m->size;
		ck_assert_uint_eq(m->seg->number, 1);
	}
	queue_checkpoint(&rig.q, 1000);
	rig_flush(&rig);
	rig_unload(&rig);
}

START_TEST(a_flip_takes_one_message_only)
{
	uint32_t off[MESSAGES], size[MESSAGES];
	const uint64_t at = (uint64_t)_i * STEP + (uint64_t)_i % STEP;
	int fd, hit = 0;
	char c;

	make_log(off, size);
	fd = openat(rig.dirfd, "00000001.seg", O_RDWR);
	ck_assert_int_eq(disk_read(fd, &c, 1, at), 1);
	c = (char)(c ^ (1 << _i % 8));
	ck_assert_int_eq(disk_write(fd, &c, 1, at), 0);
	close(fd);
	for (int i = 0; i < MESSAGES; i++)
		hit += at >= off[i] && at < off[i] + size[i];
	rig_load(&rig, SEGMENT);
	ck_assert_uint_eq(rig.q.table.n, (size_t)(MESSAGES - hit));
	ck_assert_uint_eq(rig.report.damaged, (uint64_t)hit);
}
END_TEST

/* The record behind the damage shared its flush, and cannot tell that it was
 * on disk; the one behind that can. */
START_TEST(damage_is_told_by_a_later_flush)
{
	uint32_t off;
	const char flipped = '!';
	int fd;

	off = rig_accept(&rig, 1, "first", NULL)->off;
	rig_accept(&rig, 1, "second", NULL);
	rig_flush(&rig);
	if (_i != 0) {
		rig_accept(&rig, 1, "third", NULL);
		rig_flush(&rig);
	}
	rig_unload(&rig);
	fd = openat(rig.dirfd, "00000001.seg", O_RDWR);
	ck_assert_int_eq(disk_write(fd, &flipped, 1, off + 100), 0);
	close(fd);
	rig_load(&rig, SEGMENT);
	ck_assert_uint_eq(rig.q.table.n, _i != 0 ? 2 : 1);
	ck_assert_uint_eq(rig.report.damaged, _i != 0 ? 1 : 0);
	ck_assert_uint_eq(rig.report.torn, _i != 0 ? 0 : 1);
}
END_TEST

/* The record that can tell stands in the next segment; one of the next run,
 * which begins there with a checkpoint, cannot. */
START_TEST(damage_is_told_by_the_next_segment)
{
	const char flipped = '!';
	char body[SEGMENT / 2];
	struct message *m;
	uint32_t off;
	int fd;

	off = rig_accept(&rig, 1, "first", NULL)->off;
	fill_body(body, sizeof(body), 0);
	rig_accept(&rig, 1, body, NULL);
	rig_flush(&rig);
	if (_i != 0) {
		rig_unload(&rig);
		rig_load(&rig, SEGMENT);
		queue_checkpoint(&rig.q, 1000);
	}
	m = rig_accept(&rig, 1, body, NULL);
	ck_assert_uint_eq(m->seg->number, 2);
	rig_flush(&rig);
	rig_unload(&rig);
	fd = openat(rig.dirfd, "00000001.seg", O_RDWR);
	ck_assert_int_eq(disk_write(fd, &flipped, 1, off + 100), 0);
	close(fd);
	rig_load(&rig, SEGMENT);
	ck_assert_uint_eq(rig.q.table.n, 2);
	ck_assert_uint_eq(rig.report.damaged, _i != 0 ? 0 : 1);
	ck_assert_uint_eq(rig.report.torn, _i != 0 ? 1 : 0);
}
END_TEST

START_TEST(a_cut_loses_nothing_before_it)
{
	uint32_t off[MESSAGES], size[MESSAGES];
	const uint64_t at = (uint64_t)_i * STEP;
	size_t before = 0;
	char path[128];

	make_log(off, size);
	snprintf(path, sizeof(path), "%s/00000001.seg", rig.path);
	ck_assert_int_eq(truncate(path, (off_t)at), 0);
	for (int i = 0; i < MESSAGES; i++)
		before += off[i] + size[i] <= at;
	rig_load(&rig, SEGMENT);
	ck_assert_uint_eq(rig.q.table.n, before);
	/* And it works on. */
	rig_accept(&rig, 1, "more", NULL);
	rig_flush(&rig);
	rig_unload(&rig);
	rig_load(&rig, SEGMENT);
	ck_assert_uint_eq(rig.q.table.n, before + 1);
}
END_TEST

START_TEST(a_bad_segment_is_read_and_left)
{
	struct message *m = rig_accept(&rig, 1, "body", NULL);
	struct buf room;

	rig_flush(&rig);
	rig_unload(&rig);
	ck_assert_int_eq(renameat(rig.dirfd, "00000001.seg", rig.dirfd,
	    "00000001.bad"), 0);
	rig_load(&rig, SEGMENT);
	ck_assert_uint_eq(rig.q.table.n, 1);
	ck_assert_uint_eq(rig.report.bad_segments, 1);
	m = TAILQ_FIRST(&rig.q.table.all);
	ck_assert(m->seg->bad);
	buf_init(&room, BUF_NO_MAX);
	queue_copy(&rig.q, m, rig_text(&rig, m, &room));
	rig_flush(&rig);
	ck_assert(!m->seg->bad);
	ck_assert(str_ends(rig_text(&rig, m, &room), STR("body")));
	buf_clear(&room);
}
END_TEST

/* Octets of a message that look like a record are not taken for one. */
START_TEST(a_forged_record_in_a_body_is_no_record)
{
	struct buf body;
	const struct record r = { .type = RECORD_ACCEPT, .id = 1, .lsn = 9,
		.use = 1 };
	uint32_t at;
	int fd;

	buf_init(&body, BUF_NO_MAX);
	record_begin(&body);
	buf_add_c(&body, "payload");
	record_end(&body, 0, &r, 0); /* without the spool's secret */
	for (size_t i = 0; i < buf_len(&body); i++)
		if (body.p[i] == 0)
			body.p[i] = 1;
	at = rig_accept(&rig, 1, buf_cstr(&body), NULL)->off;
	rig_accept(&rig, 1, "next", NULL);
	rig_flush(&rig);
	rig_unload(&rig);
	fd = openat(rig.dirfd, "00000001.seg", O_RDWR);
	ck_assert_int_eq(disk_write(fd, "X", 1, at + 9), 0);
	close(fd);
	rig_load(&rig, SEGMENT);
	ck_assert_uint_eq(rig.q.table.n, 1);
	buf_clear(&body);
}
END_TEST

/* A state that is there and cannot be opened is not passed over. */
START_TEST(a_state_must_open)
{
	rig_accept(&rig, 1, "x", NULL);
	rig_flush(&rig);
	state_write(&rig.state, 5000);
	while (state_writing(&rig.state)) {
		qlog_flush(&rig.q.log);
		syncer_wait(rig.syncer);
	}
	rig_unload(&rig);
	ck_assert_int_eq(symlinkat("nowhere", rig.dirfd, "state.99999999"), 0);
	rig_load(&rig, SEGMENT); /* ends the program */
}
END_TEST

static TCase *
damage(void)
{
	TCase *tc = tcase_create("damage");

	tcase_add_exit_test(tc, a_state_must_open, 70);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_flip_takes_one_message_only, 0, 31);
	tcase_add_loop_test(tc, damage_is_told_by_a_later_flush, 0, 2);
	tcase_add_loop_test(tc, damage_is_told_by_the_next_segment, 0, 2);
	tcase_add_loop_test(tc, a_cut_loses_nothing_before_it, 0, 33);
	tcase_add_test(tc, a_bad_segment_is_read_and_left);
	tcase_add_test(tc, a_forged_record_in_a_body_is_no_record);
	return tc;
}

UNIT_MAIN("qlog: damage", damage)
