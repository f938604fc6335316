#include "base/base64.h"

#include <sys/types.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool
base64_encode(struct buf *out, struct str in)
{
	size_t size = (in.n + 2) / 3 * 4;
	char *p = buf_reserve(out, size);

	if (p == NULL)
		return false;
	for (size_t i = 0; i < in.n; i += 3, p += 4) {
		size_t have = in.n - i < 3 ? in.n - i : 3;
		uint32_t v = (uint32_t)(unsigned char)in.p[i] << 16;

		if (have > 1)
			v |= (uint32_t)(unsigned char)in.p[i + 1] << 8;
		if (have > 2)
			v |= (unsigned char)in.p[i + 2];
		p[0] = alphabet[v >> 18];
		p[1] = alphabet[v >> 12 & 63];
		p[2] = have > 1 ? alphabet[v >> 6 & 63] : '=';
		p[3] = have > 2 ? alphabet[v & 63] : '=';
	}
	buf_commit(out, size);
	return true;
}

/* 0..63, or -1. */
static int
value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (chr_is_digit(c))
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Decodes in, whose length is a multiple of 4, to p; octets, or -1. */
static ssize_t
decode(char *p, struct str in)
{
	size_t pad = 0, made = 0;

	while (pad < 2 && pad < in.n && in.p[in.n - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < in.n; i += 4) {
		size_t have = i + 4 == in.n ? 4 - pad : 4;
		uint32_t v = 0;

		for (size_t k = 0; k < 4; k++) {
			int d = k < have ? value(in.p[i + k]) : 0;

			if (d < 0)
				return -1;
			v = v << 6 | (uint32_t)d;
		}
		if ((have == 2 && (v & 0xffff) != 0) ||
		    (have == 3 && (v & 0xff) != 0))
			return -1;
		for (size_t k = 0; k + 1 < have; k++)
			p[made++] = (char)(v >> (16 - 8 * k) & 255);
	}
	return (ssize_t)made;
}

bool
base64_decode(struct buf *out, struct str in)
{
	ssize_t made;
	char *p;

	if (in.n % 4 != 0)
		return false;
	p = buf_reserve(out, in.n / 4 * 3);
	if (p == NULL)
		return false;
	made = decode(p, in);
	if (made < 0)
		return false;
	buf_commit(out, (size_t)made);
	return true;
}

bool
hex_encode(struct buf *out, struct str in)
{
	static const char digits[] = "0123456789abcdef";
	char *p = buf_reserve(out, 2 * in.n);

	if (p == NULL)
		return false;
	for (size_t i = 0; i < in.n; i++) {
		*p++ = digits[(unsigned char)in.p[i] >> 4];
		*p++ = digits[(unsigned char)in.p[i] & 15];
	}
	buf_commit(out, 2 * in.n);
	return true;
}

bool
hex_decode(struct buf *out, struct str in)
{
	char *p;

	if (in.n % 2 != 0)
		return false;
	p = buf_reserve(out, in.n / 2);
	if (p == NULL)
		return false;
	for (size_t i = 0; i < in.n; i += 2) {
		int high = chr_hex(in.p[i]), low = chr_hex(in.p[i + 1]);

		if (high < 0 || low < 0)
			return false;
		p[i / 2] = (char)(high << 4 | low);
	}
	buf_commit(out, in.n / 2);
	return true;
}
