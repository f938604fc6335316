/* links: common/mail common/base */
/* Properties: what comes out has seven bits and the same parts, whose bodies
 * decode to what they were. */
#include <stdlib.h>

#include "mail/mime.h"
#include "mail/seven_bit.h"
#include "mail/transfer.h"

static void
decode(const struct mime_part *p, struct str msg, struct buf *out)
{
	struct str body = str_first(
	    str_from(msg, p->body_at), p->end - p->body_at);
	struct transfer t;

	transfer_init(&t, transfer_kind(p->encoding));
	if (!transfer_feed(&t, body, out) || !transfer_end(&t, out))
		abort();
}

static void
compare(const struct mime_part *a, struct str was, const struct mime_part *b,
    struct str is)
{
	struct buf old, new;

	if (a->kind != b->kind || a->depth != b->depth)
		abort();
	if (a->kind != MIME_LEAF)
		return;
	buf_init(&old, BUF_NO_MAX);
	buf_init(&new, BUF_NO_MAX);
	decode(a, was, &old);
	decode(b, is, &new);
	if (!str_eq(buf_str(&old), buf_str(&new)))
		abort();
	buf_clear(&old);
	buf_clear(&new);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str msg = str_n((const char *)data, size);
	struct mime was, is;
	struct pool pool;
	struct buf out;

	buf_init(&out, BUF_NO_MAX);
	pool_init(&pool);
	if (seven_bit(&out, msg)) {
		const struct mime_part *a, *b;

		if (!seven_bit_is(buf_str(&out)))
			abort();
		mime_parse(&was, &pool, msg);
		mime_parse(&is, &pool, buf_str(&out));
		if (was.parts != is.parts)
			abort();
		for (a = was.root, b = is.root; a != NULL;
		     a = mime_walk(a), b = mime_walk(b))
			compare(a, msg, b, buf_str(&out));
	}
	pool_clear(&pool);
	buf_clear(&out);
	return 0;
}
