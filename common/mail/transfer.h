/*
 * transfer -- Content-Transfer-Encoding: bodies decoded while they pass by.
 * Source: RFC 2045 6.  Lenient, as readers of mail must be: what is no
 * base64 is skipped, what is no quoted-printable stays as it is.
 */
#ifndef POSTERN_MAIL_TRANSFER_H
#define POSTERN_MAIL_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum transfer_kind {
	TRANSFER_IDENTITY, /* 7bit, 8bit, binary, or nothing said */
	TRANSFER_BASE64,
	TRANSFER_QP,
	TRANSFER_UNKNOWN   /* handed on as it is */
};
enum transfer_kind transfer_kind(struct str encoding);

struct transfer {
	enum transfer_kind kind;
	uint32_t bits;   /* base64: gathered so far */
	uint8_t count;   /* base64: characters gathered, 0..3 */
	uint8_t held_n;
	char held[80];   /* QP: "=", "=X", or white space that may be last */
};
void transfer_init(struct transfer *t, enum transfer_kind kind);
/* Adds at most 80 + in.n octets. */
bool transfer_feed(struct transfer *t, struct str in, struct buf *out);
bool transfer_end(struct transfer *t, struct buf *out);

#endif
