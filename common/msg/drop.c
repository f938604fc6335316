#include "msg/drop.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/wire.h"

static const struct wire_field drop_head_fields[] = {
	W_U32(drop_head, flags),
	W_STR(drop_head, sender, ADDRESS_MAX),
	W_STR(drop_head, envid, ENVID_MAX),
};
const struct wire drop_head_wire = WIRE(drop_head, drop_head_fields);

static const char digits[] = "0123456789abcdef";

void
drop_name(char name[DROP_NAME + 1], struct str token)
{
	for (size_t i = 0; i < TOKEN; i++) {
		name[2 * i] = digits[(unsigned char)token.p[i] >> 4];
		name[2 * i + 1] = digits[token.p[i] & 15];
	}
	name[DROP_NAME] = '\0';
}

/* -1: none that a name has. */
static int
digit(char c)
{
	const char *at = memchr(digits, c, 16);

	return at != NULL ? (int)(at - digits) : -1;
}

struct str
drop_token(struct str name, char room[TOKEN])
{
	if (name.n != DROP_NAME)
		return STR_NONE;
	for (size_t i = 0; i < TOKEN; i++) {
		const int high = digit(name.p[2 * i]);
		const int low = digit(name.p[2 * i + 1]);

		if (high == -1 || low == -1)
			return STR_NONE;
		room[i] = (char)(high << 4 | low);
	}
	return str_n(room, TOKEN);
}

enum { TRAILER = 8, PART_MAX = 2048 };

static void
put_part(struct buf *out, const struct wire *wire, const void *msg)
{
	struct buf part;

	buf_init(&part, PART_MAX);
	wire_put(&part, wire, msg);
	wire_put_str(out, buf_str(&part));
	buf_clear(&part);
}

void
drop_write(struct buf *out, const struct drop_head *head,
    const struct env_rcpt *rcpts, size_t nrcpts, struct str text)
{
	struct str all;

	buf_add(out, STR("PSTDROP1"));
	put_part(out, &drop_head_wire, head);
	wire_put_u32(out, (uint32_t)nrcpts);
	for (size_t i = 0; i < nrcpts; i++)
		put_part(out, &env_rcpt_wire, &rcpts[i]);
	wire_put_u64(out, text.n);
	buf_add(out, text);
	buf_add(out, STR("END\n"));
	all = buf_str(out);
	wire_put_u32(out, crc32c(0, all.p, all.n));
}

static enum drop_result
take_part(struct str *in, const struct wire *wire, void *msg)
{
	struct str part;

	if (!wire_take_str(in, &part, PART_MAX))
		return in->n < PART_MAX + 4 ? DROP_CUT : DROP_DAMAGED;
	return wire_take(&part, wire, msg) && part.n == 0 ? DROP_OK :
	    DROP_DAMAGED;
}

/* What stands behind the recipients. */
static enum drop_result
take_text(struct str whole, struct str in, struct str *text)
{
	uint64_t n;
	uint32_t crc;

	if (!wire_take_u64(&in, &n) || in.n < TRAILER || n > in.n - TRAILER)
		return DROP_CUT;
	*text = str_take(&in, (size_t)n);
	if (!str_take_prefix(&in, STR("END\n")) || in.n != 4)
		return DROP_DAMAGED;
	if (!wire_take_u32(&in, &crc) ||
	    crc != crc32c(0, whole.p, whole.n - 4))
		return DROP_DAMAGED;
	return DROP_OK;
}

enum drop_result
drop_read(struct str file, struct drop *out)
{
	struct str in = file;
	struct env_rcpt rcpt;
	enum drop_result r;

	if (!str_take_prefix(&in, STR("PSTDROP1")))
		return str_starts(STR("PSTDROP1"), file) ? DROP_CUT :
		    DROP_DAMAGED;
	if ((r = take_part(&in, &drop_head_wire, &out->head)) != DROP_OK)
		return r;
	if (!wire_take_u32(&in, &out->nrcpts))
		return DROP_CUT;
	if (out->nrcpts == 0 || out->nrcpts > DROP_RCPTS_MAX)
		return DROP_DAMAGED;
	out->rcpts = in;
	for (uint32_t i = 0; i < out->nrcpts; i++)
		if ((r = take_part(&in, &env_rcpt_wire, &rcpt)) != DROP_OK)
			return r;
	out->rcpts = str_first(out->rcpts, out->rcpts.n - in.n);
	return take_text(file, in, &out->text);
}

bool
drop_next(struct drop *d, struct env_rcpt *rcpt)
{
	return d->rcpts.n > 0 &&
	    take_part(&d->rcpts, &env_rcpt_wire, rcpt) == DROP_OK;
}
