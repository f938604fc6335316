#include "store/coldfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/boxindex.h"
#include "store/coldrec.h"
#include "store/disk.h"

void
coldfiles_clear(struct coldfiles *c)
{
	for (size_t i = 0; i < COLDFILES; i++)
		if (c->files[i].gen != 0)
			close(c->files[i].fd);
	memset(c, 0, sizeof(*c));
}

static int
get(struct coldfiles *c, int ix, bool meta, uint32_t gen)
{
	struct coldfile *f;
	char name[32];
	int fd;

	for (size_t i = 0; i < COLDFILES; i++)
		if (c->files[i].gen == gen && c->files[i].meta == meta)
			return c->files[i].fd;
	if (gen == 0) {
		errno = ENOENT;
		return -1;
	}
	snprintf(name, sizeof(name), "%s.%u", meta ? "meta" : "log", gen);
	fd = disk_open(ix, name, O_RDONLY);
	if (fd == -1)
		return -1;
	f = &c->files[c->next++ % COLDFILES];
	if (f->gen != 0)
		close(f->fd);
	*f = (struct coldfile){ fd, meta, gen };
	return fd;
}

void
coldfiles_keep(struct coldfiles *c, int ix, bool meta, uint32_t gen)
{
	(void)get(c, ix, meta, gen);
}

bool
coldfiles_read(struct coldfiles *c, int ix, const struct row *row,
    struct buf *out)
{
	int fd = get(c, ix, COLD_IS_META(row->cold_at), COLD_GEN(row->cold_at));
	char *to;
	ssize_t n;

	if (fd == -1)
		return false;
	errno = EILSEQ;
	if (row->cold_n < COLDREC_LEAST || row->cold_n > COLDREC_MAX ||
	    (to = buf_reserve(out, row->cold_n)) == NULL)
		return false;
	n = disk_read(fd, to, row->cold_n, COLD_OFFSET(row->cold_at));
	if (n != (ssize_t)row->cold_n) {
		if (n != -1)
			errno = EILSEQ;
		return false;
	}
	buf_commit(out, row->cold_n);
	return true;
}
