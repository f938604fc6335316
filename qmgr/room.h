/*
 * room -- whether the spool's disk has room for new mail.
 */
#ifndef POSTERN_QMGR_ROOM_H
#define POSTERN_QMGR_ROOM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/statvfs.h>

struct room_limits {
	uint64_t min_free;         /* octets */
	uint32_t min_free_percent; /* of the disk, and of its inodes */
};

/* Octets that mail may still take; less than 0: too much is taken. */
int64_t room_left(const struct room_limits *l, const struct statvfs *fs);
/* What is missing, or NULL.  Once there was too little (was_short) an eighth
 * more has to be free: what deliveries free would else be asked for and
 * refused again, to and fro. */
const char *room_missing(const struct room_limits *l,
    const struct statvfs *fs, bool was_short);

#endif
