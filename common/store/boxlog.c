#include "store/boxlog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/disk.h"
#include "store/guid.h"

static void
log_name(char name[32], uint32_t gen)
{
	snprintf(name, 32, "log.%u", gen);
}

int
boxlog_open(struct boxlog *l, int ix, uint64_t epoch)
{
	int saved;

	*l = (struct boxlog){ .ix = ix, .fd = -1, .epoch = epoch };
	l->lock = disk_open(ix, "lock", O_RDWR | O_CREAT);
	if (l->lock == -1) {
		saved = errno;
		close(ix);
		l->ix = -1;
		errno = saved;
		return -1;
	}
	buf_init(&l->in, FRAME_MAX);
	return 0;
}

void
boxlog_close(struct boxlog *l)
{
	if (l->fd != -1)
		close(l->fd);
	if (l->lock != -1)
		close(l->lock); /* and with it goes the lock */
	if (l->ix != -1)
		close(l->ix);
	buf_clear(&l->in);
	l->fd = l->lock = l->ix = -1;
	l->locked = false;
}

int
boxlog_lock(struct boxlog *l)
{
	if (disk_lock(l->lock, true) == -1)
		return -1;
	l->locked = true;
	return 0;
}

void
boxlog_unlock(struct boxlog *l)
{
	if (l->locked)
		disk_unlock(l->lock);
	l->locked = false;
}

int
boxlog_create(struct boxlog *l, uint32_t gen, const struct frame_state *state,
    const struct op_head *head)
{
	struct buf out;
	char name[32];
	int fd, saved;

	log_name(name, gen);
	fd = disk_open(l->ix, name, O_RDWR | O_CREAT | O_TRUNC);
	if (fd == -1)
		return -1;
	buf_init(&out, FRAME_MAX);
	frame_begin(&out, gen, 0);
	op_head_put(&out, head);
	frame_end(&out, state, 1);
	if (disk_write(fd, buf_str(&out).p, buf_len(&out), 0) == -1)
		goto undo;
	if (l->fd != -1)
		close(l->fd);
	l->fd = fd;
	l->gen = gen;
	l->end = buf_len(&out);
	l->state = *state;
	l->ended = false;
	l->unsynced = true;
	buf_reset(&l->in);
	buf_clear(&out);
	return 0;
undo:
	saved = errno;
	close(fd);
	unlinkat(l->ix, name, 0);
	buf_clear(&out);
	errno = saved;
	return -1;
}

int
boxlog_sync(struct boxlog *l)
{
	if (l->failed == 0 && disk_sync(l->fd) == 0)
		return 0;
	if (l->failed == 0)
		l->failed = errno;
	errno = l->failed;
	return -1;
}

/* A frame without ops that only raises the limits. */
static int
write_limits(struct boxlog *l, uint32_t nuids)
{
	struct frame_state after = l->state;
	struct buf out;
	int rc;

	if (after.uidnext > UINT32_MAX - nuids - 2 * BOXLOG_UIDS) {
		errno = EOVERFLOW;
		return -1;
	}
	after.uid_limit = after.uidnext + nuids + BOXLOG_UIDS;
	after.modseq_limit = after.modseq + 1 + BOXLOG_MODSEQS;
	buf_init(&out, FRAME_MAX);
	frame_begin(&out, l->gen, l->end);
	rc = boxlog_append(l, &out, &after, 0, NULL);
	buf_clear(&out);
	return rc;
}

/* Up to the limits, everything may have been given to what is lost. */
static void
go_to_limits(struct frame_state *s)
{
	if (s->uidnext < s->uid_limit)
		s->uidnext = s->uid_limit;
	if (s->modseq < s->modseq_limit)
		s->modseq = s->modseq_limit;
	s->uid_safe = s->uidnext;
	s->modseq_safe = s->modseq;
}

int
boxlog_skip(struct boxlog *l)
{
	go_to_limits(&l->state);
	return write_limits(l, 0);
}

static bool
reserved(const struct boxlog *l, uint32_t nuids)
{
	return l->state.uid_safe >= l->state.uidnext &&
	    l->state.uid_safe - l->state.uidnext >= nuids &&
	    l->state.modseq_safe > l->state.modseq;
}

int
boxlog_reserve(struct boxlog *l, uint32_t nuids, bool *later)
{
	struct frame_state *s = &l->state;
	struct boxlog_mark mark;

	if (s->epoch != l->epoch) {
		/* Frames of the last run may be lost with what they gave. */
		go_to_limits(s);
		s->epoch = l->epoch;
	}
	if (s->uid_safe < l->uid_durable && l->uid_durable <= s->uid_limit)
		s->uid_safe = l->uid_durable;
	if (s->modseq_safe < l->modseq_durable)
		s->modseq_safe = l->modseq_durable;
	if (reserved(l, nuids))
		return 0;
	if (write_limits(l, nuids) == -1)
		return -1;
	if (later != NULL) {
		*later = true;
		return 0;
	}
	mark = boxlog_mark(l);
	if (boxlog_sync(l) == -1)
		return -1;
	boxlog_synced(l, mark);
	s->uid_safe = l->uid_durable;
	s->modseq_safe = l->modseq_durable;
	return 0;
}

void
boxlog_begin(struct boxlog *l, struct buf *out, struct frame_state *after)
{
	*after = l->state;
	after->modseq++;
	frame_begin(out, l->gen, l->end);
}

int
boxlog_append(struct boxlog *l, struct buf *out, struct frame_state *after,
    uint32_t nops, struct frame *f)
{
	struct str octets;
	int saved;

	/* Behind NEXT nobody would find it. */
	if (l->failed != 0 || l->ended) {
		errno = l->failed != 0 ? l->failed : EIO;
		return -1;
	}
	/* Once this frame is on disk the next UIDs need no sync of their own. */
	if (after->uid_limit < after->uidnext + BOXLOG_UIDS &&
	    after->uidnext < UINT32_MAX - 2 * BOXLOG_UIDS)
		after->uid_limit = after->uidnext + BOXLOG_UIDS;
	if (after->modseq_limit < after->modseq + BOXLOG_MODSEQS)
		after->modseq_limit = after->modseq + BOXLOG_MODSEQS;
	frame_end(out, after, nops);
	octets = buf_str(out);
	if (disk_write(l->fd, octets.p, octets.n, l->end) == -1) {
		saved = errno;
		(void)disk_truncate(l->fd, l->end);
		errno = saved;
		return -1;
	}
	if (f != NULL)
		(void)frame_read(octets, l->gen, l->end, f);
	l->end += octets.n;
	l->state = *after;
	l->unsynced = true;
	buf_reset(&l->in);
	return 0;
}

bool
boxlog_head(const struct boxlog *l, struct op_head *head)
{
	char start[FRAME_LEAST + 64];
	ssize_t n = disk_read(l->fd, start, sizeof(start), 0);
	struct frame f;
	struct op op;

	return n > 0 &&
	    frame_read(str_n(start, (size_t)n), l->gen, 0, &f) == FRAME_OK &&
	    op_take(&f.ops, &op) && op.type == OP_HEAD &&
	    op_head_take(op.body, head);
}

int
boxlog_go_on(struct boxlog *l)
{
	struct frame_state state = l->state;
	struct op_head head;

	if (!boxlog_head(l, &head))
		guid_random(head.guid);
	head.version = BOXLOG_VERSION;
	head.first = 0;
	if (boxlog_create(l, l->gen + 1, &state, &head) == -1)
		return -1;
	return boxlog_sync(l) == -1 ? -1 : disk_sync_dir(l->ix);
}

int
boxlog_rotate(struct boxlog *l)
{
	struct frame_state after = l->state;
	struct buf out;
	int rc;

	if (l->gen >= BOXLOG_GEN_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	buf_init(&out, FRAME_MAX);
	frame_begin(&out, l->gen, l->end);
	op_next_put(&out, l->gen + 1);
	rc = boxlog_append(l, &out, &after, 1, NULL);
	buf_clear(&out);
	if (rc == -1)
		return -1;
	l->ended = true;
	/* If that fails the next holder of the lock does it. */
	return boxlog_sync(l) == -1 ? -1 : boxlog_go_on(l);
}

struct boxlog_mark
boxlog_mark(const struct boxlog *l)
{
	return (struct boxlog_mark){ l->state.uid_limit,
		l->state.modseq_limit };
}

void
boxlog_synced(struct boxlog *l, struct boxlog_mark mark)
{
	if (l->uid_durable < mark.uid_limit)
		l->uid_durable = mark.uid_limit;
	if (l->modseq_durable < mark.modseq_limit)
		l->modseq_durable = mark.modseq_limit;
	l->unsynced = false;
}
