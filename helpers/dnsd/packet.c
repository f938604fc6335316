#include "helpers/dnsd/packet.h"

enum {
	HEADER = 12,
	RR_FIXED = 10,     /* type, class, ttl, rdlength */
	LABEL_MAX = 63,
	JUMPS_MAX = 32,    /* compression pointers followed in one name */
	CLASS_IN = 1
};

static unsigned
octet(struct str s, size_t at)
{
	return (unsigned char)s.p[at];
}

static uint16_t
get16(struct str s, size_t at)
{
	return (uint16_t)(octet(s, at) << 8 | octet(s, at + 1));
}

static uint32_t
get32(struct str s, size_t at)
{
	return (uint32_t)get16(s, at) << 16 | get16(s, at + 2);
}

static bool
is_label_char(char c)
{
	return chr_is_alnum(c) || c == '-' || c == '_';
}

/* Moves *at behind a name without reading it. */
static bool
skip_name(struct str s, size_t *at)
{
	size_t i = *at;

	while (i < s.n) {
		const unsigned n = octet(s, i);

		if (n == 0) {
			*at = i + 1;
			return true;
		}
		if ((n & 0xc0) == 0xc0) {
			if (i + 2 > s.n)
				return false;
			*at = i + 2;
			return true;
		}
		if (n > LABEL_MAX)
			return false;
		i += 1 + n;
	}
	return false;
}

/* Adds a label to the text of used octets. */
static bool
add_label(struct str label, char *out, size_t *used)
{
	if (*used + (*used != 0) + label.n > NAME_MAX_TEXT)
		return false;
	if (*used != 0)
		out[(*used)++] = '.';
	for (size_t i = 0; i < label.n; i++) {
		if (!is_label_char(label.p[i]))
			return false;
		out[(*used)++] = chr_lower(label.p[i]);
	}
	return true;
}

bool
packet_name(struct str s, size_t *at, char out[NAME_MAX_TEXT + 1])
{
	size_t i = *at, behind = *at, used = 0;
	unsigned jumps = 0;

	if (!skip_name(s, &behind))
		return false;
	while (i < s.n) {
		const unsigned n = octet(s, i);

		if (n == 0) {
			out[used] = '\0';
			*at = behind;
			return true;
		}
		if ((n & 0xc0) == 0xc0) {
			/* Only backwards, so that no chain is endless. */
			const size_t to = i + 1 < s.n ?
			    (n & 0x3f) << 8 | octet(s, i + 1) : s.n;
			if (to >= i || ++jumps > JUMPS_MAX)
				return false;
			i = to;
			continue;
		}
		if (n > LABEL_MAX || i + 1 + n > s.n ||
		    !add_label(str_n(s.p + i + 1, n), out, &used))
			return false;
		i += 1 + n;
	}
	return false;
}

bool
packet_open(struct packet *p, struct str s)
{
	unsigned questions;
	size_t at = HEADER;

	if (s.n < HEADER)
		return false;
	questions = get16(s, 4);
	if (questions > 1)
		return false;
	if (questions == 1) {
		if (!skip_name(s, &at) || s.n - at < 4)
			return false;
		at += 4;
	}
	*p = (struct packet){ .whole = s, .at = at, .left = get16(s, 6),
		.rcode = octet(s, 3) & 0x0f };
	return true;
}

bool
packet_next(struct packet *p, struct packet_rr *rr)
{
	const struct str s = p->whole;

	while (p->left > 0) {
		size_t at = p->at, length;

		p->left--;
		if (!skip_name(s, &at) || s.n - at < RR_FIXED)
			break;
		length = get16(s, at + 8);
		if (s.n - at - RR_FIXED < length)
			break;
		p->at = at + RR_FIXED + length;
		if (get16(s, at + 2) != CLASS_IN)
			continue;
		*rr = (struct packet_rr){ .type = get16(s, at),
			.ttl = get32(s, at + 4), .at = at + RR_FIXED,
			.rdata = str_n(s.p + at + RR_FIXED, length) };
		return true;
	}
	p->left = 0;
	return false;
}

/* The rdata from octet skip on is exactly one name. */
static bool
rdata_name(const struct packet *p, const struct packet_rr *rr, size_t skip,
    char host[NAME_MAX_TEXT + 1])
{
	size_t at = rr->at + skip;

	if (rr->rdata.n <= skip)
		return false;
	/* Nothing of what stands behind this record is part of its name. */
	return packet_name(str_first(p->whole, rr->at + rr->rdata.n), &at,
	           host) && at == rr->at + rr->rdata.n;
}

bool
packet_mx(const struct packet *p, const struct packet_rr *rr,
    uint16_t *preference, char host[NAME_MAX_TEXT + 1])
{
	if (rr->type != RR_MX || !rdata_name(p, rr, 2, host))
		return false;
	*preference = get16(rr->rdata, 0);
	return true;
}

bool
packet_ptr(const struct packet *p, const struct packet_rr *rr,
    char host[NAME_MAX_TEXT + 1])
{
	return rr->type == RR_PTR && rdata_name(p, rr, 0, host) &&
	    host[0] != '\0';
}

bool
packet_txt(const struct packet_rr *rr, struct buf *out)
{
	const size_t before = buf_len(out);
	struct str rest = rr->rdata;

	if (rr->type != RR_TXT || rest.n == 0)
		return false;
	while (rest.n > 0) {
		const size_t n = octet(rest, 0);

		rest = str_from(rest, 1);
		if (n > rest.n || buf_len(out) - before + n > TXT_MAX ||
		    !buf_add(out, str_take(&rest, n))) {
			buf_cut(out, before);
			return false;
		}
	}
	return true;
}
