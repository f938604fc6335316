/* The queue log: flushes and their failures, segments. */
#include "tests/unit/unit.h"

#include <errno.h>
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
	disk_fault = NULL;
	rig_clear(&rig);
}

static void
fill_body(char *body, size_t n, int number)
{
	memset(body, 'a' + number % 26, n - 1);
	body[n - 1] = 0;
}

/* --- plain working -------------------------------------------------------- */

static int told;

static void
on_told(struct qlog_wait *w)
{
	(void)w;
	told++;
}

static bool
on_other(struct work *w)
{
	(void)w;
	return false;
}

static void
on_other_done(struct work *w)
{
	(void)w;
}

START_TEST(waits_are_told_after_the_flush)
{
	struct qlog_wait a = { .on_flushed = on_told };
	struct qlog_wait b = { .on_flushed = on_told };

	told = 0;
	rig_accept(&rig, 1, "one", NULL);
	qlog_wait(&rig.q.log, &a);
	ck_assert_int_eq(told, 0);
	rig_accept(&rig, 1, "two", NULL);
	qlog_wait(&rig.q.log, &b);
	rig_flush(&rig);
	ck_assert_int_eq(told, 2);
	ck_assert_uint_eq(rig.q.log.flushes, 1);
}
END_TEST

START_TEST(a_flush_here_waits_for_nobody)
{
	struct qlog_wait a = { .on_flushed = on_told };
	struct qlog_wait b = { .on_flushed = on_told };
	struct work other = { .run = on_other, .done = on_other_done };

	syncer_wait(rig.syncer);
	told = 0;
	rig_accept(&rig, 1, "one", NULL);
	qlog_wait(&rig.q.log, &a);
	qlog_flush_here(&rig.q.log);
	ck_assert_int_eq(told, 1);
	ck_assert_int_ge(rig.q.log.took_us, 0);
	/* Not beside other work of the syncer's. */
	syncer_post(rig.syncer, &other);
	rig_accept(&rig, 1, "two", NULL);
	qlog_wait(&rig.q.log, &b);
	qlog_flush_here(&rig.q.log);
	ck_assert_int_eq(told, 1);
	syncer_wait(rig.syncer);
	ck_assert_int_eq(told, 2);
	ck_assert_uint_eq(rig.q.log.flushes, 2);
}
END_TEST

START_TEST(a_restart_finds_all)
{
	char body[3000];
	struct buf before, after, room;
	struct message *m;
	int i = 0;

	for (i = 0; i < 50; i++) {
		fill_body(body, sizeof(body), i);
		rig_accept(&rig, 1 + (uint32_t)i % 3, body, NULL);
		if (i % 4 == 0)
			rig_flush(&rig);
	}
	rig_flush(&rig);
	rig_dump(&rig, &before);
	rig_unload(&rig);
	rig_load(&rig, SEGMENT);
	rig_dump(&rig, &after);
	ck_assert(str_eq(buf_str(&before), buf_str(&after)));
	ck_assert_uint_eq(rig.report.damaged + rig.report.torn, 0);
	buf_init(&room, BUF_NO_MAX);
	i = 0;
	TAILQ_FOREACH(m, &rig.q.table.all, entry) {
		const struct str text = rig_text(&rig, m, &room);

		fill_body(body, sizeof(body), i++);
		ck_assert(str_ends(text, str_c(body)));
	}
	buf_clear(&room);
	buf_clear(&before);
	buf_clear(&after);
}
END_TEST

static void
finish_all(void)
{
	struct message *m;

	while ((m = TAILQ_FIRST(&rig.q.table.all)) != NULL) {
		struct rcpt *r = &m->rcpts[0];

		queue_done(&rig.q, m, &r, 1, END_MAILBOX);
	}
}

static size_t
count_segments(void)
{
	struct segment *seg;
	size_t n = 0;

	TAILQ_FOREACH(seg, &rig.q.log.segments, entry)
		n++;
	return n;
}

START_TEST(segments_are_used_again)
{
	char body[3000];

	fill_body(body, sizeof(body), 1);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 10; i++)
			rig_accept(&rig, 1, body, NULL);
		rig_flush(&rig);
		finish_all();
		rig_flush(&rig);
		rig_write_state(&rig);
		ck_assert_uint_le(count_segments(), 3);
	}
	rig_accept(&rig, 1, "last", NULL);
	rig_flush(&rig);
	rig_unload(&rig);
	rig_load(&rig, SEGMENT);
	/* Old records in recycled files are not taken for new ones. */
	ck_assert_uint_eq(rig.q.table.n, 1);
	ck_assert_uint_eq(rig.report.damaged, 0);
}
END_TEST

START_TEST(a_segment_without_newer_state_stays)
{
	char body[3000];

	fill_body(body, sizeof(body), 1);
	for (int i = 0; i < 20; i++)
		rig_accept(&rig, 1, body, NULL);
	rig_flush(&rig);
	finish_all();
	rig_flush(&rig);
	qlog_release(&rig.q.log, 1);
	ck_assert_uint_ge(count_segments(), 4);
	rig_unload(&rig);
	rig_load(&rig, SEGMENT);
	ck_assert_uint_eq(rig.q.table.n, 0);
}
END_TEST

/* Compaction looks at it once more, though all that was in it has ended. */
START_TEST(a_segment_that_is_being_left_stays)
{
	struct segment *seg;
	char body[3000];
	size_t before;

	fill_body(body, sizeof(body), 1);
	for (int i = 0; i < 20; i++)
		rig_accept(&rig, 1, body, NULL);
	rig_flush(&rig);
	finish_all();
	rig_flush(&rig);
	seg = TAILQ_FIRST(&rig.q.log.segments);
	seg->leaving = true;
	before = count_segments();
	qlog_release(&rig.q.log, UINT64_MAX);
	syncer_wait(rig.syncer);
	ck_assert_uint_lt(count_segments(), before);
	ck_assert_ptr_eq(TAILQ_FIRST(&rig.q.log.segments), seg);
	seg->leaving = false;
	qlog_release(&rig.q.log, UINT64_MAX);
	syncer_wait(rig.syncer);
	ck_assert_ptr_ne(TAILQ_FIRST(&rig.q.log.segments), seg);
}
END_TEST

START_TEST(a_copy_keeps_what_is_done)
{
	struct message *m = rig_accept(&rig, 3, "body", NULL);
	struct rcpt *r = &m->rcpts[1];
	struct buf room, before, after;

	queue_done(&rig.q, m, &r, 1, END_MAILBOX);
	rig_flush(&rig);
	buf_init(&room, BUF_NO_MAX);
	queue_copy(&rig.q, m, rig_text(&rig, m, &room));
	rig_flush(&rig);
	rig_dump(&rig, &before);
	rig_unload(&rig);
	rig_load(&rig, SEGMENT);
	rig_dump(&rig, &after);
	ck_assert(str_eq(buf_str(&before), buf_str(&after)));
	m = TAILQ_FIRST(&rig.q.table.all);
	ck_assert(str_ends(rig_text(&rig, m, &room), STR("body")));
	buf_clear(&room);
	buf_clear(&before);
	buf_clear(&after);
}
END_TEST

/* --- calls that fail -------------------------------------------------------- */

static int calls_left, failing_error;
static enum disk_call failing_call;

static int
fail_nth(enum disk_call call, int fd, const void *p, size_t n, uint64_t at)
{
	(void)fd;
	(void)p;
	(void)n;
	(void)at;
	if (call != failing_call || --calls_left != 0)
		return 0;
	return failing_error;
}

static const struct {
	enum disk_call call;
	int error;
} faults[] = {
	{ DISK_WRITE, EIO },
	{ DISK_WRITE, ENOSPC },
	{ DISK_DATASYNC, EIO },
	{ DISK_SYNC, EIO },
	{ DISK_OPEN, EMFILE },
	{ DISK_RENAME, EIO },
};

enum { NTH = 12 };

/* What was told to be on disk is there, whatever call failed after it. */
START_TEST(nothing_told_is_lost)
{
	const int which = _i / NTH;
	struct qlog_wait waits[10];
	char body[3000];
	int acknowledged;

	failing_call = faults[which].call;
	failing_error = faults[which].error;
	calls_left = 1 + _i % NTH;
	disk_fault = fail_nth;
	told = 0;
	for (int i = 0; i < 10 && rig.failed == 0; i++) {
		fill_body(body, sizeof(body), i);
		rig_accept(&rig, 1, body, NULL);
		waits[i] = (struct qlog_wait){ .on_flushed = on_told };
		qlog_wait(&rig.q.log, &waits[i]);
		rig_flush(&rig);
	}
	acknowledged = told;
	/* A failed flush is never tried again. */
	if (rig.failed != 0) {
		rig_flush(&rig);
		ck_assert_int_eq(told, acknowledged);
	}
	disk_fault = NULL;
	rig_unload(&rig);
	rig_load(&rig, SEGMENT);
	ck_assert_int_ge((int)rig.q.table.n, acknowledged);
}
END_TEST

/* --- a full disk ------------------------------------------------------------- */

static unsigned full_calls; /* 1 << enum disk_call: those find no room */
static int full_after;      /* octets for which there is room still */

static int
find_no_room(enum disk_call call, int fd, const void *p, size_t n, uint64_t at)
{
	(void)fd;
	(void)p;
	(void)at;
	if ((full_calls & 1U << call) == 0)
		return 0;
	if (call == DISK_WRITE && full_after >= (int)n) {
		full_after -= (int)n;
		return 0;
	}
	return ENOSPC;
}

enum { FULL_MESSAGES = 20 };

/* Room for some of them: whole ones are told, the others wait, also when the
 * batch reaches into the next segment, and a restart finds all. */
START_TEST(no_room_is_waited_for)
{
	struct qlog_wait waits[FULL_MESSAGES];
	char body[3000];
	int told_before;

	rig_unload(&rig);
	full_calls = _i % 2 == 0 ? 1U << DISK_WRITE : 1U << DISK_OPEN;
	full_after = _i * 3000;
	disk_fault = find_no_room;
	rig_load(&rig, SEGMENT);
	told = 0;
	for (int i = 0; i < FULL_MESSAGES; i++) {
		fill_body(body, sizeof(body), i);
		rig_accept(&rig, 1, body, NULL);
		waits[i] = (struct qlog_wait){ .on_flushed = on_told };
		qlog_wait(&rig.q.log, &waits[i]);
		if (i % 7 == 3)
			rig_flush(&rig);
	}
	rig_flush(&rig);
	ck_assert_int_eq(rig.failed, 0);
	ck_assert_int_eq(rig.full, ENOSPC);
	ck_assert_int_eq(rig.fulls, 1);
	ck_assert_int_lt(told, FULL_MESSAGES);
	told_before = told;
	/* It does not wait for ever, and is full only once. */
	qlog_flush_wait(&rig.q.log);
	qlog_again(&rig.q.log);
	syncer_wait(rig.syncer);
	ck_assert_int_eq(rig.fulls, 1);
	ck_assert_int_eq(told, told_before);
	if (_i >= 10) {
		/* What was not told may be lost, what was told is not. */
		disk_fault = NULL;
		rig_unload(&rig);
		rig_load(&rig, SEGMENT);
		ck_assert_int_ge((int)rig.q.table.n, told);
		return;
	}
	disk_fault = NULL;
	qlog_again(&rig.q.log);
	qlog_flush_wait(&rig.q.log);
	ck_assert_int_eq(rig.full, 0);
	ck_assert_int_eq(rig.fulls, 2);
	ck_assert_int_eq(told, FULL_MESSAGES);
	rig_unload(&rig);
	rig_load(&rig, SEGMENT);
	ck_assert_uint_eq(rig.report.damaged + rig.report.malformed, 0);
	ck_assert_uint_eq(rig.q.table.n, FULL_MESSAGES);
}
END_TEST

/* The data may be gone from the cache by then: no second flush. */
START_TEST(a_flush_without_room_has_failed)
{
	struct qlog_wait wait = { .on_flushed = on_told };

	told = 0;
	full_calls = 1U << DISK_DATASYNC;
	disk_fault = find_no_room;
	rig_accept(&rig, 1, "one", NULL);
	qlog_wait(&rig.q.log, &wait);
	rig_flush(&rig);
	ck_assert_int_eq(rig.failed, ENOSPC);
	ck_assert_int_eq(rig.fulls, 0);
	ck_assert_int_eq(told, 0);
}
END_TEST

/* --- what is only cached ------------------------------------------------------ */

static int synced; /* descriptors; a bit for each */

/* The process dies with its record written and not flushed. */
static int
die_before_sync(
    enum disk_call call, int fd, const void *p, size_t n, uint64_t at)
{
	(void)fd;
	(void)p;
	(void)n;
	(void)at;
	return call == DISK_DATASYNC || call == DISK_RENAME ? EIO : 0;
}

static int
see_sync(enum disk_call call, int fd, const void *p, size_t n, uint64_t at)
{
	(void)p;
	(void)n;
	(void)at;
	if (call == DISK_DATASYNC)
		synced |= 1 << fd;
	return 0;
}

/* What a killed process wrote is read from the cache.  Whoever hears of it
 * relies on it, so it has to be on disk as well. */
START_TEST(what_a_start_reads_is_on_disk)
{
	struct message *m;

	rig_accept(&rig, 1, "one", NULL);
	rig_flush(&rig);
	rig_accept(&rig, 1, "two", NULL);
	disk_fault = die_before_sync;
	rig_flush(&rig);
	ck_assert_int_ne(rig.failed, 0);
	rig_unload(&rig);
	synced = 0;
	disk_fault = see_sync;
	rig_load(&rig, SEGMENT);
	m = TAILQ_FIRST(&rig.q.table.all);
	ck_assert_uint_eq(rig.q.table.n, 2);
	ck_assert_int_lt(m->seg->fd, 31);
	ck_assert_int_ne(synced & 1 << m->seg->fd, 0);
}
END_TEST

/* It never was on disk, and the next one looks there. */
START_TEST(what_a_start_cannot_flush_is_bad)
{
	rig_accept(&rig, 1, "one", NULL);
	rig_flush(&rig);
	rig_unload(&rig);
	failing_call = DISK_DATASYNC;
	failing_error = EIO;
	calls_left = 1;
	disk_fault = fail_nth;
	ck_assert_int_eq(rig_try_load(&rig, SEGMENT), -1);
	ck_assert_int_eq(errno, EIO);
	disk_fault = NULL;
	ck_assert_int_eq(
	    faccessat(rig.dirfd, "00000001.bad", R_OK, 0), 0);
	rig_load(&rig, SEGMENT);
	ck_assert_uint_eq(rig.q.table.n, 1);
}
END_TEST

static struct message *leaving;
static struct str leaving_text;

/* While the state gets its name, the last message leaves the segment. */
static int
leave_meanwhile(
    enum disk_call call, int fd, const void *p, size_t n, uint64_t at)
{
	struct rcpt *r;

	(void)fd;
	(void)n;
	(void)at;
	if (call != DISK_RENAME || strcmp(p, "state.new") != 0)
		return 0;
	r = &leaving->rcpts[0];
	if (leaving_text.n != 0)
		queue_copy(&rig.q, leaving, leaving_text);
	else
		queue_done(&rig.q, leaving, &r, 1, END_MAILBOX);
	return 0;
}

/* A segment is given back when the record by which the last message left it
 * is on disk, and not before. */
START_TEST(a_segment_stays_until_its_leaving_is_flushed)
{
	char body[SEGMENT / 2];
	struct buf room, after;

	fill_body(body, sizeof(body), 1);
	leaving = rig_accept(&rig, 1, body, NULL);
	for (int i = 0; i < 3; i++)
		rig_accept(&rig, 1, body, NULL);
	rig_flush(&rig);
	buf_init(&room, BUF_NO_MAX);
	leaving_text = _i == 0 ? rig_text(&rig, leaving, &room) : STR_NONE;
	disk_fault = leave_meanwhile;
	rig_write_state(&rig);
	disk_fault = NULL;
	ck_assert_int_eq(rig.states, 1);
	rig_unload(&rig); /* nothing of it was flushed */
	rig_load(&rig, SEGMENT);
	ck_assert_uint_eq(rig.report.missing_texts, 0);
	ck_assert_uint_eq(rig.q.table.n, 4);
	after = room;
	ck_assert(str_ends(rig_text(&rig, TAILQ_FIRST(&rig.q.table.all),
	    &after), str_c(body)));
	/* Nor is it kept for ever. */
	finish_all();
	rig_flush(&rig);
	rig_write_state(&rig);
	ck_assert_uint_le(count_segments(), 1);
	buf_clear(&after);
}
END_TEST

/* --- an older state ----------------------------------------------------------- */

static void
damage_state(const char *name)
{
	int fd = openat(rig.dirfd, name, O_RDWR);

	ck_assert_int_eq(disk_write(fd, "X", 1, 20), 0);
	close(fd);
}

/* The older state knows a message that was finished behind it, in a segment
 * that is used again. */
START_TEST(an_older_state_brings_nothing_back)
{
	char body[SEGMENT / 2], name[STATE_NAME];

	fill_body(body, sizeof(body), 1);
	rig_accept(&rig, 1, body, NULL);
	rig_flush(&rig);
	rig_write_state(&rig);
	finish_all();
	for (int i = 0; i < 3; i++)
		rig_accept(&rig, 1, body, NULL);
	rig_flush(&rig);
	rig_write_state(&rig);
	ck_assert(qlog_find_segment(&rig.q.log, 1) == NULL);
	state_name(rig.state.head.number, name);
	rig_unload(&rig);
	damage_state(name);
	rig_load(&rig, SEGMENT);
	ck_assert_uint_eq(rig.report.bad_states, 1);
	ck_assert_uint_eq(rig.report.missing_texts, 0);
	ck_assert_uint_eq(rig.q.table.n, 3);
}
END_TEST

static TCase *
working(void)
{
	TCase *tc = tcase_create("working");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, waits_are_told_after_the_flush);
	tcase_add_test(tc, a_flush_here_waits_for_nobody);
	tcase_add_test(tc, a_restart_finds_all);
	tcase_add_test(tc, segments_are_used_again);
	tcase_add_test(tc, a_segment_without_newer_state_stays);
	tcase_add_test(tc, a_segment_that_is_being_left_stays);
	tcase_add_test(tc, a_copy_keeps_what_is_done);
	tcase_add_test(tc, an_older_state_brings_nothing_back);
	tcase_add_loop_test(tc, no_room_is_waited_for, 0, 20);
	tcase_add_test(tc, a_flush_without_room_has_failed);
	tcase_add_test(tc, what_a_start_reads_is_on_disk);
	tcase_add_test(tc, what_a_start_cannot_flush_is_bad);
	tcase_add_loop_test(
	    tc, a_segment_stays_until_its_leaving_is_flushed, 0, 2);
	return tc;
}

static TCase *
failing(void)
{
	TCase *tc = tcase_create("failing");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, nothing_told_is_lost, 0, (int)(N_OF(faults) * NTH));
	return tc;
}

UNIT_MAIN("qlog", working, failing)
