#include "store/batchbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fatal.h"
#include "store/coldrec.h"
#include "store/disk.h"
#include "store/inner.h"

/* The folder of the mailbox; -1 and errno. */
static int
open_dir(int rootfd, struct str path, struct str name)
{
	int account = account_folder(rootfd, path), fd = -1, saved;
	struct buf dir;

	if (account == -1)
		return -1;
	if (str_eq(name, STR("INBOX")))
		return account;
	buf_init(&dir, MAILDIR_NAME);
	errno = ENOENT;
	if (mailbox_dir_name(name, &dir))
		fd = disk_open_dir(account, buf_cstr(&dir));
	saved = errno;
	buf_clear(&dir);
	close(account);
	errno = saved;
	return fd;
}

/* Through the code of readers, which makes or mends the index. */
static int
make_index(const struct batch_conf *conf, const struct batchbox *box)
{
	int fd = account_folder(conf->rootfd, box->path);
	struct account *a;
	struct mailbox *m;
	enum store_result r;

	if (fd == -1 || (a = account_open(fd, &conf->store)) == NULL)
		return -1;
	r = mailbox_open(a, box->name, &m);
	if (r == STORE_OK && account_flush(a) == -1)
		r = STORE_ERROR;
	account_close(a);
	if (r == STORE_OK)
		return 0;
	if (r != STORE_ERROR)
		errno = ESTALE;
	return -1;
}

static bool
has_index(const struct batch_conf *conf, struct batchbox *box)
{
	if (boxlog_tail(&box->log) == 0)
		return true;
	return (errno == ENOENT || errno == EILSEQ) &&
	    make_index(conf, box) == 0 && boxlog_tail(&box->log) == 0;
}

void
batchbox_free(struct batchbox *box)
{
	boxlog_close(&box->log);
	close(box->cur);
	free(box->cur_path);
	free(box->key_space);
	free(box);
}

static char *
path_of_cur(struct str path, struct str name)
{
	struct buf out, dir;
	char *copy;

	buf_init(&out, BUF_NO_MAX);
	buf_init(&dir, MAILDIR_NAME);
	(void)mailbox_dir_name(name, &dir);
	buf_addf(&out, "%.*s/%s/cur", STR_ARG(path), buf_cstr(&dir));
	copy = xstrdup(buf_cstr(&out));
	buf_clear(&dir);
	buf_clear(&out);
	return copy;
}

struct batchbox *
batchbox_open(const struct batch_conf *conf, struct str path, struct str name)
{
	int fd = open_dir(conf->rootfd, path, name), ix, saved;
	struct batchbox *box;
	struct maildir md;
	struct stat st;
	bool made;

	if (fd == -1 || maildir_open(&md, fd, true, &made) == -1)
		return NULL;
	ix = maildir_index(&md);
	box = xcalloc(1, sizeof(*box));
	if (ix == -1 || fstat(md.cur, &st) == -1 ||
	    boxlog_open(&box->log, ix, conf->store.epoch) == -1) {
		saved = errno;
		maildir_close(&md);
		free(box);
		errno = saved;
		return NULL;
	}
	box->device = st.st_dev;
	box->inode = st.st_ino;
	box->cur_path = path_of_cur(path, name);
	box->cur = md.cur;
	md.cur = -1;
	maildir_close(&md);
	box->key_space = xmalloc(path.n + 1 + name.n);
	memcpy(box->key_space, path.p, path.n);
	box->key_space[path.n] = '\0';
	memcpy(box->key_space + path.n + 1, name.p, name.n);
	box->key = str_n(box->key_space, path.n + 1 + name.n);
	box->path = str_first(box->key, path.n);
	box->name = str_from(box->key, path.n + 1);
	TAILQ_INIT(&box->queue);
	if (has_index(conf, box))
		return box;
	saved = errno;
	batchbox_free(box);
	errno = saved;
	return NULL;
}

/* Readers rename and delete folders, and administrators put others there. */
static bool
has_its_name(const struct batch_conf *conf, const struct batchbox *box)
{
	struct stat st;

	return fstatat(conf->rootfd, box->cur_path, &st, 0) == 0 &&
	    st.st_dev == box->device && st.st_ino == box->inode;
}

bool
batchbox_is_current(const struct batch_conf *conf, struct batchbox *box)
{
	return has_its_name(conf, box) && boxlog_tail(&box->log) == 0;
}

void
queued_taken(struct queued *q, uint32_t uid)
{
	q->taken = true;
	q->d->uid = uid;
	q->d->result = DELIVERY_REPEATED;
}

static void
take(struct batchbox *box, uint32_t uid, const uint8_t guid[STORE_GUID])
{
	struct queued *q;

	TAILQ_FOREACH(q, &box->queue, entry)
		if (memcmp(q->d->guid, guid, STORE_GUID) == 0)
			queued_taken(q, uid);
}

/* A reader that found the file without a row wrote one; or another deliver
 * did, which was started while this one hung. */
static void
look_for_ours(struct batchbox *box, const struct frame *f, struct cold *cold)
{
	struct str ops = f->ops;
	struct op_append append;
	struct op op;

	while (op_take(&ops, &op))
		if (op.type == OP_APPEND && op_append_take(op.body, &append) &&
		    coldrec_take(append.cold, cold))
			take(box, append.uid, cold->guid);
}

static int
read_news(struct batchbox *box)
{
	struct cold *cold = xmalloc(sizeof(*cold));
	struct frame f;
	int rc, saved;

	while ((rc = boxlog_next(&box->log, &f)) == 1)
		look_for_ours(box, &f, cold);
	saved = errno;
	free(cold);
	errno = saved;
	return rc;
}

int
batchbox_lock(const struct batch_conf *conf, struct batchbox *box)
{
	int saved;

	if (boxlog_lock(&box->log) == -1)
		return -1;
	errno = ESTALE;
	if (has_its_name(conf, box) && read_news(box) == 0)
		return 0;
	saved = errno;
	boxlog_unlock(&box->log);
	errno = saved == ENOENT || saved == EILSEQ ? ESTALE : saved;
	return -1;
}
