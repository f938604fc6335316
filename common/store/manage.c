#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fatal.h"
#include "store/disk.h"
#include "store/guid.h"
#include "store/inner.h"
#include "store/settings.h"

enum { NAME_SPACE = 8192 };

/* A name as given, and its directory.  space keeps both. */
struct target {
	struct str name;
	struct buf name_space, dir;
};

static enum store_result
target_init(struct target *t, struct str name)
{
	buf_init(&t->name_space, NAME_SPACE);
	buf_init(&t->dir, MAILDIR_NAME);
	if (name.n > 1 && name.p[name.n - 1] == STORE_SEPARATOR)
		name.n--; /* CREATE of a name "for children" */
	t->name = mailbox_canonical(name, &t->name_space);
	return mailbox_dir_name(t->name, &t->dir) ? STORE_OK : STORE_BAD_NAME;
}

static void
target_clear(struct target *t)
{
	buf_clear(&t->name_space);
	buf_clear(&t->dir);
}

static bool
is_dir(struct account *a, const char *dir)
{
	struct stat st;

	return fstatat(a->dir, dir, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* change(settings row) under the lock; makes the row. */
static enum store_result
with_setting(struct account *a, struct str name,
    void (*change)(struct setting *row, unsigned value), unsigned value)
{
	struct settings s;
	struct setting *row;
	enum store_result r = STORE_OK;
	int lock = settings_lock(a->ix);

	if (lock == -1)
		return STORE_ERROR;
	settings_init(&s);
	if (settings_read(&s, a->ix) == -1)
		r = STORE_ERROR;
	row = r == STORE_OK ? settings_get(&s, name, true) : NULL;
	if (r == STORE_OK && row == NULL)
		r = STORE_TOO_MANY;
	if (r == STORE_OK) {
		change(row, value);
		if (settings_write(&s, a->ix) == -1)
			r = STORE_ERROR;
	}
	settings_clear(&s);
	close(lock);
	return r;
}

static void
set_use(struct setting *row, unsigned value)
{
	row->use = value & USES;
}

static void
set_subscribed(struct setting *row, unsigned value)
{
	row->subscribed = value != 0;
}

enum store_result
account_set_use(struct account *a, struct str name, unsigned use)
{
	struct target t;
	enum store_result r = target_init(&t, name);

	if (r == STORE_OK && !is_dir(a, buf_cstr(&t.dir)))
		r = STORE_NOT_FOUND;
	if (r == STORE_OK)
		r = with_setting(a, t.name, set_use, use);
	target_clear(&t);
	return r;
}

enum store_result
account_subscribe(struct account *a, struct str name, bool subscribed)
{
	struct target t;
	enum store_result r = target_init(&t, name);

	if (r == STORE_OK)
		r = with_setting(a, t.name, set_subscribed, subscribed);
	target_clear(&t);
	return r;
}

enum store_result
account_create(struct account *a, struct str name, unsigned use)
{
	struct target t;
	struct mailbox *m;
	enum store_result r = target_init(&t, name);

	if (r == STORE_OK && is_dir(a, buf_cstr(&t.dir)))
		r = STORE_EXISTS;
	if (r == STORE_OK &&
	    (disk_mkdir(a->dir, buf_cstr(&t.dir)) == -1 ||
	        disk_sync_dir(a->dir) == -1))
		r = STORE_ERROR;
	if (r == STORE_OK)
		r = mailbox_open(a, t.name, &m); /* makes what is inside */
	if (r == STORE_OK) {
		int fd = disk_open(m->md.dir, "maildirfolder",
		    O_WRONLY | O_CREAT);

		if (fd != -1)
			close(fd); /* for other programs only */
		mailbox_close(m);
		if (use != 0)
			r = with_setting(a, t.name, set_use, use);
	}
	target_clear(&t);
	return r;
}

/* Files of a directory, not below it; what cannot be removed stays. */
static void
empty_dir(int parent, const char *name)
{
	int fd = disk_open_dir(parent, name);
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			(void)unlinkat(dirfd(dir), e->d_name, 0);
	if (dir != NULL)
		closedir(dir);
	(void)disk_rmdir(parent, name);
}

/* The log goes while its lock is held: who waits for it finds it gone. */
static void
remove_tree(struct account *a, const char *aside)
{
	static const char *const parts[] = { "ix", "cur", "new", "tmp" };
	int dir = disk_open_dir(a->dir, aside);
	int ix = dir != -1 ? disk_open_dir(dir, "ix") : -1;
	int lock = ix != -1 ? disk_open(ix, "lock", O_RDWR) : -1;

	if (lock != -1)
		(void)disk_lock(lock, true);
	for (size_t i = 0; dir != -1 && i < sizeof(parts) / sizeof(*parts); i++)
		empty_dir(dir, parts[i]);
	if (lock != -1)
		close(lock);
	if (ix != -1)
		close(ix);
	if (dir != -1)
		close(dir);
	empty_dir(a->dir, aside);
}

enum store_result
account_delete(struct account *a, struct str name)
{
	struct target t;
	char aside[MAILDIR_NAME + 4];
	uint8_t guid[STORE_GUID];
	enum store_result r = target_init(&t, name);

	if (r == STORE_OK && str_eq(t.name, STR("INBOX")))
		r = STORE_NOT_ALLOWED;
	if (r == STORE_OK && !is_dir(a, buf_cstr(&t.dir)))
		r = STORE_NOT_FOUND;
	if (r == STORE_OK) {
		/* Its name is free at once; the files follow. */
		guid_random(guid);
		memcpy(aside, "tmp/", 4);
		maildir_base(aside + 4, 0, guid, 0);
		if (disk_rename(a->dir, buf_cstr(&t.dir), a->dir, aside) == -1 ||
		    disk_sync_dir(a->dir) == -1)
			r = STORE_ERROR;
	}
	if (r == STORE_OK) {
		remove_tree(a, aside);
		(void)with_setting(a, t.name, set_use, 0);
	}
	target_clear(&t);
	return r;
}

static bool
is_below(struct str name, struct str top)
{
	return str_starts(name, top) && name.n > top.n &&
	    name.p[top.n] == STORE_SEPARATOR;
}

/* One directory of the tree that moves. */
static enum store_result
rename_one(struct account *a, struct str from, struct str to)
{
	struct target x, y;
	struct mailbox *m;
	enum store_result r = target_init(&x, from), s = target_init(&y, to);

	if (r == STORE_OK)
		r = s;
	if (r == STORE_OK &&
	    disk_rename(a->dir, buf_cstr(&x.dir), a->dir, buf_cstr(&y.dir)) ==
	        -1)
		r = errno == ENOTEMPTY || errno == EEXIST ? STORE_EXISTS :
		                                            STORE_ERROR;
	if (r == STORE_OK)
		TAILQ_FOREACH(m, &a->open, entry)
			if (str_eq(str_c(m->name), x.name)) {
				free(m->name);
				m->name = str_dup(y.name);
			}
	target_clear(&x);
	target_clear(&y);
	return r;
}

static enum store_result
rename_inbox(struct account *a, struct str to)
{
	struct mailbox *inbox = NULL, *target = NULL;
	struct uids all = { 0 }, from = { 0 }, there = { 0 };
	enum store_result r = account_create(a, to, 0);

	if (r == STORE_OK)
		r = mailbox_open(a, STR("INBOX"), &inbox);
	if (r == STORE_OK)
		r = mailbox_open(a, to, &target);
	if (r == STORE_OK) {
		for (size_t i = 0; i < mailbox_rows(inbox); i++)
			if ((mailbox_row(inbox, i)->flags & ROW_GONE) == 0)
				uids_add(&all, mailbox_row(inbox, i)->uid);
		r = mailbox_copy(inbox, &all, target, true, &from, &there);
	}
	if (r == STORE_OK && account_flush(a) == -1)
		r = STORE_ERROR;
	if (target != NULL)
		mailbox_close(target);
	if (inbox != NULL)
		mailbox_close(inbox);
	uids_clear(&all);
	uids_clear(&from);
	uids_clear(&there);
	return r;
}

/* All of the tree, from the names as they are now. */
static enum store_result
rename_tree(struct account *a, struct str from, struct str to)
{
	const struct folder *list;
	enum store_result r = STORE_OK;
	struct buf name;
	size_t n;

	list = account_folders(a, &n);
	if (list == NULL)
		return STORE_ERROR;
	for (size_t i = 0; i < n; i++)
		if (list[i].exists &&
		    (str_eq(list[i].name, to) || is_below(list[i].name, to)) &&
		    !str_eq(list[i].name, from) && !is_below(list[i].name, from))
			return STORE_EXISTS;
	buf_init(&name, NAME_SPACE);
	for (size_t i = 0; i < n && r == STORE_OK; i++) {
		if (!list[i].exists || (!str_eq(list[i].name, from) &&
		                           !is_below(list[i].name, from)))
			continue;
		buf_reset(&name);
		buf_add(&name, to);
		buf_add(&name, str_from(list[i].name, from.n));
		r = name.overflow ? STORE_BAD_NAME :
		                    rename_one(a, list[i].name, buf_str(&name));
	}
	buf_clear(&name);
	if (r == STORE_OK && disk_sync_dir(a->dir) == -1)
		r = STORE_ERROR;
	return r;
}

/* Special uses go with the mailbox, subscriptions stay with the name. */
static enum store_result
move_use(struct account *a, struct str from, struct str to)
{
	struct settings s;
	const struct setting *row;
	unsigned use = 0;

	settings_init(&s);
	if (settings_read(&s, a->ix) == 0 &&
	    (row = settings_get(&s, from, false)) != NULL)
		use = row->use;
	settings_clear(&s);
	if (use == 0)
		return STORE_OK;
	(void)with_setting(a, from, set_use, 0);
	return with_setting(a, to, set_use, use);
}

enum store_result
account_rename(struct account *a, struct str from, struct str to)
{
	struct target x, y;
	const struct folder *f;
	enum store_result r = target_init(&x, from), s = target_init(&y, to);

	if (r == STORE_OK)
		r = s;
	if (r == STORE_OK && is_dir(a, buf_cstr(&y.dir)))
		r = STORE_EXISTS;
	if (r == STORE_OK && is_below(y.name, x.name) &&
	    !str_eq(x.name, STR("INBOX")))
		r = STORE_BAD_NAME; /* into itself */
	f = r == STORE_OK ? account_find(a, x.name) : NULL;
	if (r == STORE_OK && (f == NULL || (!f->exists && !f->children)))
		r = STORE_NOT_FOUND;
	if (r == STORE_OK && str_eq(x.name, STR("INBOX")))
		r = rename_inbox(a, y.name);
	else if (r == STORE_OK) {
		r = rename_tree(a, x.name, y.name);
		if (r == STORE_OK)
			r = move_use(a, x.name, y.name);
	}
	target_clear(&x);
	target_clear(&y);
	return r;
}
