#include "base/dir.h"

#include <errno.h>

const struct dirent *
dir_next(DIR *d)
{
	errno = 0;
	return readdir(d);
}
