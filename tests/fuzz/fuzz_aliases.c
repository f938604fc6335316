/* links: helpers/routerd common/mail common/base */
#include <stdint.h>
#include <stdlib.h>

#include "helpers/routerd/aliasfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
on_alias(void *arg, struct str name, const struct str *to, size_t n)
{
	(void)arg;
	if (name.n == 0 || n == 0 || n > ALIASFILE_TARGETS)
		abort();
	for (size_t i = 0; i < n; i++)
		if (to[i].n == 0)
			abort();
}

static void
on_bad(void *arg, uint32_t line, const char *why, struct str what)
{
	(void)arg;
	(void)line;
	(void)why;
	(void)what;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct aliasfile_ops ops = { on_alias, on_bad };

	aliasfile_read(str_n(data, size), &ops, NULL);
	return 0;
}
