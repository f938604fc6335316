#include "imapd/fetch.h"

#include <inttypes.h>

#include "base/fatal.h"
#include "imapd/flags.h"
#include "mail/bodystructure_text.h"
#include "mail/crlf.h"
#include "mail/date.h"

enum { STEP = 65536 };

void
fetch_init(struct fetch *f)
{
	*f = (struct fetch){ .mailbox = NULL };
	buf_init(&f->space, BUF_NO_MAX);
}

void
fetch_end(struct fetch *f)
{
	if (f->has_text)
		message_unload(&f->text);
	f->has_text = f->has_cold = f->has_mime = f->in_literal = false;
	pool_clear(&f->pool);
}

void
fetch_clear(struct fetch *f)
{
	fetch_end(f);
	buf_clear(&f->space);
}

bool
fetch_begin(struct fetch *f, struct mailbox *m, const struct row *row,
    bool needs_text)
{
	f->mailbox = m;
	f->row = *row;
	if (needs_text)
		f->has_text = message_load(m, row, &f->text) == STORE_OK;
	return f->has_text || !needs_text;
}

bool
fetch_load_cold(struct fetch *f)
{
	if (!f->has_cold)
		f->has_cold = message_cold(
		    f->mailbox, &f->row, &f->space, &f->cold) == STORE_OK;
	return f->has_cold;
}

bool
fetch_needs_text(const struct fetch_item *item)
{
	return item->kind == FETCH_BODY || item->kind >= FETCH_SECTION;
}

bool
fetch_needs_cold(const struct fetch_item *item)
{
	return item->kind == FETCH_ENVELOPE ||
	    item->kind == FETCH_BODYSTRUCTURE;
}

/* The tree of parts as it was found at delivery; false if it is not kept. */
static bool
tree_from_cold(struct fetch *f)
{
	const struct cold *c = &f->cold;
	struct mime_part *parts, **last;

	if (!fetch_load_cold(f) || c->nparts == 0 ||
	    c->size != f->text.text.n)
		return false;
	parts = pool_alloc(&f->pool, c->nparts * sizeof(parts[0]));
	last = pool_alloc(&f->pool, c->nparts * sizeof(last[0]));
	for (uint32_t i = 0; i < c->nparts; i++) {
		const struct cold_part *p = &c->parts[i];

		parts[i] = (struct mime_part){ .index = i,
			.kind = (enum mime_kind)p->kind, .depth = p->depth,
			.head_at = p->head_at, .body_at = p->body_at,
			.end = p->end, .head_crlf = p->head_crlf,
			.body_crlf = p->body_crlf };
		if (i == 0)
			continue;
		if (p->parent >= i || p->end > c->size)
			return false;
		parts[i].parent = &parts[p->parent];
		if (last[p->parent] == NULL)
			parts[p->parent].child = &parts[i];
		else
			last[p->parent]->next = &parts[i];
		last[p->parent] = &parts[i];
	}
	f->mime = (struct mime){ .root = &parts[0], .parts = c->nparts };
	return true;
}

/* full: with the header fields of the parts. */
static const struct mime *
get_mime(struct fetch *f, bool full)
{
	if (f->has_mime)
		return &f->mime;
	if (!full && tree_from_cold(f))
		return &f->mime;
	mime_parse(&f->mime, &f->pool, f->text.text);
	f->has_mime = true;
	return &f->mime;
}

static struct str
octets_of(const struct fetch *f, const struct section_span *span)
{
	return str_from(str_first(f->text.text, (size_t)span->end),
	    (size_t)span->at);
}

/* The whole message and its TEXT are counted as they are now, whatever the
 * row says: a literal must be as long as it was announced. */
static void
find_span(struct fetch *f, const struct section *sec,
    struct section_span *span)
{
	uint64_t size = 0;
	char last = 0;

	if (sec->path_n == 0 &&
	    (sec->text == SECTION_ALL || sec->text == SECTION_TEXT))
		size = crlf_size(f->text.text, &last);
	section_find(sec, section_needs_mime(sec) ? get_mime(f, false) : NULL,
	    f->text.text, size, span);
}

static void
begin_literal(struct fetch *f, struct session *s, struct str octets,
    uint64_t from, uint64_t count)
{
	const struct fetch_place *p = &s->place;

	buf_addf(&s->out, "{%" PRIu64 "}\r\n", count);
	f->in_literal = true;
	if (p->uid != f->row.uid || p->span_at != f->place.span_at ||
	    p->span_end != f->place.span_end || p->crlf_at > from) {
		window_init(&f->literal, octets, from, count);
		return;
	}
	window_init(&f->literal, str_from(octets, (size_t)p->text_at),
	    from - p->crlf_at, count);
	f->literal.cr = p->cr;
	f->literal.crlf_at = p->crlf_at;
}

/* from, count: of the octets with CRLF line ends. */
static void
put_octets(struct fetch *f, struct session *s, const struct fetch_item *item,
    struct str octets, uint64_t crlf)
{
	uint64_t from = 0, count = crlf;

	if (item->partial) {
		from = item->offset < crlf ? item->offset : crlf;
		count = crlf - from;
		if (count > item->count)
			count = item->count;
	}
	/* Some clients wait long for the octets of "{0}". */
	if (count == 0)
		buf_add_c(&s->out, "\"\"");
	else
		begin_literal(f, s, octets, from, count);
}

static void
put_fields(struct fetch *f, struct session *s, const struct fetch_item *item,
    struct str head)
{
	struct buf out;
	struct str text;

	buf_init(&out, BUF_NO_MAX);
	section_fields(&item->section, head, &out);
	text = pool_str(&f->pool, buf_str(&out));
	buf_clear(&out);
	f->place = (struct fetch_place){ .uid = 0 };
	put_octets(f, s, item, text, text.n);
}

/* A span that was just counted is not counted again for its next piece. */
static bool
is_known(const struct fetch *f, const struct session *s,
    const struct fetch_item *item)
{
	const struct fetch_place *p = &s->place;

	return item->partial && item->section.path_n == 0 &&
	    item->section.text == SECTION_ALL && p->uid == f->row.uid &&
	    p->span_at == 0 && p->span_end == f->text.text.n;
}

static void
put_section(struct fetch *f, struct session *s, const struct fetch_item *item)
{
	const struct section *sec = &item->section;
	struct section_span span;

	if (is_known(f, s, item))
		span = (struct section_span){ true, s->place.span_at,
			s->place.span_end, s->place.crlf };
	else
		find_span(f, sec, &span);
	if (!span.exists) {
		buf_add_c(&s->out, "NIL");
		return;
	}
	if (sec->text == SECTION_FIELDS || sec->text == SECTION_FIELDS_NOT) {
		put_fields(f, s, item, octets_of(f, &span));
		return;
	}
	f->place = (struct fetch_place){ .uid = item->partial ? f->row.uid : 0,
		.span_at = span.at, .span_end = span.end, .crlf = span.crlf };
	put_octets(f, s, item, octets_of(f, &span), span.crlf);
}

static void
put_flags(struct fetch *f, uint16_t more, struct session *s)
{
	const struct row *row = mailbox_get(f->mailbox, f->row.uid);

	/* Expunged a moment ago: as it was. */
	flags_put_row(&s->out, f->mailbox, row != NULL ? row : &f->row, more);
}

static void
put_date(struct fetch *f, struct session *s)
{
	struct date d = { .time = f->row.date, .zone = f->row.zone };

	buf_add_char(&s->out, '"');
	date_format_imap(&s->out, &d);
	buf_add_char(&s->out, '"');
}

void
fetch_put(struct fetch *f, const struct fetch_item *item, uint16_t more,
    struct session *s)
{
	fetch_item_put(&s->out, item);
	buf_add_char(&s->out, ' ');
	switch (item->kind) {
	case FETCH_UID:
		buf_addf(&s->out, "%u", f->row.uid);
		break;
	case FETCH_FLAGS:
		put_flags(f, more, s);
		break;
	case FETCH_INTERNALDATE:
		put_date(f, s);
		break;
	case FETCH_SIZE:
		buf_addf(&s->out, "%u", f->row.size);
		break;
	case FETCH_MODSEQ:
		buf_addf(&s->out, "(%" PRIu64 ")", f->row.modseq);
		break;
	case FETCH_ENVELOPE:
		buf_add(&s->out, f->cold.envelope);
		break;
	case FETCH_BODYSTRUCTURE:
		buf_add(&s->out, f->cold.structure);
		break;
	case FETCH_BODY:
		bodystructure_text(
		    &s->out, get_mime(f, true), f->text.text, false);
		break;
	case FETCH_SECTION:
	case FETCH_RFC822:
	case FETCH_RFC822_HEADER:
	case FETCH_RFC822_TEXT:
		put_section(f, s, item);
		break;
	case FETCH_KINDS:
		fatal("no item of FETCH");
	}
}

/* Keeps where the next partial FETCH of this part is likely to begin. */
static void
keep_place(struct fetch *f, struct session *s)
{
	const struct window *w = &f->literal;

	s->place = f->place;
	s->place.crlf_at = w->mark_crlf;
	s->place.cr = w->mark_cr;
	s->place.text_at = (uint64_t)(w->mark - f->text.text.p) -
	    f->place.span_at;
}

bool
fetch_literal_step(struct fetch *f, struct session *s)
{
	if (window_step(&f->literal, &s->out, STEP))
		return true;
	f->in_literal = false;
	if (f->place.uid != 0)
		keep_place(f, s);
	return f->literal.left == 0;
}
