/* links: common/store common/mail common/base */
/* with: -lcrypto -lunistring */
/* Properties: any octets as a snapshot, and any rows and keywords behind a
 * head that fits them: refused, or loaded in order and written back. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "store/snap.h"

static int
folder(void)
{
	static int fd = -1;
	char path[] = "/tmp/postern-fuzz-XXXXXX";

	if (fd == -1 && mkdtemp(path) != NULL)
		fd = open(path, O_RDONLY | O_DIRECTORY);
	return fd;
}

static void
load(const char *p, size_t n)
{
	struct boxindex x = { 0 }, y = { 0 };
	struct snap_head head;
	int fd = openat(folder(), "snap.1", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || write(fd, p, n) != (ssize_t)n)
		abort();
	close(fd);
	if (snap_read(folder(), 1, &x, &head) == 0) {
		for (size_t i = 0; i < rows_count(&x.rows); i++)
			keywords_get(&x.keywords, rows_at(&x.rows, i)->kwset);
		head.gen = 2;
		if (snap_write(folder(), &x, &head) == -1 ||
		    snap_read(folder(), 2, &y, &head) == -1 ||
		    rows_count(&x.rows) != rows_count(&y.rows) ||
		    x.state.exists != y.state.exists)
			abort();
		boxindex_clear(&y);
	}
	boxindex_clear(&x);
}

static void
set32(char *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static void
set64(char *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

/* A head (offsets as FORMAT.md has them) for these rows and keywords. */
static void
with_head(const char *p, size_t n)
{
	enum { ROWS = 4096 };
	size_t rows = n / 2 / sizeof(struct row);
	size_t octets = rows * sizeof(struct row), rest = n - octets;
	char *all = calloc(1, ROWS + n);

	if (all == NULL)
		return;
	memcpy(all + ROWS, p, n);
	set64(all, UINT64_C(0x0031706153735000));
	set32(all + 8, 0x01020304);
	set32(all + 12, 1);
	set32(all + 16, 1);
	set32(all + 32 + 40, 7);          /* uidvalidity */
	set32(all + 32 + 44, 0x7fffffff); /* uidnext */
	set64(all + 120, rows);
	set64(all + 128, rest);
	set32(all + 136, crc32c(0, all + ROWS, octets));
	set32(all + 140, crc32c(0, all + ROWS + octets, rest));
	set32(all + 144, crc32c(0, all, 144));
	load(all, ROWS + n);
	free(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	load((const char *)p, n);
	with_head((const char *)p, n);
	return 0;
}
