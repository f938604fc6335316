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

/* Records that are not there, until it is known whether they were on disk: a
 * record of the same flush cannot tell, one of the next can. */
struct gap {
	uint64_t hole;     /* where octets cannot be read, or */
	bool is_hole;      /* false: nothing stands between its neighbours */
	struct str octets;
	uint64_t lsn, count;
};

struct gaps {
	struct gap *gap;
	size_t n, cap;
	uint64_t durable;  /* as the last record told */
};

static void
add_gap(struct gaps *gaps, const struct gap *g)
{
	if (gaps->n == gaps->cap) {
		gaps->cap = gaps->cap == 0 ? 8 : gaps->cap * 2;
		gaps->gap = xreallocarray(
		    gaps->gap, gaps->cap, sizeof(*gaps->gap));
	}
	gaps->gap[gaps->n++] = *g;
}

static void
settle(struct logscan *s, struct segment *seg, const struct gap *g,
    uint64_t durable)
{
	uint64_t lost = durable >= g->lsn ? durable - g->lsn + 1 : 0;

	if (lost > g->count)
		lost = g->count;
	if (lost != 0)
		s->on_damage(s->arg, g->is_hole ? seg : NULL, g->hole,
		    g->octets, g->lsn, lost);
	s->torn += g->count - lost;
}

/* Those that were on disk for certain; at the end all. */
static void
settle_gaps(struct logscan *s, struct segment *seg, struct gaps *gaps,
    bool all)
{
	size_t kept = 0;

	for (size_t i = 0; i < gaps->n; i++) {
		const struct gap *g = &gaps->gap[i];

		if (all || gaps->durable >= g->lsn + g->count - 1)
			settle(s, seg, g, gaps->durable);
		else
			gaps->gap[kept++] = *g;
	}
	gaps->n = kept;
}

static void
see_lsn(struct logscan *s, struct segment *seg, struct gaps *gaps,
    const struct record *r, struct str hole, uint64_t at)
{
	const struct gap g = { at, hole.p != NULL, hole, s->next_lsn,
		r->lsn - s->next_lsn };

	gaps->durable = r->durable;
	if (s->next_lsn != 0 && r->lsn != s->next_lsn)
		add_gap(gaps, &g);
	if (gaps->n != 0)
		settle_gaps(s, seg, gaps, false);
	s->next_lsn = r->lsn + 1;
}

static void
scan(struct logscan *s, struct segment *seg, struct str all, uint64_t begin,
    size_t at)
{
	struct gaps gaps = { 0 };
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
		see_lsn(s, seg, &gaps, &r, hole == SIZE_MAX ? STR_NONE :
		    str_first(str_from(all, hole), at - hole), begin + hole);
		hole = SIZE_MAX;
		seg->last_lsn = r.lsn;
		seg->end = begin + at + size;
		s->on_record(s->arg, &r, seg, (uint32_t)(begin + at),
		    (uint32_t)size);
		at += size;
	}
	settle_gaps(s, seg, &gaps, true);
	free(gaps.gap);
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
