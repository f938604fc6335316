/* links: common/conf common/base */
#include <stddef.h>
#include <stdint.h>

#include "conf/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same octets as a file and as what master hands to a program. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf *c = conf_parse_text(str_n(data, size), "fuzz", "/base");
	struct buf out;

	conf_check(c, 0);
	buf_init(&out, BUF_NO_MAX);
	conf_show(c, true, &out);
	if (conf_ok(c)) {
		buf_reset(&out);
		conf_encode(c, STR("routerd"), &out);
		conf_free(conf_decode(buf_str(&out)));
	}
	buf_clear(&out);
	conf_free(c);
	conf_free(conf_decode(str_n(data, size)));
	return 0;
}
