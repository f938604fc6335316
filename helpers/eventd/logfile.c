#include "helpers/eventd/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GATHER_MAX = 1 << 20 };

static int
open_file(struct logfile *f)
{
	struct stat st;

	f->fd = openat(f->dirfd, f->name,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (f->fd == -1 || fstat(f->fd, &st) == -1)
		return -1;
	f->size = (uint64_t)st.st_size;
	return 0;
}

int
logfile_open(struct logfile *f, int dirfd, struct str name, uint64_t size_max,
    uint32_t keep)
{
	*f = (struct logfile){ .dirfd = dirfd, .fd = -1, .size_max = size_max,
		.keep = keep };
	buf_init(&f->out, GATHER_MAX);
	if (name.n == 0 || str_find(name, '/') != name.n ||
	    !str_copy(f->name, sizeof(f->name), name)) {
		errno = EINVAL;
		return -1;
	}
	return open_file(f);
}

void
logfile_add(struct logfile *f, struct str line)
{
	if (buf_len(&f->out) + line.n + 1 > GATHER_MAX)
		logfile_flush(f);
	buf_add(&f->out, line);
	buf_add_char(&f->out, '\n');
}

static void
rotate(struct logfile *f)
{
	char from[160], to[160];

	for (uint32_t i = f->keep; i > 0; i--) {
		snprintf(to, sizeof(to), "%s.%u", f->name, i);
		if (i > 1)
			snprintf(from, sizeof(from), "%s.%u", f->name, i - 1);
		else
			snprintf(from, sizeof(from), "%s", f->name);
		renameat(f->dirfd, from, f->dirfd, to);
	}
	close(f->fd);
	if (open_file(f) == -1)
		f->lost++;
}

void
logfile_flush(struct logfile *f)
{
	struct str left = buf_str(&f->out);

	while (left.n != 0) {
		ssize_t n = write(f->fd, left.p, left.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			for (size_t i = 0; i < left.n; i++)
				f->lost += left.p[i] == '\n';
			break;
		}
		f->size += (uint64_t)n;
		str_take(&left, (size_t)n);
	}
	buf_reset(&f->out);
	if (f->size_max != 0 && f->size >= f->size_max)
		rotate(f);
}
