/* What pickup keeps of files that it could not take, or not remove. */
#include "helpers/pickup/pickup.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

enum { FILES = 2 * FOLDER_LOOK + FOLDER_LOOK / 2, STUCK = 3 };

static struct pickup p;
static char path[64];
static bool disk_fails;

/* In the place of the C library's. */
int
fsync(int fd)
{
	(void)fd;
	return disk_fails ? -1 : 0;
}

static void
setup(void)
{
	strcpy(path, "/tmp/pickup-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(path));
	memset(&p, 0, sizeof(p));
	p.folder = open(path, O_RDONLY | O_DIRECTORY);
	p.size_max = 100000;
	p.hops_max = 5;
	buf_init(&p.names, BUF_NO_MAX);
	buf_init(&p.gone, BUF_NO_MAX);
	buf_init(&p.now.file, BUF_NO_MAX);
	disk_fails = false;
}

static void
teardown(void)
{
	char line[128];

	snprintf(line, sizeof(line), "rm -rf %s", path);
	ck_assert_int_eq(system(line), 0);
	close(p.folder);
	buf_clear(&p.names);
	buf_clear(&p.gone);
	buf_clear(&p.now.file);
	map_clear(&p.stuck);
	map_clear(&p.kept);
	map_clear(&p.unsure);
	map_clear(&p.odd);
}

/* The file of this number is the one under way. */
static void
name(unsigned number)
{
	snprintf(p.now.name, sizeof(p.now.name), "%032x", number);
}

static void
make(unsigned number)
{
	int fd;

	name(number);
	fd = openat(p.folder, p.now.name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	ck_assert_int_ne(fd, -1);
	close(fd);
}

/* Taken and removed; its token, until the next call. */
static struct str
take(unsigned number)
{
	static char token[TOKEN];

	make(number);
	folder_remove(&p);
	return folder_token(p.now.name, token);
}

START_TEST(unsure)
{
	char copy[TOKEN] = "";
	const struct str first = str_n(copy, TOKEN);

	disk_fails = true;
	memcpy(copy, take(1).p, TOKEN);
	ck_assert_uint_eq(folder_gone(&p).n, 0);
	ck_assert_uint_eq(buf_len(&p.gone), 0);
	disk_fails = false;
	/* Not there is not enough, as long as no removal was flushed. */
	folder_compare(&p, first);
	ck_assert_uint_eq(buf_len(&p.gone), 0);
	take(2);
	/* Each has two, one for its report. */
	ck_assert_uint_eq(folder_gone(&p).n, 4 * TOKEN);
	ck_assert_ptr_nonnull(memmem(str_from(buf_str(&p.gone), 2 * TOKEN).p,
	    2 * TOKEN, first.p, TOKEN));
	buf_reset(&p.gone);
	folder_compare(&p, first);
	ck_assert(str_eq(buf_str(&p.gone), first));
}
END_TEST

static size_t
count_names(void)
{
	struct str names = buf_str(&p.names);
	size_t n = 0;

	while (names.n > 0) {
		str_take_until(&names, '\0');
		n++;
	}
	buf_reset(&p.names);
	return n;
}

/* Folders in the place of files can neither be removed nor, with no folder
 * to move them to, put aside. */
START_TEST(stuck)
{
	close(openat(p.folder, "corrupt", O_WRONLY | O_CREAT, 0600));
	for (unsigned i = 0; i < STUCK; i++) {
		name(i);
		ck_assert_int_eq(mkdirat(p.folder, p.now.name, 0700), 0);
		folder_remove(&p);
	}
	make(100);
	folder_look(&p);
	ck_assert(str_eq(str_take_until(&(struct str){ p.names.p + p.names.at,
	    buf_len(&p.names) }, '\0'), str_c(p.now.name)));
	ck_assert_uint_eq(count_names(), 1);
	ck_assert_uint_eq(buf_len(&p.gone), 0);
	for (unsigned i = 0; i < STUCK; i++) {
		name(i);
		ck_assert_int_eq(
		    unlinkat(p.folder, p.now.name, AT_REMOVEDIR), 0);
	}
	folder_look(&p);
	ck_assert_uint_eq(count_names(), 1);
	ck_assert_uint_eq(buf_len(&p.gone), STUCK * 2 * TOKEN);
	ck_assert_uint_eq(p.stuck.n, 0);
}
END_TEST

/* What somebody made only for us to stumble over is said once. */
START_TEST(odd)
{
	close(openat(p.folder, "corrupt", O_WRONLY | O_CREAT, 0600));
	name(1);
	ck_assert_int_eq(mkdirat(p.folder, p.now.name, 0755), 0);
	folder_look(&p);
	ck_assert_uint_eq(count_names(), 1);
	ck_assert(!folder_read(&p));
	folder_look(&p);
	ck_assert_uint_eq(count_names(), 0);
	ck_assert_uint_eq(p.odd.n, 1);
	ck_assert_uint_eq(p.stuck.n, 0);
}
END_TEST

/* However many stay, each is looked at. */
START_TEST(all_in_turn)
{
	static bool seen[FILES];
	size_t looks = 0, n = 0;

	for (unsigned i = 0; i < FILES; i++)
		make(i);
	for (; looks < 3; looks++) {
		struct str names;

		folder_look(&p);
		names = buf_str(&p.names);
		while (names.n > 0) {
			const unsigned long i = strtoul(
			    str_take_until(&names, '\0').p, NULL, 16);

			n += !seen[i];
			seen[i] = true;
		}
		buf_reset(&p.names);
	}
	ck_assert_uint_eq(n, FILES);
	folder_look(&p);
	ck_assert_uint_eq(count_names(), FOLDER_LOOK);
}
END_TEST

static void
leave(const struct drop_head *head, const struct env_rcpt *to, struct str text)
{
	struct buf out;
	int fd;

	buf_init(&out, BUF_NO_MAX);
	drop_write(&out, head, to, 1, text);
	name(7);
	unlinkat(p.folder, p.now.name, 0);
	make(7);
	fd = openat(p.folder, p.now.name, O_WRONLY);
	ck_assert_int_eq(write(fd, buf_str(&out).p, buf_len(&out)),
	    (ssize_t)buf_len(&out));
	close(fd);
	buf_clear(&out);
}

static bool
is_aside(void)
{
	struct stat st;

	return fstatat(p.folder, "corrupt", &st, 0) == 0;
}

static const struct {
	const char *sender;
	bool is_taken;
} senders[] = {
	{ "a@b.test", true },
	{ "", true },
	{ "\"a b\"@b.test", true },
	{ "\xc3\xa4@b.test", true },
	{ "a", false },
	{ "a@b.test\nX-Field: x", false },
	{ "a\nX-Field: x@b.test", false },
	{ "a@b.test> BODY=8BITMIME X=<", false },
	{ "\xff@b.test", false },
};

/* It would stand in commands and in header fields. */
START_TEST(sender)
{
	const struct drop_head head = { .sender = str_c(senders[_i].sender) };
	const struct env_rcpt to = { .address = STR("b@c.test") };

	leave(&head, &to, STR("Subject: x\n\nx\n"));
	ck_assert_int_eq(folder_read(&p), senders[_i].is_taken);
	ck_assert_int_eq(is_aside(), !senders[_i].is_taken);
	ck_assert_str_eq(p.now.why, "");
}
END_TEST

static const struct {
	const char *envid, *orcpt;
	const char *line; /* of the header */
	unsigned n;       /* times */
	const char *why;
} refused[] = {
	{ "a b", "rfc822;b+2B@c.test", "Received: x\n", 5, "" },
	{ "", "utf-8;\xc3\xa4@c.test", "X: y\n", 1, "" },
	{ "a \x01", "", "X: y\n", 1, "501 5.5.4 " },
	{ "\xc3\xa4", "", "X: y\n", 1, "501 5.5.4 " },
	{ "", "rfc822;a\nX: y", "X: y\n", 1, "501 5.5.4 " },
	{ "", "", "Received: x\n", 6, "554 5.4.6 " },
	{ "", "", "TO : x\n", 1, "550 5.6.0 " },
	{ "", "", "From: a@b.test\n", 2, "550 5.6.0 " },
	{ "", "", "X: y\n", 1001, "552 5.3.4 " },
	{ "", "", "X: y\r\n", 1, "" },
	{ "", "", "X: y\rFrom: z@c.test\n", 1, "550 5.6.11 " },
	{ "", "", "X: y\r\r\n", 1, "550 5.6.11 " },
	{ "", "", "X: y\n\nx\r", 1, "550 5.6.11 " },
	{ "", "", "\nmore than one message may have\n", 4000, "552 5.3.4 " },
};

/* What smtpd refuses goes back, or aside when there is nobody. */
START_TEST(goes_back)
{
	struct drop_head head = { .sender = STR("a@b.test"),
		.envid = str_c(refused[_i].envid) };
	const struct env_rcpt to = { .address = STR("b@c.test"),
		.orcpt = str_c(refused[_i].orcpt) };
	const char *why = refused[_i].why;
	struct buf text;

	buf_init(&text, BUF_NO_MAX);
	for (unsigned i = 0; i < refused[_i].n; i++)
		buf_add_c(&text, refused[_i].line);
	leave(&head, &to, buf_str(&text));
	ck_assert(folder_read(&p));
	ck_assert(str_starts(str_c(p.now.why), str_c(why)));
	ck_assert_int_eq(p.now.why[0] == '\0', why[0] == '\0');
	ck_assert(!is_aside());
	head.sender = STR("");
	leave(&head, &to, buf_str(&text));
	ck_assert_int_eq(folder_read(&p), why[0] == '\0');
	ck_assert_int_eq(is_aside(), why[0] != '\0');
	buf_clear(&text);
}
END_TEST

/* While it is not certain that its writer is done, nothing is said of it. */
START_TEST(unfinished)
{
	const struct drop_head head = { .sender = STR("a@b.test") };
	const struct env_rcpt to = { .address = STR("b@c.test") };

	leave(&head, &to, STR("To : x\n\nx\n"));
	ck_assert_int_eq(renameat(p.folder, p.now.name, p.folder,
	    ".00000000000000000000000000000007"), 0);
	strcpy(p.now.name, ".00000000000000000000000000000007");
	ck_assert(!folder_read(&p));
	ck_assert(!is_aside());
}
END_TEST

/* What qmgr knows is forgotten when its file is gone, and not before. */
START_TEST(known_of_report)
{
	char room[TOKEN], back[TOKEN];
	struct str token, report;

	make(3);
	token = folder_token(p.now.name, room);
	report = folder_token_back(p.now.name, back);
	ck_assert(!str_eq(token, report));
	folder_compare(&p, token);
	folder_compare(&p, report);
	ck_assert_uint_eq(buf_len(&p.gone), 0);
	unlinkat(p.folder, p.now.name, 0);
	folder_compare(&p, report);
	ck_assert(str_eq(buf_str(&p.gone), report));
}
END_TEST

/* With the administrator, and not taken again. */
START_TEST(kept)
{
	make(3);
	strcpy(p.now.why, "552 5.3.4 x");
	folder_keep(&p);
	ck_assert(is_aside());
	ck_assert_uint_eq(buf_len(&p.gone), 2 * TOKEN);
}
END_TEST

static bool
is_there(const char *file)
{
	struct stat st;

	return fstatat(p.folder, file, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The only whole copy: it stays until it can be moved, and is not taken
 * again. */
START_TEST(kept_later)
{
	char to[300];

	close(openat(p.folder, "corrupt", O_WRONLY | O_CREAT, 0600));
	make(3);
	strcpy(p.now.why, "552 5.3.4 x");
	folder_keep(&p);
	for (unsigned i = 0; i < 2; i++) {
		folder_look(&p);
		ck_assert_uint_eq(count_names(), 0);
		ck_assert(is_there(p.now.name));
		ck_assert_uint_eq(buf_len(&p.gone), 0);
	}
	unlinkat(p.folder, "corrupt", 0);
	folder_look(&p);
	snprintf(to, sizeof(to), "corrupt/%s", p.now.name);
	ck_assert(is_there(to));
	ck_assert_uint_eq(buf_len(&p.gone), 2 * TOKEN);
	ck_assert_uint_eq(p.kept.n, 0);
}
END_TEST

/* Somebody else took it away. */
START_TEST(kept_missing)
{
	close(openat(p.folder, "corrupt", O_WRONLY | O_CREAT, 0600));
	make(3);
	folder_keep(&p);
	unlinkat(p.folder, p.now.name, 0);
	unlinkat(p.folder, "corrupt", 0);
	folder_look(&p);
	ck_assert_uint_eq(p.kept.n, 0);
	ck_assert_uint_eq(buf_len(&p.gone), 2 * TOKEN);
}
END_TEST

/* Its writer, who had hung, gives the file its name: while it is under way,
 * or while it waits to be moved or removed. */
START_TEST(named_late)
{
	const bool removed = _i >= 2;
	char dotted[300], to[300];

	make(3);
	snprintf(dotted, sizeof(dotted), ".%s", p.now.name);
	snprintf(to, sizeof(to), "corrupt/%s", p.now.name);
	if (_i > 0) {
		close(openat(p.folder, "corrupt", O_WRONLY | O_CREAT, 0600));
		renameat(p.folder, p.now.name, p.folder, dotted);
		if (removed) {
			unlinkat(p.folder, dotted, 0);
			mkdirat(p.folder, dotted, 0700);
		}
	}
	strcpy(p.now.name, dotted);
	(removed ? folder_remove : folder_keep)(&p);
	if (_i > 0) {
		ck_assert_uint_eq(buf_len(&p.gone), 0);
		renameat(p.folder, dotted, p.folder, dotted + 1);
		if (!removed)
			unlinkat(p.folder, "corrupt", 0);
		folder_look(&p);
	}
	ck_assert_int_eq(is_there(dotted + 1), removed);
	ck_assert_int_eq(is_there(to), !removed);
	ck_assert_uint_eq(buf_len(&p.gone), removed ? 0 : 2 * TOKEN);
}
END_TEST

static TCase *
folder(void)
{
	TCase *tc = tcase_create("folder");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, unsure);
	tcase_add_test(tc, stuck);
	tcase_add_test(tc, odd);
	tcase_add_test(tc, all_in_turn);
	tcase_add_loop_test(tc, sender, 0, (int)N_OF(senders));
	tcase_add_loop_test(tc, goes_back, 0, (int)N_OF(refused));
	tcase_add_test(tc, unfinished);
	tcase_add_test(tc, known_of_report);
	tcase_add_test(tc, kept);
	tcase_add_test(tc, kept_later);
	tcase_add_test(tc, kept_missing);
	tcase_add_loop_test(tc, named_late, 0, 3);
	return tc;
}

UNIT_MAIN("pickup", folder)
