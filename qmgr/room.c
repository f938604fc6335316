#include "qmgr/room.h"

#include <stddef.h>

static uint64_t
least_octets(const struct room_limits *l, const struct statvfs *fs)
{
	const uint64_t share =
	    fs->f_blocks / 100 * l->min_free_percent * fs->f_frsize;

	return share > l->min_free ? share : l->min_free;
}

int64_t
room_left(const struct room_limits *l, const struct statvfs *fs)
{
	return (int64_t)(fs->f_bavail * fs->f_frsize) -
	    (int64_t)least_octets(l, fs);
}

static bool
is_less(uint64_t have, uint64_t least, bool was_short)
{
	return have < least + (was_short ? least / 8 : 0);
}

const char *
room_missing(
    const struct room_limits *l, const struct statvfs *fs, bool was_short)
{
	if ((fs->f_flag & ST_RDONLY) != 0)
		return "the spool is read-only";
	if (is_less(fs->f_bavail * fs->f_frsize, least_octets(l, fs),
	        was_short))
		return "less than min_free, or min_free_disk, is free";
	if (is_less(fs->f_favail, fs->f_files / 100 * l->min_free_percent,
	        was_short))
		return "less than min_free_disk of the inodes is free";
	return NULL;
}
