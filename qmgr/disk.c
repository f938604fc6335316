#include "qmgr/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc/note.h"

enum { TRIES = 3 /* of a read, after the first */ };

int (*disk_fault)(
    enum disk_call call, int fd, const void *p, size_t n, uint64_t at);

static int
fault(enum disk_call call, int fd, const void *p, size_t n, uint64_t at)
{
	int e = disk_fault == NULL ? 0 : disk_fault(call, fd, p, n, at);

	if (e == 0)
		return 0;
	errno = e;
	return -1;
}

int
disk_open(int dirfd, const char *name, int flags)
{
	if ((flags & O_CREAT) != 0 &&
	    fault(DISK_OPEN, dirfd, name, 0, 0) == -1)
		return -1;
	return openat(dirfd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int
disk_write(int fd, const void *p, size_t n, uint64_t at)
{
	const char *from = p;

	if (fault(DISK_WRITE, fd, p, n, at) == -1)
		return -1;
	while (n != 0) {
		ssize_t done = pwrite(fd, from, n, (off_t)at);

		if (done == -1 && errno == EINTR)
			continue;
		if (done == -1)
			return -1;
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
	int tries = 0;

	while (got < n) {
		ssize_t r = pread(fd, to + got, n - got, (off_t)(at + got));

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1 && errno == EIO && tries++ < TRIES) {
			note(NOTE_WARN, "disk-read-again");
			note_errno(EIO);
			note_end();
			continue;
		}
		if (r == -1)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

int
disk_datasync(int fd)
{
	if (fault(DISK_DATASYNC, fd, NULL, 0, 0) == -1)
		return -1;
	return fdatasync(fd);
}

int
disk_sync(int fd)
{
	if (fault(DISK_SYNC, fd, NULL, 0, 0) == -1)
		return -1;
	return fsync(fd);
}

int
disk_rename(int dirfd, const char *from, const char *to)
{
	if (fault(DISK_RENAME, dirfd, from, 0, 0) == -1)
		return -1;
	return renameat(dirfd, from, dirfd, to);
}

int
disk_unlink(int dirfd, const char *name)
{
	if (fault(DISK_UNLINK, dirfd, name, 0, 0) == -1)
		return -1;
	return unlinkat(dirfd, name, 0);
}

int64_t
disk_size(int fd)
{
	struct stat st;

	return fstat(fd, &st) == -1 ? -1 : (int64_t)st.st_size;
}

bool
disk_is_full(int error)
{
	return error == ENOSPC || error == EDQUOT;
}
