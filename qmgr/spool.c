#include "qmgr/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/dir.h"
#include "base/fatal.h"
#include "base/id.h"
#include "proc/note.h"
#include "qmgr/disk.h"

enum { UUID_TEXT = 33 /* 32 hex digits and LF */ };

static int
lock(struct spool *s)
{
	const int64_t until = clock_mono_ms() + SPOOL_LOCK_WAIT;
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	s->lockfd = disk_open(s->dirfd, "lock", O_RDWR | O_CREAT);
	if (s->lockfd == -1)
		return -1;
	while (fcntl(s->lockfd, F_OFD_SETLK, &l) == -1) {
		if ((errno != EAGAIN && errno != EACCES && errno != EINTR) ||
		    clock_mono_ms() > until)
			return -1;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int
open_dir(int dirfd, const char *name, bool make)
{
	if (make && mkdirat(dirfd, name, 0700) == -1 && errno != EEXIST)
		return -1;
	return disk_open(dirfd, name, O_RDONLY | O_DIRECTORY);
}

static int
make_uuid(struct spool *s)
{
	struct buf text;
	int fd, r = -1;

	if (getrandom(s->uuid, sizeof(s->uuid), 0) != sizeof(s->uuid))
		return -1;
	fd = disk_open(s->dirfd, "uuid.new", O_WRONLY | O_CREAT | O_TRUNC);
	if (fd == -1)
		return -1;
	buf_init(&text, UUID_TEXT);
	hex_encode(&text, str_n(s->uuid, sizeof(s->uuid)));
	buf_add_char(&text, '\n');
	if (disk_write(fd, buf_str(&text).p, buf_len(&text), 0) == 0 &&
	    disk_sync(fd) == 0 &&
	    disk_rename(s->dirfd, "uuid.new", "uuid") == 0 &&
	    disk_sync(s->dirfd) == 0)
		r = 0;
	buf_clear(&text);
	close(fd);
	return r;
}

static int
read_uuid(struct spool *s)
{
	char text[UUID_TEXT];
	struct buf raw;
	const int fd = disk_open(s->dirfd, "uuid", O_RDONLY);
	int r = -1;

	if (fd == -1)
		return -1;
	buf_init(&raw, sizeof(s->uuid));
	if (disk_read(fd, text, sizeof(text), 0) == UUID_TEXT &&
	    hex_decode(&raw, str_n(text, UUID_TEXT - 1)) &&
	    buf_len(&raw) == sizeof(s->uuid)) {
		memcpy(s->uuid, buf_str(&raw).p, sizeof(s->uuid));
		r = 0;
	} else {
		errno = EINVAL;
	}
	buf_clear(&raw);
	close(fd);
	return r;
}

static int
open_dirs(struct spool *s, bool make)
{
	s->logfd = open_dir(s->dirfd, "log", make);
	s->largefd = open_dir(s->dirfd, "large", make);
	s->corruptfd = open_dir(s->dirfd, "corrupt", make);
	return s->logfd == -1 || s->largefd == -1 || s->corruptfd == -1 ? -1 :
	                                                                  0;
}

static bool
is_empty(int dirfd)
{
	const int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *e;
	bool any = false;

	if (d == NULL)
		return false;
	while (!any && (e = dir_next(d)) != NULL)
		any = e->d_name[0] != '.';
	any = any || errno != 0;
	closedir(d);
	return !any;
}

/* Nothing of what is there could be read by another one. */
static int
first_uuid(struct spool *s)
{
	if (is_empty(s->logfd) && is_empty(s->largefd))
		return make_uuid(s);
	fatal("spool/uuid is missing, and nothing in spool/log can be read "
	      "without it: put it back from a copy, or move spool/log and "
	      "spool/large away to begin an empty queue");
}

int
spool_open(struct spool *s, int dirfd)
{
	*s = (struct spool){ dirfd, -1, -1, -1, -1, { 0 } };
	if (lock(s) == -1 || open_dirs(s, true) == -1)
		return -1;
	if (read_uuid(s) == 0)
		return 0;
	return errno == ENOENT ? first_uuid(s) : -1;
}

int
spool_open_read(struct spool *s, int dirfd)
{
	*s = (struct spool){ dirfd, -1, -1, -1, -1, { 0 } };
	return open_dirs(s, false) == -1 ? -1 : read_uuid(s);
}

bool
spool_is_live(const struct spool *s)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	const int fd = disk_open(s->dirfd, "lock", O_RDONLY);
	bool live;

	if (fd == -1)
		return false;
	live = fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
	close(fd);
	return live;
}

void
spool_close(struct spool *s)
{
	const int fds[] = { s->logfd, s->largefd, s->corruptfd, s->lockfd,
		s->dirfd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] != -1)
			close(fds[i]);
}

int
large_create(const struct spool *s, uint64_t id)
{
	char name[ID_TEXT + 1];

	id_text(id, name);
	return disk_open(s->largefd, name, O_RDWR | O_CREAT | O_EXCL);
}

int
large_open(const struct spool *s, uint64_t id)
{
	char name[ID_TEXT + 1];

	id_text(id, name);
	return disk_open(s->largefd, name, O_RDONLY);
}

void
large_remove(const struct spool *s, uint64_t id)
{
	char name[ID_TEXT + 1];

	id_text(id, name);
	disk_unlink(s->largefd, name);
}

/* What is there without a message stays until the next start. */
static void
note_unswept(void)
{
	const int error = errno;

	note(NOTE_WARN, "large-unread");
	note_errno(error);
	note_end();
}

/* The record that named it may be what cannot be read. */
static void
keep_large(const struct spool *s, const char *name)
{
	char kept[sizeof("large-") + NAME_MAX];

	snprintf(kept, sizeof(kept), "large-%s", name);
	if (renameat(s->largefd, name, s->corruptfd, kept) == -1) {
		note_unswept();
		return;
	}
	note(NOTE_WARN, "large-kept");
	note_c("file", name);
	note_c("why", "no message names it, and records are damaged; it is in "
	    "spool/corrupt");
	note_end();
}

void
large_sweep(const struct spool *s, const struct table *t, bool is_damaged)
{
	const int fd =
	    openat(s->largefd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (d == NULL) {
		note_unswept();
		return;
	}
	while ((e = dir_next(d)) != NULL) {
		uint64_t id;

		if (!id_parse(str_c(e->d_name), &id) ||
		    table_find(t, id) != NULL)
			continue;
		if (is_damaged)
			keep_large(s, e->d_name);
		else
			disk_unlink(s->largefd, e->d_name);
	}
	if (errno != 0)
		note_unswept();
	closedir(d);
}
