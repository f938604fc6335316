/* links: common/mail common/base */
/* Properties: parts nest and do not overlap, sizes are right; BODY,
 * BODYSTRUCTURE and ENVELOPE read back and have an end; the stored table is
 * the tree. */
#include <stdlib.h>

#include "mail/bodystructure_text.h"
#include "mail/crlf.h"
#include "mail/envelope_text.h"
#include "mail/mime.h"
#include "mail/mime_table.h"
#include "tests/unit/mail/relist.h"

static void
part(const struct mime_part *p, struct str msg)
{
	struct str body = str_first(
	    str_from(msg, p->body_at), p->end - p->body_at);
	char last = p->body_at > 0 ? msg.p[p->body_at - 1] : '\0';

	if (p->head_at > p->body_at || p->body_at > p->end || p->end > msg.n ||
	    p->body_crlf != crlf_size(body, &last))
		abort();
	if (p->parent != NULL && (p->head_at < p->parent->body_at ||
	    p->end > p->parent->end))
		abort();
	if (p->next != NULL && p->end > p->next->head_at)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str msg = str_n(data, size);
	struct pool pool = { 0 };
	struct mime m, again;
	struct buf b;

	buf_init(&b, BUF_NO_MAX);
	mime_parse(&m, &pool, msg);
	for (const struct mime_part *p = m.root; p != NULL; p = mime_walk(p))
		part(p, msg);
	for (int extended = 0; extended < 2; extended++) {
		buf_reset(&b);
		if (!bodystructure_text(&b, &m, msg, extended != 0) ||
		    buf_len(&b) > BODYSTRUCTURE_MAX || !relist_ok(buf_str(&b)))
			abort();
	}
	buf_reset(&b);
	if (!envelope_text(&b, msg) || buf_len(&b) > ENVELOPE_MAX ||
	    !relist_ok(buf_str(&b)))
		abort();
	buf_reset(&b);
	if (!mime_table_put(&b, &m) ||
	    !mime_table_take(buf_str(&b), msg.n, &pool, &again) ||
	    again.parts != m.parts)
		abort();
	/* And any octets as a table. */
	mime_table_take(msg, 1000, &pool, &again);
	buf_clear(&b);
	pool_clear(&pool);
	return 0;
}
