#include "qmgr/logscan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "qmgr/disk.h"

enum { ALIGN = 4096 };

/* A bad segment is read past the page cache, which may hold what never
 * reached the disk. */
static char *
load(const struct segment *seg, uint64_t from, size_t *n)
{
	const int64_t size = disk_size(seg->fd);
	const uint64_t begin = from & ~(uint64_t)(ALIGN - 1);
	size_t room;
	char *p;
	ssize_t got;

	*n = 0;
	if (size == -1 || (uint64_t)size < from)
		return NULL;
	room = ((size_t)size - (size_t)begin + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (room == 0)
		room = ALIGN;
	p = aligned_alloc(ALIGN, room);
	if (p == NULL)
		fatal("no memory for a segment");
	if (seg->bad)
		fcntl(seg->fd, F_SETFL, O_DIRECT);
	got = disk_read(seg->fd, p, seg->bad ? room : (size_t)size -
	    (size_t)begin, begin);
	if (seg->bad && got == -1 && errno == EINVAL) {
		/* The file system knows no direct reads. */
		fcntl(seg->fd, F_SETFL, 0);
		got = disk_read(seg->fd, p, (size_t)size - (size_t)begin,
		    begin);
	}
	if (got == -1) {
		free(p);
		return NULL;
	}
	*n = (size_t)got;
	return p;
}

static void
missing(struct logscan *s, const struct record *r, struct segment *seg,
    uint64_t hole, struct str octets)
{
	uint64_t count = r->lsn - s->next_lsn;

	/* Up to r->durable all was on disk when r was written. */
	if (r->durable >= s->next_lsn) {
		uint64_t lost = r->durable - s->next_lsn + 1;

		if (lost > count)
			lost = count;
		s->on_damage(s->arg, seg, hole, octets, s->next_lsn, lost);
		count -= lost;
	}
	s->torn += count;
}

static void
scan(struct logscan *s, struct segment *seg, struct str all, uint64_t begin,
    size_t at)
{
	size_t hole = SIZE_MAX;

	while (at + RECORD_HEADER <= all.n) {
		struct record r;
		const bool whole = record_read(str_from(all, at), &r, s->seed);
		const size_t size = whole ? record_size(r.payload.n) : 8;

		if (!whole || r.use != seg->number || r.lsn < s->next_lsn) {
			if (hole == SIZE_MAX)
				hole = at;
			at += size;
			continue;
		}
		if (s->next_lsn != 0 && r.lsn != s->next_lsn)
			missing(s, &r, hole == SIZE_MAX ? NULL : seg,
			    begin + hole,
			    hole == SIZE_MAX ? STR_NONE :
			    str_first(str_from(all, hole), at - hole));
		hole = SIZE_MAX;
		s->next_lsn = r.lsn + 1;
		seg->last_lsn = r.lsn;
		seg->end = begin + at + size;
		s->on_record(s->arg, &r, seg, (uint32_t)(begin + at),
		    (uint32_t)size);
		at += size;
	}
}

int
logscan_segment(struct logscan *s, struct segment *seg, uint64_t from)
{
	const uint64_t begin = from & ~(uint64_t)(ALIGN - 1);
	size_t n;
	char *p = load(seg, from, &n);

	if (p == NULL)
		return n == 0 && errno != EIO ? 0 : -1;
	scan(s, seg, str_n(p, n), begin, (size_t)(from - begin));
	free(p);
	return 0;
}
