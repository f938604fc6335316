#include "imapd/fold.h"

#include <unicase.h>

#include "mail/utf8.h"

/* Most text is ASCII: whole runs of it at once. */
static struct str
take_ascii(struct str *in)
{
	size_t n = 0;

	while (n < in->n && (unsigned char)in->p[n] < 0x80)
		n++;
	return str_take(in, n);
}

void
fold_add(struct buf *out, struct str in)
{
	while (in.n != 0) {
		struct str run = take_ascii(&in);
		char *p = buf_reserve(out, run.n + 1);
		uint32_t c;

		if (p == NULL)
			return;
		for (size_t i = 0; i < run.n; i++)
			p[i] = chr_lower(run.p[i]);
		buf_commit(out, run.n);
		if (in.n == 0)
			return;
		if (!utf8_take(&in, &c)) {
			in = str_from(in, 1);
			c = 0xfffd;
		}
		utf8_put(out, uc_tolower(c));
	}
}

struct str
fold_pool(struct pool *pool, struct str in)
{
	struct buf folded;
	struct str result;

	buf_init(&folded, BUF_NO_MAX);
	fold_add(&folded, in);
	result = pool_str(pool, buf_str(&folded));
	buf_clear(&folded);
	return result;
}

bool
fold_has(struct str text, struct str needle)
{
	if (needle.n == 0)
		return true;
	return memmem(text.p, text.n, needle.p, needle.n) != NULL;
}
