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

static int
digit_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The whole octets among what was gathered before padding or the end. */
static bool
end_base64(struct transfer *t, struct buf *out)
{
	bool ok = true;

	if (t->count == 3)
		ok = buf_add_char(out, (char)(t->bits >> 10 & 0xff)) &&
		    buf_add_char(out, (char)(t->bits >> 2 & 0xff));
	else if (t->count == 2)
		ok = buf_add_char(out, (char)(t->bits >> 4 & 0xff));
	t->count = 0;
	t->bits = 0;
	return ok;
}

/* Padding ends one run; another may follow (joined encodings occur). */
static bool
feed_base64(struct transfer *t, struct str in, struct buf *out)
{
	bool ok = true;

	for (size_t i = 0; ok && i < in.n; i++) {
		int d = digit_of(in.p[i]);

		if (in.p[i] == '=') {
			ok = end_base64(t, out);
			continue;
		}
		if (d < 0)
			continue;
		t->bits = t->bits << 6 | (uint32_t)d;
		if (++t->count < 4)
			continue;
		ok = buf_add_char(out, (char)(t->bits >> 16 & 0xff)) &&
		    buf_add_char(out, (char)(t->bits >> 8 & 0xff)) &&
		    buf_add_char(out, (char)(t->bits & 0xff));
		t->count = 0;
		t->bits = 0;
	}
	return ok;
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

	if (t->kind == TRANSFER_BASE64)
		return end_base64(t, out);
	if (soft)
		t->held_n = 0;
	return release(t, out);
}
