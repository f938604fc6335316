/*
 * inject -- a library for LD_PRELOAD that makes the n-th system call of one
 * program of the suite fail, or kills the program there; it also moves the
 * calendar of all of them.
 *
 * What to do stands in a file that INJECT_PAGE names and that every process
 * maps before it confines itself; tests/crash/calls writes it (there, in
 * Page, the layout is once more) and reads from it what happened.  A fault
 * comes once, however often the program starts again, unless it stays.
 *
 * master gives its children an environment of its own: its execveat() is
 * caught here and the two variables are added.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind {
	OPEN = 1,
	WRITE = 2, /* of a regular file, as CLOSE */
	SYNC = 4,
	TRUNCATE = 8, /* or allocate */
	RENAME = 16,
	LINK = 32,
	UNLINK = 64,
	MKDIR = 128,
	CLOSE = 256,
	SEND = 512, /* to a socket */
	READ = 1024, /* of a regular file, or of a folder */
};

enum action {
	NOTHING,
	BEFORE, /* killed before the call */
	AFTER,
	TORN,   /* killed when half is written */
	FAIL,   /* the call is not made */
	SHORT,  /* half is written */
	LOSE,   /* a sync fails, and what it should have kept is zeros */
};

enum stays {
	NOT,
	FULL, /* as on a full disk: what has its octets can be written */
	ALL,
};

struct page {
	atomic_uint action;
	uint32_t kinds; /* of the calls that count */
	uint32_t at;    /* this call, from 1 */
	uint32_t error;
	uint32_t stays; /* and all after it: enum stays */
	atomic_uint count, hits;
	uint32_t nr, pid;  /* of the last hit */
	atomic_uint again; /* syncs of the file whose sync was failed */
	uint64_t inode;
	char program[16];
	char name[64]; /* of the file, where the call gives one */
	atomic_llong clock; /* seconds that the calendar is ahead */
	atomic_uint starts; /* of the program since the fault was set */
};

struct call {
	enum kind kind;
	long nr;
	long a[6];
	const char *name; /* NULL: a[0] is a descriptor */
};

/* What was written and not yet synced. */
struct dirt {
	int fd;
	ino_t inode;
	off_t at;
	size_t n;
};

enum { DIRT_MAX = 4096, VARIABLES_MAX = 16 };

static struct page *page;
static char page_variable[300], preload_variable[300];
static struct dirt dirt[DIRT_MAX];
static unsigned ndirt;
static atomic_flag dirt_lock = ATOMIC_FLAG_INIT;
static atomic_bool gave_up; /* dirt is full */
/* The file whose sync failed: a later one may have its number, not its
 * birth. */
static struct statx failed;

static long
raw(long nr, const long a[6])
{
	static long (*real)(long, ...);

	if (real == NULL) {
		void *symbol = dlsym(RTLD_NEXT, "syscall");

		memcpy(&real, &symbol, sizeof(real));
	}
	return real(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static long
raw4(long nr, long a, long b, long c, long d)
{
	return raw(nr, (const long[6]){ a, b, c, d, 0, 0 });
}

static bool
is_ours(void)
{
	return page != NULL && page->action != NOTHING &&
	    strncmp(program_invocation_short_name, page->program,
	    sizeof(page->program)) == 0;
}

__attribute__((constructor)) static void
map_page(void)
{
	const char *path = getenv("INJECT_PAGE"), *me = getenv("LD_PRELOAD");
	void *p;
	int fd;

	if (path == NULL || me == NULL)
		return;
	snprintf(page_variable, sizeof(page_variable), "INJECT_PAGE=%s", path);
	snprintf(preload_variable, sizeof(preload_variable), "LD_PRELOAD=%s",
	    me);
	fd = (int)raw4(SYS_openat, AT_FDCWD, (long)path, O_RDWR | O_CLOEXEC, 0);
	if (fd == -1)
		return;
	p = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	raw4(SYS_close, fd, 0, 0, 0);
	page = p == MAP_FAILED ? NULL : p;
	if (is_ours())
		atomic_fetch_add(&page->starts, 1);
}

static void
die(void)
{
	/* kill() itself is outside the fences. */
	raw4(SYS_tgkill, getpid(), raw4(SYS_gettid, 0, 0, 0, 0), SIGKILL, 0);
	for (;;)
		pause();
}

/* --- what was not synced ------------------------------------------------ */

static void
lock(void)
{
	while (atomic_flag_test_and_set(&dirt_lock))
		continue;
}

static void
unlock(void)
{
	atomic_flag_clear(&dirt_lock);
}

static void
dirt_add(int fd, ino_t inode, off_t at, size_t n)
{
	lock();
	if (ndirt < DIRT_MAX)
		dirt[ndirt++] = (struct dirt){ fd, inode, at, n };
	else
		gave_up = true;
	unlock();
}

static void
zero(const struct dirt *d)
{
	static const char nothing[65536];
	struct stat st;

	if (fstat(d->fd, &st) == -1 || st.st_ino != d->inode)
		return;
	for (size_t done = 0; done < d->n; done += sizeof(nothing)) {
		size_t n = d->n - done;

		if (n > sizeof(nothing))
			n = sizeof(nothing);
		raw4(SYS_pwrite64, d->fd, (long)nothing, (long)n,
		    d->at + (off_t)done);
	}
}

/* Of one file, or of all (0): it is on disk, or it never will be. */
static void
dirt_settle(ino_t inode, bool lost)
{
	unsigned kept = 0;

	lock();
	for (unsigned i = 0; i < ndirt; i++) {
		if (inode != 0 && dirt[i].inode != inode)
			dirt[kept++] = dirt[i];
		else if (lost)
			zero(&dirt[i]);
	}
	ndirt = kept;
	unlock();
}

/* Its descriptor is closed; what was written can still be lost. */
static void
dirt_keep(int fd, ino_t inode)
{
	int other = -1;

	lock();
	for (unsigned i = 0; i < ndirt; i++) {
		if (dirt[i].inode != inode || dirt[i].fd != fd)
			continue;
		if (other == -1)
			other = fcntl(fd, F_DUPFD_CLOEXEC, 100);
		dirt[i].fd = other;
	}
	unlock();
}

/* --- one call ----------------------------------------------------------- */

static struct statx
identity(int fd)
{
	struct statx x = { 0 };

	raw(SYS_statx, (const long[6]){ fd, (long)"", AT_EMPTY_PATH,
	    STATX_INO | STATX_BTIME | STATX_TYPE, (long)&x });
	return x;
}

/* A folder's later entries are not what failed. */
static bool
is_failed(int fd)
{
	const struct statx x = identity(fd);

	return S_ISREG(failed.stx_mode) && x.stx_ino == failed.stx_ino &&
	    x.stx_btime.tv_sec == failed.stx_btime.tv_sec &&
	    x.stx_btime.tv_nsec == failed.stx_btime.tv_nsec;
}

static bool
needs_no_room(const struct call *c, off_t size)
{
	const off_t at = c->nr == SYS_pwrite64 ? (off_t)c->a[3]
	    : lseek((int)c->a[0], 0, SEEK_CUR);

	return c->kind == WRITE && at + (off_t)c->a[2] <= size;
}

static bool
hits(const struct call *c, const struct stat *st)
{
	unsigned n;

	if ((page->kinds & (unsigned)c->kind) == 0 ||
	    (page->stays == FULL && needs_no_room(c, st->st_size)))
		return false;
	n = atomic_fetch_add(&page->count, 1) + 1;
	if (n != page->at && (page->stays == NOT || n < page->at))
		return false;
	page->nr = (uint32_t)c->nr;
	page->pid = (uint32_t)getpid();
	page->inode = st->st_ino;
	strncpy(page->name, c->name == NULL ? "" : c->name,
	    sizeof(page->name) - 1);
	if (c->kind == SYNC) {
		if (is_failed((int)c->a[0]))
			atomic_fetch_add(&page->again, 1);
		failed = identity((int)c->a[0]);
	}
	atomic_fetch_add(&page->hits, 1);
	return true;
}

/* Of the octets, or of writev's pieces. */
static long
half(struct call *c)
{
	c->a[2] /= 2;
	return raw(c->nr, c->a);
}

static long
strike(struct call *c, ino_t inode)
{
	long rc = -1;

	switch ((enum action)page->action) {
	case BEFORE:
		die();
		break;
	case AFTER:
		(void)raw(c->nr, c->a);
		die();
		break;
	case TORN:
		(void)half(c);
		die();
		break;
	case SHORT:
		return c->a[2] > 1 ? half(c) : raw(c->nr, c->a);
	case LOSE:
		dirt_settle(c->nr == SYS_syncfs ? 0 : inode, true);
		break;
	case FAIL:
		if (c->kind == CLOSE)
			(void)raw(c->nr, c->a);
		break;
	case NOTHING:
		return raw(c->nr, c->a);
	}
	errno = (int)page->error;
	return rc;
}

/* After a call that was made: what is written and what is kept. */
static void
remember(const struct call *c, ino_t inode, long rc)
{
	int saved = errno;

	if (page->action == LOSE && c->kind == WRITE && rc > 0) {
		off_t at = c->nr == SYS_pwrite64 ? (off_t)c->a[3]
		    : lseek((int)c->a[0], 0, SEEK_CUR) - rc;

		dirt_add((int)c->a[0], inode, at, (size_t)rc);
	}
	if (c->kind == SYNC && rc == 0) {
		dirt_settle(c->nr == SYS_syncfs ? 0 : inode, false);
		if (is_failed((int)c->a[0]))
			atomic_fetch_add(&page->again, 1);
	}
	errno = saved;
}

/* What to strike only when the descriptor is of this type. */
static bool
is_counted(const struct call *c, mode_t type)
{
	if (c->kind == SEND)
		return S_ISSOCK(type);
	if (c->kind == READ && c->nr == SYS_getdents64)
		return S_ISDIR(type);
	return (c->kind != WRITE && c->kind != READ) || S_ISREG(type);
}

static long
made(struct call c)
{
	struct stat st = { 0 };
	int saved = errno;
	bool regular;
	long rc;

	if (!is_ours())
		return raw(c.nr, c.a);
	if (c.name == NULL && fstat((int)c.a[0], &st) == -1)
		return raw(c.nr, c.a);
	errno = saved;
	regular = c.name == NULL && S_ISREG(st.st_mode);
	if (c.kind == WRITE && S_ISSOCK(st.st_mode))
		c.kind = SEND;
	if (!is_counted(&c, st.st_mode))
		return raw(c.nr, c.a);
	if (c.kind == CLOSE) {
		if (!regular ||
		    (fcntl((int)c.a[0], F_GETFL) & O_ACCMODE) == O_RDONLY)
			return raw(c.nr, c.a);
		if (page->action == LOSE)
			dirt_keep((int)c.a[0], st.st_ino);
	}
	if (hits(&c, &st))
		return strike(&c, st.st_ino);
	rc = raw(c.nr, c.a);
	remember(&c, st.st_ino, rc);
	return rc;
}

/* --- the functions of the C library ------------------------------------- */

#define ON_FD(kind_, nr_, ...)                                                 \
	made((struct call){ .kind = (kind_), .nr = (nr_), .a = { __VA_ARGS__ } })
#define ON_NAME(kind_, nr_, name_, ...)                                        \
	made((struct call){ .kind = (kind_), .nr = (nr_), .a = { __VA_ARGS__ }, \
	    .name = (name_) })

static mode_t
mode_of(int flags, va_list ap)
{
	return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(ap, mode_t) : 0;
}

#define OPEN_FUNCTION(name)                                                    \
	int name(int dir, const char *path, int flags, ...)                    \
	{                                                                      \
		va_list ap;                                                    \
		mode_t mode;                                                   \
		va_start(ap, flags);                                           \
		mode = mode_of(flags, ap);                                     \
		va_end(ap);                                                    \
		return (int)ON_NAME(OPEN, SYS_openat, path, dir, (long)path,   \
		    flags, (long)mode);                                        \
	}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return (int)ON_NAME(OPEN, SYS_openat, path, AT_FDCWD, (long)path,
	    flags, (long)mode);
}

OPEN_FUNCTION(openat)
OPEN_FUNCTION(openat64)
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

int
__openat_2(int dir, const char *path, int flags)
{
	return openat(dir, path, flags);
}

int
__openat64_2(int dir, const char *path, int flags)
{
	return openat(dir, path, flags);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	return ON_FD(WRITE, SYS_write, fd, (long)p, (long)n);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	return ON_FD(WRITE, SYS_pwrite64, fd, (long)p, (long)n, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite(fd, p, n, at);
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	return ON_FD(WRITE, SYS_writev, fd, (long)v, n);
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	return ON_FD(SEND, SYS_sendmsg, fd, (long)m, flags);
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	return ON_FD(SEND, SYS_sendto, fd, (long)p, (long)n, flags);
}

ssize_t
read(int fd, void *p, size_t n)
{
	return ON_FD(READ, SYS_read, fd, (long)p, (long)n);
}

ssize_t
pread(int fd, void *p, size_t n, off_t at)
{
	return ON_FD(READ, SYS_pread64, fd, (long)p, (long)n, at);
}

ssize_t
pread64(int fd, void *p, size_t n, off64_t at)
{
	return pread(fd, p, n, at);
}

/* The library has its own buffer: that it is read on stands for getdents(). */
struct dirent *
readdir(DIR *dir)
{
	static struct dirent *(*real)(DIR *);
	const struct call c = { .kind = READ, .nr = SYS_getdents64,
		.a = { dirfd(dir) } };
	struct stat st = { 0 };

	if (real == NULL) {
		void *symbol = dlsym(RTLD_NEXT, "readdir");

		memcpy(&real, &symbol, sizeof(real));
	}
	if (is_ours() && page->action == FAIL && hits(&c, &st)) {
		errno = (int)page->error;
		return NULL;
	}
	return real(dir);
}

int
fdatasync(int fd)
{
	return (int)ON_FD(SYNC, SYS_fdatasync, fd);
}

int
fsync(int fd)
{
	return (int)ON_FD(SYNC, SYS_fsync, fd);
}

int
syncfs(int fd)
{
	return (int)ON_FD(SYNC, SYS_syncfs, fd);
}

int
ftruncate(int fd, off_t n)
{
	return (int)ON_FD(TRUNCATE, SYS_ftruncate, fd, n);
}

int
ftruncate64(int fd, off64_t n)
{
	return ftruncate(fd, n);
}

int
fallocate(int fd, int mode, off_t at, off_t n)
{
	return (int)ON_FD(TRUNCATE, SYS_fallocate, fd, mode, at, n);
}

int
fallocate64(int fd, int mode, off64_t at, off64_t n)
{
	return fallocate(fd, mode, at, n);
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return (int)ON_NAME(RENAME, SYS_renameat, from, from_dir, (long)from,
	    to_dir, (long)to);
}

int
renameat2(int from_dir, const char *from, int to_dir, const char *to,
    unsigned flags)
{
	return (int)ON_NAME(RENAME, SYS_renameat2, from, from_dir, (long)from,
	    to_dir, (long)to, flags);
}

int
linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	return (int)ON_NAME(LINK, SYS_linkat, from, from_dir, (long)from,
	    to_dir, (long)to, flags);
}

int
unlinkat(int dir, const char *name, int flags)
{
	return (int)ON_NAME(UNLINK, SYS_unlinkat, name, dir, (long)name, flags);
}

int
mkdirat(int dir, const char *name, mode_t mode)
{
	return (int)ON_NAME(MKDIR, SYS_mkdirat, name, dir, (long)name,
	    (long)mode);
}

int
close(int fd)
{
	return (int)ON_FD(CLOSE, SYS_close, fd);
}

/* --- the clock ---------------------------------------------------------- */

int
clock_gettime(clockid_t id, struct timespec *t)
{
	int rc = (int)raw4(SYS_clock_gettime, id, (long)t, 0, 0);

	if (rc == 0 && page != NULL &&
	    (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		t->tv_sec += page->clock;
	return rc;
}

time_t
time(time_t *out)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME_COARSE, &t);
	if (out != NULL)
		*out = t.tv_sec;
	return t.tv_sec;
}

int
gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec t;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &t);
	*out = (struct timeval){ t.tv_sec, t.tv_nsec / 1000 };
	return 0;
}

/* --- the way into the children ------------------------------------------ */

static long
with_variables(long a[6])
{
	char *const *old = (char *const *)a[3];
	char *all[VARIABLES_MAX + 3];
	size_t n = 0;

	while (old != NULL && old[n] != NULL && n < VARIABLES_MAX) {
		all[n] = old[n];
		n++;
	}
	all[n++] = preload_variable;
	all[n++] = page_variable;
	all[n] = NULL;
	a[3] = (long)all;
	return raw(SYS_execveat, a);
}

/* As many arguments as any call takes; what is not there is not used. */
long
syscall(long nr, ...)
{
	va_list ap;
	long a[6];

	va_start(ap, nr);
	for (size_t i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_execveat && page != NULL)
		return with_variables(a);
	if (nr == SYS_openat2)
		return ON_NAME(OPEN, nr, (const char *)a[1], a[0], a[1], a[2],
		    a[3]);
	return raw(nr, a);
}
