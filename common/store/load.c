#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/disk.h"
#include "store/guid.h"
#include "store/inner.h"
#include "store/look.h"
#include "store/snap.h"

/* The newest snapshot that is whole; 0: none. */
static int
load_snapshot(struct mailbox *m)
{
	uint32_t low, high;
	struct snap_head head;

	if (boxlog_gens(m->log.ix, "snap", &low, &high) == -1)
		return -1;
	for (uint32_t gen = high; gen != 0 && gen >= low; gen--) {
		if (snap_read(m->log.ix, gen, &m->x, &head) == 0) {
			m->snap_gen = gen;
			m->meta_gen = head.meta_gen;
			m->meta_size = head.meta_size;
			return 0;
		}
		if (errno != EILSEQ && errno != ENOENT)
			return -1;
	}
	return 0;
}

/* Everything in ix that is older than a fresh index of generation gen. */
static int
remove_old(struct mailbox *m, uint32_t gen)
{
	static const char *const kinds[] = { "log", "snap", "meta" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uint32_t low, high;

		if (boxlog_gens(m->log.ix, kinds[i], &low, &high) == -1)
			return -1;
		for (uint32_t g = low; g != 0 && g <= high && g < gen; g++) {
			char name[32];

			snprintf(name, sizeof(name), "%s.%u", kinds[i], g);
			if (disk_unlink(m->log.ix, name) == -1)
				return -1;
		}
	}
	return 0;
}

/* An index without a row, above all that was there; then the files are
 * looked at. */
static enum store_result
begin_anew(struct mailbox *m)
{
	struct frame_state first = { .modseq = 1, .uidnext = 1,
		.uid_safe = 1, .modseq_safe = 1, .epoch = m->log.epoch };
	struct op_head head = { .version = BOXLOG_VERSION, .first = 1 };
	uint32_t low, logs, snaps, gen;

	boxindex_clear(&m->x);
	if (boxlog_gens(m->log.ix, "log", &low, &logs) == -1 ||
	    boxlog_gens(m->log.ix, "snap", &low, &snaps) == -1)
		return STORE_ERROR;
	gen = (logs > snaps ? logs : snaps) + 1;
	first.uidvalidity = account_new_uidvalidity(m->account,
	    gen > 1 || strcmp(m->name, "INBOX") != 0);
	if (first.uidvalidity == 0)
		return STORE_ERROR;
	first.uid_limit = first.uidnext + BOXLOG_UIDS;
	first.modseq_limit = first.modseq + BOXLOG_MODSEQS;
	guid_random(head.guid);
	if (gen > BOXLOG_GEN_MAX || look_set(m->log.ix) == -1 ||
	    boxlog_create(&m->log, gen, &first, &head) == -1 ||
	    disk_sync(m->log.fd) == -1 || disk_sync_dir(m->log.ix) == -1 ||
	    disk_sync_dir(m->md.dir) == -1 || remove_old(m, gen) == -1)
		return STORE_ERROR;
	boxlog_synced(&m->log, boxlog_mark(&m->log));
	m->x.state = first;
	memcpy(m->x.guid, head.guid, STORE_GUID);
	m->snap_gen = m->meta_gen = 0;
	return STORE_OK;
}

/* The log that is to be read first was lost: another, behind everything. */
static enum store_result
replace_log(struct mailbox *m, uint32_t gen)
{
	struct op_head head = { .version = BOXLOG_VERSION };

	memcpy(head.guid, m->x.guid, STORE_GUID);
	m->x.damaged = true;
	return look_set(m->log.ix) == -1 ||
	        boxlog_create(&m->log, gen, &m->x.state, &head) == -1 ?
	    STORE_ERROR :
	    STORE_OK;
}

/* The first log to be read; *anew: there is none that would do. */
static enum store_result
start_log(struct mailbox *m, bool *anew)
{
	uint32_t low, high, gen;
	struct op_head head;

	if (boxlog_gens(m->log.ix, "log", &low, &high) == -1)
		return STORE_ERROR;
	gen = m->snap_gen != 0 ? m->snap_gen : low;
	*anew = gen == 0;
	if (*anew)
		return STORE_OK;
	m->log.state = m->x.state;
	if (boxlog_start(&m->log, gen) == -1)
		return errno == ENOENT ?
		    replace_log(m, high > gen ? high + 1 : gen) :
		    STORE_ERROR;
	/* Without a snapshot the logs must be all there ever were. */
	*anew = m->snap_gen == 0 && gen != 1 &&
	    !(boxlog_head(&m->log, &head) && head.first != 0);
	return STORE_OK;
}

static enum store_result
replay(struct mailbox *m)
{
	struct frame f;
	bool any = m->snap_gen != 0;
	uint64_t epoch = any ? m->x.state.epoch : 0;
	int rc;

	m->replayed = 0;
	while ((rc = boxlog_next(&m->log, &f)) == 1) {
		any = true;
		if (m->doubt == 0 && epoch != 0 && f.after.epoch != epoch)
			m->doubt = m->x.state.uidnext;
		epoch = f.after.epoch;
		boxindex_apply(&m->x, &f, NULL, NULL);
		m->replayed += f.n;
	}
	if (rc == -1)
		return errno == ESTALE ? STORE_NOT_FOUND : STORE_ERROR;
	if (!any) {
		errno = EILSEQ;
		return STORE_ERROR;
	}
	if (m->doubt == 0 && epoch != m->log.epoch)
		m->doubt = m->x.state.uidnext;
	return STORE_OK;
}

static enum store_result
load_locked(struct mailbox *m)
{
	bool anew = false;
	enum store_result r;

	m->snap_gen = m->meta_gen = 0;
	m->meta_size = 0;
	m->doubt = 0;
	if (load_snapshot(m) == -1)
		return STORE_ERROR;
	r = start_log(m, &anew);
	if (r == STORE_OK && !anew)
		r = replay(m);
	if (r == STORE_ERROR && errno == EILSEQ)
		anew = true;
	if (anew)
		r = begin_anew(m);
	m->lost = m->lost || look_is_set(m->log.ix);
	return r;
}

/* What the views must hear when one index takes the place of another. */
static void
compare(struct mailbox *m, const struct boxindex *old)
{
	uint32_t last = rows_last_uid(&old->rows);

	for (size_t i = 0; i < rows_count(&old->rows); i++) {
		const struct row *was = rows_at(&old->rows, i), *is;

		if ((was->flags & ROW_GONE) != 0)
			continue;
		is = mailbox_get(m, was->uid);
		if (is == NULL)
			mailbox_news(m, ROW_LEFT, was->uid);
		else if (is->modseq != was->modseq)
			mailbox_news(m, ROW_CHANGED, was->uid);
	}
	for (size_t i = rows_find(&m->x.rows, last + 1);
	    i < rows_count(&m->x.rows); i++)
		mailbox_news(m, ROW_CAME, rows_at(&m->x.rows, i)->uid);
}

/* The folder of that name is the one we have open. */
static bool
has_its_name(const struct mailbox *m)
{
	struct stat ours, named;
	struct buf dir;
	bool same;

	buf_init(&dir, MAILDIR_NAME);
	same = mailbox_dir_name(str_c(m->name), &dir) &&
	    fstat(m->md.dir, &ours) == 0 &&
	    fstatat(m->account->dir, buf_cstr(&dir), &named,
	        AT_SYMLINK_NOFOLLOW) == 0 &&
	    ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
	buf_clear(&dir);
	return same;
}

enum store_result
mailbox_reload(struct mailbox *m)
{
	struct boxindex old = m->x;
	enum store_result r = STORE_NOT_FOUND;

	memset(&m->x, 0, sizeof(m->x));
	if (has_its_name(m))
		r = load_locked(m);
	if (r == STORE_OK && m->x.state.uidvalidity == old.state.uidvalidity) {
		coldfiles_clear(&m->cold);
		compare(m, &old);
		boxindex_clear(&m->previous);
		m->previous = old;
		return STORE_OK;
	}
	boxindex_clear(&m->x);
	m->x = old;
	if (r == STORE_ERROR)
		return r;
	m->deleted = true;
	return STORE_NOT_FOUND;
}

enum store_result
mailbox_load(struct mailbox *m)
{
	enum store_result r;
	int saved;

	if (boxlog_lock(&m->log) == -1)
		return STORE_ERROR;
	r = load_locked(m);
	saved = errno;
	boxlog_unlock(&m->log);
	errno = saved;
	if (r == STORE_OK)
		r = mailbox_refresh(m);
	return r == STORE_OK ? mailbox_recheck(m) : r;
}
