#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "store/coldrec.h"
#include "store/disk.h"
#include "store/inner.h"

/*
 * A start of the suite cannot know what of the last one reached the disk: a
 * power cut may keep a row and take its file, or a part of it.  Nobody was
 * told that such a message is there, so it must not be seen either.
 */

enum { WINDOW_S = 60 }; /* what is older was flushed: see FLUSH_MS, batch.c */

/* The first row that may not have been flushed with its file. */
static size_t
first_doubtful(const struct mailbox *m)
{
	size_t i = mailbox_find(m, m->doubt);
	uint32_t newest = i > 0 ? mailbox_row(m, i - 1)->saved : 0;

	while (i > 0 &&
	    (int64_t)mailbox_row(m, i - 1)->saved + WINDOW_S >= newest)
		i--;
	return i;
}

/* What is left of the file stays, where no reader of a Maildir looks. */
static void
set_aside(struct mailbox *m, const struct row *row)
{
	struct cold *cold = xmalloc(sizeof(*cold));
	char name[MAILDIR_NAME], aside[MAILDIR_NAME + 8] = ".lost.";
	struct buf space;

	buf_init(&space, COLDREC_MAX);
	if (coldfiles_read(&m->cold, m->log.ix, row, &space) &&
	    coldrec_take(buf_str(&space), cold) &&
	    maildir_find(&m->md, cold->name, name)) {
		strcat(aside, name);
		(void)disk_rename(m->md.cur, name, m->md.cur, aside);
	}
	buf_clear(&space);
	free(cold);
}

enum store_result
mailbox_recheck(struct mailbox *m)
{
	size_t first = m->doubt != 0 ? first_doubtful(m) : mailbox_rows(m);
	enum store_result r = STORE_OK;
	struct uids broken = { 0 };

	for (size_t i = first; i < mailbox_rows(m); i++) {
		const struct row *row = mailbox_row(m, i);

		if ((row->flags & ROW_GONE) != 0 ||
		    mailbox_is_whole(m, row) != WHOLE_NOT)
			continue;
		uids_add(&broken, row->uid);
		set_aside(m, row);
	}
	for (size_t i = 0; i < broken.n && r == STORE_OK; i++)
		r = mailbox_lose(m, broken.list[i]);
	/* With a snapshot of now this need not be done again. */
	if (r == STORE_OK && first < mailbox_rows(m))
		mailbox_merge(m);
	m->doubt = 0;
	uids_clear(&broken);
	return r;
}
