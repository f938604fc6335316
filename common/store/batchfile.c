#include "store/batchfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/fatal.h"
#include "mail/crlf.h"
#include "store/coldrec.h"
#include "store/disk.h"
#include "store/maildir.h"

enum {
	SHORT = 1024 * 1024, /* octets that are gathered in memory */
	STEP = 256 * 1024,
	SPACE_MAX = 8 * 1024 * 1024
};

void
batchfile_init(struct batchfile *f)
{
	buf_init(&f->text, SHORT);
	buf_init(&f->space, SPACE_MAX);
	buf_init(&f->record, COLDREC_MAX);
}

void
batchfile_clear(struct batchfile *f)
{
	buf_clear(&f->text);
	buf_clear(&f->space);
	buf_clear(&f->record);
}

void
batchfile_name(const struct delivery *d, char out[MAILDIR_NAME])
{
	char base[MAILDIR_NAME];

	maildir_base(base, d->accepted, d->guid, d->head.n + d->size);
	maildir_cur_name(out, str_c(base));
}

/* Octets of the text from at on; from memory or by the caller. */
static ssize_t
read_text(const struct delivery *d, uint64_t at, char *out, size_t n)
{
	if (d->read != NULL)
		return d->read(d->arg, at, out, n);
	n = at >= d->text.n ? 0 : n < d->text.n - at ? n : d->text.n - at;
	memcpy(out, d->text.p + at, n);
	return (ssize_t)n;
}

/* Calls with(arg, piece) for all of the text. */
static int
each_piece(const struct delivery *d,
    int (*with)(void *arg, struct str piece, uint64_t at), void *arg)
{
	char *step;
	uint64_t at = 0;
	int rc = 0;

	if (d->read == NULL)
		return with(arg, d->text, 0);
	step = xmalloc(STEP);
	while (rc == 0 && at < d->size) {
		size_t want = d->size - at < STEP ? (size_t)(d->size - at) : STEP;
		ssize_t n = read_text(d, at, step, want);

		if (n <= 0) {
			errno = n == 0 ? EIO : errno;
			rc = -1;
			break;
		}
		rc = with(arg, str_n(step, (size_t)n), at);
		at += (uint64_t)n;
	}
	free(step);
	return rc;
}

static int
add_crc(void *arg, struct str piece, uint64_t at)
{
	uint32_t *crc = arg;

	(void)at;
	*crc = crc32c(*crc, piece.p, piece.n);
	return 0;
}

int
batchfile_source(const struct delivery *d, uint32_t *crc)
{
	*crc = 0;
	return each_piece(d, add_crc, crc);
}

struct target {
	int fd;
	uint64_t at;
};

static int
write_piece(void *arg, struct str piece, uint64_t at)
{
	const struct target *t = arg;

	return disk_write(t->fd, piece.p, piece.n, t->at + at);
}

static int
gather_piece(void *arg, struct str piece, uint64_t at)
{
	(void)at;
	if (buf_add(arg, piece))
		return 0;
	errno = EIO; /* longer than it was said to be */
	return -1;
}

static void
study(struct batchfile *f, struct queued *q, struct str text, struct str base)
{
	char last = 0;
	uint64_t crlf = crlf_size(text, &last);
	const struct delivery *d = q->d;
	int64_t now = clock_wall();

	buf_reset(&f->space);
	coldrec_study(&f->cold, &f->space, text);
	memcpy(f->cold.guid, d->guid, STORE_GUID);
	f->cold.name = base;
	q->op.size = crlf > UINT32_MAX ? UINT32_MAX : (uint32_t)crlf;
	q->op.date = q->op.saved = (uint32_t)now;
}

/* Short ones are one write; of long ones the file is read for studying. */
static int
write_and_study(struct batchfile *f, struct queued *q, struct str base)
{
	const struct delivery *d = q->d;
	uint64_t size = d->head.n + d->size;
	struct target t = { q->fd, d->head.n };
	size_t n = (size_t)size;
	struct disk_view view;

	if (size <= SHORT) {
		buf_reset(&f->text);
		buf_add(&f->text, d->head);
		if (each_piece(d, gather_piece, &f->text) == -1)
			return -1;
		study(f, q, buf_str(&f->text), base);
		return disk_write(
		    q->fd, buf_str(&f->text).p, buf_len(&f->text), 0);
	}
	if (disk_write(q->fd, d->head.p, d->head.n, 0) == -1 ||
	    each_piece(d, write_piece, &t) == -1)
		return -1;
	if (disk_view(q->fd, n, &view) == -1)
		return -1;
	study(f, q, view.octets, base);
	n = view.octets.n;
	disk_unview(&view);
	if (n != size) { /* not by us */
		errno = EIO;
		return -1;
	}
	return 0;
}

int
batchfile_write(struct batchfile *f, const struct batchbox *box,
    struct pool *pool, struct queued *q, uint32_t source_crc, bool shared)
{
	char name[MAILDIR_NAME], aside[MAILDIR_NAME + 8];
	uint16_t flags;
	int saved;

	batchfile_name(q->d, name);
	/* Programs that list cur/ must not find half a message; a leading dot
	 * hides it from them. */
	aside[0] = '.';
	strcpy(aside + 1, name);
	q->fd = disk_open(box->cur, shared ? aside : name,
	    O_RDWR | O_CREAT | (shared ? O_TRUNC : O_EXCL));
	if (q->fd == -1)
		return -1;
	q->name = (char *)(uintptr_t)pool_str(pool, str_c(name)).p;
	if (write_and_study(f, q, maildir_split(str_c(q->name), &flags)) == -1 ||
	    (shared && disk_rename(box->cur, aside, box->cur, name) == -1)) {
		saved = errno;
		unlinkat(box->cur, shared ? aside : name, 0);
		close(q->fd);
		q->fd = -1;
		errno = saved;
		return -1;
	}
	f->cold.source_crc = source_crc;
	f->cold.source_n = (uint32_t)q->d->size;
	buf_reset(&f->record);
	coldrec_put(&f->record, &f->cold);
	q->op.cold = pool_str(pool, buf_str(&f->record));
	return 0;
}
