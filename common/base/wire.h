/*
 * wire -- how a message between daemons is laid out: a table of its fields.
 * The struct in memory is for the code; on the wire its fields follow each
 * other without padding: integers little-endian, octets with a 32-bit length
 * in front.  One table serves both directions, so both ends agree, and a
 * message that does not fit its table never reaches a handler.
 */
#ifndef POSTERN_BASE_WIRE_H
#define POSTERN_BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum wire_kind { WIRE_U8, WIRE_U16, WIRE_U32, WIRE_U64, WIRE_STR };

struct wire_field {
	enum wire_kind kind;
	uint32_t offset; /* of the member in the struct */
	uint32_t most;   /* octets for WIRE_STR; else largest value, 0 = any */
};

/* Rows for a table: the member must have the exact C type of the kind. */
#define WIRE_FIELD(kind, type, member, most)                                   \
	{ kind, offsetof(struct type, member), most }
#define W_U8(type, member) WIRE_FIELD(WIRE_U8, type, member, 0)
#define W_U16(type, member) WIRE_FIELD(WIRE_U16, type, member, 0)
#define W_U32(type, member) WIRE_FIELD(WIRE_U32, type, member, 0)
#define W_U64(type, member) WIRE_FIELD(WIRE_U64, type, member, 0)
#define W_STR(type, member, most) WIRE_FIELD(WIRE_STR, type, member, most)
/* An enum kept in a uint32_t member, 0..most. */
#define W_ENUM(type, member, most) WIRE_FIELD(WIRE_U32, type, member, most)

struct wire {
	const struct wire_field *fields;
	size_t count;
	size_t size; /* of the struct */
};
#define WIRE(type, table)                                                      \
	{ (table), sizeof(table) / sizeof((table)[0]), sizeof(struct type) }

/* Adds the message; false when out is full or a field passes its most. */
bool wire_put(struct buf *out, const struct wire *w, const void *msg);
/*
 * Takes one message off the front of *in into *msg (w->size octets); its
 * struct str members point into *in.  false: does not fit the table, nothing
 * is changed but *msg.
 */
bool wire_take(struct str *in, const struct wire *w, void *msg);
/* The most octets that a message of this kind can have. */
size_t wire_most(const struct wire *w);

/* Single values, for what is a list or a file record. */
void wire_put_u32(struct buf *out, uint32_t v);
void wire_put_u64(struct buf *out, uint64_t v);
bool wire_put_str(struct buf *out, struct str s);
bool wire_take_u32(struct str *in, uint32_t *v);
bool wire_take_u64(struct str *in, uint64_t *v);
bool wire_take_str(struct str *in, struct str *s, uint32_t most);

#endif
