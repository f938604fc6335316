/* Room on the spool's disk: when new mail is refused, and until when. */
#include "tests/unit/unit.h"

#include "qmgr/room.h"

enum { MB = 1024 * 1024 };

static const struct room_limits least = { 80 * (uint64_t)MB, 2 };

static const struct {
	uint64_t blocks, free; /* of 1 MB each */
	uint64_t files, files_free;
	bool was_short, is_short;
	int64_t left;          /* MB */
} cases[] = {
	{ 1000, 500, 0, 0, false, false, 420 },
	{ 1000, 80, 0, 0, false, false, 0 },
	{ 1000, 79, 0, 0, false, true, -1 },
	/* An eighth more, before there is enough again. */
	{ 1000, 80, 0, 0, true, true, 0 },
	{ 1000, 89, 0, 0, true, true, 9 },
	{ 1000, 90, 0, 0, true, false, 10 },
	{ 1000, 89, 0, 0, false, false, 9 },
	/* Of a large disk, the percentage. */
	{ 10000, 199, 0, 0, false, true, -1 },
	{ 10000, 224, 0, 0, true, true, 24 },
	{ 10000, 225, 0, 0, true, false, 25 },
	/* Inodes. */
	{ 1000, 500, 40000, 799, false, true, 420 },
	{ 1000, 500, 40000, 899, true, true, 420 },
	{ 1000, 500, 40000, 900, true, false, 420 },
};

START_TEST(room)
{
	const struct statvfs fs = { .f_frsize = MB,
		.f_blocks = cases[_i].blocks, .f_bavail = cases[_i].free,
		.f_files = cases[_i].files,
		.f_favail = cases[_i].files_free };

	ck_assert_int_eq(
	    room_missing(&least, &fs, cases[_i].was_short) != NULL,
	    cases[_i].is_short);
	ck_assert_int_eq(room_left(&least, &fs), cases[_i].left * MB);
}
END_TEST

START_TEST(none_and_read_only)
{
	static const struct room_limits none;
	struct statvfs fs = { .f_frsize = MB, .f_blocks = 100 };

	ck_assert_ptr_null(room_missing(&none, &fs, true));
	fs.f_flag = ST_RDONLY;
	ck_assert_ptr_nonnull(room_missing(&none, &fs, false));
}
END_TEST

static TCase *
all(void)
{
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, room, 0, (int)N_OF(cases));
	tcase_add_test(tc, none_and_read_only);
	return tc;
}

UNIT_MAIN("room", all)
