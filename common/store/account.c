#include "store/account.h"

#include <linux/openat2.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "store/disk.h"
#include "store/inner.h"
#include "store/settings.h"

enum { PATH_LEVELS = 16, PATH_OCTETS = 512, NAME_SPACE = 8192 };

/* The kernel itself refuses "..", links and other file systems' roots. */
static int
open_beneath(int rootfd, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, rootfd, path, &how, sizeof(how));
}

/* Level by level, so that a link is never followed while making them. */
static int
make_levels(int rootfd, struct str path)
{
	int dir = fcntl(rootfd, F_DUPFD_CLOEXEC, 0);

	for (int i = 0; dir != -1 && path.n > 0; i++) {
		struct str level = str_take_until(&path, '/');
		char name[PATH_OCTETS];
		int next = -1;

		if (level.n == 0)
			continue;
		errno = EINVAL;
		if (i < PATH_LEVELS && level.p[0] != '.' &&
		    str_copy(name, sizeof(name), level) &&
		    disk_mkdir(dir, name) == 0)
			next = open_beneath(dir, name);
		if (next != -1)
			(void)disk_sync_dir(dir);
		close(dir);
		dir = next;
	}
	return dir;
}

int
account_folder(int rootfd, struct str path)
{
	char name[PATH_OCTETS];
	int fd;

	if (path.n == 0 || !str_copy(name, sizeof(name), path)) {
		errno = EINVAL;
		return -1;
	}
	fd = open_beneath(rootfd, name);
	if (fd == -1 && errno == ENOENT)
		fd = make_levels(rootfd, path);
	return fd;
}

struct account *
account_open(int dirfd, const struct store_conf *conf)
{
	struct account *a;
	struct maildir md = { dirfd, -1, -1 };
	bool made;
	int copy, ix, saved;

	/* The Maildir's own folders are made through the same code. */
	copy = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	if (copy == -1 || maildir_open(&md, copy, true, &made) == -1)
		goto undo;
	ix = maildir_index(&md);
	saved = errno;
	maildir_close(&md);
	errno = saved;
	if (ix == -1)
		goto undo;
	a = xcalloc(1, sizeof(*a));
	a->dir = dirfd;
	a->ix = ix;
	a->conf = *conf;
	TAILQ_INIT(&a->open);
	TAILQ_INIT(&a->gone);
	TAILQ_INIT(&a->fresh);
	pool_init(&a->names);
	buf_init(&a->changed, NAME_SPACE);
	return a;
undo:
	saved = errno;
	close(dirfd);
	errno = saved;
	return NULL;
}

void
account_close(struct account *a)
{
	struct mailbox *m;

	if (a == NULL)
		return;
	while ((m = TAILQ_FIRST(&a->open)) != NULL ||
	    (m = TAILQ_FIRST(&a->gone)) != NULL) {
		m->refs = 1;
		mailbox_close(m);
	}
	syncset_clear(&a->sync);
	account_forget_fresh(a);
	pool_clear(&a->names);
	free(a->folders);
	buf_clear(&a->changed);
	close(a->ix);
	close(a->dir);
	free(a);
}

void
account_set_quota(struct account *a, uint64_t octets)
{
	a->quota = octets;
}

uint32_t
account_new_uidvalidity(struct account *a, bool keep)
{
	struct settings s;
	int lock = settings_lock(a->ix);
	uint32_t v = (uint32_t)clock_wall();
	int rc;

	if (lock == -1)
		return 0;
	settings_init(&s);
	rc = settings_read(&s, a->ix);
	if (v <= s.uidvalidity)
		v = s.uidvalidity + 1;
	s.uidvalidity = v;
	if (rc == 0 && keep)
		rc = settings_write(&s, a->ix);
	settings_clear(&s);
	close(lock);
	return rc == 0 ? v : 0;
}

bool
account_is_dirty(const struct account *a)
{
	const struct mailbox *m;

	TAILQ_FOREACH(m, &a->open, entry)
		if (m->log.failed != 0)
			return true;
	return !syncset_is_empty(&a->sync) || a->flush_error != 0;
}

int
account_flush(struct account *a)
{
	struct mailbox *m;

	if (!account_is_dirty(a))
		return 0;
	/* Trying again would prove nothing: what was to be written may be
	 * gone from memory too. */
	TAILQ_FOREACH(m, &a->open, entry)
		if (m->log.failed != 0 && a->flush_error == 0)
			a->flush_error = m->log.failed;
	if (a->flush_error != 0) {
		account_lose_fresh(a);
		errno = a->flush_error;
		return -1;
	}
	TAILQ_FOREACH(m, &a->open, entry)
		m->flushing = boxlog_mark(&m->log);
	if (syncset_flush(&a->sync, a->dir) == -1) {
		a->flush_error = errno;
		account_lose_fresh(a);
		return -1;
	}
	account_forget_fresh(a);
	TAILQ_FOREACH(m, &a->open, entry)
		if (m->dirty_gen == m->log.gen) {
			boxlog_synced(&m->log, m->flushing);
			m->dirty_gen = 0;
		}
	return 0;
}

bool
account_changed(struct account *a, struct str *name)
{
	struct mailbox *m;

	TAILQ_FOREACH(m, &a->open, entry)
		if (m->notice) {
			m->notice = false;
			buf_reset(&a->changed);
			buf_add_c(&a->changed, m->name);
			*name = buf_str(&a->changed);
			return true;
		}
	return false;
}
