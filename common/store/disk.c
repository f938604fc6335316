#include "store/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	LOCK_WAIT_MS = 10000,
	LOCK_STEP_NS = 200000,
	MAPPED_FROM = 1024 * 1024 /* octets of a file that is not copied */
};

int (*disk_fault)(enum disk_op op);

static bool
fails(enum disk_op op)
{
	int error = disk_fault != NULL ? disk_fault(op) : 0;

	if (error != 0)
		errno = error;
	return error != 0;
}

int
disk_open(int dir, const char *name, int flags)
{
	if (fails(DISK_OPEN))
		return -1;
	return openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int
disk_open_dir(int dir, const char *name)
{
	return disk_open(dir, name, O_RDONLY | O_DIRECTORY);
}

int
disk_mkdir(int dir, const char *name)
{
	if (fails(DISK_MKDIR))
		return -1;
	return mkdirat(dir, name, 0700) == -1 && errno != EEXIST ? -1 : 0;
}

int
disk_write(int fd, const void *p, size_t n, uint64_t at)
{
	const char *from = p;

	while (n > 0) {
		ssize_t done;

		if (fails(DISK_WRITE))
			return -1;
		done = pwrite(fd, from, n, (off_t)at);
		if (done == -1 && errno == EINTR)
			continue;
		if (done <= 0) {
			if (done == 0)
				errno = ENOSPC;
			return -1;
		}
		from += done;
		n -= (size_t)done;
		at += (uint64_t)done;
	}
	return 0;
}

ssize_t
disk_read(int fd, void *p, size_t n, uint64_t at)
{
	char *to = p;
	size_t got = 0;

	while (got < n) {
		ssize_t done = pread(fd, to + got, n - got, (off_t)(at + got));

		if (done == -1 && errno == EINTR)
			continue;
		if (done == -1)
			return -1;
		if (done == 0)
			break;
		got += (size_t)done;
	}
	return (ssize_t)got;
}

void *
disk_read_all(int fd, size_t *n)
{
	void *p = fails(DISK_READ) ? NULL : malloc(*n);
	ssize_t got = p == NULL ? -1 : disk_read(fd, p, *n, 0);
	int saved = errno;

	if (got == -1) {
		free(p);
		errno = saved;
		return NULL;
	}
	*n = (size_t)got;
	return p;
}

int
disk_view(int fd, size_t n, struct disk_view *v)
{
	*v = (struct disk_view){ 0 };
	if (n < MAPPED_FROM) {
		v->p = disk_read_all(fd, &n);
	} else if (!fails(DISK_READ)) {
		v->p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
		v->mapped = n;
		if (v->p == MAP_FAILED)
			*v = (struct disk_view){ 0 };
	}
	v->octets = str_n(v->p, v->p != NULL ? n : 0);
	return v->p == NULL ? -1 : 0;
}

void
disk_unview(struct disk_view *v)
{
	if (v->mapped != 0)
		munmap(v->p, v->mapped);
	else
		free(v->p);
	*v = (struct disk_view){ 0 };
}

void
disk_forget(int fd)
{
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

int
disk_truncate(int fd, uint64_t size)
{
	return fails(DISK_TRUNCATE) ? -1 : ftruncate(fd, (off_t)size);
}

static unsigned sync_failures;
static int sync_error;

static int
synced(int rc)
{
	if (rc == -1) {
		sync_failures++;
		sync_error = errno;
	}
	return rc;
}

int
disk_sync(int fd)
{
	return synced(fails(DISK_SYNC) ? -1 : fdatasync(fd));
}

int
disk_sync_dir(int fd)
{
	return synced(fails(DISK_SYNC) ? -1 : fsync(fd));
}

int
disk_syncfs(int fd)
{
	return synced(fails(DISK_SYNC) ? -1 : syncfs(fd));
}

bool
disk_syncfs_tells(void)
{
	struct utsname u;
	unsigned major, minor;

	return uname(&u) == 0 &&
	    sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
	    (major > 5 || (major == 5 && minor >= 8));
}

unsigned
disk_sync_failures(void)
{
	return sync_failures;
}

int
disk_sync_error(void)
{
	return sync_error;
}

int
disk_rename(int from_dir, const char *from, int to_dir, const char *to)
{
	return fails(DISK_RENAME) ? -1 : renameat(from_dir, from, to_dir, to);
}

int
disk_move(int from_dir, const char *from, int to_dir, const char *to)
{
	if (fails(DISK_RENAME))
		return -1;
	if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	/* Not all file systems can. */
	return errno == EINVAL ? renameat(from_dir, from, to_dir, to) : -1;
}

int
disk_link(int from_dir, const char *from, int to_dir, const char *to)
{
	return fails(DISK_LINK) ? -1 : linkat(from_dir, from, to_dir, to, 0);
}

int
disk_unlink(int dir, const char *name)
{
	if (fails(DISK_UNLINK))
		return -1;
	return unlinkat(dir, name, 0) == -1 && errno != ENOENT ? -1 : 0;
}

int
disk_rmdir(int dir, const char *name)
{
	if (fails(DISK_UNLINK))
		return -1;
	return unlinkat(dir, name, AT_REMOVEDIR) == -1 && errno != ENOENT ? -1 :
	                                                                    0;
}

int
disk_lock(int fd, bool wait)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct timespec step = { 0, LOCK_STEP_NS };
	int64_t until = 0;

	if (fails(DISK_LOCK))
		return -1;
	for (;;) {
		if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
			return 0;
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return -1;
		if (until == 0)
			until = clock_mono_ms() + LOCK_WAIT_MS;
		if (!wait || clock_mono_ms() > until) {
			errno = EAGAIN;
			return -1;
		}
		nanosleep(&step, NULL);
	}
}

void
disk_unlock(int fd)
{
	struct flock whole = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	(void)fcntl(fd, F_OFD_SETLK, &whole);
}

int
disk_load(int dir, const char *name, struct buf *out)
{
	int fd = disk_open(dir, name, O_RDONLY);
	struct stat st;
	char *to;
	ssize_t n;

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	to = buf_reserve(out, (size_t)st.st_size + 1);
	n = to != NULL ? disk_read(fd, to, (size_t)st.st_size, 0) : -1;
	close(fd);
	if (to == NULL)
		errno = EFBIG;
	if (n == -1)
		return -1;
	buf_commit(out, (size_t)n);
	return 0;
}

int
disk_replace(int dir, const char *name, const void *p, size_t n)
{
	char aside[64];
	int fd, saved;

	snprintf(aside, sizeof(aside), "%.50s.tmp", name);
	fd = disk_open(dir, aside, O_WRONLY | O_CREAT | O_TRUNC);
	if (fd == -1)
		return -1;
	if (disk_write(fd, p, n, 0) == -1 || disk_sync(fd) == -1 ||
	    disk_rename(dir, aside, dir, name) == -1)
		goto undo;
	close(fd);
	return disk_sync_dir(dir);
undo:
	saved = errno;
	close(fd);
	unlinkat(dir, aside, 0);
	errno = saved;
	return -1;
}
