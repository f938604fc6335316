#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dir.h"
#include "base/fatal.h"
#include "base/map.h"
#include "base/num.h"
#include "base/wire.h"
#include "mail/crlf.h"
#include "store/coldrec.h"
#include "store/disk.h"
#include "store/guid.h"
#include "store/inner.h"
#include "store/look.h"

enum {
	YOUNG_S = 60,              /* a delivery may be at work on the file */
	RACY_NS = 1000 * 1000 * 50, /* a stamp so fresh may not be the last */
	FOUND_MAX = 1000000,       /* files taken in at once */
	FRAME_FULL = 1024 * 1024,
	SPACE_MAX = 8 * 1024 * 1024
};

/* A file that may need a row. */
struct found {
	char *name;       /* as it is now */
	struct str base;  /* within name */
	uint16_t flags;
	bool fresh;       /* in new/ */
	bool added;
};

struct scan {
	struct mailbox *m;
	bool all;
	struct found *found;
	size_t n, cap;
	struct map known;    /* base names in found, -> index + 1 */
	bool later, fresh_later; /* some were left, some of those in new/ */
};

static int64_t
nanoseconds(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

struct stamp
stamp_of(int dirfd)
{
	struct stat st;

	if (fstat(dirfd, &st) == -1)
		return (struct stamp){ 0, 0 };
	return (struct stamp){ nanoseconds(&st.st_mtim),
		nanoseconds(&st.st_ctim) };
}

bool
stamp_same(struct stamp a, struct stamp b)
{
	return a.mtime == b.mtime && a.ctime == b.ctime && a.mtime != 0;
}

/* What may be remembered: not a stamp that could come again. */
static struct stamp
settled(struct stamp s)
{
	int64_t age = clock_wall_ms() * 1000000 - s.mtime;

	return age >= 0 && age < RACY_NS ? (struct stamp){ 0, 0 } : s;
}

/* -1: not all could be read. */
static int
list_dir(struct scan *s, int dirfd, bool fresh)
{
	int fd = disk_open_dir(dirfd, ".");
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
	const struct dirent *e;
	int error;

	if (dir == NULL)
		return -1;
	while (s->n < FOUND_MAX && (e = dir_next(dir)) != NULL) {
		struct str name = str_c(e->d_name);
		struct found f = { .fresh = fresh };

		if (!maildir_name_ok(name))
			continue;
		f.name = str_dup(name);
		f.base = maildir_split(str_c(f.name), &f.flags);
		if (map_get(&s->known, f.base) != NULL || f.base.n == 0) {
			free(f.name);
			continue;
		}
		if (s->n == s->cap) {
			s->cap = s->cap == 0 ? 16 : s->cap * 2;
			s->found = xreallocarray(
			    s->found, s->cap, sizeof(*s->found));
		}
		s->found[s->n++] = f;
		map_set(&s->known, f.base, (void *)(uintptr_t)s->n);
	}
	error = s->n < FOUND_MAX ? errno : 0;
	closedir(dir);
	errno = error;
	return error != 0 ? -1 : 0;
}

/* By the seconds in front, then by name: the order in which they came. */
static int
by_age(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	struct str p = x->base, q = y->base;
	uint64_t s = 0, t = 0;

	if (num_take_u64(&p, &s) && num_take_u64(&q, &t) && s != t)
		return s < t ? -1 : 1;
	return str_cmp(x->base, y->base);
}

static void
sort_found(struct scan *s)
{
	if (s->n > 0)
		qsort(s->found, s->n, sizeof(*s->found), by_age);
	map_clear(&s->known);
	for (size_t i = 0; i < s->n; i++)
		map_set(&s->known, s->found[i].base,
		    (void *)(uintptr_t)(i + 1));
}

static void
name_guid(struct str base, uint8_t guid[STORE_GUID])
{
	uint64_t size;

	if (!maildir_is_ours(base, guid, &size))
		guid_of("file", base, STR_NONE, STR_NONE, guid);
}

static void
add_missing(struct scan *s, struct buf *ranges, const struct row *row)
{
	mailbox_count_gone(&s->m->after, row);
	wire_put_u32(ranges, row->uid);
	wire_put_u32(ranges, row->uid);
}

/* The file of a row that cur/ or new/ did not show: renamed meanwhile, or
 * not there. */
static bool
is_missing(const struct mailbox *m, const struct cold *cold)
{
	int fd = maildir_open_message(&m->md, cold->name);

	if (fd != -1)
		close(fd);
	return fd == -1 && errno == ENOENT;
}

/* The file has a row; one without its text goes. */
static bool
is_empty(const struct mailbox *m, const struct found *f,
    const struct cold *cold)
{
	int dir = f->fresh ? m->md.fresh : m->md.cur;
	struct stat st;

	return fstatat(dir, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    message_is_lost(&st, cold) && disk_unlink(dir, f->name) == 0;
}

/* The file of an expunged row, which a crash or a failed unlink left: it is
 * as old as the row, or the message has another name.  What somebody put back
 * is younger, and new. */
static bool
is_left_over(const struct mailbox *m, const struct found *f,
    const struct row *row)
{
	int dir = f->fresh ? m->md.fresh : m->md.cur;
	struct stat st;

	return fstatat(dir, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode) &&
	    (st.st_nlink > 1 ||
	        st.st_ctim.tv_sec <= (int64_t)row->saved + YOUNG_S);
}

/* After the living: a name may have come back as another row. */
static void
remove_left(struct scan *s, const struct map *tags)
{
	struct mailbox *m = s->m;
	struct cold *cold = xmalloc(sizeof(*cold));
	struct buf space;

	buf_init(&space, COLDREC_MAX);
	for (size_t i = 0; i < mailbox_rows(m); i++) {
		const struct row *row = mailbox_row(m, i);
		struct found *f;
		uintptr_t at;

		if ((row->flags & (ROW_GONE | ROW_LOST)) != ROW_GONE ||
		    map_get_id(tags, row->tag) == NULL)
			continue;
		buf_reset(&space);
		if (!coldfiles_read(&m->cold, m->log.ix, row, &space) ||
		    !coldrec_take(buf_str(&space), cold))
			continue;
		at = (uintptr_t)map_get(&s->known, cold->name);
		f = at != 0 ? &s->found[at - 1] : NULL;
		if (f == NULL || f->added || !is_left_over(m, f, row))
			continue;
		(void)disk_unlink(
		    f->fresh ? m->md.fresh : m->md.cur, f->name);
		f->added = true;
		f->fresh = false; /* it does not move */
	}
	buf_clear(&space);
	free(cold);
}

/* Strikes the found off that have a living row; with all, rows without a
 * file go to missing.  -1 and errno: a record could not be read, so whose its
 * file is cannot be told. */
static int
match_rows(struct scan *s, struct buf *missing)
{
	struct mailbox *m = s->m;
	struct cold *cold = xmalloc(sizeof(*cold));
	struct map tags = { 0 };
	struct buf space;
	int error = 0;

	buf_init(&space, COLDREC_MAX);
	for (size_t i = 0; i < s->n; i++) {
		uint8_t guid[STORE_GUID];

		name_guid(s->found[i].base, guid);
		map_set_id(&tags, coldrec_tag(guid), s);
	}
	for (size_t i = 0; i < mailbox_rows(m); i++) {
		const struct row *row = mailbox_row(m, i);
		uintptr_t at = 0;
		bool read;

		if ((row->flags & ROW_GONE) != 0 ||
		    (!s->all && map_get_id(&tags, row->tag) == NULL))
			continue;
		buf_reset(&space);
		read = coldfiles_read(&m->cold, m->log.ix, row, &space);
		if (!read && errno != ENOENT && errno != EILSEQ) {
			error = errno;
			break;
		}
		read = read && coldrec_take(buf_str(&space), cold);
		if (read)
			at = (uintptr_t)map_get(&s->known, cold->name);
		if (at != 0)
			s->found[at - 1].added = true;
		if (s->all &&
		    (at != 0 ? is_empty(m, &s->found[at - 1], cold) :
		               !read || is_missing(m, cold)))
			add_missing(s, missing, row);
	}
	if (error == 0)
		remove_left(s, &tags);
	buf_clear(&space);
	map_clear(&tags);
	free(cold);
	errno = error;
	return error == 0 ? 0 : -1;
}

/* Who gave it this name may not have written its row yet.  By ctime: a link
 * (COPY) has the times of the old file, and a clock may have been set back. */
static bool
is_young(const struct stat *st)
{
	const int64_t age = clock_wall() - st->st_ctim.tv_sec;

	return age > -YOUNG_S && age < YOUNG_S;
}

/* A file of ours that a delivery left unfinished, or is at work on. */
static bool
is_unfinished(struct scan *s, const struct found *f, const struct stat *st)
{
	uint8_t guid[STORE_GUID];
	uint64_t size;

	if (f->fresh || !maildir_is_ours(f->base, guid, &size))
		return false;
	if ((uint64_t)st->st_size != size)
		return true;
	if (!is_young(st))
		return false;
	s->later = true;
	return true;
}

static void
leave(struct scan *s, const struct found *f)
{
	s->later = true;
	s->fresh_later = s->fresh_later || f->fresh;
}

/* false: it cannot be read now. */
static bool
add_file(struct scan *s, const struct found *f, int fd, const struct stat *st)
{
	struct newcomer *n;
	size_t size = (size_t)st->st_size;
	struct disk_view view = { 0 };
	struct buf space;
	uint64_t crlf;
	char last = 0;

	if (size > 0 && disk_view(fd, size, &view) == -1)
		return false;
	n = xcalloc(1, sizeof(*n));
	buf_init(&space, SPACE_MAX);
	name_guid(f->base, n->cold.guid);
	coldrec_study(&n->cold, &space, view.octets);
	n->cold.name = f->base;
	crlf = crlf_size(view.octets, &last);
	n->size = crlf > UINT32_MAX ? UINT32_MAX : (uint32_t)crlf;
	n->info.flags = f->flags;
	n->info.date = st->st_mtim.tv_sec;
	n->saved = clock_wall();
	mailbox_add(s->m, n);
	disk_unview(&view);
	buf_clear(&space);
	free(n);
	return true;
}

static enum store_result
add_found(struct scan *s)
{
	struct mailbox *m = s->m;

	for (size_t i = 0; i < s->n; i++) {
		struct found *f = &s->found[i];
		struct stat st;
		int fd;

		if (f->added)
			continue;
		fd = disk_open(
		    f->fresh ? m->md.fresh : m->md.cur, f->name, O_RDONLY);
		if (fd == -1) {
			if (errno != ENOENT && errno != ELOOP)
				leave(s, f);
			continue;
		}
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		    !is_unfinished(s, f, &st)) {
			f->added = add_file(s, f, fd, &st);
			if (!f->added)
				leave(s, f);
		}
		close(fd);
		if (buf_len(mailbox_frame(m)) >= FRAME_FULL) {
			enum store_result r = mailbox_next(m);

			if (r != STORE_OK)
				return r;
		}
	}
	return STORE_OK;
}

static bool
any_fresh(const struct scan *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->found[i].fresh && s->found[i].added)
			return true;
	return false;
}

/* What has a row moves from new/ to cur/, as every reader of a Maildir does.
 * The row is on disk before: in cur/ nobody would look for one.  There may be
 * another file of that name. */
static enum store_result
move_fresh(struct scan *s)
{
	struct mailbox *m = s->m;

	if (!any_fresh(s))
		return STORE_OK;
	if (boxlog_sync(&m->log) == -1)
		return STORE_ERROR;
	for (size_t i = 0; i < s->n; i++) {
		const struct found *f = &s->found[i];
		char to[MAILDIR_NAME + 8];

		if (!f->fresh || !f->added)
			continue;
		maildir_cur_name(to, f->base);
		(void)disk_move(m->md.fresh, f->name, m->md.cur, to);
	}
	return STORE_OK;
}

static enum store_result
scan_locked(struct scan *s)
{
	struct mailbox *m = s->m;
	struct buf missing;
	enum store_result r;

	buf_init(&missing, FRAME_MAX / 2);
	if (match_rows(s, &missing) == -1) {
		buf_clear(&missing);
		mailbox_cancel(m);
		return STORE_ERROR;
	}
	if (buf_len(&missing) > 0) {
		op_ranges_put(
		    mailbox_frame(m), OP_LOST, buf_str(&missing));
		mailbox_op(m);
	}
	buf_clear(&missing);
	r = add_found(s);
	if (r != STORE_OK) {
		mailbox_cancel(m);
		return r;
	}
	r = mailbox_commit(m);
	return r == STORE_OK ? move_fresh(s) : r;
}

/* With the lock, everything is looked at by positions that hold. */
static enum store_result
begin(struct scan *s)
{
	struct mailbox *m = s->m;
	enum store_result r = mailbox_begin(m, (uint32_t)s->n);
	int other;

	if (r != STORE_OK || !s->all)
		return r;
	other = mailbox_other_snapshot(m);
	if (other == 0)
		return STORE_OK;
	r = other == -1 ? STORE_ERROR : mailbox_reload(m);
	mailbox_cancel(m);
	return r == STORE_OK ? mailbox_begin(m, (uint32_t)s->n) : r;
}

/* All that was found has a row: once these are on disk, nobody needs to look
 * again.  Not when somebody changed the log meanwhile, who may have found the
 * next damage. */
static void
end_look(struct mailbox *m)
{
	if (!look_is_set(m->log.ix) || boxlog_lock(&m->log) == -1)
		return;
	if (!boxlog_has_more(&m->log) &&
	    (!m->log.unsynced || boxlog_sync(&m->log) == 0))
		look_clear(m->log.ix);
	boxlog_unlock(&m->log);
}

static void
remember(struct scan *s, struct stamp fresh, struct stamp cur)
{
	struct mailbox *m = s->m;
	bool damaged = m->x.damaged || m->log.damaged;

	/* move_fresh changed new/: look again, once, to find it settled. */
	m->fresh_at = s->fresh_later ? (struct stamp){ 0, 0 } : settled(fresh);
	if (s->later)
		m->look_at = clock_mono_ms() + YOUNG_S * 1000;
	if (!s->all)
		return;
	m->cur_at = settled(cur);
	if (!s->later)
		m->look_at = 0;
	/* Who is closed by then leaves it to the next who loads it. */
	if (s->later && (damaged || m->lost) && look_set(m->log.ix) == -1)
		return;
	if (!s->later)
		end_look(m);
	m->x.damaged = m->log.damaged = m->lost = false;
	if (damaged)
		mailbox_merge(m); /* a whole snapshot ends the damage */
}

enum store_result
mailbox_scan(struct mailbox *m, bool all)
{
	struct scan s = { .m = m, .all = all };
	struct stamp fresh = stamp_of(m->md.fresh), cur = stamp_of(m->md.cur);
	enum store_result r = STORE_OK;

	/* A file that was not seen is not one that is not there. */
	if (list_dir(&s, m->md.fresh, true) == -1 ||
	    (all && list_dir(&s, m->md.cur, false) == -1))
		r = STORE_ERROR;
	sort_found(&s);
	if (r == STORE_OK && (s.n > 0 || all)) {
		r = begin(&s);
		if (r == STORE_OK)
			r = scan_locked(&s);
	}
	if (r == STORE_OK)
		remember(&s, fresh, cur);
	for (size_t i = 0; i < s.n; i++)
		free(s.found[i].name);
	free(s.found);
	map_clear(&s.known);
	return r;
}
