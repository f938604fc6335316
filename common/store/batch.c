#include "store/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "base/wire.h"
#include "store/batchask.h"
#include "store/batchfile.h"
#include "store/disk.h"
#include "store/guid.h"
#include "store/inner.h"
#include "store/syncpick.h"

enum {
	BOXES = 256,          /* kept open when the caller names no number */
	FDS_OF_BOX = 5,       /* with the one of a message */
	FRAME_FULL = 1024 * 1024
};

struct batch {
	struct batch_conf conf;
	int sync;             /* opened before all writes it vouches for */
	dev_t device;
	struct map by_key;
	struct batchboxes boxes;
	size_t nboxes, count;
	size_t nbusy;         /* boxes with work */
	struct pool pool;     /* of one batch */
	struct batchfile file;
	bool repeated;        /* some were there already */
	unsigned failures;    /* of syncs, before this batch's */
	struct syncpick pick;
	bool keep;            /* descriptors of this batch, for pick */
	bool tells;           /* syncfs reports what could not be written */
	struct batchask ask;
};

struct batch *
batch_new(const struct batch_conf *conf)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	uint8_t guid[STORE_GUID];
	struct stat st;
	long open_max;

	b->conf = *conf;
	if (b->conf.accounts == 0)
		b->conf.accounts = BOXES;
	b->sync = disk_open_dir(conf->rootfd, ".");
	if (b->sync == -1 || fstat(b->sync, &st) == -1)
		fatal_errno("store: the mail root");
	b->device = st.st_dev;
	b->failures = disk_sync_failures();
	b->tells = disk_syncfs_tells();
	syncpick_init(&b->pick, conf->slow_sync_ms);
	b->keep = syncpick_may_be_files(&b->pick);
	open_max = sysconf(_SC_OPEN_MAX);
	if (open_max > 0 && b->conf.accounts > (size_t)open_max / FDS_OF_BOX / 2)
		b->conf.accounts = (size_t)open_max / FDS_OF_BOX / 2;
	/* SHA-256 is made ready while files can still be opened. */
	guid_of("ready", STR_NONE, STR_NONE, STR_NONE, guid);
	TAILQ_INIT(&b->boxes);
	pool_init(&b->pool);
	batchfile_init(&b->file);
	batchask_init(&b->ask, &b->conf);
	return b;
}

static void
drop_box(struct batch *b, struct batchbox *box)
{
	TAILQ_REMOVE(&b->boxes, box, entry);
	map_del(&b->by_key, box->key);
	b->nboxes--;
	batchbox_free(box);
}

void
batch_free(struct batch *b)
{
	struct batchbox *box;

	if (b == NULL)
		return;
	while ((box = TAILQ_FIRST(&b->boxes)) != NULL)
		drop_box(b, box);
	map_clear(&b->by_key);
	pool_clear(&b->pool);
	batchfile_clear(&b->file);
	batchask_clear(&b->ask);
	close(b->sync);
	free(b);
}

void
batch_guid(struct str spool_uuid, uint64_t id, struct str account,
    uint8_t guid[STORE_GUID])
{
	struct buf number;

	buf_init(&number, 8);
	wire_put_u64(&number, id);
	guid_of("delivery", spool_uuid, buf_str(&number), account, guid);
	buf_clear(&number);
}

size_t
batch_count(const struct batch *b)
{
	return b->count;
}

bool
batch_is_full(const struct batch *b)
{
	return b->nbusy >= b->conf.accounts;
}

/* Those without work, the least used first. */
static void
shrink(struct batch *b, size_t most)
{
	struct batchbox *box, *next;

	TAILQ_FOREACH_SAFE(box, &b->boxes, entry, next) {
		if (b->nboxes <= most)
			return;
		if (TAILQ_EMPTY(&box->queue))
			drop_box(b, box);
	}
}

static struct batchbox *
get_box(struct batch *b, struct str path, struct str name)
{
	struct batchbox *box;
	struct buf key;

	buf_init(&key, BUF_NO_MAX);
	buf_add(&key, path);
	buf_add_char(&key, '\0');
	buf_add(&key, name);
	box = map_get(&b->by_key, buf_str(&key));
	buf_clear(&key);
	/* What it has work for is judged under the lock. */
	if (box != NULL && TAILQ_EMPTY(&box->queue) &&
	    !batchbox_is_current(&b->conf, box)) {
		drop_box(b, box);
		box = NULL;
	}
	if (box != NULL) {
		TAILQ_REMOVE(&b->boxes, box, entry);
		TAILQ_INSERT_TAIL(&b->boxes, box, entry);
		return box;
	}
	shrink(b, b->conf.accounts - 1);
	box = batchbox_open(&b->conf, path, name);
	if (box == NULL)
		return NULL;
	map_set(&b->by_key, box->key, box);
	TAILQ_INSERT_TAIL(&b->boxes, box, entry);
	b->nboxes++;
	return box;
}

static struct batchbox *
box_of(struct batch *b, const struct delivery *d)
{
	struct batchbox *box;
	struct buf space;

	if (d->mailbox.n > 0) {
		buf_init(&space, BUF_NO_MAX);
		box = get_box(b, d->path, mailbox_canonical(d->mailbox, &space));
		buf_clear(&space);
		if (box != NULL)
			return box;
	}
	return get_box(b, d->path, STR("INBOX"));
}

static void
fail(struct delivery *d, int error)
{
	d->result = error == ELOOP || error == ENOTDIR || error == EXDEV ||
	        error == EINVAL || error == EACCES || error == EPERM ?
	    DELIVERY_BAD_PATH :
	    DELIVERY_ERROR;
	d->error = error;
}

static struct queued *
find_twin(struct batchbox *box, const struct delivery *d)
{
	struct queued *q;

	TAILQ_FOREACH(q, &box->queue, entry)
		if (memcmp(q->d->guid, d->guid, STORE_GUID) == 0)
			return q;
	return NULL;
}

static bool
over_quota(struct batch *b, const struct delivery *d)
{
	struct account *a = d->quota != 0 ? batchask_account(&b->ask, d) : NULL;

	return a != NULL && !account_fits(a, d->head.n + d->size);
}

enum { WRITTEN, WAS_THERE, NO_ROOM };

/* Writes the file.  One that exists is a delivery that was done, or was
 * broken off: then it is begun again. */
static int
write_file(struct batch *b, struct batchbox *box, struct queued *q,
    uint32_t crc)
{
	bool shared = b->conf.store.shared;
	char name[MAILDIR_NAME];
	struct delivery *d = q->d;
	enum seen seen = SEEN_NOT;

	if (d->maybe_repeated)
		seen = batchask_seen(&b->ask, d, box, crc);
	/* What is there may itself have filled the mailbox. */
	if (d->maybe_repeated && seen != SEEN_SAME && seen != SEEN_ERROR &&
	    over_quota(b, d)) {
		d->result = DELIVERY_OVER_QUOTA;
		return NO_ROOM;
	}
	if (seen == SEEN_NOT) {
		if (batchfile_write(
		        &b->file, box, &b->pool, q, crc, shared) == 0)
			return WRITTEN;
		if (errno != EEXIST)
			return -1;
		seen = batchask_seen(&b->ask, d, box, crc);
		batchfile_name(d, name);
		if (seen == SEEN_NOT && disk_unlink(box->cur, name) == -1 &&
		    errno != ENOENT)
			return -1;
	}
	if (seen == SEEN_SAME) {
		d->result = DELIVERY_REPEATED;
		return WAS_THERE;
	}
	if (seen == SEEN_ERROR)
		return -1;
	if (seen == SEEN_OTHER)
		guid_random(d->guid);
	return batchfile_write(&b->file, box, &b->pool, q, crc, shared);
}

/* Once more in the folder of that name that is there now. */
static struct batchbox *
reopen_box(struct batch *b, struct batchbox *box, const struct delivery *d)
{
	if (!TAILQ_EMPTY(&box->queue))
		return NULL;
	drop_box(b, box);
	return box_of(b, d);
}

static void
enqueue(struct batch *b, struct batchbox *box, struct queued *q)
{
	b->nbusy += TAILQ_EMPTY(&box->queue);
	TAILQ_INSERT_TAIL(&box->queue, q, entry);
	/* One descriptor is kept where syncfs does not tell; all of them when
	 * files are synced one by one. */
	if (!b->keep && box->device == b->device &&
	    (b->tells || TAILQ_FIRST(&box->queue) != q)) {
		close(q->fd);
		q->fd = -1;
	}
}

/* Whatever it was for, an index or a lost row: nobody tries it again. */
static bool
has_failed(const struct batch *b)
{
	return disk_sync_failures() != b->failures;
}

void
batch_add(struct batch *b, struct delivery *d)
{
	struct batchbox *box;
	struct queued *q, *twin;
	uint32_t crc;
	int rc;

	d->result = DELIVERY_OK;
	d->where[0] = '\0';
	d->next = NULL;
	if (has_failed(b)) {
		fail(d, disk_sync_error());
		return;
	}
	box = box_of(b, d);
	if (box == NULL) {
		fail(d, errno);
		return;
	}
	twin = find_twin(box, d);
	if (twin != NULL) {
		d->next = twin->twins;
		twin->twins = d;
		b->count++;
		return;
	}
	if (!d->maybe_repeated && over_quota(b, d)) {
		d->result = DELIVERY_OVER_QUOTA; /* without reading it */
		return;
	}
	q = pool_alloc(&b->pool, sizeof(*q));
	q->d = d;
	q->fd = -1;
	rc = batchfile_source(d, &crc);
	if (rc == 0)
		rc = write_file(b, box, q, crc);
	if (rc == -1 && errno == ENOENT &&
	    (box = reopen_box(b, box, d)) != NULL)
		rc = write_file(b, box, q, crc);
	if (rc == -1) {
		d->result = DELIVERY_ERROR;
		d->error = errno;
		return;
	}
	if (rc == NO_ROOM)
		return;
	if (!str_copy(d->where, sizeof(d->where), box->name))
		d->where[0] = '\0';
	b->count++;
	if (rc == WAS_THERE && box->device == b->device)
		b->repeated = true;
	else if (rc == WAS_THERE)
		(void)disk_syncfs(box->cur); /* see has_failed */
	else if (rc == WRITTEN)
		enqueue(b, box, q);
}

static void
fail_box(struct batchbox *box, int error)
{
	struct queued *q;

	TAILQ_FOREACH(q, &box->queue, entry) {
		if (q->framed)
			continue;
		q->d->result = DELIVERY_ERROR;
		q->d->error = error;
		if (!q->taken)
			(void)unlinkat(box->cur, q->name, 0);
	}
}

/* The frames of what is queued; the lock is held and UIDs are reserved. */
static int
write_frames(struct batchbox *box)
{
	struct frame_state after;
	struct queued *q = TAILQ_FIRST(&box->queue), *first;
	struct buf frame;
	int rc = 0;

	buf_init(&frame, FRAME_MAX);
	while (rc == 0 && q != NULL) {
		uint32_t nops = 0;

		buf_reset(&frame);
		boxlog_begin(&box->log, &frame, &after);
		first = q;
		for (; q != NULL && buf_len(&frame) < FRAME_FULL;
		    q = TAILQ_NEXT(q, entry)) {
			if (q->taken)
				continue;
			q->op.uid = q->d->uid = after.uidnext++;
			op_append_put(&frame, &q->op);
			after.exists++;
			after.unseen++;
			after.octets += q->op.size;
			nops++;
		}
		if (nops > 0)
			rc = boxlog_append(
			    &box->log, &frame, &after, nops, NULL);
		for (; rc == 0 && first != q; first = TAILQ_NEXT(first, entry))
			first->framed = true;
	}
	buf_clear(&frame);
	return rc;
}

/* The log may have been merged away since the first of the queue was written:
 * what it told of them is in the mailbox.  From then on the log tells again. */
static int
lock_box(struct batch *b, struct batchbox *box)
{
	int rc = batchbox_lock(&b->conf, box);

	if (rc == -1 && errno == ESTALE && batchask_queue(&b->ask, box) == 0)
		rc = batchbox_lock(&b->conf, box);
	return rc;
}

/* 1: the limits must be on disk first. */
static int
commit_box(struct batch *b, struct batchbox *box)
{
	struct queued *q;
	uint32_t n = 0;
	bool later = false;
	int rc = lock_box(b, box), saved;

	if (rc == -1)
		return -1;
	TAILQ_FOREACH(q, &box->queue, entry)
		n++;
	rc = boxlog_reserve(&box->log, n, &later);
	if (rc == 0 && later)
		rc = 1;
	else if (rc == 0)
		rc = write_frames(box);
	box->mark = boxlog_mark(&box->log);
	box->written = true;
	if (rc == 0 && box->log.end > BOXLOG_LONG)
		(void)boxlog_rotate(&box->log);
	saved = errno;
	boxlog_unlock(&box->log);
	errno = saved;
	return rc;
}

static int
sync_each(struct batchbox *box)
{
	struct queued *q;

	TAILQ_FOREACH(q, &box->queue, entry)
		if (q->fd != -1 && disk_sync(q->fd) == -1)
			return -1;
	return disk_sync_dir(box->cur) == -1 ? -1 : disk_sync(box->log.fd);
}

/* Everything at once; where that does not tell, then one file, whose error
 * would be ours. */
static int
sync_all(struct batch *b)
{
	int64_t start = clock_mono_us();
	struct batchbox *box;
	const struct queued *q;

	if (disk_syncfs(b->sync) == -1)
		return -1;
	syncpick_took_all(&b->pick, clock_mono_us() - start);
	if (b->tells)
		return 0;
	TAILQ_FOREACH(box, &b->boxes, entry) {
		q = TAILQ_FIRST(&box->queue);
		if (box->written && q != NULL && q->fd != -1)
			return disk_sync(q->fd);
	}
	return 0;
}

static int
flush(struct batch *b)
{
	bool each = b->keep && syncpick_is_files(&b->pick, b->count);
	int64_t start = clock_mono_us();
	bool any = false;
	struct batchbox *box;

	if (has_failed(b)) {
		errno = disk_sync_error();
		return -1;
	}
	TAILQ_FOREACH(box, &b->boxes, entry) {
		if (!box->written)
			continue;
		if (!each && box->device == b->device)
			any = true;
		else if (sync_each(box) == -1)
			return -1;
	}
	if (each)
		syncpick_took_files(
		    &b->pick, b->count, clock_mono_us() - start);
	/* A message that was there already may be there only in memory. */
	if ((any || b->repeated) && sync_all(b) == -1)
		return -1;
	b->repeated = false;
	TAILQ_FOREACH(box, &b->boxes, entry)
		if (box->written) {
			boxlog_synced(&box->log, box->mark);
			box->written = false;
		}
	return 0;
}

static void
settle(struct batchbox *box)
{
	struct queued *q;

	while ((q = TAILQ_FIRST(&box->queue)) != NULL) {
		TAILQ_REMOVE(&box->queue, q, entry);
		if (q->fd != -1)
			close(q->fd);
		for (struct delivery *t = q->twins; t != NULL; t = t->next) {
			t->result = q->d->result == DELIVERY_OK ?
			    DELIVERY_REPEATED :
			    q->d->result;
			t->error = q->d->error;
			t->uid = q->d->uid;
			memcpy(t->where, q->d->where, sizeof(t->where));
		}
	}
}

/* Frames of all mailboxes; those that wait for their limits come again. */
static bool
commit_boxes(struct batch *b, bool again)
{
	struct batchbox *box, *next;
	bool later = false;

	TAILQ_FOREACH_SAFE(box, &b->boxes, entry, next) {
		int rc;

		if (TAILQ_EMPTY(&box->queue) || (again && !box->waits))
			continue;
		rc = commit_box(b, box);
		box->waits = rc == 1;
		later = later || box->waits;
		if (rc == -1) {
			fail_box(box, errno);
			box->stale = true;
		}
	}
	return later;
}

int
batch_commit(struct batch *b)
{
	struct batchbox *box, *next;

	for (bool again = false; commit_boxes(b, again); again = true)
		if (flush(b) == -1)
			return -1;
	if (flush(b) == -1)
		return -1;
	TAILQ_FOREACH_SAFE(box, &b->boxes, entry, next) {
		settle(box);
		if (box->stale)
			drop_box(b, box);
	}
	b->count = b->nbusy = 0;
	b->keep = syncpick_may_be_files(&b->pick);
	pool_clear(&b->pool);
	shrink(b, b->conf.accounts);
	return 0;
}
