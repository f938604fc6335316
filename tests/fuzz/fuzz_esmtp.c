/* links: common/mail common/base */
#include "mail/esmtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_n(data, size);
	struct pool pool = { 0 };
	struct esmtp_mail m;
	struct esmtp_rcpt r;

	for (unsigned can = 0; can < 128; can += 9) {
		esmtp_mail_parse(in, can, &pool, &m);
		esmtp_rcpt_parse(in, can, &pool, &r);
	}
	pool_clear(&pool);
	return 0;
}
