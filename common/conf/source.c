#include "conf/source.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <unistd.h>

bool
source_add(struct conf *c, struct str name, struct str text,
    struct conf_place from, uint32_t *file)
{
	struct conf_source *s;
	size_t slash = str_rfind(name, '/');

	if (c->nfiles == CONF_FILES_MAX) {
		conf_error(c, from, NULL, "more than %d files",
		    CONF_FILES_MAX);
		return false;
	}
	*file = (uint32_t)c->nfiles;
	s = &c->files[c->nfiles++];
	s->name = pool_str(&c->pool, name);
	s->text = text;
	s->dir = slash < name.n ? str_first(s->name, slash + 1) : STR("");
	return true;
}

/* All of fd, at most one octet more than is permitted. */
static ssize_t
read_all(struct conf *c, int fd, struct str *out)
{
	struct stat st;
	char *text;
	size_t size, n = 0;
	ssize_t got;

	if (fstat(fd, &st) == -1)
		return -1;
	if (!S_ISREG(st.st_mode) || st.st_size > CONF_OCTETS_MAX) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EFBIG;
		/* /dev/stdin and process substitution are fine. */
		if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
			return -1;
	}
	size = S_ISREG(st.st_mode) ? (size_t)st.st_size : CONF_OCTETS_MAX;
	text = pool_alloc(&c->pool, size + 1);
	while (n < size && (got = read(fd, text + n, size - n)) != 0) {
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return -1;
		n += (size_t)got;
	}
	*out = str_n(text, n);
	return 0;
}

static void
check_mode(struct conf *c, int fd, const char *path, uint32_t file)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & S_IWOTH) != 0)
		conf_warn(c, (struct conf_place){ .file = file }, NULL,
		    "%s can be changed by every user of this machine", path);
}

bool
source_read(struct conf *c, const char *path, struct conf_place from,
    uint32_t *file)
{
	struct str text = STR_NONE;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok;

	if (fd == -1 || read_all(c, fd, &text) == -1) {
		conf_error(c, from, NULL, "cannot read %s: %s", path,
		    strerror(errno));
		if (fd != -1)
			close(fd);
		return false;
	}
	ok = source_add(c, str_c(path), text, from, file);
	if (ok)
		check_mode(c, fd, path, *file);
	close(fd);
	if (ok && memchr(text.p, '\0', text.n) != NULL) {
		conf_error(c, (struct conf_place){ .file = *file }, NULL,
		    "not a text file (it has NUL octets)");
		ok = false;
	}
	return ok;
}

struct str
source_path(struct conf *c, const struct conf_source *in, struct str path)
{
	char *joined;

	if (path.n == 0 || path.p[0] == '/')
		return path;
	joined = pool_alloc(&c->pool, in->dir.n + path.n + 1);
	memcpy(joined, in->dir.p, in->dir.n);
	memcpy(joined + in->dir.n, path.p, path.n);
	return str_n(joined, in->dir.n + path.n);
}

void
source_include(struct conf *c, struct str pattern, struct conf_place from,
    void (*each)(void *arg, const char *path), void *arg)
{
	struct str full = source_path(c, &c->files[from.file], pattern);
	bool wild = strpbrk(full.p, "*?[") != NULL;
	glob_t found = { 0 };
	int rc;

	/* Both kinds of view end with a NUL here. */
	rc = glob(full.p, wild ? 0 : GLOB_NOCHECK, NULL, &found);
	if (rc != 0 && rc != GLOB_NOMATCH)
		conf_error(c, from, NULL, "cannot look for %.*s: %s",
		    STR_ARG(full), strerror(errno));
	for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++)
		each(arg, found.gl_pathv[i]);
	globfree(&found);
}
