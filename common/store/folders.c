#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/fatal.h"
#include "store/disk.h"
#include "store/inner.h"
#include "store/settings.h"

enum { FOLDERS_MAX = 20000, NAME_SPACE = 8192 };

static const struct {
	unsigned use;
	const char *name;
} uses[] = {
	{ USE_ALL, "\\All" },
	{ USE_ARCHIVE, "\\Archive" },
	{ USE_DRAFTS, "\\Drafts" },
	{ USE_FLAGGED, "\\Flagged" },
	{ USE_JUNK, "\\Junk" },
	{ USE_SENT, "\\Sent" },
	{ USE_TRASH, "\\Trash" },
};

const char *
use_name(unsigned use)
{
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (uses[i].use == use)
			return uses[i].name;
	return NULL;
}

unsigned
use_of(struct str name)
{
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (str_ieq(str_c(uses[i].name), name))
			return uses[i].use;
	return 0;
}

static struct folder *
add_folder(struct account *a, struct str name)
{
	if (a->nfolders == FOLDERS_MAX)
		return NULL;
	if (a->nfolders == a->folders_cap) {
		a->folders_cap = a->folders_cap == 0 ? 32 : a->folders_cap * 2;
		a->folders = xreallocarray(
		    a->folders, a->folders_cap, sizeof(*a->folders));
	}
	a->folders[a->nfolders] =
	    (struct folder){ .name = pool_str(&a->names, name) };
	return &a->folders[a->nfolders++];
}

static bool
is_inbox(struct str name)
{
	return str_eq(name, STR("INBOX")) || str_starts(name, STR("INBOX/"));
}

/* INBOX first; a name's children right behind it: the separator sorts
 * before every other octet. */
static int
by_name(const void *x, const void *y)
{
	struct str a = ((const struct folder *)x)->name;
	struct str b = ((const struct folder *)y)->name;

	if (is_inbox(a) != is_inbox(b))
		return is_inbox(a) ? -1 : 1;
	for (size_t i = 0; i < a.n && i < b.n; i++) {
		unsigned char p = (unsigned char)a.p[i];
		unsigned char q = (unsigned char)b.p[i];

		if (p == q)
			continue;
		if (p == STORE_SEPARATOR || q == STORE_SEPARATOR)
			return p == STORE_SEPARATOR ? -1 : 1;
		return p < q ? -1 : 1;
	}
	return a.n < b.n ? -1 : a.n > b.n;
}

static int
read_dirs(struct account *a)
{
	int fd = disk_open_dir(a->dir, ".");
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
	const struct dirent *e;
	struct buf name;
	int error;

	if (dir == NULL)
		return -1;
	buf_init(&name, NAME_SPACE);
	add_folder(a, STR("INBOX"))->exists = true;
	while ((e = dir_next(dir)) != NULL) {
		struct folder *f;

		buf_reset(&name);
		if ((e->d_type != DT_DIR && e->d_type != DT_UNKNOWN) ||
		    !mailbox_name_of_dir(str_c(e->d_name), &name) ||
		    str_ieq(buf_str(&name), STR("INBOX")))
			continue;
		f = add_folder(a, buf_str(&name));
		if (f != NULL)
			f->exists = true;
	}
	error = errno;
	buf_clear(&name);
	closedir(dir);
	errno = error;
	return error != 0 ? -1 : 0;
}

/* Names that only the settings know, and the parents of all. */
static void
add_missing(struct account *a, const struct settings *s)
{
	size_t n;

	for (size_t i = 0; i < s->n; i++)
		if (s->list[i].subscribed)
			add_folder(a, s->list[i].name);
	n = a->nfolders;
	for (size_t i = 0; i < n; i++) {
		struct str name = a->folders[i].name;

		for (size_t j = name.n; j > 0; j--)
			if (name.p[j - 1] == STORE_SEPARATOR)
				add_folder(a, str_first(name, j - 1));
	}
}

static void
drop_repeats(struct account *a)
{
	size_t n = 0;

	qsort(a->folders, a->nfolders, sizeof(*a->folders), by_name);
	for (size_t i = 0; i < a->nfolders; i++) {
		struct folder *f = &a->folders[i];

		if (n > 0 && str_eq(a->folders[n - 1].name, f->name))
			a->folders[n - 1].exists |= f->exists;
		else
			a->folders[n++] = *f;
	}
	a->nfolders = n;
}

/* A parent counts as one with children when a mailbox is below it. */
static void
mark(struct account *a, struct settings *s)
{
	for (size_t i = 0; i < a->nfolders; i++) {
		struct folder *f = &a->folders[i];
		const struct setting *row = settings_get(s, f->name, false);

		if (row != NULL) {
			f->subscribed = row->subscribed;
			f->use = f->exists ? row->use : 0;
		}
		for (size_t j = i + 1; j < a->nfolders; j++) {
			struct str below = a->folders[j].name;

			if (!str_starts(below, f->name) ||
			    below.p[f->name.n] != STORE_SEPARATOR)
				break;
			f->children = f->children || a->folders[j].exists;
		}
	}
}

const struct folder *
account_folders(struct account *a, size_t *count)
{
	struct settings s;

	pool_clear(&a->names);
	a->nfolders = 0;
	settings_init(&s);
	if (settings_read(&s, a->ix) == -1 || read_dirs(a) == -1) {
		settings_clear(&s);
		return NULL;
	}
	add_missing(a, &s);
	drop_repeats(a);
	mark(a, &s);
	settings_clear(&s);
	*count = a->nfolders;
	return a->folders;
}

const struct folder *
account_find(struct account *a, struct str name)
{
	struct buf space;
	const struct folder *list, *found = NULL;
	size_t n;

	buf_init(&space, NAME_SPACE);
	name = mailbox_canonical(name, &space);
	list = account_folders(a, &n);
	for (size_t i = 0; list != NULL && i < n && found == NULL; i++)
		if (str_eq(list[i].name, name))
			found = &list[i];
	buf_clear(&space);
	return found;
}
