#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers/eventd/line.h"
#include "helpers/eventd/logfile.h"
#include "tests/unit/unit.h"

static const struct {
	const char *frame, *text, *json, *name;
} lines[] = {
	{ "1smtpd[12] accepted id=0A from=a@b.test", "2025-11-23T02:03:03.004Z "
	  "info smtpd[12] accepted id=0A from=a@b.test",
	  "{\"time\":\"2025-11-23T02:03:03.004Z\",\"level\":\"info\","
	  "\"program\":\"smtpd\",\"event\":\"accepted\",\"id\":\"0A\","
	  "\"from\":\"a@b.test\"}", "smtpd.accepted" },
	{ "3qmgr[1] odd text=\"a \\\"b\\\" \\x0a \\\\\" n=2",
	  "2025-11-23T02:03:03.004Z error qmgr[1] odd "
	  "text=\"a \\\"b\\\" \\x0a \\\\\" n=2",
	  "{\"time\":\"2025-11-23T02:03:03.004Z\",\"level\":\"error\","
	  "\"program\":\"qmgr\",\"event\":\"odd\","
	  "\"text\":\"a \\\"b\\\" \\u000a \\\\\",\"n\":\"2\"}", "qmgr.odd" },
	{ "0x[1] bare", "2025-11-23T02:03:03.004Z debug x[1] bare",
	  "{\"time\":\"2025-11-23T02:03:03.004Z\",\"level\":\"debug\","
	  "\"program\":\"x\",\"event\":\"bare\"}", "x.bare" },
};

START_TEST(both_forms)
{
	struct line l;
	struct buf b;
	char name[96];

	buf_init(&b, BUF_NO_MAX);
	ck_assert(line_take(str_c(lines[_i].frame), 1763863383004, &l));
	line_text(&b, &l);
	ck_assert_str_eq(buf_cstr(&b), lines[_i].text);
	buf_reset(&b);
	line_json(&b, &l);
	ck_assert_str_eq(buf_cstr(&b), lines[_i].json);
	ck_assert(line_name(&l, name));
	ck_assert_str_eq(name, lines[_i].name);
	buf_clear(&b);
}
END_TEST

/* A program that was taken over sends what it likes. */
static const char *const refused[] = { "", "1", "9smtpd[1] x", "1a\nb",
	"1a\x1b[2J", "1\xe2\x80\xae", "1a\x7f" };

START_TEST(hostile_frames)
{
	struct line l;

	ck_assert(!line_take(str_c(refused[_i]), 0, &l));
}
END_TEST

/* Forms that end in the middle of something must not be read past. */
START_TEST(cut_anywhere)
{
	const char whole[] = "1smtpd[12] odd a=\"x\\\"\\x41\" b=\"\\";
	struct buf b;

	buf_init(&b, BUF_NO_MAX);
	for (size_t n = 2; n < sizeof(whole); n++) {
		char *exact = malloc(n);
		struct line l;
		char name[96];

		memcpy(exact, whole, n);
		ck_assert(line_take(str_n(exact, n), 0, &l) == (n < sizeof(whole)));
		line_json(&b, &l);
		line_name(&l, name);
		free(exact);
	}
	buf_clear(&b);
}
END_TEST

START_TEST(rotation)
{
	char dir[] = "/tmp/postern-log.XXXXXX";
	struct logfile f;
	struct stat st;
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(logfile_open(&f, fd, STR("../x"), 0, 1), -1);
	ck_assert_int_eq(logfile_open(&f, fd, STR("l"), 100, 2), 0);
	for (int i = 0; i < 30; i++) {
		logfile_add(&f, STR("twenty octets a line"));
		logfile_flush(&f);
	}
	ck_assert_int_eq(fstatat(fd, "l.1", &st, 0), 0);
	ck_assert_int_eq(st.st_size, 105);
	ck_assert_int_eq(fstatat(fd, "l.2", &st, 0), 0);
	ck_assert_int_eq(fstatat(fd, "l.3", &st, 0), -1);
	ck_assert_uint_eq(f.lost, 0);
	close(f.fd);
	f.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	logfile_add(&f, STR("a"));
	logfile_add(&f, STR("b"));
	logfile_flush(&f);
	ck_assert_uint_eq(f.lost, 2);
	unlinkat(fd, "l", 0);
	unlinkat(fd, "l.1", 0);
	unlinkat(fd, "l.2", 0);
	rmdir(dir);
}
END_TEST

static TCase *
all(void)
{
	TCase *tc = tcase_create("line");

	tcase_add_loop_test(tc, both_forms, 0, N_OF(lines));
	tcase_add_loop_test(tc, hostile_frames, 0, N_OF(refused));
	tcase_add_test(tc, cut_anywhere);
	tcase_add_test(tc, rotation);
	return tc;
}

UNIT_MAIN("eventd", all)
