#include "store/append.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "base/wire.h"
#include "mail/crlf.h"
#include "store/coldrec.h"
#include "store/disk.h"
#include "store/guid.h"
#include "store/inner.h"

enum {
	IN_MEMORY = 256 * 1024,     /* octets of text; more go to a file */
	SPACE_MAX = 8 * 1024 * 1024, /* envelope and structure */
	FRAME_FULL = 1024 * 1024
};

struct append {
	struct mailbox *m;
	struct newcomer new;
	struct str *keywords;
	struct buf text;       /* while it is short */
	struct buf space;      /* strings of new.cold */
	int fd;                /* its file, -1: not yet */
	uint64_t size, crlf;   /* octets so far, as stored and as sent */
	char last;
	bool in_cur;           /* the file has its final name */
	char aside[MAILDIR_NAME + 4]; /* its name in tmp/ */
	char name[MAILDIR_NAME];
};

static uint32_t
clamp(int64_t seconds)
{
	return seconds < 0 ? 0 :
	    seconds > UINT32_MAX ? UINT32_MAX :
	                           (uint32_t)seconds;
}

uint32_t
mailbox_add(struct mailbox *m, const struct newcomer *n)
{
	struct op_append o = { .uid = m->after.uidnext++, .size = n->size,
		.date = clamp(n->info.date), .saved = clamp(n->saved),
		.flags = n->info.flags & FLAGS_SYSTEM,
		.zone = (int16_t)n->info.zone };
	struct buf keywords, cold;

	buf_init(&keywords, 4 * STORE_ROW_KEYWORDS_MAX);
	for (size_t i = 0; i < n->info.nkeywords; i++) {
		uint32_t id = mailbox_keyword(m, n->info.keywords[i]);

		if (id != 0 && o.nkeywords < STORE_ROW_KEYWORDS_MAX) {
			wire_put_u32(&keywords, id);
			o.nkeywords++;
		}
	}
	buf_init(&cold, COLDREC_MAX);
	coldrec_put(&cold, &n->cold);
	o.keywords = buf_str(&keywords);
	o.cold = buf_str(&cold);
	op_append_put(mailbox_frame(m), &o);
	mailbox_op(m);
	buf_clear(&keywords);
	buf_clear(&cold);
	m->after.exists++;
	if ((o.flags & FLAG_SEEN) == 0)
		m->after.unseen++;
	if ((o.flags & FLAG_DELETED) != 0)
		m->after.deleted++;
	m->after.octets += o.size;
	return o.uid;
}

struct append *
append_begin(struct mailbox *m, const struct append_info *info)
{
	struct append *ap;

	if (m->deleted) {
		errno = ENOENT;
		return NULL;
	}
	ap = xcalloc(1, sizeof(*ap));
	ap->m = m;
	ap->fd = -1;
	ap->new.info = *info;
	ap->keywords = xcalloc(info->nkeywords + 1, sizeof(*ap->keywords));
	for (size_t i = 0; i < info->nkeywords; i++)
		ap->keywords[i] = str_c(str_dup(info->keywords[i]));
	ap->new.info.keywords = ap->keywords;
	guid_random(ap->new.cold.guid);
	memcpy(ap->aside, "tmp/", 4);
	maildir_base(ap->aside + 4, 0, ap->new.cold.guid, 0);
	buf_init(&ap->text, IN_MEMORY);
	buf_init(&ap->space, SPACE_MAX);
	return ap;
}

static void
append_free(struct append *ap)
{
	for (size_t i = 0; i < ap->new.info.nkeywords; i++)
		free((void *)(uintptr_t)ap->keywords[i].p);
	free(ap->keywords);
	if (ap->fd != -1)
		close(ap->fd);
	buf_clear(&ap->text);
	buf_clear(&ap->space);
	free(ap);
}

void
append_abort(struct append *ap)
{
	if (ap == NULL)
		return;
	if (ap->in_cur)
		(void)disk_unlink(ap->m->md.cur, ap->name);
	else if (ap->fd != -1)
		(void)disk_unlink(ap->m->md.dir, ap->aside);
	append_free(ap);
}

/* What is in memory goes to the file. */
static int
spill(struct append *ap)
{
	struct str text = buf_str(&ap->text);

	if (ap->fd == -1)
		ap->fd = disk_open(
		    ap->m->md.dir, ap->aside, O_RDWR | O_CREAT | O_EXCL);
	if (ap->fd == -1 ||
	    disk_write(ap->fd, text.p, text.n, ap->size - text.n) == -1)
		return -1;
	buf_reset(&ap->text);
	return 0;
}

int
append_write(struct append *ap, struct str text)
{
	if (text.n == 0)
		return 0;
	ap->crlf += crlf_size(text, &ap->last);
	if (buf_len(&ap->text) + text.n > IN_MEMORY && spill(ap) == -1)
		return -1;
	if (text.n <= IN_MEMORY)
		buf_add(&ap->text, text);
	else if (disk_write(ap->fd, text.p, text.n, ap->size) == -1)
		return -1;
	ap->size += text.n;
	return 0;
}

static void
study(struct append *ap, struct str text)
{
	struct newcomer *n = &ap->new;

	coldrec_study(&n->cold, &ap->space, text);
	n->cold.name = maildir_split(str_c(ap->name), &(uint16_t){ 0 });
	n->size = ap->crlf > UINT32_MAX ? UINT32_MAX : (uint32_t)ap->crlf;
}

/* It is studied as a whole. */
static int
study_file(struct append *ap)
{
	struct disk_view view;
	size_t n;

	if (spill(ap) == -1)
		return -1;
	if (disk_view(ap->fd, (size_t)ap->size, &view) == -1)
		return -1;
	study(ap, view.octets);
	n = view.octets.n;
	disk_unview(&view);
	if (n != ap->size) { /* not by us */
		errno = EIO;
		return -1;
	}
	return disk_rename(ap->m->md.dir, ap->aside, ap->m->md.cur, ap->name);
}

static int
write_short(struct append *ap)
{
	struct str text = buf_str(&ap->text);

	study(ap, text);
	ap->fd = disk_open(ap->m->md.cur, ap->name, O_RDWR | O_CREAT | O_EXCL);
	if (ap->fd == -1)
		return -1;
	ap->in_cur = true;
	return disk_write(ap->fd, text.p, text.n, 0);
}

/* Puts the file in its place. */
static int
finish(struct append *ap, int64_t now)
{
	char base[MAILDIR_NAME];

	maildir_base(base, now, ap->new.cold.guid, ap->size);
	maildir_cur_name(ap->name, str_c(base));
	ap->new.saved = now;
	if (ap->fd == -1 && !ap->m->account->conf.shared)
		return write_short(ap);
	if (ap->size == 0) {
		errno = EINVAL;
		return -1;
	}
	if (study_file(ap) == -1)
		return -1;
	ap->in_cur = true;
	return 0;
}

static enum store_result
add_all(struct mailbox *m, struct append **list, size_t n, struct uids *to)
{
	uint64_t sum = 0;
	enum store_result r;

	for (size_t i = 0; i < n; i++)
		sum += list[i]->crlf;
	r = mailbox_begin(m, (uint32_t)n);
	if (r != STORE_OK)
		return r;
	if (!account_fits(m->account, sum)) {
		mailbox_cancel(m);
		return STORE_OVER_QUOTA;
	}
	for (size_t i = 0; i < n; i++) {
		uids_add(to, mailbox_add(m, &list[i]->new));
		if (buf_len(mailbox_frame(m)) < FRAME_FULL)
			continue;
		r = mailbox_next(m);
		if (r != STORE_OK) {
			mailbox_cancel(m);
			return r;
		}
	}
	return mailbox_commit(m);
}

enum store_result
append_commit(struct append **list, size_t n, struct uids *to)
{
	struct mailbox *m = n > 0 ? list[0]->m : NULL;
	enum store_result r = STORE_OK;
	int64_t now = clock_wall();
	size_t had = to->n;
	int saved = 0;

	for (size_t i = 0; i < n && r == STORE_OK; i++)
		if (finish(list[i], now) == -1)
			r = STORE_ERROR;
	if (r == STORE_OK && n > 0)
		r = add_all(m, list, n, to);
	saved = errno;
	if (r == STORE_OK && n > 0) {
		syncset_add(&m->account->sync, m->md.cur);
		account_add_fresh(m, to->list + had, to->n - had);
	}
	for (size_t i = 0; i < n; i++) {
		if (r != STORE_OK) {
			append_abort(list[i]);
			continue;
		}
		syncset_adopt(&m->account->sync, list[i]->fd);
		list[i]->fd = -1;
		append_free(list[i]);
	}
	if (r != STORE_OK)
		to->n = had;
	errno = saved;
	return r;
}
