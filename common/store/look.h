/*
 * look -- the mark ix/look: cur/ may have files that belong to no row, since
 * the index was lost, or a part of it.  It is set before what would tell that
 * otherwise is gone, and cleared when all have rows that are on disk.
 */
#ifndef POSTERN_STORE_LOOK_H
#define POSTERN_STORE_LOOK_H

#include <stdbool.h>

/* On disk with the next change of ix that is.  -1 and errno. */
int look_set(int ix);
/* Also when that cannot be told. */
bool look_is_set(int ix);
/* A mark that stays costs a look. */
void look_clear(int ix);

#endif
