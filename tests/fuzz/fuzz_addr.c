/* links: common/mail common/base */
/* Property: what is read is written so that it reads the same again. */
#include <stdlib.h>

#include "mail/addr.h"
#include "mail/xtext.h"

static void
again(const struct addr *a)
{
	struct addr b;
	struct buf one, two;

	buf_init(&one, 2048);
	buf_init(&two, 2048);
	if (!addr_canonical(&one, a))
		abort();
	if (addr_parse(buf_str(&one),
	    ADDR_UTF8 | ADDR_NULL | ADDR_POSTMASTER | ADDR_BARE, &b) != ADDR_OK)
		abort();
	if (!addr_canonical(&two, &b) || !str_eq(buf_str(&one), buf_str(&two)))
		abort();
	buf_clear(&one);
	buf_clear(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_n(data, size), s = in;
	struct addr a;
	struct buf b, c;

	for (unsigned legal = 0; legal < 16; legal++) {
		s = in;
		if (addr_take(&s, legal, &a) == ADDR_OK)
			again(&a);
		if (addr_parse(in, legal, &a) == ADDR_OK)
			again(&a);
	}
	buf_init(&b, BUF_NO_MAX);
	buf_init(&c, BUF_NO_MAX);
	if (xtext_decode(&b, in, true)) {
		xtext_encode(&c, buf_str(&b));
		buf_reset(&b);
		if (!xtext_decode(&b, buf_str(&c), true))
			abort();
	}
	buf_clear(&b);
	buf_clear(&c);
	return 0;
}
