#include "store/batchask.h"

#include <errno.h>
#include <string.h>

#include "store/batchfile.h"

void
batchask_init(struct batchask *ask, const struct batch_conf *conf)
{
	*ask = (struct batchask){ .conf = conf };
	buf_init(&ask->path, BUF_NO_MAX);
}

void
batchask_clear(struct batchask *ask)
{
	account_close(ask->account);
	ask->account = NULL;
	buf_clear(&ask->path);
}

struct account *
batchask_account(struct batchask *ask, const struct delivery *d)
{
	struct store_conf store = ask->conf->store;
	int fd;

	if (ask->account == NULL || !str_eq(buf_str(&ask->path), d->path)) {
		account_close(ask->account);
		ask->account = NULL;
		buf_reset(&ask->path);
		buf_add(&ask->path, d->path);
		fd = account_folder(ask->conf->rootfd, d->path);
		if (fd == -1)
			return NULL;
		store.from_disk = true;
		ask->account = account_open(fd, &store);
	}
	if (ask->account != NULL)
		account_set_quota(ask->account, d->quota);
	return ask->account;
}

static enum seen
seen_in(struct account *a, struct str name, const struct delivery *d,
    uint32_t crc)
{
	struct mailbox *m;
	enum store_result opened = mailbox_open(a, name, &m);
	const struct sought sought = { d->guid, d->accepted, d->head.n, d->size,
		crc };
	uint32_t uid;
	enum seen seen;
	int saved;

	/* What cannot be asked may have it: a second copy, or nothing at all
	 * when the first is written over, is worse than to wait. */
	if (opened != STORE_OK)
		return opened == STORE_NOT_FOUND ? SEEN_NOT : SEEN_ERROR;
	while ((seen = mailbox_seen(m, &sought, &uid)) == SEEN_BROKEN) {
		enum store_result r = mailbox_lose(m, uid);

		if (r == STORE_OK)
			continue;
		if (r != STORE_ERROR)
			errno = EIO;
		seen = SEEN_ERROR;
		break;
	}
	saved = errno;
	mailbox_close(m);
	errno = saved;
	return seen;
}

/* In a mailbox that was renamed since. */
static enum seen
seen_elsewhere(struct account *a, const struct delivery *d,
    const struct batchbox *box, uint32_t crc)
{
	size_t n;
	const struct folder *f = account_folders(a, &n);
	enum seen seen = SEEN_NOT;

	if (f == NULL)
		return SEEN_ERROR;
	for (size_t i = 0; i < n && seen == SEEN_NOT; i++)
		if (f[i].exists && !str_eq(f[i].name, box->name) &&
		    !str_eq(f[i].name, STR("INBOX")))
			seen = seen_in(a, f[i].name, d, crc);
	return seen;
}

enum seen
batchask_seen(struct batchask *ask, const struct delivery *d,
    const struct batchbox *box, uint32_t crc)
{
	struct account *a = batchask_account(ask, d);
	enum seen seen;

	if (a == NULL)
		return SEEN_ERROR;
	seen = seen_in(a, box->name, d, crc);
	if (seen == SEEN_NOT && !str_eq(box->name, STR("INBOX")))
		seen = seen_in(a, STR("INBOX"), d, crc);
	if (seen == SEEN_NOT && d->maybe_repeated && d->mailbox.n > 0)
		seen = seen_elsewhere(a, d, box, crc);
	return seen;
}

/* It has a row that somebody else wrote, or none. */
static int
ask_mailbox(struct mailbox *m, struct queued *q)
{
	struct delivery *d = q->d;
	struct sought sought = { d->guid, d->accepted, d->head.n, d->size, 0 };
	enum seen seen;
	uint32_t uid;

	if (batchfile_source(d, &sought.crc) == -1)
		return -1;
	seen = mailbox_seen(m, &sought, &uid);
	if (seen == SEEN_SAME)
		queued_taken(q, uid);
	if (seen == SEEN_SAME || seen == SEEN_NOT)
		return 0;
	errno = EIO;
	return -1;
}

int
batchask_queue(struct batchask *ask, struct batchbox *box)
{
	struct queued *q = TAILQ_FIRST(&box->queue);
	struct account *a = batchask_account(ask, q->d);
	struct mailbox *m;
	int rc = 0, saved;

	if (a == NULL || mailbox_open(a, box->name, &m) != STORE_OK)
		return -1;
	/* To open it may merge it; what came between is read after the log's
	 * end was found. */
	if (!batchbox_is_current(ask->conf, box) ||
	    mailbox_refresh(m) != STORE_OK)
		rc = -1;
	for (; q != NULL && rc == 0; q = TAILQ_NEXT(q, entry))
		rc = ask_mailbox(m, q);
	saved = errno;
	mailbox_close(m);
	errno = saved;
	return rc;
}
