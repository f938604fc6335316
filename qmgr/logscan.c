#include "qmgr/logscan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "qmgr/disk.h"

enum { ALIGN = 4096 };

/* A bad segment is read past the page cache, which may hold what never
 * reached the disk.  NULL and errno; 0: the file ends before. */
static char *
load(const struct segment *seg, uint64_t from, size_t *n)
{
	const int64_t size = disk_size(seg->fd);
	const uint64_t begin = from & ~(uint64_t)(ALIGN - 1);
	size_t room;
	char *p;
	ssize_t got;

	*n = 0;
	if (size == -1)
		return NULL;
	errno = 0; /* nothing there */
	if ((uint64_t)size < from)
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

/* Records that are not there, until it is known whether they were on disk: a
 * record of the same flush cannot tell, one of the next can, which may stand
 * in the next segment.  Those of the next run say nothing of it: their first
 * is a CHECKPOINT at the start of a segment. */
struct gap {
	struct segment *seg; /* where octets cannot be read; NULL: nothing */
	uint64_t hole;       /* stands between the neighbours */
	struct str octets;
	char *kept;          /* those of a segment that was left behind */
	uint64_t lsn, count;
};

static void
add_gap(struct logscan *s, const struct gap *g)
{
	if (s->ngaps == s->cap) {
		s->cap = s->cap == 0 ? 8 : s->cap * 2;
		s->gaps = xreallocarray(s->gaps, s->cap, sizeof(*s->gaps));
	}
	s->gaps[s->ngaps++] = *g;
}

static void
settle(struct logscan *s, const struct gap *g)
{
	uint64_t lost = s->durable >= g->lsn ? s->durable - g->lsn + 1 : 0;

	if (lost > g->count)
		lost = g->count;
	if (lost != 0)
		s->on_damage(s->arg, g->seg, g->hole, g->octets, g->lsn, lost);
	s->torn += g->count - lost;
	free(g->kept);
}

/* Those that were on disk for certain; at the end all. */
static void
settle_gaps(struct logscan *s, bool all)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->ngaps; i++) {
		const struct gap *g = &s->gaps[i];

		if (all || s->durable >= g->lsn + g->count - 1)
			settle(s, g);
		else
			s->gaps[kept++] = *g;
	}
	s->ngaps = kept;
}

/* The octets of the segment go, and some of its gaps stay. */
static void
keep_gaps(struct logscan *s)
{
	for (size_t i = 0; i < s->ngaps; i++) {
		struct gap *g = &s->gaps[i];

		if (g->seg == NULL || g->kept != NULL)
			continue;
		g->kept = xmalloc(g->octets.n + 1);
		memcpy(g->kept, g->octets.p, g->octets.n);
		g->octets.p = g->kept;
	}
}

void
logscan_end(struct logscan *s)
{
	settle_gaps(s, true);
	free(s->gaps);
	s->gaps = NULL;
	s->cap = 0;
}

static void
see_lsn(struct logscan *s, struct segment *seg, const struct record *r,
    struct str hole, uint64_t at, bool first)
{
	const struct gap g = { hole.p != NULL ? seg : NULL, at, hole, NULL,
		s->next_lsn, r->lsn - s->next_lsn };

	if (r->type == RECORD_CHECKPOINT && first)
		settle_gaps(s, true);
	s->durable = r->durable;
	if (s->next_lsn != 0 && r->lsn != s->next_lsn)
		add_gap(s, &g);
	if (s->ngaps != 0)
		settle_gaps(s, false);
	s->next_lsn = r->lsn + 1;
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
		see_lsn(s, seg, &r, hole == SIZE_MAX ? STR_NONE :
		    str_first(str_from(all, hole), at - hole), begin + hole,
		    begin + at == 0);
		hole = SIZE_MAX;
		seg->last_lsn = r.lsn;
		seg->end = begin + at + size;
		s->on_record(s->arg, &r, seg, (uint32_t)(begin + at),
		    (uint32_t)size);
		at += size;
	}
	keep_gaps(s);
}

int
logscan_segment(struct logscan *s, struct segment *seg, uint64_t from)
{
	const uint64_t begin = from & ~(uint64_t)(ALIGN - 1);
	size_t n;
	char *p = load(seg, from, &n);

	if (p == NULL)
		return errno == 0 ? 0 : -1;
	scan(s, seg, str_n(p, n), begin, (size_t)(from - begin));
	free(p);
	return 0;
}
