#include "store/snap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/fatal.h"
#include "base/wire.h"
#include "store/disk.h"

/* "PsSnap1" and a mark of the order of octets: rows are in the host's. */
#define SNAP_MAGIC UINT64_C(0x0031706153735000)
#define SNAP_ORDER UINT32_C(0x01020304)

enum {
	SNAP_VERSION = 1,
	SNAP_ROWS_AT = 4096,
	SNAP_KEYWORDS_MAX = 64 * 1024 * 1024,
	WRITE_STEP = 256 * 1024
};

struct head {
	struct snap_head snap;
	struct frame_state state;
	struct str guid;
	uint64_t nrows, keywords_n;
	uint32_t rows_crc, keywords_crc;
};

static void
put_head(struct buf *out, const struct head *h)
{
	uint32_t order = SNAP_ORDER;

	wire_put_u64(out, SNAP_MAGIC);
	buf_add(out, str_n(&order, sizeof(order)));
	wire_put_u32(out, SNAP_VERSION);
	wire_put_u32(out, h->snap.gen);
	wire_put_u32(out, h->snap.meta_gen);
	wire_put_u64(out, h->snap.meta_size);
	frame_state_put(out, &h->state);
	buf_add(out, h->guid);
	wire_put_u64(out, h->nrows);
	wire_put_u64(out, h->keywords_n);
	wire_put_u32(out, h->rows_crc);
	wire_put_u32(out, h->keywords_crc);
	wire_put_u32(out, crc32c(0, buf_str(out).p, buf_len(out)));
}

static bool
take_head(struct str in, struct head *h)
{
	struct str all = in;
	uint64_t magic;
	uint32_t order, version, crc;

	if (!wire_take_u64(&in, &magic) || magic != SNAP_MAGIC ||
	    in.n < sizeof(order))
		return false;
	memcpy(&order, str_take(&in, sizeof(order)).p, sizeof(order));
	if (order != SNAP_ORDER || !wire_take_u32(&in, &version) ||
	    version != SNAP_VERSION || !wire_take_u32(&in, &h->snap.gen) ||
	    !wire_take_u32(&in, &h->snap.meta_gen) ||
	    !wire_take_u64(&in, &h->snap.meta_size) ||
	    !frame_state_take(&in, &h->state) || in.n < STORE_GUID)
		return false;
	h->guid = str_take(&in, STORE_GUID);
	if (!wire_take_u64(&in, &h->nrows) ||
	    !wire_take_u64(&in, &h->keywords_n) ||
	    !wire_take_u32(&in, &h->rows_crc) ||
	    !wire_take_u32(&in, &h->keywords_crc))
		return false;
	magic = all.n - in.n;
	return wire_take_u32(&in, &crc) && crc == crc32c(0, all.p, magic) &&
	    h->nrows <= STORE_ROWS_MAX && h->keywords_n <= SNAP_KEYWORDS_MAX;
}

static bool
rows_sane(const struct row *rows, size_t n, const struct boxindex *x)
{
	uint32_t last = 0;

	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];

		if (r->uid <= last || r->uid >= x->state.uidnext ||
		    r->kwset > x->keywords.nsets ||
		    (r->flags & ~(FLAGS_SYSTEM | ROW_GONE | ROW_LOST)) != 0)
			return false;
		last = r->uid;
	}
	return true;
}

/* What it points to is checked before it is used. */
static bool
read_all(char *all, size_t n, uint32_t gen, struct boxindex *x,
    struct snap_head *out)
{
	struct head h;
	struct str keywords;
	size_t rows_n;

	if (n < SNAP_ROWS_AT || !take_head(str_n(all, SNAP_ROWS_AT), &h) ||
	    h.snap.gen != gen)
		return false;
	rows_n = (size_t)h.nrows * sizeof(struct row);
	if (n != SNAP_ROWS_AT + rows_n + h.keywords_n ||
	    crc32c(0, all + SNAP_ROWS_AT, rows_n) != h.rows_crc)
		return false;
	keywords = str_n(all + SNAP_ROWS_AT + rows_n, (size_t)h.keywords_n);
	if (crc32c(0, keywords.p, keywords.n) != h.keywords_crc ||
	    !keywords_take(keywords, &x->keywords))
		return false;
	x->state = h.state;
	memcpy(x->guid, h.guid.p, STORE_GUID);
	x->rows.base = (void *)(all + SNAP_ROWS_AT);
	x->rows.nbase = (size_t)h.nrows;
	*out = h.snap;
	return rows_sane(x->rows.base, x->rows.nbase, x);
}

bool
snap_drops(const struct row *row, int64_t now)
{
	return (row->flags & ROW_GONE) != 0 &&
	    (int64_t)row->saved + SNAP_TOMBSTONE_S < now;
}

int
snap_read(int ixdir, uint32_t gen, struct boxindex *x, struct snap_head *head)
{
	char name[32];
	struct stat st;
	size_t n;
	void *octets;
	int fd, saved;

	snprintf(name, sizeof(name), "snap.%u", gen);
	fd = disk_open(ixdir, name, O_RDONLY);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_size < SNAP_ROWS_AT) {
		close(fd);
		errno = EILSEQ;
		return -1;
	}
	n = (size_t)st.st_size;
	octets = disk_read_all(fd, &n);
	saved = errno;
	close(fd);
	errno = saved;
	if (octets == NULL)
		return -1;
	x->rows.octets = octets;
	if (!read_all(octets, n, gen, x, head)) {
		boxindex_clear(x);
		errno = EILSEQ;
		return -1;
	}
	for (size_t i = 0; i < x->rows.nbase; i++)
		rank_push(
		    &x->rows.live, (x->rows.base[i].flags & ROW_GONE) == 0);
	boxindex_count(x);
	return 0;
}

static int
write_step(int fd, struct buf *step, uint64_t *at, struct head *h)
{
	struct str octets = buf_str(step);

	h->rows_crc = crc32c(h->rows_crc, octets.p, octets.n);
	if (disk_write(fd, octets.p, octets.n, *at) == -1)
		return -1;
	*at += octets.n;
	buf_reset(step);
	return 0;
}

static int
write_body(int fd, const struct boxindex *x, struct head *h, struct str keywords)
{
	int64_t now = clock_wall();
	uint64_t at = SNAP_ROWS_AT;
	struct buf step;
	int rc = 0;

	buf_init(&step, WRITE_STEP + sizeof(struct row));
	for (size_t i = 0; i < rows_count(&x->rows) && rc == 0; i++) {
		const struct row *row = rows_at(&x->rows, i);

		if (snap_drops(row, now))
			continue;
		h->nrows++;
		buf_add(&step, str_n(row, sizeof(*row)));
		if (buf_len(&step) >= WRITE_STEP)
			rc = write_step(fd, &step, &at, h);
	}
	if (rc == 0)
		rc = write_step(fd, &step, &at, h);
	buf_clear(&step);
	h->keywords_n = keywords.n;
	h->keywords_crc = crc32c(0, keywords.p, keywords.n);
	return rc == 0 ? disk_write(fd, keywords.p, keywords.n, at) : -1;
}

static int
write_file(int fd, const struct boxindex *x, const struct snap_head *head)
{
	struct head h = { .snap = *head, .state = x->state,
		.guid = str_n(x->guid, STORE_GUID) };
	char page[SNAP_ROWS_AT] = { 0 };
	struct buf keywords, first;
	int rc;

	buf_init(&keywords, SNAP_KEYWORDS_MAX);
	keywords_put(&keywords, &x->keywords);
	if (keywords.overflow)
		fatal("store: too many sets of keywords");
	rc = write_body(fd, x, &h, buf_str(&keywords));
	buf_clear(&keywords);
	if (rc == -1)
		return -1;
	buf_init(&first, SNAP_ROWS_AT);
	put_head(&first, &h);
	memcpy(page, buf_str(&first).p, buf_len(&first));
	buf_clear(&first);
	return disk_write(fd, page, sizeof(page), 0);
}

int
snap_write(int ixdir, const struct boxindex *x, const struct snap_head *head)
{
	char name[32];
	int fd, saved;

	fd = disk_open(ixdir, "snap.tmp", O_RDWR | O_CREAT | O_TRUNC);
	if (fd == -1)
		return -1;
	snprintf(name, sizeof(name), "snap.%u", head->gen);
	if (write_file(fd, x, head) == -1 || disk_sync(fd) == -1 ||
	    disk_rename(ixdir, "snap.tmp", ixdir, name) == -1)
		goto undo;
	close(fd);
	return disk_sync_dir(ixdir);
undo:
	saved = errno;
	close(fd);
	unlinkat(ixdir, "snap.tmp", 0);
	errno = saved;
	return -1;
}
