/* links: common/store common/mail common/base */
/* with: -lcrypto -lunistring */
/* Properties: any octets as a cold record, with a right CRC too: what it
 * says lies within the text and the record, and is written back the same. */
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "store/coldrec.h"

static struct cold cold, again;

static void
take(struct str in)
{
	struct buf out;

	if (!coldrec_take(in, &cold))
		return;
	for (uint32_t i = 0; i < cold.nparts; i++)
		if (cold.parts[i].end > cold.size ||
		    cold.parts[i].parent >= cold.nparts)
			abort();
	buf_init(&out, COLDREC_MAX);
	coldrec_put(&out, &cold);
	if (!coldrec_take(buf_str(&out), &again) ||
	    !str_eq(cold.name, again.name) || cold.size != again.size)
		abort();
	buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *copy;
	uint32_t length = (uint32_t)n, crc;
	struct buf space;

	take(str_n(p, n));
	buf_init(&space, 1 << 26);
	coldrec_study(&cold, &space, str_n(p, n));
	buf_clear(&space);
	if (n < COLDREC_LEAST || n > COLDREC_MAX)
		return 0;
	copy = malloc(n);
	if (copy == NULL)
		return 0;
	memcpy(copy, p, n);
	memcpy(copy, "PsC1", 4);
	memcpy(copy + 4, &length, 4);
	crc = crc32c(0, copy + 12, n - 12);
	memcpy(copy + 8, &crc, 4);
	take(str_n(copy, n));
	free(copy);
	return 0;
}
