#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/wire.h"
#include "store/coldrec.h"
#include "store/disk.h"
#include "store/inner.h"

/*
 * A start of the suite cannot know what of the last one reached the disk: a
 * power cut may keep a row and take its file, or a part of it.  Nobody was
 * told that such a message is there, so it must not be seen either.
 */

enum { WINDOW_S = 60 }; /* what is older was flushed */

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

/* By somebody, long after it came: no power cut did that. */
static bool
was_edited(struct mailbox *m, const struct row *row)
{
	const int fd = message_open(m, row);
	struct stat st;
	bool was;

	if (fd == -1)
		return false;
	was = fstat(fd, &st) == 0 &&
	    st.st_mtim.tv_sec > (int64_t)row->saved + WINDOW_S;
	close(fd);
	return was;
}

/* One frame, be it of no rows: it is of this start, so the next load has no
 * doubt any more. */
static enum store_result
lose(struct mailbox *m, const struct uids *broken)
{
	enum store_result r = mailbox_begin(m, 0);
	struct buf ranges;

	if (r != STORE_OK)
		return r;
	buf_init(&ranges, FRAME_MAX / 2);
	for (size_t i = 0; i < broken->n; i++) {
		const struct row *row = mailbox_get(m, broken->list[i]);

		if (row == NULL)
			continue;
		mailbox_count_gone(&m->after, row);
		wire_put_u32(&ranges, row->uid);
		wire_put_u32(&ranges, row->uid);
	}
	op_ranges_put(mailbox_frame(m), OP_LOST, buf_str(&ranges));
	buf_clear(&ranges);
	mailbox_op(m);
	return mailbox_commit(m);
}

enum store_result
mailbox_recheck(struct mailbox *m)
{
	size_t first = m->doubt != 0 ? first_doubtful(m) : mailbox_rows(m);
	struct uids broken = { 0 };
	enum store_result r;

	m->doubt = 0;
	if (first == mailbox_rows(m))
		return STORE_OK;
	for (size_t i = first; i < mailbox_rows(m); i++) {
		const struct row *row = mailbox_row(m, i);

		if ((row->flags & ROW_GONE) != 0 ||
		    mailbox_is_whole(m, row) != WHOLE_NOT ||
		    was_edited(m, row))
			continue;
		uids_add(&broken, row->uid);
		set_aside(m, row);
	}
	r = lose(m, &broken);
	uids_clear(&broken);
	/* The log of the last start need not be read again. */
	if (r == STORE_OK)
		mailbox_merge(m);
	return r;
}
