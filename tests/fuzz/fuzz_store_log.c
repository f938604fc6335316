/* links: common/store common/mail common/base */
/* with: -lcrypto -lunistring */
/* Properties: any octets as a log, and any ops inside good frames: rows stay
 * in order, counters are what the rows say, keywords are known. */
#include <stdlib.h>

#include "store/boxindex.h"

static void
check(const struct boxindex *x)
{
	uint32_t last = 0, exists = 0, unseen = 0, deleted = 0;
	uint64_t octets = 0;

	for (size_t i = 0; i < rows_count(&x->rows); i++) {
		const struct row *row = rows_at(&x->rows, i);
		bool lives = (row->flags & ROW_GONE) == 0;

		if (row->uid <= last || row->kwset > x->keywords.nsets ||
		    rank_has(&x->rows.live, i) != lives)
			abort();
		last = row->uid;
		if (!lives)
			continue;
		exists++;
		octets += row->size;
		unseen += (row->flags & FLAG_SEEN) == 0;
		deleted += (row->flags & FLAG_DELETED) != 0;
	}
	if (exists != x->state.exists || unseen != x->state.unseen ||
	    deleted != x->state.deleted || octets != x->state.octets)
		abort();
}

/* Frames as they stand. */
static void
raw(struct str in)
{
	struct boxindex x = { 0 };
	struct frame f;
	size_t at = 0;

	while ((at += frame_seek(str_from(in, at), 1, at)) < in.n) {
		if (frame_read(str_from(in, at), 1, at, &f) != FRAME_OK)
			abort();
		boxindex_apply(&x, &f, NULL, NULL);
		at += f.n;
	}
	check(&x);
	boxindex_clear(&x);
}

/* Pieces of the input as ops of good frames. */
static void
framed(struct str in)
{
	struct frame_state after = { .uidvalidity = 1, .uidnext = 1000 };
	struct boxindex x = { 0 };
	struct buf out;

	buf_init(&out, FRAME_MAX);
	while (in.n > 2) {
		size_t n = (size_t)(unsigned char)in.p[0] * 8;
		uint32_t nops = (unsigned char)in.p[1];
		struct frame f;

		str_take(&in, 2);
		buf_reset(&out);
		after.modseq++;
		frame_begin(&out, 1, 0);
		buf_add(&out, str_take(&in, n));
		frame_end(&out, &after, nops);
		if (frame_read(buf_str(&out), 1, 0, &f) != FRAME_OK)
			abort();
		boxindex_apply(&x, &f, NULL, NULL);
		check(&x);
	}
	buf_clear(&out);
	boxindex_clear(&x);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	raw(str_n(p, n));
	framed(str_n(p, n));
	return 0;
}
