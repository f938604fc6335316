/* read -- the parts of qmgr-read. */
#ifndef POSTERN_QMGR_READ_H
#define POSTERN_QMGR_READ_H

#include <stdbool.h>

enum { READ_FOUND = 1, READ_NONE = 2, READ_USAGE = 64, READ_NO_INPUT = 66,
	READ_IO = 74, READ_DENIED = 77 };

/* "check": rows of problems and one of sums; the exit code. */
int read_check(const char *spool, bool progress);
/* What errno means for the spool, said on stderr; the exit code. */
int read_failed(const char *spool);

#endif
