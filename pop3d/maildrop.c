#include "pop3d/maildrop.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"
#include "store/message.h"

static bool
on_open(void *arg, uint32_t uid)
{
	struct maildrop *m = arg;
	const struct row *row = mailbox_get(m->inbox, uid);

	m->fd = row != NULL ? message_open(m->inbox, row) : -1;
	return m->fd != -1;
}

static ssize_t
on_read(void *arg, uint64_t at, char *out, size_t n)
{
	struct maildrop *m = arg;

	return pread(m->fd, out, n, (off_t)at);
}

static void
on_close(void *arg)
{
	struct maildrop *m = arg;

	close(m->fd);
	m->fd = -1;
}

static const struct drop_ops ops = { .open = on_open, .read = on_read,
	.close = on_close };

bool
maildrop_init(struct maildrop *m, struct mailbox *inbox)
{
	size_t rows, n = 0;

	*m = (struct maildrop){ .inbox = inbox, .fd = -1 };
	if (mailbox_refresh(inbox) != STORE_OK)
		return false;
	rows = mailbox_rows(inbox);
	m->drop = (struct drop){ .ops = &ops, .arg = m,
		.uidvalidity = mailbox_status(inbox)->uidvalidity,
		.list = xcalloc(rows != 0 ? rows : 1,
		    sizeof(struct drop_message)) };
	for (size_t i = 0; i < rows; i++) {
		const struct row *row = mailbox_row(inbox, i);

		if ((row->flags & ROW_GONE) != 0)
			continue;
		m->drop.list[n].uid = row->uid;
		m->drop.list[n++].size = row->size;
	}
	m->drop.count = n;
	return true;
}

void
maildrop_clear(struct maildrop *m)
{
	free(m->drop.list);
	m->drop.list = NULL;
}

bool
maildrop_update(struct maildrop *m, bool *changed)
{
	struct uids uids = { 0 };
	bool ok = true;

	for (size_t i = 0; i < m->drop.count; i++)
		if (m->drop.list[i].marked)
			uids_add(&uids, m->drop.list[i].uid);
	*changed = uids.n != 0;
	if (*changed)
		ok = mailbox_expunge(m->inbox, &uids, false) == STORE_OK;
	uids_clear(&uids);
	return ok;
}
