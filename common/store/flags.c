#include <errno.h>
#include <stdlib.h>

#include "base/wire.h"
#include "store/coldrec.h"
#include "store/inner.h"

enum { RANGES_FULL = 1024 * 1024 }; /* octets of ranges in one frame */

/* UIDs as pairs first, last; neighbours in the mailbox's rows join. */
struct ranges {
	struct buf out;
	uint32_t first, last;
	size_t place; /* of last */
};

static void
ranges_end(struct ranges *r)
{
	if (r->first == 0)
		return;
	wire_put_u32(&r->out, r->first);
	wire_put_u32(&r->out, r->last);
	r->first = 0;
}

static void
ranges_add(struct ranges *r, uint32_t uid, size_t place)
{
	if (r->first == 0 || place != r->place + 1) {
		ranges_end(r);
		r->first = uid;
	}
	r->last = uid;
	r->place = place;
}

/* The ids of an operation's keywords. */
struct change {
	struct op_flags op;
	struct buf add, remove;
};

static bool
change_init(struct mailbox *m, struct change *c, const struct flags_op *op)
{
	uint16_t flags = op->flags & FLAGS_SYSTEM;

	buf_init(&c->add, BUF_NO_MAX);
	buf_init(&c->remove, BUF_NO_MAX);
	c->op = (struct op_flags){ .keep = FLAGS_SYSTEM };
	switch (op->how) {
	case FLAGS_ADD:
		c->op.add = flags;
		break;
	case FLAGS_REMOVE:
		c->op.keep = (uint16_t)(FLAGS_SYSTEM & ~flags);
		break;
	case FLAGS_REPLACE:
		c->op.keep = 0;
		c->op.add = flags;
		c->op.clear_keywords = true;
		break;
	}
	for (size_t i = 0; i < op->nkeywords; i++) {
		uint32_t id = op->how == FLAGS_REMOVE ?
		    keywords_id(&m->x.keywords, op->keywords[i]) :
		    mailbox_keyword(m, op->keywords[i]);

		if (id != 0)
			wire_put_u32(op->how == FLAGS_REMOVE ? &c->remove :
			                                       &c->add,
			    id);
		else if (op->how != FLAGS_REMOVE)
			return false;
	}
	c->op.keywords_add = buf_str(&c->add);
	c->op.keywords_remove = buf_str(&c->remove);
	return true;
}

static void
change_clear(struct change *c)
{
	buf_clear(&c->add);
	buf_clear(&c->remove);
}

/* Would the row be another? */
static bool
changes_row(struct mailbox *m, const struct change *c, const struct row *row)
{
	return ((row->flags & c->op.keep) | c->op.add) !=
	    (row->flags & FLAGS_SYSTEM) ||
	    keywords_change(&m->x.keywords, row->kwset, c->op.clear_keywords,
	        c->op.keywords_add, c->op.keywords_remove) != row->kwset;
}

static void
count_change(struct frame_state *s, const struct change *c,
    const struct row *row)
{
	uint16_t flags = (uint16_t)((row->flags & c->op.keep) | c->op.add);

	s->unseen -= (row->flags & FLAG_SEEN) == 0;
	s->unseen += (flags & FLAG_SEEN) == 0;
	s->deleted -= (row->flags & FLAG_DELETED) != 0;
	s->deleted += (flags & FLAG_DELETED) != 0;
}

static enum store_result
put_flags(struct mailbox *m, struct change *c, struct ranges *r)
{
	ranges_end(r);
	if (buf_len(&r->out) == 0)
		return STORE_OK;
	c->op.ranges = buf_str(&r->out);
	op_flags_put(mailbox_frame(m), &c->op);
	mailbox_op(m);
	buf_reset(&r->out);
	return STORE_OK;
}

static enum store_result
flags_locked(struct mailbox *m, const struct uids *uids,
    const struct flags_op *op, struct change *c, struct uids *modified)
{
	struct ranges r = { 0 };
	enum store_result result = STORE_OK;

	buf_init(&r.out, BUF_NO_MAX);
	for (size_t i = 0; i < uids->n && result == STORE_OK; i++) {
		const struct row *row = mailbox_get(m, uids->list[i]);

		if (row == NULL)
			continue;
		if (row->modseq > op->unchanged_since) {
			if (modified != NULL)
				uids_add(modified, row->uid);
			continue;
		}
		if (!changes_row(m, c, row))
			continue;
		count_change(&m->after, c, row);
		ranges_add(&r, row->uid, mailbox_find(m, row->uid));
		if (buf_len(&r.out) < RANGES_FULL)
			continue;
		put_flags(m, c, &r);
		result = mailbox_next(m);
	}
	if (result == STORE_OK)
		result = put_flags(m, c, &r);
	buf_clear(&r.out);
	return result;
}

enum store_result
mailbox_flags(struct mailbox *m, const struct uids *uids,
    const struct flags_op *op, struct uids *modified)
{
	size_t told = 0, had = modified != NULL ? modified->n : 0;
	struct change c;
	enum store_result r = mailbox_begin(m, 0);

	if (r != STORE_OK)
		return r;
	if (op->silent != NULL)
		told = op->silent->changed.n;
	r = change_init(m, &c, op) ? flags_locked(m, uids, op, &c, modified) :
	                             STORE_TOO_MANY;
	if (r == STORE_OK)
		r = mailbox_commit(m);
	else
		mailbox_cancel(m);
	change_clear(&c);
	if (r == STORE_OK && op->silent != NULL && op->silent->changed.n > told)
		op->silent->changed.n = told;
	if (r != STORE_OK && modified != NULL)
		modified->n = had;
	return r;
}

void
mailbox_count_gone(struct frame_state *s, const struct row *row)
{
	s->exists--;
	s->unseen -= (row->flags & FLAG_SEEN) == 0;
	s->deleted -= (row->flags & FLAG_DELETED) != 0;
	s->octets -= row->size;
}

/* The files go once the frame is there; one that stays by a crash goes with
 * the next look through cur/. */
static void
remove_files(struct mailbox *m, const struct uids *uids)
{
	struct cold *cold = malloc(sizeof(*cold));
	struct buf space;

	buf_init(&space, COLDREC_MAX);
	for (size_t i = 0; cold != NULL && i < uids->n; i++) {
		size_t place = mailbox_find(m, uids->list[i]);

		buf_reset(&space);
		if (place < mailbox_rows(m) &&
		    coldfiles_read(&m->cold, m->log.ix, mailbox_row(m, place),
		        &space) &&
		    coldrec_take(buf_str(&space), cold))
			(void)maildir_remove(&m->md, cold->name);
	}
	buf_clear(&space);
	free(cold);
}

static enum store_result
expunge_locked(struct mailbox *m, const struct uids *uids, bool only_deleted,
    enum op_type type, struct uids *gone)
{
	size_t n = uids != NULL ? uids->n : mailbox_rows(m);
	struct ranges r = { 0 };

	buf_init(&r.out, BUF_NO_MAX);
	for (size_t i = 0; i < n; i++) {
		size_t place =
		    uids != NULL ? mailbox_find(m, uids->list[i]) : i;
		const struct row *row;

		if (place >= mailbox_rows(m))
			continue;
		row = mailbox_row(m, place);
		if ((row->flags & ROW_GONE) != 0 ||
		    (uids != NULL && row->uid != uids->list[i]) ||
		    (only_deleted && (row->flags & FLAG_DELETED) == 0))
			continue;
		mailbox_count_gone(&m->after, row);
		ranges_add(&r, row->uid, place);
		uids_add(gone, row->uid);
	}
	ranges_end(&r);
	if (buf_len(&r.out) > 0) {
		op_ranges_put(mailbox_frame(m), type, buf_str(&r.out));
		mailbox_op(m);
	}
	buf_clear(&r.out);
	return STORE_OK;
}

static enum store_result
expunge(struct mailbox *m, const struct uids *uids, bool only_deleted,
    enum op_type type)
{
	struct uids gone = { 0 };
	enum store_result r = mailbox_begin(m, 0);

	if (r != STORE_OK)
		return r;
	r = expunge_locked(m, uids, only_deleted, type, &gone);
	if (r == STORE_OK)
		r = mailbox_commit(m);
	else
		mailbox_cancel(m);
	if (r == STORE_OK && gone.n > 0)
		remove_files(m, &gone);
	uids_clear(&gone);
	return r;
}

enum store_result
mailbox_expunge(struct mailbox *m, const struct uids *uids, bool only_deleted)
{
	return expunge(m, uids, only_deleted, OP_EXPUNGE);
}

enum store_result
mailbox_lose(struct mailbox *m, uint32_t uid)
{
	const struct uids one = { &uid, 1, 1 };

	return expunge(m, &one, false, OP_LOST);
}
