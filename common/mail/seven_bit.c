#include "mail/seven_bit.h"

#include "mail/header.h"
#include "mail/mime.h"
#include "mail/transfer.h"
#include "mail/utf8.h"

enum {
	LINE_MOST = 998,
	QP_LINE = 75 /* and the "=" of a soft line end */
};

bool
seven_bit_is(struct str text)
{
	while (text.n > 0) {
		const struct str line = str_take_until(&text, '\n');

		if (line.n > LINE_MOST || str_find(line, '\0') < line.n ||
		    !utf8_is_ascii(line))
			return false;
	}
	return true;
}

/* White space at the end of a line would be lost on the way, and a "-" at its
 * beginning could become a delimiter where the line was cut. */
static bool
is_plain(unsigned char c, bool is_first, bool is_last)
{
	if (c == ' ' || c == '\t')
		return !is_last;
	return c > ' ' && c < 0x7f && c != '=' && !(c == '-' && is_first);
}

static void
put_qp_line(struct buf *out, struct str line)
{
	size_t column = 0;

	for (size_t i = 0; i < line.n; i++) {
		const unsigned char c = (unsigned char)line.p[i];
		/* One that begins a line after a cut is written long. */
		const bool plain = is_plain(
		    c, column == 0 || column >= QP_LINE - 2, i + 1 == line.n);

		if (column + (plain ? 1 : 3) > QP_LINE) {
			buf_add_c(out, "=\n");
			column = 0;
		}
		if (plain)
			buf_add_char(out, line.p[i]);
		else
			buf_addf(out, "=%02X", c);
		column += plain ? 1 : 3;
	}
}

void
seven_bit_qp(struct buf *out, struct str body)
{
	while (body.n > 0) {
		const bool is_ended = str_find(body, '\n') < body.n;

		put_qp_line(out, str_take_until(&body, '\n'));
		if (is_ended)
			buf_add_char(out, '\n');
	}
}

static struct str
piece(struct str msg, uint64_t from, uint64_t to)
{
	return str_first(str_from(msg, from), to - from);
}

static bool
add_plain(struct buf *out, struct str s)
{
	buf_add(out, s);
	return seven_bit_is(s);
}

/* The header without its word on the encoding, and without the empty line. */
static void
add_fields(struct buf *out, struct str header)
{
	const bool is_closed = str_ends(header, STR("\n\n")) ||
	    str_eq(header, STR("\n"));
	struct str rest = header, left = header;
	struct header_field f;

	while (header_next(&rest, &f)) {
		if (!str_ieq(f.name, STR("Content-Transfer-Encoding")))
			continue;
		buf_add(out, str_n(left.p, (size_t)(f.whole.p - left.p)));
		left = str_from(left,
		    (size_t)(f.whole.p - left.p) + f.whole.n);
	}
	if (is_closed)
		left.n--;
	buf_add(out, left);
	if (!str_ends(header, STR("\n")))
		buf_add_char(out, '\n');
}

/* A message that says nothing of MIME has to begin with it. */
static bool
add_encoded(struct buf *out, const struct mime_part *p, struct str header,
    struct str body)
{
	const bool is_message = p->parent == NULL ||
	    p->parent->kind == MIME_MESSAGE;
	struct header_field f;

	add_fields(out, header);
	if (is_message && !header_get(header, STR("MIME-Version"), &f))
		buf_add_c(out, "MIME-Version: 1.0\n");
	if (!header_get(header, STR("Content-Type"), &f))
		buf_add_c(out, "Content-Type: text/plain; "
		    "charset=unknown-8bit\n");
	buf_add_c(out, "Content-Transfer-Encoding: quoted-printable\n\n");
	seven_bit_qp(out, body);
	return seven_bit_is(header);
}

/* RFC 2046: such a body may not be encoded as a whole, though it could not be
 * looked into. */
static bool
is_composite(const struct mime_part *p)
{
	return str_ieq(p->type, STR("message")) ||
	    str_ieq(p->type, STR("multipart"));
}

static bool
add_leaf(struct buf *out, const struct mime_part *p, struct str msg)
{
	const struct str header = piece(msg, p->head_at, p->body_at);
	const struct str body = piece(msg, p->body_at, p->end);

	if (seven_bit_is(body))
		return add_plain(out, piece(msg, p->head_at, p->end));
	return transfer_kind(p->encoding) == TRANSFER_IDENTITY &&
	    !is_composite(p) && add_encoded(out, p, header, body);
}

/* A part of parts: what follows is up to them. */
static bool
add_head(struct buf *out, const struct mime_part *p, struct str msg)
{
	const struct str header = piece(msg, p->head_at, p->body_at);

	if (p->encoding.n == 0)
		return add_plain(out, header);
	add_fields(out, header);
	buf_add_c(out, "Content-Transfer-Encoding: 7bit\n\n");
	return seven_bit_is(header);
}

/* Delimiters can be made so that what was added or taken away counts among
 * them: then the parts are others. */
static bool
has_same_parts(const struct mime *m, struct pool *pool, struct str text)
{
	const struct mime_part *a = m->root, *b;
	struct mime again;

	mime_parse(&again, pool, text);
	for (b = again.root; a != NULL && b != NULL && a->kind == b->kind &&
	     a->depth == b->depth; b = mime_walk(b))
		a = mime_walk(a);
	return a == NULL && b == NULL;
}

bool
seven_bit(struct buf *out, struct str msg)
{
	const size_t from = buf_len(out);
	struct pool pool;
	struct mime m;
	uint64_t at = 0;
	bool ok;

	pool_init(&pool);
	mime_parse(&m, &pool, msg);
	/* What a CR at the end of a line was meant for nobody knows. */
	ok = !m.capped && str_find(msg, '\r') == msg.n;
	for (const struct mime_part *p = m.root; p != NULL && ok;
	     p = mime_walk(p)) {
		/* Delimiters, and what stands before and behind them. */
		ok = add_plain(out, piece(msg, at, p->head_at)) &&
		    (p->kind == MIME_LEAF ? add_leaf : add_head)(out, p, msg);
		at = p->kind == MIME_LEAF ? p->end : p->body_at;
	}
	ok = ok && add_plain(out, piece(msg, at, msg.n)) && !out->overflow &&
	    has_same_parts(&m, &pool, str_from(buf_str(out), from));
	pool_clear(&pool);
	return ok;
}
