#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "store/coldrec.h"
#include "store/disk.h"
#include "store/guid.h"
#include "store/inner.h"

enum {
	FRAME_FULL = 1024 * 1024,
	COPY_STEP = 256 * 1024,
	FRESH_S = 60 /* after that, whoever wrote a file has flushed it */
};

/* One message on its way. */
struct copied {
	uint32_t uid;     /* in the source */
	char *name;       /* of the new file in the target's cur/ */
};

struct copy {
	struct mailbox *from, *to;
	struct copied *list;
	size_t n;
	struct cold *cold;
	struct buf space;
};

static int
copy_octets(int in, int out)
{
	char *step = xmalloc(COPY_STEP);
	uint64_t at = 0;
	ssize_t n;

	while ((n = disk_read(in, step, COPY_STEP, at)) > 0) {
		if (disk_write(out, step, (size_t)n, at) == -1) {
			n = -1;
			break;
		}
		at += (uint64_t)n;
	}
	free(step);
	return n == 0 ? 0 : -1;
}

/* What was delivered just now is flushed by deliver, for its own answer: ours
 * may be the first. */
static int
flush_fresh(struct copy *c, const struct row *row, const char *name)
{
	int fd;

	if (clock_wall() - (int64_t)row->saved >= FRESH_S)
		return 0;
	fd = disk_open(c->to->md.cur, name, O_RDONLY);
	if (fd == -1)
		return -1;
	syncset_adopt(&c->to->account->sync, fd);
	return 0;
}

/* The same file by another name, or its octets where links do not work. */
static int
link_or_copy(struct copy *c, const struct row *row, const char *to)
{
	const struct str base = c->cold->name;
	char from[MAILDIR_NAME];
	int in, out, rc;

	maildir_cur_name(from, base);
	if (disk_link(c->from->md.cur, from, c->to->md.cur, to) == 0)
		return flush_fresh(c, row, to);
	in = maildir_open_message(&c->from->md, base);
	if (in == -1)
		return -1;
	out = disk_open(c->to->md.cur, to, O_RDWR | O_CREAT | O_EXCL);
	rc = out == -1 ? -1 : copy_octets(in, out);
	close(in);
	if (out != -1)
		syncset_adopt(&c->to->account->sync, out);
	return rc;
}

/* The file first; the row is added under the target's lock. */
static enum store_result
copy_file(struct copy *c, const struct row *row)
{
	struct copied *done = &c->list[c->n];
	char base[MAILDIR_NAME], name[MAILDIR_NAME];
	uint8_t guid[STORE_GUID];
	enum store_result r;

	r = message_cold(c->from, row, &c->space, c->cold);
	if (r != STORE_OK)
		return r;
	/* The file's name is new, what the message is stays. */
	guid_random(guid);
	maildir_base(base, clock_wall(), guid, c->cold->size);
	maildir_cur_name(name, str_c(base));
	done->uid = row->uid;
	done->name = xstrdup(name);
	c->n++; /* also half done, it is to be undone */
	if (link_or_copy(c, row, name) == 0)
		return STORE_OK;
	if (errno != ENOENT)
		return STORE_ERROR;
	free(c->list[--c->n].name);
	return STORE_NOT_FOUND;
}

static enum store_result
copy_files(struct copy *c, const struct uids *uids)
{
	for (size_t i = 0; i < uids->n; i++) {
		const struct row *row = mailbox_get(c->from, uids->list[i]);
		enum store_result r;

		if (row == NULL)
			continue;
		r = copy_file(c, row);
		if (r != STORE_OK && r != STORE_NOT_FOUND)
			return r;
	}
	return STORE_OK;
}

static enum store_result
copy_row(struct copy *c, const struct copied *one, struct uids *to)
{
	struct newcomer n = { 0 };
	const struct row *row;
	size_t place = mailbox_find(c->from, one->uid);
	enum store_result r;
	uint16_t flags;

	/* Expunged meanwhile, its tombstone tells as much. */
	if (place == mailbox_rows(c->from))
		return STORE_NOT_FOUND;
	row = mailbox_row(c->from, place);
	r = message_cold(c->from, row, &c->space, &n.cold);
	if (r != STORE_OK)
		return r;
	n.cold.name = maildir_split(str_c(one->name), &flags);
	n.size = row->size;
	n.saved = clock_wall();
	n.info.flags = row->flags & FLAGS_SYSTEM;
	n.info.date = row->date;
	n.info.zone = row->zone;
	n.info.keywords =
	    mailbox_row_keywords(c->from, row, &n.info.nkeywords);
	uids_add(to, mailbox_add(c->to, &n));
	return STORE_OK;
}

static enum store_result
add_rows(struct copy *c, struct uids *from, struct uids *to)
{
	uint64_t sum = 0;
	enum store_result r = mailbox_begin(c->to, (uint32_t)c->n);

	if (r != STORE_OK)
		return r;
	for (size_t i = 0; i < c->n; i++) {
		size_t place = mailbox_find(c->from, c->list[i].uid);

		if (place < mailbox_rows(c->from))
			sum += mailbox_row(c->from, place)->size;
	}
	if (!account_fits(c->to->account, sum))
		r = STORE_OVER_QUOTA;
	for (size_t i = 0; i < c->n && r == STORE_OK; i++) {
		r = copy_row(c, &c->list[i], to);
		if (r == STORE_OK)
			uids_add(from, c->list[i].uid);
		if (r == STORE_OK &&
		    buf_len(mailbox_frame(c->to)) >= FRAME_FULL)
			r = mailbox_next(c->to);
	}
	if (r == STORE_OK)
		return mailbox_commit(c->to);
	mailbox_cancel(c->to);
	return r;
}

static void
copy_clear(struct copy *c, bool undo)
{
	for (size_t i = 0; i < c->n; i++) {
		if (undo)
			(void)disk_unlink(c->to->md.cur, c->list[i].name);
		free(c->list[i].name);
	}
	free(c->list);
	free(c->cold);
	buf_clear(&c->space);
}

enum store_result
mailbox_copy(struct mailbox *m, const struct uids *uids,
    struct mailbox *target, bool move, struct uids *from, struct uids *to)
{
	struct copy c = { .from = m, .to = target };
	size_t had_from = from->n, had_to = to->n;
	enum store_result r = mailbox_refresh(m);
	int saved;

	if (r == STORE_OK)
		r = mailbox_refresh(target);
	if (r != STORE_OK)
		return r;
	c.list = xcalloc(uids->n + 1, sizeof(*c.list));
	c.cold = xmalloc(sizeof(*c.cold));
	buf_init(&c.space, BUF_NO_MAX);
	r = copy_files(&c, uids);
	if (r == STORE_OK && c.n > 0)
		r = add_rows(&c, from, to);
	saved = errno;
	if (r == STORE_OK && c.n > 0) {
		syncset_add(&target->account->sync, target->md.cur);
		account_add_fresh(target, to->list + had_to, to->n - had_to);
	}
	copy_clear(&c, r != STORE_OK);
	errno = saved;
	if (r != STORE_OK) {
		from->n = had_from;
		to->n = had_to;
		return r;
	}
	if (move && from->n > had_from) {
		struct uids moved = { from->list + had_from,
			from->n - had_from, 0 };

		/* The source may reach the disk first. */
		if (account_flush(target->account) == -1)
			return STORE_ERROR;
		return mailbox_expunge(m, &moved, false);
	}
	return STORE_OK;
}
