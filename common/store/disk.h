/*
 * disk -- the system calls of the store, in one place, so that a test can
 * make the nth of them fail or be the last one of the process.  Names are
 * relative to a directory descriptor and hold no slash but the ones that
 * this library puts; symbolic links are never followed.
 */
#ifndef POSTERN_STORE_DISK_H
#define POSTERN_STORE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

enum disk_op {
	DISK_OPEN,
	DISK_READ, /* of a whole file */
	DISK_WRITE,
	DISK_SYNC,
	DISK_RENAME,
	DISK_LINK,
	DISK_UNLINK,
	DISK_MKDIR,
	DISK_TRUNCATE,
	DISK_LOCK
};
/* Tests: called before each; nonzero is the errno with which it fails. */
extern int (*disk_fault)(enum disk_op op);

/* As openat with O_CLOEXEC | O_NOFOLLOW, mode 0600. */
int disk_open(int dir, const char *name, int flags);
int disk_open_dir(int dir, const char *name);
/* Fine if it exists. */
int disk_mkdir(int dir, const char *name);
/* All n octets at offset at, or -1; what was written is then unknown. */
int disk_write(int fd, const void *p, size_t n, uint64_t at);
/* Up to n octets: fewer only at the end of the file.  -1 and errno. */
ssize_t disk_read(int fd, void *p, size_t n, uint64_t at);
/* The first *n octets (more than 0), or all there are: *n.  To be freed; NULL
 * and errno. */
void *disk_read_all(int fd, size_t *n);
/*
 * A file as one view.  A short one is in memory of its own; of a long one only
 * what is looked at is read, and nobody's memory holds it: there a bad sector,
 * or whoever cuts the file meanwhile, ends the process.
 */
struct disk_view {
	struct str octets;
	void *p;
	size_t mapped; /* octets of a map, or 0 */
};
/* Of the first n octets (more than 0), or all there are.  -1 and errno. */
int disk_view(int fd, size_t n, struct disk_view *v);
/* A zeroed one is empty. */
void disk_unview(struct disk_view *v);
/* What is read of the file next comes from the disk: what the kernel has of it
 * may be what it failed to write.  Not what is still to be written. */
void disk_forget(int fd);
int disk_truncate(int fd, uint64_t size);
int disk_sync(int fd);
int disk_sync_dir(int fd);
int disk_syncfs(int fd);
/* Since Linux 5.8 syncfs fails when octets of any file could not be written;
 * before, only a sync of that file did. */
bool disk_syncfs_tells(void);
/* How many of these have failed in this process. */
unsigned disk_sync_failures(void);
/* errno of the last that did, or 0. */
int disk_sync_error(void);
int disk_rename(int from_dir, const char *from, int to_dir, const char *to);
/* Never over another file: EEXIST. */
int disk_move(int from_dir, const char *from, int to_dir, const char *to);
int disk_link(int from_dir, const char *from, int to_dir, const char *to);
/* Fine if it is not there. */
int disk_unlink(int dir, const char *name);
int disk_rmdir(int dir, const char *name);

/*
 * The writer's lock on a file, for its whole length: held by this descriptor,
 * gone with the process.  Waits for other holders, at most 10 s: -1, EAGAIN.
 */
int disk_lock(int fd, bool wait);
void disk_unlock(int fd);

/* Whole small files: adds to out, -1 and errno (EFBIG over its max). */
int disk_load(int dir, const char *name, struct buf *out);
/* Written aside, synced and renamed: the old or the new one, never half. */
int disk_replace(int dir, const char *name, const void *p, size_t n);

#endif
