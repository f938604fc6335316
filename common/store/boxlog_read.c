#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/num.h"
#include "store/boxlog.h"
#include "store/disk.h"
#include "store/look.h"

enum { READ_STEP = 64 * 1024 };

int
boxlog_gens(int ix, const char *prefix, uint32_t *low, uint32_t *high)
{
	int fd = disk_open_dir(ix, ".");
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
	const struct dirent *e;
	int error;

	*low = *high = 0;
	if (dir == NULL)
		return -1;
	while ((e = dir_next(dir)) != NULL) {
		struct str name = str_c(e->d_name);
		uint32_t gen;

		if (!str_take_prefix(&name, str_c(prefix)) ||
		    !str_take_char(&name, '.') || !num_u32(name, &gen) ||
		    gen == 0)
			continue;
		if (*low == 0 || gen < *low)
			*low = gen;
		if (gen > *high)
			*high = gen;
	}
	error = errno;
	closedir(dir);
	errno = error;
	return error != 0 ? -1 : 0;
}

int
boxlog_start(struct boxlog *l, uint32_t gen)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "log.%u", gen);
	fd = disk_open(l->ix, name, O_RDWR);
	if (fd == -1)
		return -1;
	if (l->from_disk)
		disk_forget(fd);
	if (l->fd != -1)
		close(l->fd);
	l->fd = fd;
	l->gen = gen;
	l->end = 0;
	l->ended = l->follows = false;
	buf_reset(&l->in);
	return 0;
}

/* Size of the open log.  -1 and errno; ESTALE when it has no name. */
static int
log_size(const struct boxlog *l, uint64_t *size)
{
	struct stat st;

	if (fstat(l->fd, &st) == -1)
		return -1;
	if (st.st_nlink == 0) {
		errno = ESTALE;
		return -1;
	}
	*size = (uint64_t)st.st_size;
	return 0;
}

bool
boxlog_has_more(const struct boxlog *l)
{
	uint64_t size;

	return l->ended || log_size(l, &size) == -1 || size != l->end;
}

/* Makes l->in hold the octets from l->end on, at least want of them or all. */
static int
fill(struct boxlog *l, size_t want, uint64_t size)
{
	uint64_t have;
	size_t n;
	char *to;
	ssize_t got;

	if (buf_len(&l->in) != 0 && l->in_at <= l->end &&
	    l->end - l->in_at <= buf_len(&l->in))
		buf_drop(&l->in, (size_t)(l->end - l->in_at));
	else
		buf_reset(&l->in);
	l->in_at = l->end;
	have = l->end + buf_len(&l->in);
	if (buf_len(&l->in) >= want || have >= size)
		return 0;
	n = want - buf_len(&l->in);
	if (n < READ_STEP)
		n = READ_STEP;
	if (n > size - have)
		n = (size_t)(size - have);
	to = buf_reserve(&l->in, n);
	if (to == NULL) {
		errno = EFBIG;
		return -1;
	}
	got = disk_read(l->fd, to, n, have);
	if (got == -1)
		return -1;
	buf_commit(&l->in, (size_t)got);
	return 0;
}

static enum frame_result
read_once(struct boxlog *l, uint64_t size, struct frame *f)
{
	enum frame_result r;
	size_t want = FRAME_HEAD, n;

	for (;;) {
		if (fill(l, want, size) == -1)
			return FRAME_SHORT;
		r = frame_read(buf_str(&l->in), l->gen, l->end, f);
		if (r != FRAME_SHORT || buf_len(&l->in) < FRAME_HEAD)
			return r;
		n = frame_length_from_end(buf_str(&l->in).p + 4);
		if (n <= want || l->end + n > size)
			return FRAME_BAD;
		want = n;
	}
}

/* What was read ahead may have been cut off since, and written anew. */
static enum frame_result
read_at_end(struct boxlog *l, uint64_t size, struct frame *f)
{
	enum frame_result r = read_once(l, size, f);

	if (r == FRAME_OK)
		return r;
	buf_reset(&l->in);
	return read_once(l, size, f);
}

/* With the lock, octets at the end that are no frame: finds where to go on (1)
 * or cuts the rest off (0). */
static int
mend(struct boxlog *l, uint64_t size)
{
	uint64_t at = l->end + 8;

	while (at < size) {
		uint64_t n = size - at < FRAME_MAX ? size - at : FRAME_MAX;
		uint64_t keep = l->end;
		size_t found;

		l->end = at;
		if (fill(l, (size_t)n, size) == -1) {
			l->end = keep;
			return -1;
		}
		found = frame_seek(buf_str(&l->in), l->gen, at);
		if (found < buf_len(&l->in)) {
			l->end = at + found;
			l->damaged = true;
			return 1;
		}
		l->end = keep;
		/* A frame may begin near the end of what was looked at. */
		at += n < FRAME_MAX ? n : n / 2;
	}
	/* Nothing tells of the damage any more, then. */
	if (look_set(l->ix) == -1 || disk_truncate(l->fd, l->end) == -1)
		return -1;
	buf_reset(&l->in);
	l->damaged = true;
	if (l->end != 0)
		return boxlog_skip(l);
	if (!l->follows)
		return 0;
	if (boxlog_start(l, l->gen - 1) == -1)
		return errno == ENOENT ? 0 : -1;
	l->ended = true; /* and the next is made anew */
	return 1;
}

static bool
is_next(const struct frame *f, uint32_t *gen)
{
	struct str ops = f->ops;
	struct op op;

	return f->nops == 1 && op_take(&ops, &op) && op.type == OP_NEXT &&
	    op_u32(&op.body, gen);
}

/* 0: there is none, or nothing in it. */
static int
has_log(const struct boxlog *l, uint32_t gen)
{
	char name[32];
	struct stat st;

	snprintf(name, sizeof(name), "log.%u", gen);
	if (fstatat(l->ix, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : -1;
	return st.st_size != 0;
}

/*
 * The log ended: on to the one behind it.  When it is not there, or empty, a
 * crash or a power cut came in between: the holder of the lock makes it, others
 * wait for that (0), also who may not sync any more.
 */
static int
next_log(struct boxlog *l)
{
	int rc = has_log(l, l->gen + 1);

	if (rc == 1 && boxlog_start(l, l->gen + 1) == 0) {
		l->follows = true;
		return 1;
	}
	if (rc == -1 || (rc == 1 && errno != ENOENT))
		return -1;
	if (!l->locked || l->over || l->failed != 0)
		return 0;
	return boxlog_go_on(l) == -1 ? -1 : 1;
}

int
boxlog_next(struct boxlog *l, struct frame *f)
{
	uint64_t size;
	uint32_t gen;
	int rc;

	for (;;) {
		if (l->ended && (rc = next_log(l)) != 1)
			return rc;
		if (log_size(l, &size) == -1)
			return -1;
		if (size == l->end)
			return 0;
		if (size < l->end) {
			errno = ESTALE; /* somebody cut it: read it anew */
			return -1;
		}
		if (read_at_end(l, size, f) != FRAME_OK) {
			if (!l->locked)
				return 0;
			rc = mend(l, size);
			if (rc <= 0)
				return rc;
			continue;
		}
		l->end += f->n;
		l->state = f->after;
		if (!is_next(f, &gen) || gen != l->gen + 1)
			return 1;
		l->ended = true;
	}
}

/* The frame that ends the log, found from its end; false: not so simple. */
static bool
read_last(struct boxlog *l, uint64_t size, struct frame *f)
{
	char tail[FRAME_TAIL];
	uint64_t keep = l->end;
	size_t n;

	if (size < FRAME_LEAST ||
	    disk_read(l->fd, tail, sizeof(tail), size - sizeof(tail)) !=
	        sizeof(tail))
		return false;
	n = frame_length_from_end(tail);
	if (n == 0 || n > size)
		return false;
	l->end = size - n;
	if (fill(l, n, size) == 0 &&
	    frame_read(buf_str(&l->in), l->gen, size - n, f) == FRAME_OK &&
	    f->n == n) {
		l->end = size;
		l->state = f->after;
		return true;
	}
	l->end = keep;
	return false;
}

/* Reads the open log to its end in whatever way works. */
static int
tail_of_log(struct boxlog *l)
{
	struct frame f;
	uint64_t size;
	uint32_t gen;
	bool any = false;
	int rc;

	if (log_size(l, &size) == -1)
		return -1;
	if (size == l->end && size != 0)
		return 0;
	if (size > l->end && read_last(l, size, &f)) {
		l->ended = is_next(&f, &gen);
		return 0;
	}
	if (size < l->end)
		l->end = 0;
	any = l->end != 0;
	while ((rc = boxlog_next(l, &f)) == 1)
		any = true;
	if (rc == 0 && !any) {
		errno = EILSEQ;
		return -1;
	}
	return rc;
}

static int
start_newest(struct boxlog *l)
{
	uint32_t low, high;

	if (boxlog_gens(l->ix, "log", &low, &high) == -1)
		return -1;
	if (high == 0) {
		errno = ENOENT;
		return -1;
	}
	/* An empty one was only just begun: the one before says all. */
	if (high > low && has_log(l, high) == 0)
		high--;
	return boxlog_start(l, high);
}

int
boxlog_tail(struct boxlog *l)
{
	bool newest = l->fd == -1;
	int rc;

	if (newest && start_newest(l) == -1)
		return -1;
	for (;;) {
		if (!l->ended && tail_of_log(l) == -1) {
			/* Merged away while we did not look, or emptied. */
			if ((errno != ESTALE && errno != EILSEQ) || newest ||
			    start_newest(l) == -1)
				return -1;
			newest = true;
			continue;
		}
		if (!l->ended)
			return 0;
		if ((rc = next_log(l)) != 1)
			return rc;
	}
}
