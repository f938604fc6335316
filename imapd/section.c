#include "imapd/section.h"

#include "imapd/lex.h"
#include "mail/crlf.h"
#include "mail/header.h"
#include "mail/imap_text.h"

/* clang-format off */
static const struct {
	struct str word;
	enum section_text text;
} words[] = { /* longest first: each is a prefix of the one before */
	{ STR_INIT("HEADER.FIELDS.NOT"), SECTION_FIELDS_NOT },
	{ STR_INIT("HEADER.FIELDS"),     SECTION_FIELDS },
	{ STR_INIT("HEADER"),            SECTION_HEADER },
	{ STR_INIT("TEXT"),              SECTION_TEXT },
	{ STR_INIT("MIME"),              SECTION_MIME },
};
/* clang-format on */

static bool
take_word(struct str *in, enum section_text *text)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_take_iprefix(in, words[i].word)) {
			*text = words[i].text;
			return true;
		}
	return false;
}

/* header-list = "(" header-fld-name *(SP header-fld-name) ")" */
static bool
take_fields(struct str *in, struct pool *pool, struct section *s)
{
	struct str name;

	if (!lex_sp(in) || !str_take_char(in, '('))
		return false;
	s->fields = pool_alloc(pool, SECTION_FIELDS_MAX * sizeof(struct str));
	do {
		if (s->field_n == SECTION_FIELDS_MAX ||
		    !lex_astring(in, pool, &name))
			return false;
		s->fields[s->field_n++] = name;
	} while (lex_sp(in));
	return str_take_char(in, ')');
}

/* section-part = nz-number *("." nz-number); a "." at its end begins
 * section-text. */
static bool
take_path(struct str *in, struct section *s, bool *text_follows)
{
	uint32_t number;

	*text_follows = true;
	while (in->n != 0 && chr_is_digit(in->p[0])) {
		if (s->path_n == MIME_DEPTH_MAX || !lex_nz_number(in, &number))
			return false;
		s->path[s->path_n++] = number;
		if (!str_take_char(in, '.')) {
			*text_follows = false;
			return true;
		}
	}
	return true;
}

/* section-spec = section-msgtext / (section-part ["." section-text]) */
static bool
take_spec(struct str *in, struct pool *pool, struct section *s)
{
	bool text_follows;

	if (in->n != 0 && in->p[0] == ']')
		return true;
	if (!take_path(in, s, &text_follows))
		return false;
	if (!text_follows)
		return true;
	if (!take_word(in, &s->text))
		return false;
	if (s->text == SECTION_MIME && s->path_n == 0)
		return false;
	if (s->text == SECTION_FIELDS || s->text == SECTION_FIELDS_NOT)
		return take_fields(in, pool, s);
	return true;
}

bool
section_take(struct str *in, struct pool *pool, struct section *out)
{
	struct str rest = *in;
	struct section s = { .text = SECTION_ALL };

	if (!str_take_char(&rest, '[') || !take_spec(&rest, pool, &s) ||
	    !str_take_char(&rest, ']'))
		return false;
	*in = rest;
	*out = s;
	return true;
}

static void
put_word(struct buf *out, enum section_text text)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].text == text)
			buf_add(out, words[i].word);
}

bool
section_put(struct buf *out, const struct section *s)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < s->path_n; i++) {
		if (i != 0)
			buf_add_char(out, '.');
		buf_add_u64(out, s->path[i]);
	}
	if (s->path_n != 0 && s->text != SECTION_ALL)
		buf_add_char(out, '.');
	put_word(out, s->text);
	if (s->text == SECTION_FIELDS || s->text == SECTION_FIELDS_NOT) {
		buf_add_c(out, " (");
		for (size_t i = 0; i < s->field_n; i++) {
			if (i != 0)
				buf_add_char(out, ' ');
			imap_text_astring(out, s->fields[i]);
		}
		buf_add_char(out, ')');
	}
	return buf_add_char(out, ']');
}

bool
section_needs_mime(const struct section *s)
{
	return s->path_n != 0;
}

static void
span_of_head(const struct mime_part *p, struct section_span *out)
{
	*out = (struct section_span){ true, p->head_at, p->body_at,
		p->head_crlf };
}

static void
span_of_body(const struct mime_part *p, struct section_span *out)
{
	*out = (struct section_span){ true, p->body_at, p->end, p->body_crlf };
}

static void
find_in_part(
    const struct section *s, const struct mime *m, struct section_span *out)
{
	const struct mime_part *p = mime_find(m, s->path, s->path_n);

	if (p == NULL)
		return;
	if (s->text == SECTION_ALL) {
		span_of_body(p, out);
		return;
	}
	if (s->text == SECTION_MIME) {
		span_of_head(p, out);
		return;
	}
	/* HEADER and TEXT are of a message inside. */
	if (p->kind != MIME_MESSAGE || p->child == NULL)
		return;
	if (s->text == SECTION_TEXT)
		span_of_body(p->child, out);
	else
		span_of_head(p->child, out);
}

void
section_find(const struct section *s, const struct mime *m, struct str msg,
    uint64_t size, struct section_span *out)
{
	uint64_t head, head_crlf;
	char last = 0;

	*out = (struct section_span){ false, 0, 0, 0 };
	if (s->path_n != 0) {
		find_in_part(s, m, out);
		return;
	}
	if (s->text == SECTION_ALL) {
		*out = (struct section_span){ true, 0, msg.n, size };
		return;
	}
	head = header_end(msg);
	head_crlf = crlf_size(str_first(msg, head), &last);
	if (s->text == SECTION_TEXT)
		*out = (struct section_span){ true, head, msg.n,
			size > head_crlf ? size - head_crlf : 0 };
	else
		*out = (struct section_span){ true, 0, head, head_crlf };
}

static bool
is_named(const struct section *s, struct str name)
{
	for (size_t i = 0; i < s->field_n; i++)
		if (str_ieq(s->fields[i], name))
			return true;
	return false;
}

void
section_fields(const struct section *s, struct str head, struct buf *out)
{
	bool wanted = s->text == SECTION_FIELDS;
	struct header_field f;
	struct crlf_out o;

	crlf_out_init(&o, false);
	while (header_next(&head, &f))
		if (is_named(s, f.name) == wanted) {
			struct str whole = f.whole;

			crlf_out_feed(&o, &whole, out, 2 * whole.n + 2);
			crlf_out_end(&o, out);
		}
	buf_add_c(out, "\r\n");
}
