#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "helpers/pickup/pickup.h"
#include "proc/note.h"

enum { UNFINISHED_S = 3600 /* nobody writes a file for longer */ };

void
folder_look(int folder, struct buf *names)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
	const struct dirent *e;
	size_t n = 0;

	if (dir == NULL) {
		note(NOTE_ERROR, "drop-unreadable");
		note_errno(errno);
		note_end();
		if (fd != -1)
			close(fd);
		return;
	}
	while (n < FOLDER_LOOK && (e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.' || strcmp(e->d_name, "corrupt") == 0)
			continue;
		buf_add_c(names, e->d_name);
		buf_add_char(names, '\0');
		n++;
	}
	closedir(dir);
}

void
folder_aside(struct pickup *p, const char *why)
{
	char to[sizeof(p->now.name) + 16];

	snprintf(to, sizeof(to), "corrupt/%s", p->now.name);
	if ((mkdirat(p->folder, "corrupt", 0700) == -1 && errno != EEXIST) ||
	    renameat(p->folder, p->now.name, p->folder, to) == -1) {
		note(NOTE_ERROR, "drop-stays");
		note_errno(errno);
	} else {
		note(NOTE_WARN, "drop-aside");
	}
	note_c("file", p->now.name);
	note_c("why", why);
	note_u64("uid", p->now.uid);
	note_end();
}

/* What nobody but its owner could have made is a regular file with one
 * name: links would give others' files away. */
static const char *
judge(const struct pickup *p, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "not a regular file";
	if (st->st_nlink != 1)
		return "it has other names";
	if ((uint64_t)st->st_size > p->size_max)
		return "too large";
	return NULL;
}

static bool
read_all(int fd, size_t size, struct buf *out)
{
	char *room = buf_reserve(out, size + 1);
	size_t n = 0;
	ssize_t got;

	while (room != NULL && n < size) {
		got = pread(fd, room + n, size - n, (off_t)n);
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	buf_commit(out, n);
	return n == size;
}

static bool
judge_text(struct pickup *p, time_t changed)
{
	switch (drop_read(buf_str(&p->now.file), &p->now.drop)) {
	case DROP_OK:
		return true;
	case DROP_CUT:
		if (clock_wall() - changed > UNFINISHED_S)
			folder_aside(p, "never finished");
		return false;
	case DROP_DAMAGED:
		folder_aside(p, "damaged");
		return false;
	}
	return false;
}

bool
folder_read(struct pickup *p)
{
	int fd = openat(p->folder, p->now.name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const char *why;
	struct stat st;
	bool whole;

	buf_reset(&p->now.file);
	p->now.uid = (uid_t)-1;
	if (fd == -1) {
		if (errno == ELOOP)
			folder_aside(p, "a symbolic link");
		else if (errno != ENOENT && errno != EACCES)
			folder_aside(p, strerror(errno));
		return false;
	}
	if (fstat(fd, &st) == -1) {
		close(fd);
		return false;
	}
	p->now.uid = st.st_uid;
	why = judge(p, &st);
	whole = why == NULL &&
	    read_all(fd, (size_t)st.st_size, &p->now.file);
	close(fd);
	if (why != NULL) {
		folder_aside(p, why);
		return false;
	}
	return whole && judge_text(p, st.st_mtime);
}

void
folder_remove(struct pickup *p)
{
	/* A second copy is better than a loss: only now. */
	if (unlinkat(p->folder, p->now.name, 0) == -1 && errno != ENOENT) {
		note(NOTE_ERROR, "drop-stays");
		note_c("file", p->now.name);
		note_errno(errno);
		note_end();
		folder_aside(p, "taken, but it cannot be removed");
	}
}
