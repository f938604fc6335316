/*
 * message -- one message of a mailbox: its octets, and its cold record: what
 * was found out about it when it came.
 */
#ifndef POSTERN_STORE_MESSAGE_H
#define POSTERN_STORE_MESSAGE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"
#include "store/disk.h"
#include "store/mailbox.h"

/* A part of the message, as mail/mime.h counts (document order, 0 is the
 * message itself).  Offsets are of the stored text with LF line ends. */
struct cold_part {
	uint32_t parent;  /* index; of part 0: 0 */
	uint8_t kind;     /* enum mime_kind */
	uint8_t depth;
	uint64_t head_at, body_at, end;
	uint64_t head_crlf, body_crlf; /* octets with CRLF line ends */
};
enum { COLD_PARTS_MAX = 200 };

struct cold {
	uint8_t guid[STORE_GUID]; /* EMAILID; of a delivery: see batch.h */
	uint64_t size;            /* octets of the text as stored (LF) */
	uint64_t body_at;         /* where its header ends */
	uint32_t crc;             /* crc32c of the text */
	uint32_t source_crc, source_n; /* of a delivery: without the fields put
	                           * in front here; octets modulo 2^32 */
	struct str name;          /* base name of its file */
	struct str envelope;      /* "(...)" as ENVELOPE says it */
	struct str structure;     /* as BODYSTRUCTURE says it */
	uint32_t nparts;          /* 0: more than COLD_PARTS_MAX */
	struct cold_part parts[COLD_PARTS_MAX];
};
/*
 * Reads the cold record of a row; space holds its strings (reset first).
 * Where envelope or structure are too long to be kept they are made again
 * from the text, so on STORE_OK both are there.
 */
enum store_result message_cold(struct mailbox *m, const struct row *row,
    struct buf *space, struct cold *out);

/* The text as stored, LF line ends; pread only.  A descriptor the caller
 * closes, or -1 and errno (ENOENT: expunged meanwhile). */
int message_open(struct mailbox *m, const struct row *row);

/* All of the text as one view. */
struct message_text {
	struct str text;
	struct disk_view view;
};
enum store_result message_load(
    struct mailbox *m, const struct row *row, struct message_text *out);
void message_unload(struct message_text *t);

#endif
