/* links: common/mail common/base */
/* Properties: the fields lie within the header; the scanner says the same
 * whichever way the octets were cut; address lists end. */
#include <stdlib.h>
#include <string.h>

#include "mail/addrlist.h"
#include "mail/header.h"
#include "mail/msgid.h"
#include "mail/param.h"
#include "mail/rfc2047.h"
#include "mail/utf8.h"

static void
scan(struct str in, size_t cut)
{
	struct header_scan a, b;

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	header_scan_init(&a, HEADER_HOPS_MAX);
	header_scan_init(&b, HEADER_HOPS_MAX);
	header_scan_feed(&a, in);
	header_scan_feed(&b, str_first(in, cut));
	header_scan_feed(&b, str_from(in, cut));
	if (header_scan_verdict(&a) != header_scan_verdict(&b) ||
	    a.has != b.has || a.hops != b.hops || a.size != b.size ||
	    a.done != b.done)
		abort();
}

static void
value(struct str v)
{
	struct pool pool = { 0 };
	struct addrlist l;
	struct addrlist_item item;
	struct params params;
	struct buf b;
	struct str s = v, text;
	size_t n = 0;

	buf_init(&b, BUF_NO_MAX);
	if (!rfc2047_decode(&b, v) || !utf8_ok(buf_str(&b)))
		abort();
	addrlist_init(&l, &pool, v);
	while (addrlist_next(&l, &item))
		n += item.kind == ADDRLIST_MAILBOX;
	if (n > ADDRLIST_MAX)
		abort();
	while (msgid_take(&s, &text))
		;
	s = v;
	params_take(&s, &pool, &params);
	if (params_text(&params, &pool, STR("a"), &text) && !utf8_ok(text))
		abort();
	buf_clear(&b);
	pool_clear(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_n(data, size), s = in;
	struct header_field f;

	scan(in, size != 0 ? data[0] % (size + 1) : 0);
	while (header_next(&s, &f)) {
		if (f.whole.p < in.p || f.whole.p + f.whole.n > in.p + in.n ||
		    f.value.p + f.value.n > f.whole.p + f.whole.n)
			abort();
		value(f.value);
	}
	value(in);
	return 0;
}
