/* links: common/mail common/base */
/*
 * Properties: cut anywhere, the result is the same; what was dotted on the
 * way out comes back undotted.
 */
#include <stdlib.h>

#include "mail/crlf.h"
#include "mail/line.h"

static size_t
data_in(struct str in, size_t cut, struct buf *out)
{
	struct str s = str_first(in, cut);
	struct crlf_in d;

	crlf_in_init(&d);
	if (crlf_in_feed(&d, &s, out))
		return cut - s.n;
	s = str_from(in, cut);
	crlf_in_feed(&d, &s, out);
	return in.n - s.n;
}

static void
round_trip(struct str text)
{
	struct crlf_out o;
	struct crlf_in d;
	struct buf wire, back;
	struct str s = text;
	bool bare;

	buf_init(&wire, BUF_NO_MAX);
	buf_init(&back, BUF_NO_MAX);
	crlf_out_init(&o, true);
	o.strict = true;
	while (s.n != 0)
		crlf_out_feed(&o, &s, &wire, 17);
	crlf_out_end(&o, &wire);
	s = buf_str(&wire);
	crlf_in_init(&d);
	if (!crlf_in_feed(&d, &s, &back) || s.n != 0)
		abort(); /* it ends at its end, and nowhere before (I12) */
	if (d.bare_cr || d.bare_lf)
		abort();
	bare = str_find(text, '\r') < text.n;
	if (!bare && !str_starts(buf_str(&back), text))
		abort();
	buf_clear(&wire);
	buf_clear(&back);
}

static void
lines(struct str in)
{
	struct line l;
	struct str line;
	enum line_result r;

	line_init(&l, 16);
	while ((r = line_feed(&l, &in, &line)) != LINE_MORE &&
	    r != LINE_ENDLESS)
		if (r == LINE_OK && (line.n > 14 ||
		    str_find(line, '\r') < line.n ||
		    str_find(line, '\n') < line.n))
			abort();
	line_clear(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_n(data, size);
	struct buf whole, pieces;
	size_t cut = size != 0 ? data[0] % (size + 1) : 0;

	buf_init(&whole, BUF_NO_MAX);
	buf_init(&pieces, BUF_NO_MAX);
	if (data_in(in, in.n, &whole) != data_in(in, cut, &pieces) ||
	    !str_eq(buf_str(&whole), buf_str(&pieces)))
		abort();
	buf_clear(&whole);
	buf_clear(&pieces);
	round_trip(in);
	lines(in);
	return 0;
}
