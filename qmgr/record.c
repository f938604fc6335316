#include "qmgr/record.h"

#include <endian.h>

#include "base/crc32c.h"
#include "base/fatal.h"

/* On disk, little-endian; crc covers it (as 0) and the padded payload. */
struct header {
	uint32_t magic;
	uint16_t type;
	uint16_t zero;
	uint32_t length;
	uint32_t crc;
	uint64_t id, lsn, use, durable;
};
_Static_assert(sizeof(struct header) == RECORD_HEADER, "no padding");

size_t
record_size(size_t payload)
{
	return RECORD_HEADER + ((payload + 7) & ~(size_t)7);
}

void
record_begin(struct buf *out)
{
	memset(buf_reserve(out, RECORD_HEADER), 0, RECORD_HEADER);
	buf_commit(out, RECORD_HEADER);
}

size_t
record_end(
    struct buf *out, size_t from, const struct record *r, uint32_t seed)
{
	static const char zeros[8];
	const size_t length = buf_len(out) - from - RECORD_HEADER;
	const size_t size = record_size(length);
	struct header h = { .magic = htole32(RECORD_MAGIC),
		.type = htole16((uint16_t)r->type),
		.length = htole32((uint32_t)length),
		.id = htole64(r->id),
		.lsn = htole64(r->lsn),
		.use = htole64(r->use),
		.durable = htole64(r->durable) };
	char *at;

	if (length > RECORD_MAX)
		fatal("record of %zu octets", length);
	buf_add(out, str_n(zeros, size - RECORD_HEADER - length));
	at = out->p + out->at + from;
	memcpy(at, &h, sizeof(h));
	h.crc = htole32(crc32c(seed, at, size));
	memcpy(at, &h, sizeof(h));
	return size;
}

bool
record_read(struct str in, struct record *r, uint32_t seed)
{
	struct header h;
	size_t length, size;
	uint32_t crc;

	if (in.n < RECORD_HEADER)
		return false;
	memcpy(&h, in.p, sizeof(h));
	length = le32toh(h.length);
	if (h.magic != htole32(RECORD_MAGIC) || length > RECORD_MAX)
		return false;
	size = record_size(length);
	if (size > in.n)
		return false;
	crc = le32toh(h.crc);
	h.crc = 0;
	if (crc32c(crc32c(seed, &h, sizeof(h)), in.p + RECORD_HEADER,
	        size - RECORD_HEADER) != crc)
		return false;
	*r = (struct record){ le16toh(h.type), le64toh(h.id), le64toh(h.lsn),
		le64toh(h.use), le64toh(h.durable),
		{ in.p + RECORD_HEADER, length } };
	return true;
}

uint32_t
record_seed(const unsigned char uuid[16])
{
	return crc32c(0, uuid, 16);
}
