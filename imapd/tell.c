#include "imapd/tell.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "imapd/flags.h"

enum { LINES = 200 }; /* a step */

void
tell_clear(struct session *s)
{
	free(s->tell.gone);
	free(s->tell.changed);
	s->tell = (struct tell){ .active = false };
}

static void *
copy_of(const void *p, size_t n, size_t size)
{
	void *copy;

	if (n == 0)
		return NULL;
	copy = xreallocarray(NULL, n, size);
	memcpy(copy, p, n * size);
	return copy;
}

/* The view's lists hold only until it is asked again. */
static bool
begin(struct session *s, bool may_expunge)
{
	struct view_news n;

	if (!view_sync(s->view, may_expunge, &n))
		return false;
	s->tell = (struct tell){
		.active = true,
		.gone = copy_of(n.gone, n.ngone, sizeof(n.gone[0])),
		.ngone = n.ngone,
		.changed = copy_of(n.changed, n.nchanged, sizeof(n.changed[0])),
		.nchanged = n.nchanged,
		.grown = n.grown,
		.exists = n.exists,
		.keywords = n.keywords,
	};
	return true;
}

void
tell_flags(struct session *s)
{
	buf_add_c(&s->out, "* FLAGS ");
	flags_put_all(&s->out, s->mailbox, false);
	buf_add_c(&s->out, "\r\n* OK [PERMANENTFLAGS ");
	if (s->read_only)
		buf_add_c(&s->out, "()");
	else
		flags_put_all(&s->out, s->mailbox, true);
	buf_add_c(&s->out, "] Flags\r\n");
}

void
tell_row(struct session *s, uint32_t msn, const struct row *row)
{
	buf_addf(&s->out, "* %u FETCH (", msn);
	if (s->uid || s->condstore)
		buf_addf(&s->out, "UID %u ", row->uid);
	buf_add_c(&s->out, "FLAGS ");
	flags_put_row(&s->out, s->mailbox, row, 0);
	if (s->condstore)
		buf_addf(&s->out, " MODSEQ (%" PRIu64 ")", row->modseq);
	buf_add_c(&s->out, ")\r\n");
}

bool
tell_step(struct session *s, bool may_expunge)
{
	struct tell *t = &s->tell;
	unsigned lines = LINES;

	if (!t->active && !begin(s, may_expunge))
		return false;
	for (; t->gone_at < t->ngone && lines > 0; lines--)
		buf_addf(&s->out, "* %u EXPUNGE\r\n",
		    t->gone[t->gone_at++].msn);
	if (lines == 0)
		return true;
	if (t->grown)
		buf_addf(&s->out, "* %u EXISTS\r\n", t->exists);
	t->grown = false;
	if (t->keywords)
		tell_flags(s);
	t->keywords = false;
	for (; t->changed_at < t->nchanged && lines > 0; lines--) {
		uint32_t uid = t->changed[t->changed_at++];
		uint32_t msn = view_msn(s->view, uid);
		const struct row *row = mailbox_get(s->mailbox, uid);

		if (msn != 0 && row != NULL)
			tell_row(s, msn, row);
	}
	if (lines == 0)
		return true;
	tell_clear(s);
	return false;
}
