#include "mail/utf8.h"

/* RFC 3629 section 4, as ranges of the first two octets. */
static size_t
length(struct str in)
{
	const unsigned char *p = (const unsigned char *)in.p;
	size_t n;
	unsigned low = 0x80, high = 0xbf;

	if (in.n == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (in.n < n)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0; /* overlong */
	else if (p[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (p[0] == 0xf0)
		low = 0x90; /* overlong */
	else if (p[0] == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool
utf8_take(struct str *in, uint32_t *c)
{
	static const unsigned char mask[5] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	size_t n = length(*in);
	uint32_t v;

	if (n == 0)
		return false;
	v = (unsigned char)in->p[0] & mask[n];
	for (size_t i = 1; i < n; i++)
		v = v << 6 | ((unsigned char)in->p[i] & 0x3fu);
	*c = v;
	*in = str_from(*in, n);
	return true;
}

bool
utf8_put(struct buf *out, uint32_t c)
{
	char p[4];
	size_t n;

	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		c = 0xfffd;
	n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	if (n == 1) {
		p[0] = (char)c;
		return buf_add(out, str_n(p, 1));
	}
	for (size_t i = n; --i > 0; c >>= 6)
		p[i] = (char)(0x80 | (c & 0x3f));
	p[0] = (char)(((0xf00u >> n) & 0xf0u) | c);
	return buf_add(out, str_n(p, n));
}

bool
utf8_ok(struct str in)
{
	while (in.n != 0) {
		size_t n = length(in);

		if (n == 0)
			return false;
		in = str_from(in, n);
	}
	return true;
}

bool
utf8_is_ascii(struct str in)
{
	for (size_t i = 0; i < in.n; i++)
		if ((unsigned char)in.p[i] >= 0x80)
			return false;
	return true;
}

bool
utf8_repair(struct buf *out, struct str in)
{
	bool ok = true;

	while (ok && in.n != 0) {
		struct str good = in;
		size_t n;

		while ((n = length(in)) != 0)
			in = str_from(in, n);
		good.n -= in.n;
		ok = buf_add(out, good);
		if (in.n != 0) {
			ok = ok && utf8_put(out, 0xfffd);
			in = str_from(in, 1);
		}
	}
	return ok;
}
