#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fatal.h"
#include "ctl/sendmail.h"

bool
sm_write(int fd, struct str out)
{
	while (out.n > 0) {
		ssize_t n = write(fd, out.p, out.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return false;
		(void)str_take(&out, (size_t)n);
	}
	return true;
}

/* Nobody can guess it.  The dot says that the file is not finished. */
void
sm_drop_name(struct sm *s)
{
	char token[TOKEN];

	if (getrandom(token, TOKEN, 0) != TOKEN)
		fatal_errno("getrandom");
	s->drop[0] = '.';
	drop_name(s->drop + 1, str_n(token, TOKEN));
}

static int
create(const struct sm *s, int folder)
{
	umask(027);
	return openat(folder, s->drop,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
}

/* Not surely on disk: nobody may take it once we have said so. */
static int
withdraw(int folder, int fd, const char *name)
{
	struct stat st;

	if (unlinkat(folder, name, 0) == 0)
		return EX_TEMPFAIL;
	/* Taken as one whose sendmail died, and removed since the queue has
	 * it; with a name elsewhere it was only put aside. */
	if (errno == ENOENT && fstat(fd, &st) == 0 && st.st_nlink == 0)
		return EX_OK;
	/* Without its end it never will be. */
	if (ftruncate(fd, 0) == -1)
		fprintf(stderr, "sendmail: %s: %s; a copy of the message may "
		    "still be delivered\n", name, strerror(errno));
	return EX_TEMPFAIL;
}

/*
 * The name without the dot is the promise, given when all is on disk under
 * the other.  A power cut may take it back: then the file is there with its
 * dot, and is taken as such.
 */
static int
finish(struct sm *s, int folder, int fd, struct str file)
{
	/* The folder cannot be opened for its own fsync: syncfs has it too. */
	if (sm_write(fd, file) && fsync(fd) == 0 && syncfs(fd) == 0 &&
	    renameat(folder, s->drop, folder, s->drop + 1) == 0)
		return EX_OK;
	s->drop_error = errno;
	return withdraw(folder, fd, s->drop);
}

int
sm_drop(struct sm *s)
{
	char path[4096];
	struct buf file;
	int folder, fd, code;

	snprintf(path, sizeof(path), "%.*s/drop", STR_ARG(s->spool));
	folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder == -1) {
		s->drop_error = errno;
		return EX_TEMPFAIL;
	}
	if ((fd = create(s, folder)) == -1) {
		s->drop_error = errno;
		close(folder);
		return EX_TEMPFAIL;
	}
	buf_init(&file, BUF_NO_MAX);
	drop_write(&file, &s->head, s->rcpts, s->nrcpts, buf_str(&s->text));
	code = finish(s, folder, fd, buf_str(&file));
	close(fd);
	close(folder);
	buf_clear(&file);
	if (code == EX_OK && s->verbose)
		fprintf(stderr, "sendmail: the server is down; the message "
		    "waits in %s\n", path);
	return code;
}
