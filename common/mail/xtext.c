#include "mail/xtext.h"

#include "mail/utf8.h"

bool
xtext_encode(struct buf *out, struct str in)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t was = buf_len(out);
	bool ok = true;

	for (size_t i = 0; ok && i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];
		char code[3];

		if (c > ' ' && c < 0x7f && c != '+' && c != '=') {
			ok = buf_add_char(out, (char)c);
			continue;
		}
		code[0] = '+';
		code[1] = hex[c >> 4];
		code[2] = hex[c & 15];
		ok = buf_add(out, str_n(code, 3));
	}
	if (!ok)
		buf_cut(out, was);
	return ok;
}

/* hexchar = "+" 2(%x30-39 / %x41-46): upper case only, at in.p[at]. */
static int
hexchar(struct str in, size_t at)
{
	int v = 0;

	if (in.n - at < 3)
		return -1;
	for (size_t i = 1; i <= 2; i++) {
		char c = in.p[at + i];

		if (chr_hex(c) < 0 || (c >= 'a' && c <= 'f'))
			return -1;
		v = v * 16 + chr_hex(c);
	}
	return v;
}

bool
xtext_decode(struct buf *out, struct str in, bool utf8)
{
	size_t was = buf_len(out);
	struct str added;

	for (size_t i = 0; i < in.n; i++) {
		int c = (unsigned char)in.p[i];

		if (c <= ' ' || c == 0x7f || c == '=')
			goto undo;
		if (c == '+') {
			c = hexchar(in, i);
			i += 2;
		}
		if (c < ' ' || c == 0x7f || (c > 0x7f && !utf8))
			goto undo;
		if (!buf_add_char(out, (char)c))
			goto undo;
	}
	added = str_from(buf_str(out), was);
	if (utf8_ok(added))
		return true;
undo:
	buf_cut(out, was);
	return false;
}

bool
xtext_can(struct str plain, bool utf8, size_t most)
{
	struct buf code, again;
	bool ok;

	buf_init(&code, most);
	buf_init(&again, most);
	ok = xtext_encode(&code, plain) &&
	    xtext_decode(&again, buf_str(&code), utf8);
	buf_clear(&code);
	buf_clear(&again);
	return ok;
}
