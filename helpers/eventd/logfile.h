/*
 * logfile -- the log on disk: lines gathered for a round are written in one
 * go; a file that grew over its size is renamed NAME.1 (and .1 to .2 ...).
 * A disk that refuses costs lines, which are counted, never a wait.
 */
#ifndef POSTERN_HELPERS_EVENTD_LOGFILE_H
#define POSTERN_HELPERS_EVENTD_LOGFILE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct logfile {
	int dirfd;         /* not owned */
	char name[128];
	int fd;
	uint64_t size;     /* octets of the file */
	uint64_t size_max; /* 0: never renamed */
	uint32_t keep;
	uint64_t lost;     /* lines that could not be written */
	struct buf out;
};

/* 0, or -1 and errno. */
int logfile_open(struct logfile *f, int dirfd, struct str name,
    uint64_t size_max, uint32_t keep);
/* Adds a line (without its end). */
void logfile_add(struct logfile *f, struct str line);
/* Writes what was added. */
void logfile_flush(struct logfile *f);

#endif
