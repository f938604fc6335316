/* links: common/mail common/base */
/* Properties: decoders give UTF-8; modified UTF-7 has one form; transfer
 * decoding does not depend on the cut. */
#include <stdlib.h>

#include "mail/charset.h"
#include "mail/date.h"
#include "mail/mutf7.h"
#include "mail/transfer.h"
#include "mail/utf8.h"

static void
mailbox(struct str in)
{
	struct buf a, b;

	buf_init(&a, BUF_NO_MAX);
	buf_init(&b, BUF_NO_MAX);
	if (mutf7_decode(&a, in) && (!utf8_ok(buf_str(&a)) ||
	    !mutf7_encode(&b, buf_str(&a)) || !str_eq(buf_str(&b), in)))
		abort();
	buf_reset(&b);
	mutf7_encode(&b, in);
	buf_clear(&a);
	buf_clear(&b);
}

static void
transfer(struct str in, enum transfer_kind kind, size_t cut)
{
	struct transfer t, u;
	struct buf a, b;

	buf_init(&a, BUF_NO_MAX);
	buf_init(&b, BUF_NO_MAX);
	transfer_init(&t, kind);
	transfer_feed(&t, in, &a);
	transfer_end(&t, &a);
	transfer_init(&u, kind);
	transfer_feed(&u, str_first(in, cut), &b);
	transfer_feed(&u, str_from(in, cut), &b);
	transfer_end(&u, &b);
	if (!str_eq(buf_str(&a), buf_str(&b)))
		abort();
	buf_clear(&a);
	buf_clear(&b);
}

static void
dates(struct str in)
{
	struct date d, again;
	struct buf b;
	int64_t day;

	buf_init(&b, 200);
	if (date_parse(in, &d)) {
		date_format(&b, &d);
		if (date_parse(buf_str(&b), &again) &&
		    again.time != d.time)
			abort();
	}
	date_parse_imap(in, &d);
	date_parse_day(in, &day);
	buf_clear(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const charsets[] = { "utf-8", "us-ascii",
		"iso-8859-1", "windows-1252", "iso-2022-jp", "gb18030",
		"utf-7", "utf-16", "shift_jis", "euc-kr" };
	struct str in = str_n(data, size);
	size_t cut = size != 0 ? data[0] % (size + 1) : 0;
	struct buf b;

	mailbox(in);
	transfer(in, TRANSFER_QP, cut);
	transfer(in, TRANSFER_BASE64, cut);
	dates(in);
	buf_init(&b, BUF_NO_MAX);
	for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++) {
		buf_reset(&b);
		if (charset_to_utf8(&b, str_c(charsets[i]), in) &&
		    !utf8_ok(buf_str(&b)))
			abort();
	}
	buf_clear(&b);
	return 0;
}
