/*
 * box -- what the tests of the store share: a fresh account in a temporary
 * folder, and short ways to put messages into it and look at them.
 */
#ifndef POSTERN_TESTS_STORE_BOX_H
#define POSTERN_TESTS_STORE_BOX_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/account.h"
#include "store/append.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "store/view.h"

struct box {
	char path[64];
	int root;          /* the mail root */
	struct store_conf conf;
	struct account *a; /* "example.org/alice" */
	struct mailbox *m; /* its INBOX */
};

#define BOX_ACCOUNT STR("example.org/alice")

/* Seconds that the calendar is ahead: of files, which have the kernel's, it
 * says how old they are. */
static int64_t box_ahead;

/* In the place of the C library's. */
int
clock_gettime(clockid_t clock, struct timespec *t)
{
	const int rc = (int)syscall(SYS_clock_gettime, clock, t);

	if (clock == CLOCK_REALTIME)
		t->tv_sec += box_ahead;
	return rc;
}

static inline void
box_remove(const char *path)
{
	char line[128];

	snprintf(line, sizeof(line), "rm -rf -- '%s'", path);
	if (system(line) != 0)
		abort();
}

static inline void
box_open(struct box *b)
{
	int fd = account_folder(b->root, BOX_ACCOUNT);

	ck_assert_int_ne(fd, -1);
	b->a = account_open(fd, &b->conf);
	ck_assert_ptr_nonnull(b->a);
	ck_assert_int_eq(mailbox_open(b->a, STR("INBOX"), &b->m), STORE_OK);
}

static inline void
box_close(struct box *b)
{
	account_close(b->a);
	b->a = NULL;
	b->m = NULL;
}

/* As another run of the process; epoch 0: the same as before. */
static inline void
box_reopen(struct box *b, uint64_t epoch)
{
	box_close(b);
	if (epoch != 0)
		b->conf.epoch = epoch;
	box_open(b);
}

static inline void
box_new(struct box *b)
{
	const char *tmp = getenv("TMPDIR");

	memset(b, 0, sizeof(*b));
	box_ahead = 0;
	snprintf(b->path, sizeof(b->path), "%.40s/postern.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(b->path));
	b->root = open(b->path, O_RDONLY | O_DIRECTORY);
	b->conf.epoch = 1;
	box_open(b);
}

static inline void
box_end(struct box *b)
{
	box_close(b);
	close(b->root);
	box_remove(b->path);
}

static inline int
box_inside(const struct box *b, const char *path)
{
	char all[300];
	int fd;

	snprintf(all, sizeof(all), "example.org/alice/%s", path);
	fd = openat(b->root, all, O_RDWR);
	if (fd == -1)
		fd = openat(b->root, all, O_RDONLY);
	return fd;
}

/* Files in a folder of the account. */
static inline int
box_count(const struct box *b, const char *folder)
{
	DIR *dir = fdopendir(box_inside(b, folder));
	struct dirent *e;
	int n = 0;

	while ((e = readdir(dir)) != NULL)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static inline uint32_t
box_add_to(struct mailbox *m, const char *subject, uint16_t flags)
{
	struct append_info info = { .flags = flags, .date = 1700000000 };
	struct append *ap = append_begin(m, &info);
	struct uids uids = { 0 };
	char text[256];
	uint32_t uid;

	ck_assert_ptr_nonnull(ap);
	snprintf(text, sizeof(text),
	    "From: a@example.org\nSubject: %s\n\nHello %s\n", subject, subject);
	ck_assert_int_eq(append_write(ap, str_c(text)), 0);
	ck_assert_int_eq(append_commit(&ap, 1, &uids), STORE_OK);
	ck_assert_uint_eq(uids.n, 1);
	uid = uids.list[0];
	uids_clear(&uids);
	return uid;
}

static inline uint32_t
box_add(struct box *b, const char *subject)
{
	return box_add_to(b->m, subject, 0);
}

/* The message of that UID has this subject, envelope and text. */
static inline void
box_expect(struct mailbox *m, uint32_t uid, const char *subject)
{
	static struct cold cold;
	const struct row *row = mailbox_get(m, uid);
	struct message_text text;
	struct buf space, line;

	ck_assert_ptr_nonnull(row);
	buf_init(&space, BUF_NO_MAX);
	buf_init(&line, 1024);
	ck_assert_int_eq(message_cold(m, row, &space, &cold), STORE_OK);
	buf_addf(&line, "\"%s\"", subject);
	ck_assert_msg(str_find_str(cold.envelope, buf_str(&line)) <
	        cold.envelope.n,
	    "%.*s", STR_ARG(cold.envelope));
	ck_assert(str_starts(cold.structure, STR("(\"TEXT\" \"PLAIN\"")) ||
	    str_starts(cold.structure, STR("(\"text\" \"plain\"")));
	row = mailbox_get(m, uid);
	ck_assert_int_eq(message_load(m, row, &text), STORE_OK);
	buf_reset(&line);
	buf_addf(&line, "Hello %s\n", subject);
	ck_assert(str_ends(text.text, buf_str(&line)));
	ck_assert_uint_eq(text.text.n, cold.size);
	message_unload(&text);
	buf_clear(&space);
	buf_clear(&line);
}

static inline void
box_flag(struct mailbox *m, uint32_t uid, enum flags_how how, uint16_t flags,
    struct view *silent)
{
	struct uids uids = { &uid, 1, 1 };
	struct flags_op op = { .how = how, .flags = flags,
		.unchanged_since = UINT64_MAX, .silent = silent };

	ck_assert_int_eq(mailbox_flags(m, &uids, &op, NULL), STORE_OK);
}

static inline void
box_expunge(struct mailbox *m, uint32_t uid)
{
	struct uids uids = { &uid, 1, 1 };

	ck_assert_int_eq(mailbox_expunge(m, &uids, false), STORE_OK);
}

#endif
