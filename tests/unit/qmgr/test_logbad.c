/* The queue log after a flush that failed: who was not told 250 comes again. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "qmgr/disk.h"
#include "tests/unit/qmgr/drop_rig.h"
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

static int syncs_left; /* until they fail */

static int
fail_sync(enum disk_call call, int fd, const void *p, size_t n, uint64_t at)
{
	(void)fd;
	(void)p;
	(void)n;
	(void)at;
	return call == DISK_DATASYNC && --syncs_left <= 0 ? EIO : 0;
}

/* The octets are there, and the flush that should say so fails: the nth. */
static void
fail_flush(int nth)
{
	syncs_left = nth;
	disk_fault = fail_sync;
	rig_flush(&rig);
	disk_fault = NULL;
	ck_assert_int_eq(rig.failed, EIO);
}

static void
restart(void)
{
	rig_unload(&rig);
	rig_load(&rig, SEGMENT);
}

static bool
has(const char *body)
{
	struct message *m;
	struct buf room;
	bool found = false;

	buf_init(&room, BUF_NO_MAX);
	TAILQ_FOREACH(m, &rig.q.table.all, entry)
		found = found ||
		    str_ends(rig_text(&rig, m, &room), str_c(body));
	buf_clear(&room);
	return found;
}

START_TEST(what_was_refused_is_not_there)
{
	struct buf kinds;
	uint64_t refused, lsn;
	char name[64];

	rig_accept(&rig, 1, "answered", NULL);
	rig_flush(&rig);
	lsn = rig.q.log.durable;
	refused = rig_accept(&rig, 1, "refused", NULL)->id;
	drop_accept(&rig, 1, "of a file");
	fail_flush(1);
	rig_unload(&rig);
	snprintf(name, sizeof(name), "00000001-%llu.bad",
	    (unsigned long long)lsn);
	ck_assert_int_eq(faccessat(rig.dirfd, name, R_OK, 0), 0);
	rig_audit(&rig, &kinds);
	ck_assert_str_eq(buf_cstr(&kinds), "segment-bad ");
	buf_clear(&kinds);
	rig_load(&rig, SEGMENT);
	ck_assert_uint_eq(rig.report.bad_segments, 1);
	ck_assert_uint_eq(rig.report.refused, 1);
	ck_assert_uint_eq(rig.report.damaged + rig.report.torn, 0);
	ck_assert(has("answered"));
	ck_assert(!has("refused"));
	ck_assert(has("of a file"));
	ck_assert_uint_ne(drop_known(&rig, 1), 0);
	ck_assert_uint_gt(rig_accept(&rig, 1, "again", NULL)->id, refused);
	rig_flush(&rig);
	/* Nor at a later start: it may stay where it is for a while. */
	restart();
	ck_assert(!has("refused"));
	ck_assert(has("again"));
}
END_TEST

/* What an older qmgr left tells nothing. */
START_TEST(without_a_number_all_counts)
{
	char name[64];

	rig_accept(&rig, 1, "answered", NULL);
	rig_flush(&rig);
	rig_accept(&rig, 1, "refused", NULL);
	fail_flush(1);
	rig_unload(&rig);
	snprintf(name, sizeof(name), "00000001-%llu.bad", 1ULL);
	ck_assert_int_eq(
	    renameat(rig.dirfd, name, rig.dirfd, "00000001.bad"), 0);
	rig_load(&rig, SEGMENT);
	ck_assert_uint_eq(rig.report.bad_segments, 1);
	ck_assert(has("refused"));
}
END_TEST

/* A flush of two segments, of which the first was written. */
START_TEST(the_parts_before_count_as_little)
{
	char body[SEGMENT / 2];

	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = 0;
	rig_accept(&rig, 1, "answered", NULL);
	rig_flush(&rig);
	rig_accept(&rig, 1, "refused", NULL);
	rig_accept(&rig, 1, body, NULL);
	ck_assert_uint_eq(rig_accept(&rig, 1, body, NULL)->seg->number, 2);
	fail_flush(2);
	restart();
	ck_assert_uint_eq(rig.report.bad_segments, 1);
	ck_assert_uint_eq(rig.report.refused, 3);
	ck_assert_uint_eq(rig.q.table.n, 1);
	ck_assert(has("answered"));
}
END_TEST

/* What was done was done; and a message that was moved was answered long
 * before.  A report and what it settles go together. */
START_TEST(other_records_count)
{
	struct message *done = rig_accept(&rig, 2, "done", NULL);
	struct message *moved = rig_accept(&rig, 1, "moved", NULL);
	struct message *failed = rig_accept(&rig, 1, "failed", NULL);
	struct rcpt *r = &failed->rcpts[0];
	uint32_t index = 0;
	const struct settle settle = { failed->id, &index, 1 };
	struct buf room;

	queue_report(&rig.q, failed, &r, 1, DSN_FAILED, NULL);
	rig_flush(&rig);
	buf_init(&room, BUF_NO_MAX);
	r = &done->rcpts[1];
	queue_done(&rig.q, done, &r, 1, END_MAILBOX);
	queue_copy(&rig.q, moved, rig_text(&rig, moved, &room));
	rig_accept(&rig, 1, "report", &settle);
	fail_flush(1);
	restart();
	ck_assert_uint_eq(rig.report.refused, 1);
	ck_assert_uint_eq(rig.q.table.n, 3);
	ck_assert_uint_eq(TAILQ_FIRST(&rig.q.table.all)->nleft, 1);
	ck_assert(has("moved"));
	ck_assert(has("failed"));
	ck_assert_uint_eq(
	    TAILQ_LAST(&rig.q.table.all, message_list)->nreport, 1);
	buf_clear(&room);
}
END_TEST

static int told;

static void
on_told(struct qlog_wait *w)
{
	(void)w;
	told++;
}

/* The zeros ahead of the records failed: of these nothing is known. */
static bool
was_filling(void)
{
	const struct segment *seg;

	TAILQ_FOREACH(seg, &rig.q.log.segments, entry)
		if (seg->bad && seg->answered == SEGMENT_ALL)
			return true;
	return false;
}

/* Flushes of any size, up to one that fails: what was told is there, and
 * nothing else. */
START_TEST(all_that_was_answered_is_there)
{
	struct qlog_wait waits[40];
	char body[3000];
	int n = 0, runs = 0;

	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = 0;
	told = 0;
	while (runs < 3) {
		syncs_left = 1 + (_i + 3 * runs) % 7;
		disk_fault = fail_sync;
		for (; rig.failed == 0; n++) {
			rig_accept(&rig, 1, body, NULL);
			waits[n % 40].on_flushed = on_told;
			qlog_wait(&rig.q.log, &waits[n % 40]);
			if (n % (1 + _i % 5) == 0)
				rig_flush(&rig);
		}
		disk_fault = NULL;
		restart();
		ck_assert_uint_ge(rig.q.table.n, (size_t)told);
		if (was_filling())
			return;
		ck_assert_uint_eq(rig.q.table.n, (size_t)told);
		runs++;
	}
}
END_TEST

static const struct {
	const char *name;
	bool ok, bad;
	uint64_t number, answered;
} names[] = {
	{ "00000007.seg", true, false, 7, SEGMENT_ALL },
	{ "00000007.bad", true, true, 7, SEGMENT_ALL },
	{ "00000007-0.bad", true, true, 7, 0 },
	{ "123456789-42.bad", true, true, 123456789, 42 },
	{ "00000007-42.seg", false, false, 0, 0 },
	{ "00000007-.bad", false, false, 0, 0 },
	{ "00000007-4x.bad", false, false, 0, 0 },
	{ "-4.bad", false, false, 0, 0 },
	{ "00000007", false, false, 0, 0 },
};

START_TEST(names_of_segments)
{
	uint64_t number, answered;
	char name[SEGMENT_NAME];
	bool bad;

	ck_assert_int_eq(segment_parse_name(names[_i].name, &number, &bad,
	    &answered), names[_i].ok);
	if (!names[_i].ok)
		return;
	ck_assert_uint_eq(number, names[_i].number);
	ck_assert_int_eq(bad, names[_i].bad);
	ck_assert_uint_eq(answered, names[_i].answered);
	if (bad)
		segment_bad_name(number, answered, name);
	else
		segment_name(number, name);
	ck_assert_str_eq(name, names[_i].name);
}
END_TEST

static TCase *
failed(void)
{
	TCase *tc = tcase_create("failed");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_was_refused_is_not_there);
	tcase_add_test(tc, without_a_number_all_counts);
	tcase_add_test(tc, the_parts_before_count_as_little);
	tcase_add_test(tc, other_records_count);
	tcase_add_loop_test(tc, all_that_was_answered_is_there, 0, 35);
	tcase_add_loop_test(tc, names_of_segments, 0, (int)N_OF(names));
	return tc;
}

UNIT_MAIN("qlog: failed flushes", failed)
