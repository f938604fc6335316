#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dir.h"
#include "store/disk.h"
#include "store/inner.h"

enum { USAGE_FRESH_MS = 5000, NAME_SPACE = 8192 };

static bool
has_files(int dirfd)
{
	int fd = disk_open_dir(dirfd, ".");
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
	const struct dirent *e;
	bool any = dir == NULL; /* or it cannot be known */

	while (!any && (e = dir_next(dir)) != NULL)
		any = e->d_name[0] != '.';
	any = any || errno != 0;
	if (dir != NULL)
		closedir(dir);
	return any;
}

/* From the last frame of the log alone.  false: not so simple. */
static bool
status_of_log(
    struct account *a, const char *dir, struct mailbox_status *out)
{
	struct maildir md;
	struct boxlog log;
	bool made, good = false;
	int fd = disk_open_dir(a->dir, dir), ix;

	if (fd == -1 || maildir_open(&md, fd, false, &made) == -1)
		return false;
	ix = disk_open_dir(md.dir, "ix");
	if (ix != -1 && boxlog_open(&log, ix, a->conf.epoch) == 0) {
		good = !has_files(md.fresh) && boxlog_tail(&log) == 0 &&
		    !boxlog_has_more(&log);
		*out = (struct mailbox_status){ log.state.uidvalidity,
			log.state.uidnext, log.state.exists, log.state.unseen,
			log.state.deleted, log.state.octets,
			log.state.modseq };
		boxlog_close(&log);
	}
	maildir_close(&md);
	return good;
}

enum store_result
account_status(struct account *a, struct str name, struct mailbox_status *out)
{
	struct mailbox *m;
	struct buf space, dir;
	enum store_result r;
	bool open = false, known;

	buf_init(&space, NAME_SPACE);
	buf_init(&dir, MAILDIR_NAME);
	name = mailbox_canonical(name, &space);
	TAILQ_FOREACH(m, &a->open, entry)
		open = open || str_eq(str_c(m->name), name);
	known = mailbox_dir_name(name, &dir) && !open &&
	    status_of_log(a, buf_cstr(&dir), out);
	buf_clear(&dir);
	r = STORE_OK;
	if (!known) {
		r = mailbox_open(a, name, &m);
		if (r == STORE_OK) {
			*out = *mailbox_status(m);
			mailbox_close(m);
		}
	}
	buf_clear(&space);
	return r;
}

enum store_result
account_usage(struct account *a, struct usage *out)
{
	struct usage sum = { .limit = a->quota };
	const struct folder *list;
	size_t n;

	list = account_folders(a, &n);
	if (list == NULL)
		return STORE_ERROR;
	for (size_t i = 0; i < n; i++) {
		struct mailbox_status s;
		enum store_result r;

		if (!list[i].exists)
			continue;
		r = account_status(a, list[i].name, &s);
		if (r == STORE_NOT_FOUND)
			continue;
		if (r != STORE_OK)
			return r;
		sum.octets += s.octets;
		sum.messages += s.exists;
	}
	a->usage = sum;
	a->usage_at = clock_mono_ms();
	*out = sum;
	return STORE_OK;
}

/*
 * The sum over all mailboxes is kept for a few seconds, with what we added
 * meanwhile; near the limit it is made anew.
 */
bool
account_fits(struct account *a, uint64_t octets)
{
	struct usage now;
	int64_t age = clock_mono_ms() - a->usage_at;

	if (a->quota == 0)
		return true;
	if (a->usage_at == 0 || age > USAGE_FRESH_MS ||
	    a->usage.octets + octets > a->quota)
		if (account_usage(a, &now) != STORE_OK)
			return true; /* rather over quota than lost */
	if (a->usage.octets + octets > a->quota)
		return false;
	a->usage.octets += octets;
	return true;
}
