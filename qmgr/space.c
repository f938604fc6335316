/* space -- new mail is refused before the disk is full, never after. */
#include <sys/statvfs.h>

#include "proc/note.h"
#include "qmgr/qmgr.h"

enum { LOOK = 1000 /* ms */ };

static bool
is_below(uint64_t free_units, uint64_t all, uint32_t percent)
{
	return all != 0 && free_units < all / 100 * percent;
}

static void
look(void *arg)
{
	struct qmgr *d = arg;
	struct statvfs fs;
	bool is_short = d->space.is_short;

	if (fstatvfs(d->spool.dirfd, &fs) == 0)
		is_short = fs.f_bavail * fs.f_frsize < d->o.min_free ||
		    is_below(fs.f_bavail, fs.f_blocks, d->o.min_free_percent) ||
		    is_below(fs.f_favail, fs.f_files, d->o.min_free_percent);
	if (is_short != d->space.is_short) {
		note(is_short ? NOTE_ERROR : NOTE_INFO,
		    is_short ? "disk-short" : "disk-enough");
		note_u64("free", fs.f_bavail * fs.f_frsize);
		note_u64("inodes", fs.f_favail);
		note_end();
	}
	d->space.is_short = is_short;
	timer_set(&d->space.look, LOOK);
}

void
space_init(struct qmgr *d)
{
	timer_init(&d->space.look, d->proc.loop, look, d);
	look(d);
}
