#include "helpers/keyd/source.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"

#define OWN_FILE "self-signed.pem"

void
source_init(struct source *s, bool self_signed, struct str hostname)
{
	s->self_signed = self_signed;
	s->hostname = str_dup(hostname);
}

static void
file_clear(struct source_file *f)
{
	if (f->dir != -1)
		close(f->dir);
	if (f->opened != -1)
		close(f->opened);
	free(f->name);
	*f = (struct source_file){ .dir = -1, .opened = -1 };
}

void
source_clear(struct source *s)
{
	file_clear(&s->cert);
	file_clear(&s->key);
	if (s->lib != -1)
		close(s->lib);
	s->lib = -1;
	free(s->hostname);
	s->hostname = NULL;
}

void
source_file_folder(struct source_file *f, struct str path, int fd)
{
	char *copy = str_dup(path);

	if (f->dir != -1)
		close(f->dir);
	free(f->name);
	f->dir = fd;
	f->name = xstrdup(basename(copy));
	free(copy);
}

void
source_file_opened(struct source_file *f, int fd)
{
	if (f->opened != -1)
		close(f->opened);
	f->opened = fd;
}

/* The file's real folder, where it is a symbolic link (as certbot's are). */
static int
real_folder(const struct source_file *f)
{
	char link[64], path[PATH_MAX];
	ssize_t n;
	int fd, dir;

	if (f->dir == -1)
		return -1;
	fd = openat(f->dir, f->name, O_PATH | O_CLOEXEC);
	if (fd == -1)
		return -1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	path[n] = '\0';
	dir = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir;
}

void
source_follow(const struct source *s, void (*on_dir)(int fd))
{
	const struct source_file *files[] = { &s->cert, &s->key };

	for (size_t i = 0; i < 2; i++) {
		int fd = real_folder(files[i]);

		if (fd != -1)
			on_dir(fd);
	}
}

static bool
file_changed(const struct source_file *f)
{
	struct stat st;

	if (f->dir == -1 || fstatat(f->dir, f->name, &st, 0) == -1)
		return false;
	return st.st_ino != f->inode || st.st_size != f->size ||
	    st.st_mtim.tv_sec != f->changed.tv_sec ||
	    st.st_mtim.tv_nsec != f->changed.tv_nsec;
}

bool
source_changed(const struct source *s)
{
	return !s->self_signed &&
	    (file_changed(&s->cert) || file_changed(&s->key));
}

static int
read_all(int fd, struct buf *out)
{
	for (;;) {
		char *room = buf_reserve(out, 4096);
		ssize_t n;

		if (room == NULL) {
			errno = EFBIG;
			return -1;
		}
		n = read(fd, room, 4096);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		buf_commit(out, (size_t)n);
	}
}

/* A file that we may not open ourselves was opened by master once. */
static int
open_file(struct source_file *f)
{
	int fd = f->dir == -1 ? -1
	    : openat(f->dir, f->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd == -1 && f->opened != -1) {
		fd = f->opened;
		f->opened = -1;
	}
	return fd;
}

static int
read_file(struct source_file *f, struct buf *out, char error[PAIR_ERROR])
{
	struct stat st;
	int fd = open_file(f), r;

	if (fd == -1 || fstat(fd, &st) == -1) {
		snprintf(error, PAIR_ERROR, "%s: %s",
		    f->name != NULL ? f->name : "certificate file",
		    f->name != NULL ? strerror(errno) : "not given");
		if (fd != -1)
			close(fd);
		return -1;
	}
	f->changed = st.st_mtim;
	f->inode = st.st_ino;
	f->size = st.st_size;
	r = read_all(fd, out);
	if (r == -1)
		snprintf(error, PAIR_ERROR, "%s: %s", f->name,
		    strerror(errno));
	close(fd);
	return r;
}

static struct pair *
read_files(struct source *s, char error[PAIR_ERROR])
{
	struct buf chain, key;
	struct pair *p = NULL;

	buf_init(&chain, CHAIN_PEM_MAX + 4096);
	buf_init(&key, KEY_PEM_MAX + 4096);
	if (read_file(&s->cert, &chain, error) == 0 &&
	    read_file(&s->key, &key, error) == 0)
		p = pair_new(buf_str(&chain), buf_str(&key), error);
	buf_clear(&chain);
	buf_clear_secret(&key);
	return p;
}

static struct pair *
read_own(struct source *s, char error[PAIR_ERROR])
{
	struct buf pem;
	struct pair *p = NULL;
	int fd = openat(s->lib, OWN_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd == -1) {
		snprintf(error, PAIR_ERROR, "%s: %s", OWN_FILE,
		    strerror(errno));
		return NULL;
	}
	buf_init(&pem, CHAIN_PEM_MAX);
	if (read_all(fd, &pem) == 0) {
		struct str all = buf_str(&pem);
		size_t cut = str_find_str(all, STR("-----BEGIN PRIVATE"));

		p = pair_new(str_first(all, cut), str_from(all, cut), error);
	}
	buf_clear_secret(&pem);
	close(fd);
	return p;
}

static int
write_all(int fd, struct str s)
{
	while (s.n != 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0)
			str_take(&s, (size_t)n);
	}
	return 0;
}

/* Durable under its final name; of several keyd processes that start at the
 * same time the first one's file stays. */
static int
write_own(struct source *s, bool replace)
{
	char tmp[64];
	struct buf pem;
	int fd, r = -1;

	snprintf(tmp, sizeof(tmp), ".new.%ld", (long)getpid());
	buf_init(&pem, CHAIN_PEM_MAX);
	unlinkat(s->lib, tmp, 0);
	fd = openat(s->lib, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd != -1 && pair_make(s->hostname, &pem) &&
	    write_all(fd, buf_str(&pem)) == 0 && fsync(fd) == 0)
		r = replace ? renameat(s->lib, tmp, s->lib, OWN_FILE)
		            : linkat(s->lib, tmp, s->lib, OWN_FILE, 0);
	if (r == -1 && errno == EEXIST)
		r = 0;
	if (fd != -1)
		close(fd);
	unlinkat(s->lib, tmp, 0);
	fsync(s->lib);
	buf_clear_secret(&pem);
	return r;
}

static struct pair *
read_self_signed(struct source *s, char error[PAIR_ERROR])
{
	struct pair *p = read_own(s, error);
	bool unfit = p != NULL && !pair_is_fit(p, s->hostname);

	if (p != NULL && !unfit)
		return p;
	pair_free(p);
	/* What cannot be read is replaced too, unless it is not there. */
	if (write_own(s, unfit || faccessat(s->lib, OWN_FILE, F_OK, 0) == 0) ==
	    -1) {
		snprintf(error, PAIR_ERROR, "%s: %s", OWN_FILE,
		    strerror(errno));
		return NULL;
	}
	return read_own(s, error);
}

struct pair *
source_read(struct source *s, char error[PAIR_ERROR])
{
	return s->self_signed ? read_self_signed(s, error)
	                      : read_files(s, error);
}
