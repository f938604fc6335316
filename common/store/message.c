#include "store/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fatal.h"
#include "store/coldrec.h"
#include "store/disk.h"
#include "store/inner.h"

enum { SPACE_MAX = 8 * 1024 * 1024 };

static enum store_result
read_once(struct mailbox *m, const struct row *row, struct buf *space,
    struct cold *out)
{
	buf_reset(space);
	if (coldfiles_read(&m->cold, m->log.ix, row, space))
		return coldrec_take(buf_str(space), out) ? STORE_OK :
		                                           STORE_NOT_FOUND;
	return errno == ENOENT || errno == EILSEQ ? STORE_NOT_FOUND :
	                                            STORE_ERROR;
}

/* Positions may be old: they are read anew. */
static enum store_result
reload(struct mailbox *m)
{
	enum store_result r;
	int saved;

	if (boxlog_lock(&m->log) == -1)
		return STORE_ERROR;
	r = mailbox_reload(m);
	saved = errno;
	boxlog_unlock(&m->log);
	errno = saved;
	return r;
}

/* The record from disk.  STORE_NOT_FOUND: it is not there, for certain. */
static enum store_result
read_record(struct mailbox *m, const struct row *row, struct buf *space,
    struct cold *out)
{
	uint32_t uid = row->uid;
	enum store_result r = read_once(m, row, space, out);

	if (r != STORE_NOT_FOUND)
		return r;
	r = reload(m);
	row = r == STORE_OK ? mailbox_get(m, uid) : NULL;
	if (row != NULL)
		r = read_once(m, row, space, out);
	else if (r == STORE_OK)
		r = STORE_NOT_FOUND;
	if (r == STORE_NOT_FOUND)
		m->lost = true;
	return r;
}

static int
open_named(struct mailbox *m, struct str name)
{
	int fd = maildir_open_message(&m->md, name);

	if (fd == -1 && errno == ENOENT)
		m->lost = true;
	return fd;
}

bool
message_is_lost(const struct stat *st, const struct cold *cold)
{
	return st->st_size == 0 && cold->size > 0;
}

static int
load_fd(int fd, struct message_text *out)
{
	struct stat st;

	*out = (struct message_text){ 0 };
	if (fstat(fd, &st) == -1)
		return -1;
	if (st.st_size == 0)
		return 0;
	if (disk_view(fd, (size_t)st.st_size, &out->view) == -1)
		return -1;
	out->text = out->view.octets;
	return 0;
}

void
message_unload(struct message_text *t)
{
	disk_unview(&t->view);
	*t = (struct message_text){ 0 };
}

/* What the record had no room for, once more from the text. */
static enum store_result
complete(struct mailbox *m, struct buf *space, struct cold *out)
{
	struct cold again = *out;
	struct message_text text;
	struct buf more;
	size_t at = buf_len(space), name_at;
	int fd = open_named(m, out->name);
	bool fits;
	int rc;

	if (fd == -1)
		return errno == ENOENT ? STORE_NOT_FOUND : STORE_ERROR;
	rc = load_fd(fd, &text);
	close(fd);
	if (rc == -1)
		return STORE_ERROR;
	buf_init(&more, COLDREC_TEXT_MAX);
	coldrec_study(&again, &more, text.text);
	message_unload(&text);
	/* The strings move with space: all are found again by offset. */
	name_at = (size_t)(out->name.p - buf_str(space).p);
	fits = buf_add(space, again.envelope) &&
	    buf_add(space, again.structure);
	buf_clear(&more);
	out->name.p = buf_str(space).p + name_at;
	if (!fits) {
		errno = ENOBUFS;
		return STORE_ERROR;
	}
	out->envelope = str_n(buf_str(space).p + at, again.envelope.n);
	out->structure = str_n(buf_str(space).p + at + again.envelope.n,
	    again.structure.n);
	return STORE_OK;
}

enum store_result
message_cold(struct mailbox *m, const struct row *row, struct buf *space,
    struct cold *out)
{
	enum store_result r = read_record(m, row, space, out);

	if (r != STORE_OK)
		return r;
	if (out->envelope.n != 0 && out->structure.n != 0)
		return STORE_OK;
	return complete(m, space, out);
}

int
message_open(struct mailbox *m, const struct row *row)
{
	struct cold *cold = xmalloc(sizeof(*cold));
	struct buf space;
	struct stat st;
	int fd = -1, saved;
	enum store_result r;

	buf_init(&space, SPACE_MAX);
	r = read_record(m, row, &space, cold);
	if (r != STORE_OK)
		errno = r == STORE_NOT_FOUND ? ENOENT : errno;
	else if ((fd = open_named(m, cold->name)) != -1 &&
	    fstat(fd, &st) == 0 && message_is_lost(&st, cold)) {
		m->lost = true;
		close(fd);
		fd = -1;
		errno = ENOENT;
	}
	saved = errno;
	buf_clear(&space);
	free(cold);
	errno = saved;
	return fd;
}

enum store_result
message_load(
    struct mailbox *m, const struct row *row, struct message_text *out)
{
	int fd = message_open(m, row), rc;

	*out = (struct message_text){ 0 };
	if (fd == -1)
		return errno == ENOENT ? STORE_NOT_FOUND : STORE_ERROR;
	rc = load_fd(fd, out);
	close(fd);
	return rc == -1 ? STORE_ERROR : STORE_OK;
}
