#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "ctl/sendmail.h"

enum { LOCK_TRIES = 30 };
static const struct timespec pause_between = { .tv_nsec = 100000000 };

/* ---- what is kept: one message of an mbox ---- */

static void
put_options(const struct sm *s, struct buf *out)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} notifies[] = { { NOTIFY_NEVER, "never" },
		{ NOTIFY_SUCCESS, "success" }, { NOTIFY_FAILURE, "failure" },
		{ NOTIFY_DELAY, "delay" } };
	const char *before = "X-Envelope-Notify: ";

	for (size_t i = 0; i < sizeof(notifies) / sizeof(notifies[0]); i++)
		if ((s->notify & notifies[i].bit) != 0) {
			buf_addf(out, "%s%s", before, notifies[i].name);
			before = ",";
		}
	if (s->notify != 0)
		buf_add_char(out, '\n');
	if ((s->head.flags & (ENV_RET_FULL | ENV_RET_HDRS)) != 0)
		buf_addf(out, "X-Envelope-Return: %s\n",
		    (s->head.flags & ENV_RET_FULL) != 0 ? "full" : "hdrs");
	if (s->head.envid.n > 0)
		buf_addf(out, "X-Envelope-Id: %.*s\n", STR_ARG(s->head.envid));
}

/* Whom it did not reach: the refused, or all. */
static void
put_envelope(const struct sm *s, bool all, struct buf *out)
{
	buf_addf(out, "X-Envelope-From: <%.*s>\n", STR_ARG(s->head.sender));
	for (size_t i = all ? 0 : s->nrcpts; i < s->nrcpts + s->nrefused; i++)
		buf_addf(out, "X-Envelope-To: <%.*s>\n",
		    STR_ARG(s->rcpts[i].address));
	put_options(s, out);
}

/* A line that looks like the next one's mark gets one more ">". */
static void
put_text(struct str text, struct buf *out)
{
	while (text.n > 0) {
		struct str line = str_take_until(&text, '\n'), word = line;

		while (str_take_char(&word, '>'))
			;
		if (str_starts(word, STR("From ")))
			buf_add_char(out, '>');
		buf_add(out, line);
		buf_add_char(out, '\n');
	}
	buf_add_char(out, '\n');
}

static void
put_letter(const struct sm *s, bool all, struct buf *out)
{
	time_t now = clock_wall();
	char when[32];

	strftime(when, sizeof(when), "%a %b %e %H:%M:%S %Y", gmtime(&now));
	buf_addf(out, "From dead.letter %s\n", when);
	put_envelope(s, all, out);
	put_text(buf_str(&s->text), out);
}

/* ---- where ---- */

/* A file of the caller's own, which from now on nobody else reads: it tells
 * hidden recipients.  -1 and errno. */
static int
open_own(int home)
{
	struct stat st;
	int saved, fd = openat(home, "dead.letter", O_WRONLY | O_CREAT |
	    O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0) {
		if (S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
		    st.st_nlink == 1 && ((st.st_mode & 077) == 0 ||
		        fchmod(fd, 0600) == 0))
			return fd;
		errno = EPERM;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* Its end is ours.  false: somebody holds it for long, or there are no locks
 * here: then others may write too. */
static bool
lock(int fd)
{
	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) == -1; i++) {
		if ((errno != EWOULDBLOCK && errno != EINTR) ||
		    i == LOCK_TRIES)
			return false;
		nanosleep(&pause_between, NULL);
	}
	return true;
}

/* Not every folder can be written to disk by itself: the file was. */
static bool
sync_folder(int home)
{
	return fsync(home) == 0 || errno == EINVAL || errno == ENOTSUP ||
	    errno == EBADF;
}

/* On disk, the file's name too; on failure the file is as it was, if others
 * cannot have written behind us. */
static bool
append(int home, int fd, struct str letter)
{
	const bool locked = lock(fd);
	struct stat st;
	int saved;

	if (fstat(fd, &st) == -1)
		return false;
	if (sm_write(fd, letter) && fsync(fd) == 0 && sync_folder(home))
		return true;
	saved = errno;
	if (!locked || ftruncate(fd, st.st_size) == -1)
		fprintf(stderr, "sendmail: dead.letter may have a part of "
		    "the message\n");
	errno = saved;
	return false;
}

static bool
keep(const char *path, struct str letter)
{
	int home = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd, saved;
	bool ok;

	/* It may be ours to enter only, not to read. */
	if (home == -1 && errno == EACCES)
		home = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (home == -1)
		return false;
	fd = open_own(home);
	ok = fd != -1 && append(home, fd, letter);
	saved = errno;
	if (fd != -1)
		close(fd);
	close(home);
	errno = saved;
	return ok;
}

bool
sm_dead_letter(struct sm *s, int code)
{
	const char *home = getenv("HOME");
	const struct passwd *pw = getpwuid(getuid());
	struct buf letter;
	bool kept;

	if (home == NULL || home[0] != '/')
		home = pw != NULL ? pw->pw_dir : "";
	if (home[0] != '/' || buf_len(&s->text) == 0)
		return false;
	buf_init(&letter, BUF_NO_MAX);
	put_letter(s, code != EX_OK, &letter);
	kept = keep(home, buf_str(&letter));
	if (kept)
		sm_fail(s, 0, "the text is kept in %s/dead.letter", home);
	else
		sm_fail(s, 0, "%s/dead.letter: %s", home, strerror(errno));
	buf_clear(&letter);
	return kept;
}
