#include "store/mailbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "store/disk.h"
#include "store/inner.h"

static void
mailbox_free(struct mailbox *m)
{
	TAILQ_REMOVE(m->retired ? &m->account->gone : &m->account->open, m,
	    entry);
	if (m->log.failed != 0 && m->account->flush_error == 0)
		m->account->flush_error = m->log.failed;
	boxlog_close(&m->log);
	boxindex_clear(&m->x);
	boxindex_clear(&m->previous);
	coldfiles_clear(&m->cold);
	maildir_close(&m->md);
	buf_clear(&m->frame);
	free(m->name);
	free(m);
}

/* Opens its folder; the name is canonical. */
static enum store_result
open_folder(struct account *a, struct str name, struct mailbox *m)
{
	struct buf dir;
	bool made;
	int fd, ix;

	buf_init(&dir, MAILDIR_NAME);
	if (!mailbox_dir_name(name, &dir)) {
		buf_clear(&dir);
		return STORE_BAD_NAME;
	}
	fd = disk_open_dir(a->dir, buf_cstr(&dir));
	buf_clear(&dir);
	if (fd == -1)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ?
		    STORE_NOT_FOUND :
		    STORE_ERROR;
	if (maildir_open(&m->md, fd, true, &made) == -1)
		return STORE_ERROR;
	ix = maildir_index(&m->md);
	if (ix == -1 || boxlog_open(&m->log, ix, a->conf.epoch) == -1)
		return STORE_ERROR;
	m->log.over = a->flush_error != 0;
	m->log.from_disk = a->conf.from_disk;
	return STORE_OK;
}

static struct mailbox *
mailbox_new(struct account *a, struct str name)
{
	struct mailbox *m = xcalloc(1, sizeof(*m));

	m->account = a;
	m->name = str_dup(name);
	m->refs = 1;
	m->md = (struct maildir){ -1, -1, -1 };
	m->log.ix = m->log.lock = m->log.fd = -1;
	TAILQ_INIT(&m->views);
	buf_init(&m->frame, FRAME_MAX);
	TAILQ_INSERT_TAIL(&a->open, m, entry);
	return m;
}

/* Nobody shall find it again: a new one of its name is another mailbox. */
static void
retire(struct mailbox *m)
{
	TAILQ_REMOVE(&m->account->open, m, entry);
	TAILQ_INSERT_TAIL(&m->account->gone, m, entry);
	m->deleted = m->retired = true;
}

static struct mailbox *
find_open(struct account *a, struct str name)
{
	struct mailbox *m;

	TAILQ_FOREACH(m, &a->open, entry)
		if (str_eq(str_c(m->name), name))
			return m;
	return NULL;
}

enum store_result
mailbox_open(struct account *a, struct str name, struct mailbox **out)
{
	struct buf space;
	struct mailbox *m;
	enum store_result r;

	buf_init(&space, 4096);
	name = mailbox_canonical(name, &space);
	m = find_open(a, name);
	if (m != NULL) {
		m->refs++;
		r = mailbox_refresh(m);
		if (r == STORE_OK) {
			buf_clear(&space);
			*out = m;
			return STORE_OK;
		}
		mailbox_close(m);
		if (r != STORE_NOT_FOUND) {
			buf_clear(&space);
			return r;
		}
	}
	m = mailbox_new(a, name);
	buf_clear(&space);
	r = open_folder(a, str_c(m->name), m);
	if (r == STORE_OK)
		r = mailbox_load(m);
	if (r != STORE_OK) {
		int saved = errno;

		mailbox_free(m);
		errno = saved;
		return r;
	}
	*out = m;
	return STORE_OK;
}

void
mailbox_close(struct mailbox *m)
{
	if (--m->refs == 0)
		mailbox_free(m);
}

struct account *
mailbox_account(const struct mailbox *m)
{
	return m->account;
}

struct str
mailbox_name(const struct mailbox *m)
{
	return str_c(m->name);
}

/* The lock is taken only when the octets at the end are not plain. */
static enum store_result
read_news(struct mailbox *m)
{
	enum store_result r;

	if (!boxlog_has_more(&m->log))
		return STORE_OK;
	r = mailbox_read(m);
	if (r != STORE_OK || !boxlog_has_more(&m->log))
		return r;
	if (boxlog_lock(&m->log) == -1)
		return STORE_ERROR;
	r = mailbox_read(m);
	boxlog_unlock(&m->log);
	return r;
}

static bool
wants_scan(const struct mailbox *m, bool *all)
{
	*all = m->x.damaged || m->log.damaged || m->lost ||
	    (m->look_at != 0 && m->look_at <= clock_mono_ms()) ||
	    (m->account->conf.shared &&
	        !stamp_same(m->cur_at, stamp_of(m->md.cur)));
	return *all || !stamp_same(m->fresh_at, stamp_of(m->md.fresh));
}

enum store_result
mailbox_refresh(struct mailbox *m)
{
	enum store_result r = m->deleted ? STORE_NOT_FOUND : read_news(m);
	bool all;

	boxindex_clear(&m->previous);
	if (r == STORE_OK && wants_scan(m, &all))
		r = mailbox_scan(m, all);
	if (r == STORE_NOT_FOUND && !m->retired)
		retire(m);
	if (r == STORE_OK && mailbox_wants_merge(m))
		mailbox_merge(m);
	return r;
}

/* What it hands out is its own; nothing else of the mailbox changes. */
static struct mailbox *
changing(const struct mailbox *m)
{
	return (struct mailbox *)(uintptr_t)m;
}

const struct mailbox_status *
mailbox_status(const struct mailbox *m)
{
	const struct frame_state *x = &m->x.state;
	struct mailbox_status *s = &changing(m)->status;

	*s = (struct mailbox_status){ x->uidvalidity, x->uidnext, x->exists,
		x->unseen, x->deleted, x->octets, x->modseq };
	return s;
}

size_t
mailbox_rows(const struct mailbox *m)
{
	return rows_count(&m->x.rows);
}

const struct row *
mailbox_row(const struct mailbox *m, size_t place)
{
	return rows_at(&m->x.rows, place);
}

size_t
mailbox_find(const struct mailbox *m, uint32_t uid)
{
	return rows_find(&m->x.rows, uid);
}

const struct row *
mailbox_get(const struct mailbox *m, uint32_t uid)
{
	size_t place = rows_find(&m->x.rows, uid);
	const struct row *row;

	if (place == rows_count(&m->x.rows))
		return NULL;
	row = rows_at(&m->x.rows, place);
	return row->uid == uid && (row->flags & ROW_GONE) == 0 ? row : NULL;
}

const struct str *
mailbox_keywords(const struct mailbox *m, size_t *count)
{
	*count = m->x.keywords.n;
	return m->x.keywords.names;
}

const struct str *
mailbox_row_keywords(
    const struct mailbox *m, const struct row *row, size_t *count)
{
	return keywords_of(&changing(m)->x.keywords, row->kwset, count);
}

bool
mailbox_row_has(
    const struct mailbox *m, const struct row *row, struct str keyword)
{
	uint32_t id = keywords_id(&m->x.keywords, keyword);

	return id != 0 && keywords_has(&m->x.keywords, row->kwset, id);
}
