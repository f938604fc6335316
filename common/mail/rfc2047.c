#include "mail/rfc2047.h"

#include "base/base64.h"
#include "mail/charset.h"
#include "mail/transfer.h"
#include "mail/utf8.h"

/* encoded-word = "=?" charset ["*" language] "?" encoding "?" text "?=" */
struct word {
	struct str charset, text;
	char encoding; /* 'q' or 'b' */
};

/* What is gathered of neighbouring words in one charset: a character may be
 * cut in two between them. */
struct run {
	struct str charset;
	struct buf octets;
};

static bool
take_word(struct str *in, struct word *w)
{
	struct str s = *in;
	size_t n;

	if (!str_take_prefix(&s, STR("=?")))
		return false;
	for (n = 0; n < s.n && s.p[n] > ' ' && s.p[n] != '?'; n++)
		;
	w->charset = str_take(&s, n);
	w->charset.n = str_find(w->charset, '*');
	if (s.n < 3 || s.p[0] != '?' || s.p[2] != '?')
		return false;
	w->encoding = chr_lower(s.p[1]);
	s = str_from(s, 3);
	/* A space is not legal inside, yet common; "?" ends it. */
	for (n = 0; n < s.n && s.p[n] != '?' && s.p[n] != '\n'; n++)
		;
	w->text = str_take(&s, n);
	if (!str_take_prefix(&s, STR("?=")) ||
	    (w->encoding != 'q' && w->encoding != 'b') ||
	    !charset_known(w->charset))
		return false;
	*in = s;
	return true;
}

/* The "Q" encoding: quoted-printable with "_" for the space. */
static void
decode_q(struct str in, struct buf *out)
{
	for (size_t i = 0; i < in.n; i++) {
		char c = in.p[i];

		if (c == '=' && in.n - i > 2 && chr_hex(in.p[i + 1]) >= 0 &&
		    chr_hex(in.p[i + 2]) >= 0) {
			c = (char)(chr_hex(in.p[i + 1]) * 16 +
			    chr_hex(in.p[i + 2]));
			i += 2;
		} else if (c == '_') {
			c = ' ';
		}
		buf_add_char(out, c);
	}
}

static void
decode_b(struct str in, struct buf *out)
{
	struct transfer t;

	transfer_init(&t, TRANSFER_BASE64);
	transfer_feed(&t, in, out);
	transfer_end(&t, out);
}

static bool
flush(struct run *r, struct buf *out)
{
	bool ok = true;

	if (buf_len(&r->octets) != 0)
		ok = charset_to_utf8(out, r->charset, buf_str(&r->octets)) ||
		    utf8_repair(out, buf_str(&r->octets));
	buf_reset(&r->octets);
	return ok && !out->overflow;
}

static bool
is_white(char c)
{
	return chr_is_wsp(c) || c == '\r' || c == '\n';
}

/* Text without line ends, as far as the next "=?". */
static bool
copy_plain(struct str in, struct buf *out)
{
	bool ok = true;

	while (ok && in.n != 0) {
		size_t n = 0;

		while (n < in.n && in.p[n] != '\r' && in.p[n] != '\n')
			n++;
		ok = utf8_repair(out, str_take(&in, n));
		while (in.n != 0 && (*in.p == '\r' || *in.p == '\n'))
			in = str_from(in, 1);
	}
	return ok;
}

bool
rfc2047_decode(struct buf *out, struct str in)
{
	struct run run = { 0 };
	struct word w;
	bool ok = true, after_word = false;

	buf_init(&run.octets, BUF_NO_MAX);
	while (ok && in.n != 0) {
		struct str rest = in, plain;
		size_t white = 0;

		/* White space between two words belongs to neither. */
		while (after_word && white < in.n && is_white(in.p[white]))
			white++;
		rest = str_from(in, white);
		if (take_word(&rest, &w)) {
			if (!str_ieq(w.charset, run.charset))
				ok = flush(&run, out);
			run.charset = w.charset;
			if (w.encoding == 'q')
				decode_q(w.text, &run.octets);
			else
				decode_b(w.text, &run.octets);
			in = rest;
			after_word = true;
			continue;
		}
		ok = ok && flush(&run, out);
		after_word = false;
		plain = str_first(in,
		    1 + str_find_str(str_from(in, 1), STR("=?")));
		in = str_from(in, plain.n);
		ok = ok && copy_plain(plain, out);
	}
	ok = ok && flush(&run, out);
	buf_clear(&run.octets);
	return ok;
}

/* RFC 2047 2: a word has at most 75 octets, so 45 before base64; section 5:
 * each holds whole characters. */
enum { WORD_OCTETS = 45 };

void
rfc2047_encode(struct buf *out, struct str in)
{
	const char *between = "";

	if (utf8_is_ascii(in)) {
		buf_add(out, in);
		return;
	}
	while (in.n > 0) {
		size_t n = in.n < WORD_OCTETS ? in.n : WORD_OCTETS;

		while (n < in.n && n > 1 && (in.p[n] & 0xc0) == 0x80)
			n--;
		buf_addf(out, "%s=?utf-8?B?", between);
		base64_encode(out, str_take(&in, n));
		buf_add_c(out, "?=");
		between = "\n ";
	}
}
