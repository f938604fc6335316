#include "mail/transfer.h"

enum transfer_kind
transfer_kind(struct str encoding)
{
	static const struct {
		struct str name;
		enum transfer_kind kind;
	} kinds[] = {
		{ STR_INIT(""), TRANSFER_IDENTITY },
		{ STR_INIT("7bit"), TRANSFER_IDENTITY },
		{ STR_INIT("8bit"), TRANSFER_IDENTITY },
		{ STR_INIT("binary"), TRANSFER_IDENTITY },
		{ STR_INIT("base64"), TRANSFER_BASE64 },
		{ STR_INIT("quoted-printable"), TRANSFER_QP },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_ieq(encoding, kinds[i].name))
			return kinds[i].kind;
	return TRANSFER_UNKNOWN;
}

void
transfer_init(struct transfer *t, enum transfer_kind kind)
{
	*t = (struct transfer){ .kind = kind };
}

/* The value of a base64 digit plus one; 0: it is none. */
static const uint8_t digits[256] = {
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6,
	['G'] = 7, ['H'] = 8, ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12,
	['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17,
	['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22,
	['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27,
	['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
	['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37,
	['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
	['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47,
	['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52,
	['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57,
	['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62,
	['+'] = 63, ['/'] = 64
};

static int
digit_of(char c)
{
	return digits[(unsigned char)c] - 1;
}

/* The whole octets among what was gathered before padding or the end. */
static char *
end_base64(struct transfer *t, char *w)
{
	if (t->count == 3) {
		*w++ = (char)(t->bits >> 10 & 0xff);
		*w++ = (char)(t->bits >> 2 & 0xff);
	} else if (t->count == 2) {
		*w++ = (char)(t->bits >> 4 & 0xff);
	}
	t->count = 0;
	t->bits = 0;
	return w;
}

/* Padding ends one run; another may follow (joined encodings occur). */
static bool
feed_base64(struct transfer *t, struct str in, struct buf *out)
{
	/* Six bits an octet, and the 18 that may be held. */
	char *start = buf_reserve(out, in.n / 4 * 3 + 6), *w = start;

	if (start == NULL)
		return false;
	for (size_t i = 0; i < in.n; i++) {
		int d = digit_of(in.p[i]);

		if (d < 0) {
			if (in.p[i] == '=')
				w = end_base64(t, w);
			continue;
		}
		t->bits = t->bits << 6 | (uint32_t)d;
		if (++t->count < 4)
			continue;
		*w++ = (char)(t->bits >> 16 & 0xff);
		*w++ = (char)(t->bits >> 8 & 0xff);
		*w++ = (char)(t->bits & 0xff);
		t->count = 0;
		t->bits = 0;
	}
	buf_commit(out, (size_t)(w - start));
	return true;
}

static bool
release(struct transfer *t, struct buf *out)
{
	bool ok = buf_add(out, str_n(t->held, t->held_n));

	t->held_n = 0;
	return ok;
}

/* What is held and c, as far as they belong together; true: c is used. */
static bool
join(struct transfer *t, char c, struct buf *out, bool *ok)
{
	if (t->held[0] == '=') {
		if (c == '\n') {
			t->held_n = 0; /* a soft line end */
			return true;
		}
		if (t->held_n == 1) {
			/* "=" then white space then the line end is one too. */
			if (chr_hex(c) < 0 && c != '\r' && !chr_is_wsp(c))
				goto no;
			t->held[t->held_n++] = c;
			return true;
		}
		if (chr_hex(t->held[1]) >= 0 && chr_hex(c) >= 0) {
			*ok = buf_add_char(out,
			    (char)(chr_hex(t->held[1]) * 16 + chr_hex(c)));
			t->held_n = 0;
			return true;
		}
		if (chr_hex(t->held[1]) < 0 && (c == '\r' || chr_is_wsp(c)) &&
		    t->held_n < sizeof(t->held)) {
			t->held[t->held_n++] = c;
			return true;
		}
		goto no;
	}
	/* White space: not part of the text when the line ends behind it. */
	if (c == '\r' || c == '\n') {
		t->held_n = 0;
		return false;
	}
	if (chr_is_wsp(c) && t->held_n < sizeof(t->held)) {
		t->held[t->held_n++] = c;
		return true;
	}
no:
	*ok = release(t, out);
	return false;
}

static bool
feed_qp(struct transfer *t, struct str in, struct buf *out)
{
	bool ok = true;

	for (size_t i = 0; ok && i < in.n; i++) {
		char c = in.p[i];

		if (t->held_n != 0 && join(t, c, out, &ok))
			continue;
		if (c == '=' || chr_is_wsp(c))
			t->held[t->held_n++] = c;
		else
			ok = ok && buf_add_char(out, c);
	}
	return ok;
}

bool
transfer_feed(struct transfer *t, struct str in, struct buf *out)
{
	switch (t->kind) {
	case TRANSFER_BASE64:
		return feed_base64(t, in, out);
	case TRANSFER_QP:
		return feed_qp(t, in, out);
	case TRANSFER_IDENTITY:
	case TRANSFER_UNKNOWN:
		break;
	}
	return buf_add(out, in);
}

bool
transfer_end(struct transfer *t, struct buf *out)
{
	bool soft = t->held_n == 1 || (t->held_n > 1 && t->held[0] != '=');

	char rest[2];

	if (t->kind == TRANSFER_BASE64)
		return buf_add(
		    out, str_n(rest, (size_t)(end_base64(t, rest) - rest)));
	if (soft)
		t->held_n = 0;
	return release(t, out);
}
