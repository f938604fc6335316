#include "store/frame.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/fatal.h"
#include "base/wire.h"

/* "PsF1" */
#define FRAME_MAGIC 0x31467350U

enum { STATE_AT = 24 };

static uint32_t
get_u32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 |
	    (uint32_t)u[3] << 24;
}

static uint64_t
get_u64(const char *p)
{
	return get_u32(p) | (uint64_t)get_u32(p + 4) << 32;
}

static void
set_u32(char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (char)(v >> (8 * i) & 255);
}

static void
pad8(struct buf *out)
{
	static const char zero[8];

	buf_add(out, str_n(zero, (8 - buf_len(out) % 8) % 8));
}

void
frame_state_put(struct buf *out, const struct frame_state *s)
{
	wire_put_u64(out, s->modseq);
	wire_put_u64(out, s->epoch);
	wire_put_u64(out, s->octets);
	wire_put_u64(out, s->modseq_safe);
	wire_put_u64(out, s->modseq_limit);
	wire_put_u32(out, s->uidvalidity);
	wire_put_u32(out, s->uidnext);
	wire_put_u32(out, s->exists);
	wire_put_u32(out, s->unseen);
	wire_put_u32(out, s->deleted);
	wire_put_u32(out, s->uid_safe);
	wire_put_u32(out, s->uid_limit);
	wire_put_u32(out, s->slot);
}

bool
frame_state_take(struct str *in, struct frame_state *s)
{
	return wire_take_u64(in, &s->modseq) && wire_take_u64(in, &s->epoch) &&
	    wire_take_u64(in, &s->octets) &&
	    wire_take_u64(in, &s->modseq_safe) &&
	    wire_take_u64(in, &s->modseq_limit) &&
	    wire_take_u32(in, &s->uidvalidity) &&
	    wire_take_u32(in, &s->uidnext) && wire_take_u32(in, &s->exists) &&
	    wire_take_u32(in, &s->unseen) && wire_take_u32(in, &s->deleted) &&
	    wire_take_u32(in, &s->uid_safe) &&
	    wire_take_u32(in, &s->uid_limit) && wire_take_u32(in, &s->slot);
}

/* What no healthy mailbox can be; keeps sums from overflowing later. */
static bool
state_sane(const struct frame_state *s)
{
	return s->uidnext != 0 && s->uidvalidity != 0 &&
	    s->uid_safe <= s->uid_limit && s->modseq < UINT64_MAX / 4 &&
	    s->modseq_limit < UINT64_MAX / 4 && s->octets < UINT64_MAX / 4 &&
	    s->exists <= STORE_ROWS_MAX && s->unseen <= s->exists &&
	    s->deleted <= s->exists;
}

enum frame_result
frame_read(struct str in, uint32_t gen, uint64_t at, struct frame *out)
{
	size_t n;
	struct str state;

	if (in.n < FRAME_HEAD)
		return in.n >= 4 && get_u32(in.p) != FRAME_MAGIC ? FRAME_BAD :
		                                                   FRAME_SHORT;
	n = get_u32(in.p + 4);
	if (get_u32(in.p) != FRAME_MAGIC || n < FRAME_LEAST || n > FRAME_MAX ||
	    n % 8 != 0 || get_u32(in.p + 8) != gen || get_u64(in.p + 16) != at)
		return FRAME_BAD;
	if (in.n < n)
		return FRAME_SHORT;
	if (get_u32(in.p + n - 8) != n ||
	    get_u32(in.p + n - 4) != crc32c(0, in.p, n - 4))
		return FRAME_BAD;
	state = str_n(in.p + STATE_AT, FRAME_STATE);
	if (!frame_state_take(&state, &out->after) || !state_sane(&out->after))
		return FRAME_BAD;
	out->gen = gen;
	out->at = at;
	out->n = n;
	out->nops = get_u32(in.p + 12);
	out->ops = str_n(in.p + FRAME_HEAD, n - FRAME_LEAST);
	return FRAME_OK;
}

size_t
frame_length_from_end(const char tail[FRAME_TAIL])
{
	uint32_t n = get_u32(tail);

	return n >= FRAME_LEAST && n <= FRAME_MAX && n % 8 == 0 ? n : 0;
}

size_t
frame_seek(struct str in, uint32_t gen, uint64_t at)
{
	size_t i = (8 - at % 8) % 8;
	struct frame f;

	for (; i + FRAME_LEAST <= in.n; i += 8)
		if (get_u32(in.p + i) == FRAME_MAGIC &&
		    frame_read(str_from(in, i), gen, at + i, &f) == FRAME_OK)
			return i;
	return in.n;
}

void
frame_begin(struct buf *out, uint32_t gen, uint64_t at)
{
	static const char zero[FRAME_STATE];

	wire_put_u32(out, FRAME_MAGIC);
	wire_put_u32(out, 0); /* length, in frame_end */
	wire_put_u32(out, gen);
	wire_put_u32(out, 0); /* number of ops, in frame_end */
	wire_put_u64(out, at);
	buf_add(out, str_n(zero, sizeof(zero)));
}

void
frame_end(struct buf *out, const struct frame_state *after, uint32_t nops)
{
	char *p;
	size_t n;
	struct buf state;

	pad8(out);
	n = buf_len(out) + FRAME_TAIL;
	wire_put_u32(out, (uint32_t)n);
	wire_put_u32(out, 0);
	if (out->overflow || n > FRAME_MAX)
		fatal("store: a frame of %zu octets", n);
	p = out->p + out->at;
	set_u32(p + 4, (uint32_t)n);
	set_u32(p + 12, nops);
	buf_init(&state, FRAME_STATE);
	frame_state_put(&state, after);
	memcpy(p + STATE_AT, buf_str(&state).p, FRAME_STATE);
	buf_clear(&state);
	set_u32(p + n - 4, crc32c(0, p, n - 4));
}
