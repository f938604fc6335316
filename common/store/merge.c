#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "store/coldrec.h"
#include "store/disk.h"
#include "store/inner.h"
#include "store/snap.h"

enum {
	MERGE_LEAST = 1024 * 1024,     /* octets of log before a snapshot */
	META_STEP = 1024 * 1024,
	META_LEAST = 4 * 1024 * 1024   /* below it garbage does not matter */
};

bool
mailbox_wants_merge(const struct mailbox *m)
{
	uint64_t rows = rows_count(&m->x.rows) * sizeof(struct row);

	return m->replayed > MERGE_LEAST && m->replayed > rows / 4;
}

struct meta {
	int fd;
	uint32_t gen;
	uint64_t size;  /* of the file, with what step holds */
	struct buf step;
};

static int
meta_write(struct meta *meta)
{
	size_t n = buf_len(&meta->step);

	if (disk_write(meta->fd, buf_str(&meta->step).p, n, meta->size - n) ==
	    -1)
		return -1;
	buf_reset(&meta->step);
	return 0;
}

static uint64_t
cold_octets(const struct mailbox *m)
{
	int64_t now = clock_wall();
	uint64_t sum = 0;

	for (size_t i = 0; i < rows_count(&m->x.rows); i++)
		if (!snap_drops(rows_at(&m->x.rows, i), now))
			sum += rows_at(&m->x.rows, i)->cold_n;
	return sum;
}

/* The file that records are added to: the newest, or another one when more
 * than half of it is garbage. */
static int
meta_open(const struct mailbox *m, struct meta *meta)
{
	uint32_t low, high;
	char name[32];
	struct stat st;

	if (boxlog_gens(m->log.ix, "meta", &low, &high) == -1)
		return -1;
	meta->gen = high == 0 ? 1 : high;
	for (;;) {
		snprintf(name, sizeof(name), "meta.%u", meta->gen);
		meta->fd = disk_open(m->log.ix, name, O_RDWR | O_CREAT);
		if (meta->fd == -1 || fstat(meta->fd, &st) == -1)
			return -1;
		meta->size = ((uint64_t)st.st_size + 7) / 8 * 8;
		if (meta->size < META_LEAST ||
		    meta->size / 2 < cold_octets(m))
			break;
		close(meta->fd);
		meta->gen++;
	}
	buf_init(&meta->step, META_STEP + COLDREC_MAX + 8);
	return 0;
}

/* Rows of logs, and of older meta files, get their record in this one; to
 * holds the place of each, 0: as it was.  A record that cannot be read is left
 * as it is: message_cold finds out. */
static int
copy_records(struct mailbox *m, struct meta *meta, uint64_t *to)
{
	static const char zero[8];
	int64_t now = clock_wall();

	for (size_t i = 0; i < rows_count(&m->x.rows); i++) {
		const struct row *row = rows_at(&m->x.rows, i);
		size_t before = buf_len(&meta->step), n;

		if ((COLD_IS_META(row->cold_at) &&
		        COLD_GEN(row->cold_at) == meta->gen) ||
		    snap_drops(row, now))
			continue;
		if (!coldfiles_read(
		        &m->cold, m->log.ix, row, &meta->step)) {
			buf_cut(&meta->step, before);
			continue;
		}
		to[i] = COLD_AT(true, meta->gen, meta->size);
		n = (8 - buf_len(&meta->step) % 8) % 8;
		buf_add(&meta->step, str_n(zero, n));
		meta->size += buf_len(&meta->step) - before;
		if (buf_len(&meta->step) >= META_STEP &&
		    meta_write(meta) == -1)
			return -1;
	}
	return meta_write(meta) == -1 || disk_sync(meta->fd) == -1 ? -1 : 0;
}

/* Not before they are on disk: rows that point to what was lost would lose
 * their messages. */
static int
move_records(struct mailbox *m, struct meta *meta)
{
	size_t n = rows_count(&m->x.rows);
	uint64_t *to = xcalloc(n + 1, sizeof(*to));
	int rc = copy_records(m, meta, to);

	for (size_t i = 0; rc == 0 && i < n; i++)
		if (to[i] != 0)
			rows_at(&m->x.rows, i)->cold_at = to[i];
	free(to);
	return rc;
}

/* What neither the new snapshot nor the one before it needs. */
static void
remove_older(const struct mailbox *m, uint32_t gen)
{
	static const char *const kinds[] = { "log", "snap" };
	uint32_t low, high, keep = 0;
	char name[32];

	if (boxlog_gens(m->log.ix, "snap", &low, &high) == -1)
		return;
	for (uint32_t g = low; g < gen; g++) {
		snprintf(name, sizeof(name), "snap.%u", g);
		if (faccessat(m->log.ix, name, F_OK, 0) == 0)
			keep = g;
	}
	for (size_t i = 0; keep != 0 && i < 2; i++) {
		if (boxlog_gens(m->log.ix, kinds[i], &low, &high) == -1)
			return;
		for (uint32_t g = low; g != 0 && g < keep; g++) {
			snprintf(name, sizeof(name), "%s.%u", kinds[i], g);
			(void)disk_unlink(m->log.ix, name);
		}
	}
}

static void
remove_metas(const struct mailbox *m, uint32_t keep)
{
	uint32_t low, high;
	char name[32];

	if (keep == 0 ||
	    boxlog_gens(m->log.ix, "meta", &low, &high) == -1)
		return;
	for (uint32_t g = low; g != 0 && g < keep; g++) {
		snprintf(name, sizeof(name), "meta.%u", g);
		(void)disk_unlink(m->log.ix, name);
	}
}

/* The snapshot of what is loaded, which is the state at the start of the
 * log that was just begun. */
static int
write_all(struct mailbox *m)
{
	struct snap_head head = { .gen = m->log.gen };
	struct meta meta;
	uint32_t before = m->meta_gen;
	int rc;

	if (meta_open(m, &meta) == -1)
		return -1;
	rc = move_records(m, &meta);
	buf_clear(&meta.step);
	close(meta.fd);
	if (rc == -1)
		return -1;
	head.meta_gen = meta.gen;
	head.meta_size = meta.size;
	if (snap_write(m->log.ix, &m->x, &head) == -1)
		return -1;
	m->snap_gen = head.gen;
	m->meta_gen = head.meta_gen;
	m->meta_size = head.meta_size;
	m->replayed = 0;
	remove_older(m, head.gen);
	remove_metas(m, before);
	return 0;
}

int
mailbox_other_snapshot(const struct mailbox *m)
{
	uint32_t low, high;

	if (boxlog_gens(m->log.ix, "snap", &low, &high) == -1)
		return -1;
	return high > m->snap_gen ? 1 : 0;
}

/* Everything read, and a new log begun at this state. */
static bool
prepare(struct mailbox *m)
{
	int other;
	bool ready = false;

	if (boxlog_lock(&m->log) == -1)
		return false;
	other = mailbox_other_snapshot(m);
	if (other == 1) {
		/* Its records have other places than ours. */
		(void)mailbox_reload(m);
	} else if (other == 0 && mailbox_read(m) == STORE_OK)
		ready = boxlog_rotate(&m->log) == 0;
	boxlog_unlock(&m->log);
	return ready;
}

void
mailbox_merge(struct mailbox *m)
{
	int saved = errno, fd;

	if (m->account->flush_error != 0)
		return;
	fd = disk_open(m->log.ix, "merge", O_RDWR | O_CREAT);

	/* Tried again when the log has grown by as much once more. */
	m->replayed = 0;
	if (fd != -1 && disk_lock(fd, false) == 0 && prepare(m))
		(void)write_all(m);
	if (fd != -1)
		close(fd);
	errno = saved;
}
