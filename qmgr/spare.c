#include "qmgr/spare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "qmgr/disk.h"

static const char filling[] = "filling";

static void
spare_name(unsigned i, char name[SEGMENT_NAME])
{
	snprintf(name, SEGMENT_NAME, "spare.%u", i);
}

void
spares_open(struct spares *s, int dirfd, uint64_t size)
{
	char name[SEGMENT_NAME];

	*s = (struct spares){ .dirfd = dirfd, .size = size, .fd = -1 };
	disk_unlink(dirfd, filling);
	for (unsigned i = 0; i < SPARES_MAX; i++) {
		int fd;

		spare_name(i, name);
		fd = disk_open(dirfd, name, O_RDONLY);
		if (fd == -1)
			continue;
		s->have[i] = disk_size(fd) == (int64_t)size;
		close(fd);
		if (!s->have[i])
			disk_unlink(dirfd, name);
	}
}

void
spares_close(struct spares *s)
{
	if (s->fd == -1)
		return;
	close(s->fd);
	s->fd = -1;
	disk_unlink(s->dirfd, filling);
}

/* The index of a whole one, or SPARES_MAX. */
static unsigned
find(const struct spares *s)
{
	unsigned i = 0;

	while (i < SPARES_MAX && !s->have[i])
		i++;
	return i;
}

bool
spares_ready(const struct spares *s)
{
	return find(s) != SPARES_MAX;
}

static int
use_spare(struct spares *s, unsigned i, struct segment *seg, const char *name)
{
	char from[SEGMENT_NAME];

	spare_name(i, from);
	if (disk_rename(s->dirfd, from, name) == -1)
		return -1;
	s->have[i] = false;
	seg->filled = s->size;
	seg->fd = disk_open(s->dirfd, name, O_RDWR);
	return seg->fd == -1 ? -1 : 0;
}

static int
use_filling(struct spares *s, struct segment *seg, const char *name)
{
	if (disk_rename(s->dirfd, filling, name) == -1)
		return -1;
	seg->filled = s->filled;
	seg->fd = s->fd;
	s->fd = -1;
	return 0;
}

int
spares_use(struct spares *s, struct segment *seg)
{
	const unsigned i = find(s);
	char name[SEGMENT_NAME];
	int r;

	segment_name(seg->number, name);
	if (i != SPARES_MAX) {
		r = use_spare(s, i, seg, name);
	} else if (s->fd != -1) {
		r = use_filling(s, seg, name);
	} else {
		seg->fd = disk_open(
		    s->dirfd, name, O_RDWR | O_CREAT | O_EXCL);
		r = seg->fd == -1 ? -1 : 0;
	}
	if (r == -1)
		return -1;
	return disk_sync(s->dirfd) == -1 ? -2 : 0;
}

int
spares_give(struct spares *s, struct segment *seg)
{
	char name[SEGMENT_NAME], to[SEGMENT_NAME];

	segment_name(seg->number, name);
	for (unsigned i = 0; i < SPARES_MAX; i++) {
		if (s->have[i] || disk_size(seg->fd) !=
		    (int64_t)s->size)
			continue;
		spare_name(i, to);
		if (disk_rename(s->dirfd, name, to) == -1)
			return -1;
		s->have[i] = true;
		return 0;
	}
	return disk_unlink(s->dirfd, name);
}

/* As spares_fill; -2: what was written cannot be trusted. */
static int
fill_step(int fd, uint64_t *filled, uint64_t to)
{
	static const char zeros[SPARE_STEP];
	uint64_t n = to - *filled;

	if (n > sizeof(zeros))
		n = sizeof(zeros);
	if (disk_write(fd, zeros, (size_t)n, *filled) == -1)
		return -1;
	if (disk_datasync(fd) == -1)
		return -2;
	*filled += n;
	return 1;
}

static int
abandon(struct spares *s)
{
	const int saved = errno;

	spares_close(s);
	errno = saved;
	return -1;
}

int
spares_fill(struct spares *s, uint64_t to)
{
	char name[SEGMENT_NAME];

	if (spares_ready(s))
		return 0;
	if (s->fd == -1) {
		s->filled = 0;
		s->fd = disk_open(s->dirfd, filling,
		    O_RDWR | O_CREAT | O_TRUNC);
		if (s->fd == -1)
			return -1;
	}
	if (to > s->size)
		to = s->size;
	if (s->filled < to)
		return fill_step(s->fd, &s->filled, to) < 0 ? abandon(s) : 1;
	if (s->filled < s->size)
		return 0;
	spare_name(0, name);
	if (disk_sync(s->fd) == -1 ||
	    disk_rename(s->dirfd, filling, name) == -1 ||
	    disk_sync(s->dirfd) == -1)
		return abandon(s);
	close(s->fd);
	s->fd = -1;
	s->have[0] = true;
	return 0;
}

int
spares_fill_segment(struct segment *seg, uint64_t to)
{
	int r;

	if (to > seg->size)
		to = seg->size;
	if (seg->fd == -1 || seg->filled >= to)
		return 0;
	r = fill_step(seg->fd, &seg->filled, to);
	if (r == -1 && disk_is_full(errno))
		return 0;
	return r < 0 ? -1 : r;
}
