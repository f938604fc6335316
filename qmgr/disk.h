/*
 * disk -- the system calls through which the queue reaches the disk, whole
 * and retried after a signal, with one place where tests make them fail.
 * All return 0 (or a count or a descriptor), or -1 and errno.
 */
#ifndef POSTERN_QMGR_DISK_H
#define POSTERN_QMGR_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum disk_call { DISK_OPEN, DISK_WRITE, DISK_DATASYNC, DISK_SYNC, DISK_RENAME,
	DISK_UNLINK };

/* For tests: called before each call that changes the disk; an errno that it
 * returns is what the call fails with. */
extern int (*disk_fault)(
    enum disk_call call, int fd, const void *p, size_t n, uint64_t at);

/* Opens below dirfd, close-on-exec; new files have mode 0600. */
int disk_open(int dirfd, const char *name, int flags);
int disk_write(int fd, const void *p, size_t n, uint64_t at);
/* Less than n only at the end of the file.  What fails with EIO is noted and
 * read again, a few times: what is taken for damaged is not looked at again. */
ssize_t disk_read(int fd, void *p, size_t n, uint64_t at);
int disk_datasync(int fd);
int disk_sync(int fd);
int disk_rename(int dirfd, const char *from, const char *to);
int disk_unlink(int dirfd, const char *name);
/* Octets of the file, or -1. */
int64_t disk_size(int fd);
/* The error of a write for which somebody has to make room first. */
bool disk_is_full(int error);

#endif
