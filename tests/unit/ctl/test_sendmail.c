/*
 * The program itself, with no server there: what it puts into the drop
 * folder, and how it ends.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "msg/drop.h"
#include "tests/unit/unit.h"

static char base[] = "/tmp/sendmail-test-XXXXXX";

static const struct {
	const char *args, *in;
	int exit;
	const char *sender, *rcpts; /* "a@x b@y " */
	const char *has, *lacks;    /* of the text */
} runs[] = {
	{ "-f me@h.test a@x.test", "Subject: s\n\nbody\n", 0, "me@h.test",
	    "a@x.test ", "Subject: s\n\nbody\n", "Bcc" },
	{ "-f me a@x.test b", "hello\nyou\n", 0, "me@h.test",
	    "a@x.test b@h.test ", "\n\nhello\nyou\n", NULL },
	{ "-f '<>' a@x.test", "\nbody\n", 0, "", "a@x.test ", "\n\nbody\n",
	    "From:" },
	{ "-ti -f m", "To: A <a@x.test>, \"B, C\" <b@x.test>\nCc: a@x.test\n"
	    "Bcc: h@x.test,\n i@x.test\nSubject: t\n\nbody\n.\nmore\n", 0,
	    "m@h.test", "a@x.test b@x.test h@x.test i@x.test ",
	    "\n\nbody\n.\nmore\n", "Bcc" },
	{ "-f m a@x.test", "S: t\n\nbody\n.\nmore\n", 0, "m@h.test",
	    "a@x.test ", "\n\nbody\n", "more" },
	{ "-oi -f m a@x.test", "S: t\r\n\r\nbody\r\n.\r\nmore\r\n", 0,
	    "m@h.test", "a@x.test ", "\n\nbody\n.\nmore\n", "\r" },
	{ "-f m -F 'N \"Q\"' a@x.test", "S: t\n\nb\n", 0, "m@h.test",
	    "a@x.test ", "From: \"N \\\"Q\\\"\" <m@h.test>\n", NULL },
	{ "-f m -F 'J\xc3\xb6rg' a@x.test", "S: t\n\nb\n", 0, "m@h.test",
	    "a@x.test ", "From: =?utf-8?B?SsO2cmc=?= <m@h.test>\n", NULL },
	{ "-f m -F 'J\xf6rg' a@x.test", "S: t\n\nb\n", 0, "m@h.test",
	    "a@x.test ", "From: <m@h.test>\n", NULL },
	{ "-f m -F 'J\nX: y' a@x.test", "S: t\n\nb\n", 0, "m@h.test",
	    "a@x.test ", "From: <m@h.test>\n", "X: y" },
	{ "-t -f m", "Resent-To: a@x.test\nResent-Bcc: b@x.test\nTo: c@x.test\n"
	    "Bcc: d@x.test\nSubject: t\n\nb\n", 0, "m@h.test",
	    "a@x.test b@x.test ", "\nResent-To: a@x.test\nTo: c@x.test\n"
	    "Subject: t\n", "Bcc" },
	{ "-f m a@x.test", "From u Mon\nFrom: z@z.test\nDate: d\nMessage-ID: "
	    "<1@x>\nTo: q@q.test\n\nb\n", 0, "m@h.test", "a@x.test ",
	    "From: z@z.test\nDate: d\nMessage-ID: <1@x>\nTo: q@q.test\n\nb\n",
	    "From u" },
	{ "-f m a@x.test", "not a header\nS: t\n\nb\n", 0, "m@h.test",
	    "a@x.test ", "\n\nnot a header\nS: t\n\nb\n", NULL },
	{ "-f m a@x.test", "S: t\n fold\nnot a field\n\nb\n", 0, "m@h.test",
	    "a@x.test ", "S: t\n fold\n\nnot a field\n\nb\n", NULL },
	{ "-odb -oem -om -i -v -G -U -n -A m -h 3 -L tag -p smtp -Xlog -f m "
	  "-- a@x.test", "S: t\n\nb\n", 0, "m@h.test", "a@x.test ", "b\n",
	    NULL },
	{ "-f m a@x.test", "", 0, "m@h.test", "a@x.test ", "Date: ", NULL },
	/* A CR ends a line, wherever it is. */
	{ "-t -f m", "To: a@x.test\rBcc: b@x.test\r\rb\r.\rc\r\r\nd\r", 0,
	    "m@h.test", "a@x.test b@x.test ", "To: a@x.test\n\nb\n.\nc\nd\n",
	    "Bcc" },
	/* Groups: RFC 5322 3.4. */
	{ "-t -f m", "To: undisclosed-recipients:;\nBcc: a@x.test\n\nb\n", 0,
	    "m@h.test", "a@x.test ", "\nTo: undisclosed-recipients:;\n\n",
	    "Bcc" },
	{ "-t -f m", "Cc: nobody (at \\) all;) : (no\n (one)) ;\n"
	    "To: a@x.test, \"x:\":;\nBcc: :;\n\nb\n", 0, "m@h.test",
	    "a@x.test ", "Cc: nobody", "Bcc" },
	{ "-f m 'list:;' a@x.test", "\nb\n", 0, "m@h.test", "a@x.test ",
	    "\nTo: undisclosed", NULL },
	{ "-t -f m a@x.test", "To: us:b@x.test,c;\n\nb\n", 0, "m@h.test",
	    "a@x.test b@x.test c@h.test ", "us:", NULL },
	{ "-t 'list:;'", "To: none:;\n\nb\n", 64, NULL, NULL, NULL, NULL },
	{ "-t a@x.test", "To: bob:\n\nb\n", 65, NULL, NULL, NULL, NULL },
	/* ENVID is xtext of printable octets: RFC 3461 4.4. */
	{ "-f m -V 'a b' a@x.test", "\nb\n", 0, "m@h.test", "a@x.test ",
	    "b\n", NULL },
	{ "-V 'a b\x01' a@x.test", "\nb\n", 64, NULL, NULL, NULL, NULL },
	{ "-V 'a\nb' a@x.test", "\nb\n", 64, NULL, NULL, NULL, NULL },
	{ "-V '\xc3\xa4' a@x.test", "\nb\n", 64, NULL, NULL, NULL, NULL },
	{ "-V ++++++++++++++++++++++++++++++++++ a@x.test", "\nb\n", 64, NULL,
	    NULL, NULL, NULL },
	/* What smtpd refuses. */
	{ "a@x.test", "TO : a@x.test\n\nb\n", 65, NULL, NULL, NULL, NULL },
	{ "a@x.test", "From: a@x.test\nFrom: b@x.test\n\nb\n", 65, NULL, NULL,
	    NULL, NULL },
	{ "-f 'x y@@z' a@x.test", "\nb\n", 65, NULL, NULL, NULL, NULL },
	{ "-z a@x.test", "", 64, NULL, NULL, NULL, NULL },
	{ "-bx a@x.test", "", 64, NULL, NULL, NULL, NULL },
	{ "-oy a@x.test", "", 64, NULL, NULL, NULL, NULL },
	{ "--nonsense a@x.test", "", 64, NULL, NULL, NULL, NULL },
	{ "-N never,delay a@x.test", "", 64, NULL, NULL, NULL, NULL },
	{ "-O requiretls=yes a@x.test", "", 64, NULL, NULL, NULL, NULL },
	{ "-f", "", 64, NULL, NULL, NULL, NULL },
	{ "", "S: t\n\nb\n", 64, NULL, NULL, NULL, NULL },
	{ "-t", "S: t\n\nb\n", 64, NULL, NULL, NULL, NULL },
	{ "a@b@c@", "S: t\n\nb\n", 65, NULL, NULL, NULL, NULL },
	{ "-bi", "", 0, NULL, NULL, NULL, NULL },
	{ "-bs", "QUIT\r\n", 75, NULL, NULL, NULL, NULL },
	{ "-q30m", "", 0, NULL, NULL, NULL, NULL },
};

static void
command(const char *what, const char *below)
{
	char line[512];

	snprintf(line, sizeof(line), "%s %s%s", what, base, below);
	ck_assert_int_eq(system(line), 0);
}

static void
config(const char *more)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/postern.conf", base);
	f = fopen(path, "w");
	fprintf(f, "hostname = h.test\n%s", more);
	fclose(f);
}

static void
setup(void)
{
	/* It may end before it has read what is written to it. */
	signal(SIGPIPE, SIG_IGN);
	strcpy(base + sizeof(base) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	command("mkdir -p", "/spool/drop");
	config("");
}

static void
teardown(void)
{
	command("rm -rf", "");
}

static int
run(const char *args, const char *in)
{
	char line[1024];
	FILE *f;
	int status;

	snprintf(line, sizeof(line), "HOME=%s ctl/sendmail --base %s %s "
	    ">/dev/null 2>&1", base, base, args);
	f = popen(line, "w");
	fputs(in, f);
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The only file in the drop folder; false when there is none. */
static bool
dropped(struct buf *out)
{
	char path[128], name[512];
	const struct dirent *e;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/spool/drop", base);
	dir = opendir(path);
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.') {
			FILE *f;
			size_t n;

			ck_assert(!found);
			found = true;
			snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
			f = fopen(name, "r");
			n = fread(buf_reserve(out, 1 << 18), 1, 1 << 18, f);
			buf_commit(out, n);
			fclose(f);
		}
	closedir(dir);
	return found;
}

START_TEST(ends_and_drops)
{
	struct env_rcpt r;
	struct drop d;
	struct buf file, rcpts;
	const char *text;

	ck_assert_int_eq(run(runs[_i].args, runs[_i].in), runs[_i].exit);
	buf_init(&file, BUF_NO_MAX);
	buf_init(&rcpts, BUF_NO_MAX);
	ck_assert_int_eq(dropped(&file), runs[_i].sender != NULL);
	if (runs[_i].sender != NULL) {
		ck_assert_int_eq(drop_read(buf_str(&file), &d), DROP_OK);
		ck_assert(str_eq(d.head.sender, str_c(runs[_i].sender)));
		while (drop_next(&d, &r))
			buf_addf(&rcpts, "%.*s ", STR_ARG(r.address));
		ck_assert_str_eq(buf_cstr(&rcpts), runs[_i].rcpts);
		buf_reset(&rcpts);
		buf_add(&rcpts, d.text);
		text = buf_cstr(&rcpts);
		ck_assert_msg(strstr(text, runs[_i].has) != NULL, "%s", text);
		if (runs[_i].lacks != NULL)
			ck_assert_msg(strstr(text, runs[_i].lacks) == NULL,
			    "%s", text);
	}
	buf_clear(&file);
	buf_clear(&rcpts);
}
END_TEST

/* Text: n times a line, then the end. */
static int
run_long(const char *args, const char *line, size_t n)
{
	struct buf text;
	int code;

	buf_init(&text, BUF_NO_MAX);
	while (n-- > 0)
		buf_add_c(&text, line);
	buf_add_c(&text, "\nb\n");
	code = run(args, buf_cstr(&text));
	buf_clear(&text);
	return code;
}

/* The server, once it is up, would refuse it. */
START_TEST(limits)
{
	char line[1001];

	memset(line, 'x', 999);
	memcpy(line, "X: ", 3);
	strcpy(line + 999, "\n");
	ck_assert_int_eq(run_long("-f m a@x.test", "Received: x\n", 50), 0);
	ck_assert_int_eq(run_long("-f m a@x.test", "Received: x\n", 51), 65);
	ck_assert_int_eq(run_long("-f m a@x.test", line, 250), 0);
	ck_assert_int_eq(run_long("-f m a@x.test", line, 300), 65);
	config("receive {\n\thops = 5\n\tmessage = 64KiB\n}\n");
	ck_assert_int_eq(run_long("-f m a@x.test", "Received: x\n", 6), 65);
	ck_assert_int_eq(run_long("-f m a@x.test", line, 60), 0);
	ck_assert_int_eq(run_long("-f m a@x.test", line, 66), 65);
	/* Without a configuration only the server knows how many hops. */
	config("what is this\n");
	ck_assert_int_eq(run_long("-f m a@x.test", "Received: x\n", 51), 0);
}
END_TEST

/* More than one field names before addrlist stops. */
START_TEST(many)
{
	struct buf text;
	struct drop d;

	buf_init(&text, BUF_NO_MAX);
	buf_add_c(&text, "To: a@x.test");
	for (unsigned i = 1; i < 1500; i++)
		buf_addf(&text, ",\n %u@x.test", i);
	buf_add_c(&text, "\n\nb\n");
	ck_assert_int_eq(run("-t -f m", buf_cstr(&text)), 0);
	buf_reset(&text);
	ck_assert(dropped(&text));
	ck_assert_int_eq(drop_read(buf_str(&text), &d), DROP_OK);
	ck_assert_uint_eq(d.nrcpts, 1500);
	buf_clear(&text);
}
END_TEST

static void
dead_text(struct buf *out)
{
	char path[128];
	struct stat st;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/dead.letter", base);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	f = fopen(path, "r");
	n = fread(buf_reserve(out, 65536), 1, 65536, f);
	buf_commit(out, n);
	fclose(f);
}

/* Nowhere to put it: the caller is told, and the message is kept. */
START_TEST(dead_letter)
{
	struct buf text;
	struct str got;

	command("rmdir", "/spool/drop");
	command("umask 022; touch", "/dead.letter");
	ck_assert_int_eq(run("-f m -N failure,delay -R hdrs -V 'i 1' a@x.test",
	    "S: t\n\nFrom b\n"), 75);
	ck_assert_int_eq(run("-t -f '<>'",
	    "From: q\nTo: b@x.test\nBcc: c@x.test\n\n>From e\n"), 75);
	buf_init(&text, BUF_NO_MAX);
	dead_text(&text);
	got = buf_str(&text);
	ck_assert(str_starts(got, STR("From dead.letter ")));
	str_take_until(&got, '\n');
	ck_assert(str_take_prefix(&got, STR("X-Envelope-From: <m@h.test>\n"
	    "X-Envelope-To: <a@x.test>\nX-Envelope-Notify: failure,delay\n"
	    "X-Envelope-Return: hdrs\nX-Envelope-Id: i 1\nFrom: ")));
	got = str_from(got, str_find_str(got, STR("\nS: t\n")));
	ck_assert(str_take_prefix(
	    &got, STR("\nS: t\n\n>From b\n\nFrom dead.letter ")));
	str_take_until(&got, '\n');
	ck_assert(str_take_prefix(&got, STR("X-Envelope-From: <>\n"
	    "X-Envelope-To: <b@x.test>\nX-Envelope-To: <c@x.test>\n")));
	ck_assert(str_ends(got, STR("\nTo: b@x.test\n\n>>From e\n\n")));
	buf_clear(&text);
}
END_TEST

/* 0 is said of what is kept, and of nothing else. */
START_TEST(kept_or_not)
{
	const char *broken = "To : a@x.test\n\nb\n";
	struct buf text;

	ck_assert_int_eq(run("-oem a@x.test", broken), 65);
	ck_assert_int_eq(run("-oee a@x.test", broken), 0);
	buf_init(&text, BUF_NO_MAX);
	dead_text(&text);
	ck_assert_uint_lt(str_find_str(buf_str(&text), STR("\nTo : a@x.test")),
	    buf_len(&text));
	buf_reset(&text);
	/* Who is hidden stays where the recipients were not found. */
	ck_assert_int_eq(run("-t -oee", "To: a@b@c\nBcc: h@x.test\n\nb\n"), 0);
	dead_text(&text);
	ck_assert_uint_lt(str_find_str(buf_str(&text), STR("\nBcc: h@x.test")),
	    buf_len(&text));
	buf_clear(&text);
	command("rm", "/dead.letter");
	/* Nobody's but the caller's, and no link to elsewhere. */
	command("ln -s /dev/null", "/dead.letter");
	ck_assert_int_eq(run("-oee a@x.test", broken), 65);
	command("rm", "/dead.letter");
	command("mkfifo", "/dead.letter");
	ck_assert_int_eq(run("-oee a@x.test", broken), 65);
	ck_assert_int_eq(run("-oee a@x.test <&-", "x"), 74);
}
END_TEST

static TCase *
all(void)
{
	TCase *tc = tcase_create("sendmail");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, ends_and_drops, 0, N_OF(runs));
	tcase_add_test(tc, limits);
	tcase_add_test(tc, many);
	tcase_add_test(tc, dead_letter);
	tcase_add_test(tc, kept_or_not);
	return tc;
}

UNIT_MAIN("sendmail", all)
