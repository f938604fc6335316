#include "mail/mutf7.h"

#include "mail/utf8.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* UTF-16 units on their way to or from six-bit digits. */
struct bits {
	uint32_t v;
	unsigned n; /* bits of v not used yet */
};

static bool
put_unit(struct buf *out, struct bits *b, uint32_t unit)
{
	bool ok = true;

	b->v = b->v << 16 | unit;
	b->n += 16;
	while (b->n >= 6) {
		b->n -= 6;
		ok = ok && buf_add_char(out, digits[b->v >> b->n & 63]);
	}
	b->v &= (1u << b->n) - 1;
	return ok;
}

static bool
put_char(struct buf *out, struct bits *b, uint32_t c)
{
	if (c < 0x10000)
		return put_unit(out, b, c);
	c -= 0x10000;
	return put_unit(out, b, 0xd800 | c >> 10) &&
	    put_unit(out, b, 0xdc00 | (c & 0x3ff));
}

static bool
shift_out(struct buf *out, struct bits *b)
{
	bool ok = b->n == 0 ||
	    buf_add_char(out, digits[b->v << (6 - b->n) & 63]);

	*b = (struct bits){ 0 };
	return ok && buf_add_char(out, '-');
}

bool
mutf7_encode(struct buf *out, struct str in)
{
	size_t was = buf_len(out);
	struct bits b = { 0 };
	bool ok = true, shifted = false;
	uint32_t c;

	while (ok && in.n != 0) {
		bool direct;

		if (!utf8_take(&in, &c))
			goto undo;
		direct = c >= ' ' && c <= '~';
		if (shifted && direct)
			ok = shift_out(out, &b);
		else if (!shifted && !direct)
			ok = buf_add_char(out, '&');
		shifted = !direct;
		if (shifted)
			ok = ok && put_char(out, &b, c);
		else if (c == '&')
			ok = ok && buf_add(out, STR("&-"));
		else
			ok = ok && buf_add_char(out, (char)c);
	}
	if (ok && shifted)
		ok = shift_out(out, &b);
	if (ok)
		return true;
undo:
	buf_cut(out, was);
	return false;
}

static int
digit_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == ',' ? 63 : -1;
}

/* One UTF-16 unit; *high holds the first half of a pair, 0 for none. */
static bool
take_unit(struct buf *out, uint32_t unit, uint32_t *high)
{
	uint32_t c = unit;

	if (*high != 0) {
		if ((unit & 0xfc00) != 0xdc00)
			return false;
		c = 0x10000 + ((*high & 0x3ff) << 10 | (unit & 0x3ff));
		*high = 0;
	} else if ((unit & 0xfc00) == 0xd800) {
		*high = unit;
		return true;
	} else if ((unit & 0xfc00) == 0xdc00 || unit < 0x80) {
		/* Half a pair; or what has to be written as itself, or a
		 * control. */
		return false;
	}
	return utf8_put(out, c);
}

/* base64 digits up to the "-", which is taken too. */
static bool
take_shifted(struct str *in, struct buf *out)
{
	struct bits b = { 0 };
	uint32_t high = 0;
	size_t units = 0;

	while (in->n != 0 && digit_of(*in->p) >= 0) {
		b.v = b.v << 6 | (uint32_t)digit_of(*in->p);
		b.n += 6;
		*in = str_from(*in, 1);
		if (b.n < 16)
			continue;
		b.n -= 16;
		if (!take_unit(out, b.v >> b.n & 0xffff, &high))
			return false;
		b.v &= (1u << b.n) - 1;
		units++;
	}
	return units > 0 && high == 0 && b.n < 6 && b.v == 0 &&
	    str_take_char(in, '-');
}

bool
mutf7_decode(struct buf *out, struct str in)
{
	size_t was = buf_len(out);
	bool after_shift = false;

	while (in.n != 0) {
		char c = *in.p;

		if (c < ' ' || c > '~')
			goto undo;
		in = str_from(in, 1);
		if (c != '&') {
			after_shift = false;
			if (!buf_add_char(out, c))
				goto undo;
		} else if (str_take_char(&in, '-')) {
			after_shift = false;
			if (!buf_add_char(out, '&'))
				goto undo;
		} else {
			/* Two runs side by side have one shorter form. */
			if (after_shift || !take_shifted(&in, out))
				goto undo;
			after_shift = true;
		}
	}
	return true;
undo:
	buf_cut(out, was);
	return false;
}
