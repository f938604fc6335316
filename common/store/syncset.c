#include "store/syncset.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "store/disk.h"

void
syncset_clear(struct syncset *s)
{
	for (size_t i = 0; i < s->n; i++)
		close(s->fds[i]);
	*s = (struct syncset){ 0 };
}

bool
syncset_is_empty(const struct syncset *s)
{
	return s->n == 0 && !s->many;
}

void
syncset_adopt(struct syncset *s, int fd)
{
	if (!s->many && s->n < SYNCSET_FILES) {
		s->fds[s->n++] = fd;
		return;
	}
	close(fd);
	s->many = true;
}

void
syncset_add(struct syncset *s, int fd)
{
	int copy = s->many ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy == -1)
		s->many = true;
	else
		syncset_adopt(s, copy);
}

int
syncset_flush(struct syncset *s, int any_fd)
{
	int rc = 0, saved = 0;

	if (s->many) {
		rc = disk_syncfs(any_fd);
		/* Whose error it was is told to descriptors that were open. */
		if (rc == 0 && s->n > 0)
			rc = disk_sync(s->fds[0]);
	} else
		for (size_t i = 0; rc == 0 && i < s->n; i++)
			rc = disk_sync_dir(s->fds[i]);
	if (rc == -1)
		saved = errno;
	syncset_clear(s);
	errno = saved;
	return rc;
}
