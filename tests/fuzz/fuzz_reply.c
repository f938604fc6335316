/* links: common/mail common/base */
/* Property: whatever a server says, the words for the log are one line of
 * printable ASCII, whichever way the octets were cut. */
#include <stdlib.h>

#include "mail/ehlo.h"
#include "mail/smtp_reply.h"

static enum smtp_reply_result
reply(struct str in, size_t cut, struct buf *words)
{
	struct str s = str_first(in, cut);
	struct smtp_reply r;
	struct ehlo e;
	enum smtp_reply_result result;

	smtp_reply_init(&r);
	result = smtp_reply_feed(&r, &s);
	if (result == SMTP_REPLY_MORE) {
		s = str_from(in, cut);
		result = smtp_reply_feed(&r, &s);
	}
	if (result == SMTP_REPLY_DONE)
		smtp_reply_words(&r, words, 1000);
	ehlo_parse(buf_str(&r.text), &e);
	smtp_reply_clear(&r);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_n(data, size);
	struct buf a, b;
	size_t cut = size != 0 ? data[size - 1] % (size + 1) : 0;

	buf_init(&a, 2000);
	buf_init(&b, 2000);
	if (reply(in, in.n, &a) != reply(in, cut, &b) ||
	    !str_eq(buf_str(&a), buf_str(&b)))
		abort();
	for (size_t i = 0; i < buf_len(&a); i++)
		if (buf_str(&a).p[i] < ' ' || buf_str(&a).p[i] > '~')
			abort();
	buf_clear(&a);
	buf_clear(&b);
	return 0;
}
