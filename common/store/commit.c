#include <errno.h>

#include "base/fatal.h"
#include "base/wire.h"
#include "store/inner.h"

void
mailbox_news(void *arg, enum boxindex_news what, uint32_t uid)
{
	struct mailbox *m = arg;
	struct view *v;

	TAILQ_FOREACH(v, &m->views, entry)
		view_hear(v, what, uid);
}

enum store_result
mailbox_read(struct mailbox *m)
{
	struct frame f;
	int rc;

	while ((rc = boxlog_next(&m->log, &f)) == 1) {
		boxindex_apply(&m->x, &f, mailbox_news, m);
		m->replayed += f.n;
	}
	if (rc == 0)
		return STORE_OK;
	if (errno != ESTALE)
		return STORE_ERROR;
	/* Removed, or replaced so often that we lost the thread. */
	return m->log.locked ? mailbox_reload(m) : STORE_OK;
}

enum store_result
mailbox_begin(struct mailbox *m, uint32_t nuids)
{
	/* The last words after a failed flush: nothing is synced any more. */
	bool later, last = m->account->flush_error != 0;
	enum store_result r;

	if (m->deleted)
		return STORE_NOT_FOUND;
	boxindex_clear(&m->previous);
	if (boxlog_lock(&m->log) == -1)
		return STORE_ERROR;
	r = mailbox_read(m);
	if (r == STORE_OK &&
	    boxlog_reserve(&m->log, nuids, last ? &later : NULL) == -1)
		r = STORE_ERROR;
	if (r != STORE_OK) {
		boxlog_unlock(&m->log);
		return r;
	}
	m->nops = 0;
	buf_reset(&m->frame);
	boxlog_begin(&m->log, &m->frame, &m->after);
	/* The index counts exactly; a frame of deliver goes by the last. */
	m->after.exists = m->x.state.exists;
	m->after.unseen = m->x.state.unseen;
	m->after.deleted = m->x.state.deleted;
	m->after.octets = m->x.state.octets;
	return STORE_OK;
}

struct buf *
mailbox_frame(struct mailbox *m)
{
	return &m->frame;
}

void
mailbox_op(struct mailbox *m)
{
	m->nops++;
}

static enum store_result
write_frame(struct mailbox *m)
{
	struct frame f;

	if (m->nops == 0)
		return STORE_OK;
	if (m->frame.overflow)
		return STORE_TOO_MANY;
	if (boxlog_append(&m->log, &m->frame, &m->after, m->nops, &f) == -1)
		return STORE_ERROR;
	boxindex_apply(&m->x, &f, mailbox_news, m);
	m->replayed += f.n;
	m->nops = 0;
	mailbox_touched(m);
	return STORE_OK;
}

enum store_result
mailbox_next(struct mailbox *m)
{
	enum store_result r = write_frame(m);

	if (r != STORE_OK)
		return r;
	buf_reset(&m->frame);
	boxlog_begin(&m->log, &m->frame, &m->after);
	m->after.exists = m->x.state.exists;
	m->after.unseen = m->x.state.unseen;
	m->after.deleted = m->x.state.deleted;
	m->after.octets = m->x.state.octets;
	return STORE_OK;
}

enum store_result
mailbox_commit(struct mailbox *m)
{
	enum store_result r = write_frame(m);
	int saved = errno;

	boxlog_unlock(&m->log);
	errno = saved;
	if (r == STORE_OK && mailbox_wants_merge(m))
		mailbox_merge(m);
	return r;
}

void
mailbox_cancel(struct mailbox *m)
{
	int saved = errno;

	m->nops = 0;
	boxlog_unlock(&m->log);
	errno = saved;
}

uint32_t
mailbox_keyword(struct mailbox *m, struct str name)
{
	struct op_keyword o = { keywords_id(&m->x.keywords, name), name };

	if (o.id != 0)
		return o.id;
	/* Known to us before the frame is written: if that fails, the id is
	 * given again by the same name only, and others learn it with it. */
	o.id = keywords_add(&m->x.keywords, name);
	if (o.id != 0) {
		op_keyword_put(&m->frame, &o);
		mailbox_op(m);
	}
	return o.id;
}

void
mailbox_touched(struct mailbox *m)
{
	if (m->dirty_gen != m->log.gen)
		syncset_add(&m->account->sync, m->log.fd);
	m->dirty_gen = m->log.gen;
	m->notice = true;
}
