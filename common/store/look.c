#include "store/look.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "store/disk.h"

int
look_set(int ix)
{
	int fd = disk_open(ix, "look", O_WRONLY | O_CREAT);

	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

bool
look_is_set(int ix)
{
	return faccessat(ix, "look", F_OK, 0) == 0 || errno != ENOENT;
}

void
look_clear(int ix)
{
	(void)disk_unlink(ix, "look");
}
