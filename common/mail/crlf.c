#include "mail/crlf.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/fatal.h"

/* --- out --- */

void
crlf_out_init(struct crlf_out *o, bool dots)
{
	*o = (struct crlf_out){ .dots = dots };
}

/* Octets at the start of s that go out as they are. */
static size_t
plain_span(struct str s)
{
	const char *lf = memchr(s.p, '\n', s.n);
	size_t n = lf != NULL ? (size_t)(lf - s.p) : s.n;
	const char *cr = n != 0 ? memchr(s.p, '\r', n) : NULL;

	return cr != NULL ? (size_t)(cr - s.p) : n;
}

void
crlf_out_feed(struct crlf_out *o, struct str *in, struct buf *out, size_t most)
{
	size_t limit = buf_len(out) + most;

	while (in->n != 0 && buf_len(out) < limit) {
		char c = *in->p;
		struct str run;

		if (o->last == '\r' && c != '\n') {
			/* The CR held back was a bare one. */
			buf_add(out, o->strict ? STR("\r\n") : STR("\r"));
			o->last = o->strict ? '\n' : ' ';
		}
		if (c == '\n' || c == '\r') {
			if (c == '\n')
				buf_add(out, STR("\r\n"));
			o->last = c;
			*in = str_from(*in, 1);
			continue;
		}
		if (c == '.' && o->dots && (o->last == '\n' || o->last == 0))
			buf_add_char(out, '.');
		run = str_first(
		    *in, buf_len(out) < limit ? limit - buf_len(out) : 1);
		run.n = plain_span(run);
		buf_add(out, run);
		o->last = ' ';
		*in = str_from(*in, run.n);
	}
}

void
crlf_out_end(struct crlf_out *o, struct buf *out)
{
	if (o->last == '\r' && !o->strict)
		buf_add_char(out, '\r');
	if (o->last != '\n' && o->last != 0)
		buf_add(out, STR("\r\n"));
	if (o->dots)
		buf_add(out, STR(".\r\n"));
	o->last = '\n';
}

uint64_t
crlf_size(struct str text, char *last)
{
	uint64_t size = text.n;
	const char *p = text.p, *end;

	if (text.n == 0)
		return 0;
	end = p + text.n;
	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		if ((p > text.p ? p[-1] : *last) != '\r')
			size++;
		if (++p == end)
			break;
	}
	*last = text.p[text.n - 1];
	return size;
}

uint64_t
crlf_lines(struct str text)
{
	const char *p = text.p, *end;
	uint64_t n = 0;

	if (text.n == 0)
		return 0;
	end = p + text.n;
	while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		n++;
		p++;
	}
	return n;
}

/* --- in --- */

/* Named by the octets seen since the last CRLF. */
enum {
	START,  /* none: the line begins */
	DOT,    /* "." */
	DOT_CR, /* ".", CR */
	TEXT,   /* something that is not special */
	CR      /* something, CR */
};

void
crlf_in_init(struct crlf_in *d)
{
	*d = (struct crlf_in){ .state = START };
}

static void
end_line(struct crlf_in *d)
{
	if (d->line > d->longest)
		d->longest = d->line;
	d->line = 0;
}

/* One octet of text behind anything but a lone CR or dot; the new state. */
static uint8_t
put_text(struct crlf_in *d, char c, char **w)
{
	if (c == '\r')
		return CR;
	if (c == '\n')
		d->bare_lf = true;
	else if (c == '\0')
		d->nul = true;
	else if ((unsigned char)c >= 0x80)
		d->eight = true;
	*(*w)++ = c;
	d->line++;
	return TEXT;
}

static uint8_t
put_after_cr(struct crlf_in *d, char c, char **w)
{
	if (c == '\n') {
		*(*w)++ = '\n';
		end_line(d);
		return START;
	}
	d->bare_cr = true;
	*(*w)++ = '\r';
	d->line++;
	return put_text(d, c, w);
}

/* Octets at p before one that is NUL, CR, LF or above 127, or fewer. */
#if defined(__SSE2__)
static size_t
plain_run(const char *p, size_t n)
{
	const __m128i nul = _mm_setzero_si128();
	const __m128i cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');
	size_t i = 0;

	for (; n - i >= sizeof(nul); i += sizeof(nul)) {
		const __m128i v = _mm_loadu_si128(
		    (const __m128i *)(const void *)(p + i));
		/* Of each octet its highest bit is taken. */
		const int found = _mm_movemask_epi8(
		    _mm_or_si128(_mm_or_si128(v, _mm_cmpeq_epi8(v, nul)),
		        _mm_or_si128(_mm_cmpeq_epi8(v, cr),
		            _mm_cmpeq_epi8(v, lf))));

		if (found != 0)
			return i + (size_t)__builtin_ctz((unsigned)found);
	}
	return i;
}
#else
static size_t
plain_run(const char *p, size_t n)
{
	const uint64_t one = 0x0101010101010101, high = one << 7;
	uint64_t v, cr, lf;
	size_t i = 0;

	for (; n - i >= sizeof(v); i += sizeof(v)) {
		memcpy(&v, p + i, sizeof(v));
		cr = v ^ one * '\r';
		lf = v ^ one * '\n';
		if (((((v - one) & ~v) | ((cr - one) & ~cr) |
		        ((lf - one) & ~lf) | v) & high) != 0)
			break;
	}
	return i;
}
#endif

/* Most of a message: octets without a meaning of their own. */
static void
put_plain(struct crlf_in *d, const char **p, const char *end, char **w)
{
	const size_t n = plain_run(*p, (size_t)(end - *p));

	if (n == 0)
		return;
	memcpy(*w, *p, n);
	*p += n;
	*w += n;
	d->line += (uint32_t)n;
}

static char *
room(struct buf *out, size_t n)
{
	char *w = buf_reserve(out, n);

	if (w == NULL)
		fatal("crlf_in: no room for %zu octets", n);
	return w;
}

bool
crlf_in_feed(struct crlf_in *d, struct str *in, struct buf *out)
{
	char *start, *w;
	const char *p = in->p, *end;
	bool over = false;

	if (in->n == 0)
		return false;
	start = w = room(out, in->n + 2);
	end = p + in->n;
	while (p < end && !over) {
		char c;

		if (d->state == TEXT)
			put_plain(d, &p, end, &w);
		if (p == end)
			break;
		c = *p++;
		switch (d->state) {
		case START:
			d->state = c == '.' ? DOT : put_text(d, c, &w);
			break;
		case DOT:
			d->state = c == '\r' ? DOT_CR : put_text(d, c, &w);
			break;
		case DOT_CR:
			over = c == '\n';
			d->state = over ? START : put_after_cr(d, c, &w);
			break;
		case TEXT:
			d->state = put_text(d, c, &w);
			break;
		case CR:
			d->state = put_after_cr(d, c, &w);
			break;
		}
	}
	buf_commit(out, (size_t)(w - start));
	d->size += (size_t)(w - start);
	*in = str_n(p, (size_t)(end - p));
	return over;
}

void
crlf_in_counted(struct crlf_in *d, struct str in, struct buf *out)
{
	char *start, *w;
	const char *p = in.p, *end;

	if (in.n == 0)
		return;
	start = w = room(out, in.n + 2);
	end = p + in.n;
	while (p < end) {
		if (d->state == TEXT)
			put_plain(d, &p, end, &w);
		if (p == end)
			break;
		d->state = d->state == CR ? put_after_cr(d, *p, &w) :
		    put_text(d, *p, &w);
		p++;
	}
	buf_commit(out, (size_t)(w - start));
	d->size += (size_t)(w - start);
}

void
crlf_in_end(struct crlf_in *d, struct buf *out)
{
	if (d->state == CR) {
		d->bare_cr = true;
		buf_add_char(out, '\r');
		d->size++;
		d->line++;
	}
	end_line(d);
	d->state = START;
}
