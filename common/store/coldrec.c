#include "store/coldrec.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/fatal.h"
#include "base/wire.h"
#include "mail/mime.h"

/* "PsC1" */
#define COLDREC_MAGIC 0x31437350U

enum { PART_OCTETS = 48 };

static void
study_parts(struct cold *out, const struct mime *m)
{
	uint32_t n = 0;

	if (m->parts > COLD_PARTS_MAX)
		return;
	for (const struct mime_part *p = m->root; p != NULL && n < m->parts;
	    p = mime_walk(p), n++)
		out->parts[n] = (struct cold_part){
			.parent = p->parent != NULL ? p->parent->index : 0,
			.kind = (uint8_t)p->kind,
			.depth = (uint8_t)p->depth,
			.head_at = p->head_at,
			.body_at = p->body_at,
			.end = p->end,
			.head_crlf = p->head_crlf,
			.body_crlf = p->body_crlf,
		};
	out->nparts = n;
}

void
coldrec_study(struct cold *out, struct buf *space, struct str text)
{
	struct pool pool;
	struct mime m;
	size_t at = buf_len(space), middle, end;

	pool_init(&pool);
	mime_parse(&m, &pool, text);
	out->size = text.n;
	out->body_at = m.root->body_at;
	out->crc = crc32c(0, text.p, text.n);
	out->nparts = 0;
	study_parts(out, &m);
	/* Each adds all or nothing. */
	envelope_text(space, str_first(text, (size_t)out->body_at));
	middle = buf_len(space);
	bodystructure_text(space, &m, text, true);
	end = buf_len(space);
	pool_clear(&pool);
	out->envelope = str_n(buf_str(space).p + at, middle - at);
	out->structure = str_n(buf_str(space).p + middle, end - middle);
}

static void
put_part(struct buf *out, const struct cold_part *p)
{
	wire_put_u32(out, p->parent);
	wire_put_u32(out, (uint32_t)p->kind | (uint32_t)p->depth << 8);
	wire_put_u64(out, p->head_at);
	wire_put_u64(out, p->body_at);
	wire_put_u64(out, p->end);
	wire_put_u64(out, p->head_crlf);
	wire_put_u64(out, p->body_crlf);
}

static bool
take_part(struct str *in, struct cold_part *p)
{
	uint32_t both;

	if (!wire_take_u32(in, &p->parent) || !wire_take_u32(in, &both) ||
	    !wire_take_u64(in, &p->head_at) || !wire_take_u64(in, &p->body_at) ||
	    !wire_take_u64(in, &p->end) || !wire_take_u64(in, &p->head_crlf) ||
	    !wire_take_u64(in, &p->body_crlf))
		return false;
	p->kind = both & 255;
	p->depth = both >> 8 & 255;
	return true;
}

static void
set_u32(char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (char)(v >> (8 * i) & 255);
}

/* The fixed part: magic, length, crc, text crc, guid, size, body_at, name_n,
 * nparts, envelope_n, structure_n, source crc and size. */
void
coldrec_put(struct buf *out, const struct cold *c)
{
	size_t start = buf_len(out), room = COLDREC_MAX - COLDREC_LEAST - 8;
	struct str envelope = c->envelope, structure = c->structure;
	uint32_t nparts = c->nparts;
	char *p;
	size_t n;

	room -= c->name.n;
	if (envelope.n > room)
		envelope = STR_NONE;
	room -= envelope.n;
	if ((size_t)nparts * PART_OCTETS > room)
		nparts = 0;
	room -= (size_t)nparts * PART_OCTETS;
	if (structure.n > room)
		structure = STR_NONE;
	wire_put_u32(out, COLDREC_MAGIC);
	wire_put_u32(out, 0);
	wire_put_u32(out, 0);
	wire_put_u32(out, c->crc);
	buf_add(out, str_n(c->guid, STORE_GUID));
	wire_put_u64(out, c->size);
	wire_put_u64(out, c->body_at);
	wire_put_u32(out, (uint32_t)c->name.n);
	wire_put_u32(out, nparts);
	wire_put_u32(out, (uint32_t)envelope.n);
	wire_put_u32(out, (uint32_t)structure.n);
	wire_put_u32(out, c->source_crc);
	wire_put_u32(out, c->source_n);
	for (uint32_t i = 0; i < nparts; i++)
		put_part(out, &c->parts[i]);
	buf_add(out, c->name);
	buf_add(out, envelope);
	buf_add(out, structure);
	if (out->overflow)
		fatal("store: no room for a cold record");
	p = out->p + out->at + start;
	n = buf_len(out) - start;
	set_u32(p + 4, (uint32_t)n);
	set_u32(p + 8, crc32c(0, p + 12, n - 12));
}

size_t
coldrec_length(struct str in)
{
	uint32_t magic, n;

	if (!wire_take_u32(&in, &magic) || !wire_take_u32(&in, &n) ||
	    magic != COLDREC_MAGIC || n < COLDREC_LEAST || n > COLDREC_MAX)
		return 0;
	return n;
}

bool
coldrec_take(struct str in, struct cold *out)
{
	size_t n = coldrec_length(in);
	uint32_t crc, name_n, envelope_n, structure_n;

	if (n == 0 || n > in.n)
		return false;
	in = str_from(str_first(in, n), 8);
	if (!wire_take_u32(&in, &crc) || crc != crc32c(0, in.p, in.n) ||
	    !wire_take_u32(&in, &out->crc) || in.n < STORE_GUID)
		return false;
	memcpy(out->guid, str_take(&in, STORE_GUID).p, STORE_GUID);
	if (!wire_take_u64(&in, &out->size) ||
	    !wire_take_u64(&in, &out->body_at) ||
	    !wire_take_u32(&in, &name_n) || !wire_take_u32(&in, &out->nparts) ||
	    !wire_take_u32(&in, &envelope_n) ||
	    !wire_take_u32(&in, &structure_n) ||
	    !wire_take_u32(&in, &out->source_crc) ||
	    !wire_take_u32(&in, &out->source_n) ||
	    out->nparts > COLD_PARTS_MAX || name_n > COLDREC_NAME_MAX ||
	    out->body_at > out->size)
		return false;
	for (uint32_t i = 0; i < out->nparts; i++)
		if (!take_part(&in, &out->parts[i]) ||
		    out->parts[i].parent >= out->nparts ||
		    out->parts[i].head_at > out->parts[i].body_at ||
		    out->parts[i].body_at > out->parts[i].end ||
		    out->parts[i].end > out->size)
			return false;
	if (in.n != (uint64_t)name_n + envelope_n + structure_n)
		return false;
	out->name = str_take(&in, name_n);
	out->envelope = str_take(&in, envelope_n);
	out->structure = str_take(&in, structure_n);
	return true;
}

uint32_t
coldrec_tag(const uint8_t guid[STORE_GUID])
{
	return (uint32_t)guid[0] | (uint32_t)guid[1] << 8 |
	    (uint32_t)guid[2] << 16 | (uint32_t)guid[3] << 24;
}
