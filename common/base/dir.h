/* dir -- the entries of a folder, whose end is told from a failure. */
#ifndef POSTERN_BASE_DIR_H
#define POSTERN_BASE_DIR_H

#include <dirent.h>

/* The next entry, d's until the next call; NULL: there is none (errno 0), or
 * it cannot be read (errno says why). */
const struct dirent *dir_next(DIR *d);

#endif
