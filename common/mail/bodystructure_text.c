#include "mail/bodystructure_text.h"

#include <assert.h>

#include "mail/envelope_text.h"
#include "mail/imap_text.h"

/*
 * What a part must say is short, as its tokens are cut (RFC 6838 4.2 allows
 * types no more).  For what it may say each part has room of its own, so
 * that the usual is there whatever other parts take; longer pieces share the
 * rest.
 */
enum {
	TOKEN_MAX = 127,
	PART_FIXED = 150, /* numbers, NIL, parentheses, quotes of tokens */
	PART_OWN = 640,   /* tokens, and pieces as far as they fit */
	SHARED = 200 * 1000
};
static_assert(4 * TOKEN_MAX <= PART_OWN, "tokens always fit");
static_assert(SHARED + MIME_PARTS_MAX * (PART_FIXED + PART_OWN) <=
        BODYSTRUCTURE_MAX, "what is left out is enough");

struct writer {
	struct buf out;
	struct str msg;
	bool extended;
	size_t own, shared; /* octets of room left: of the part, of all */
};

static size_t
token_size(struct str s)
{
	return s.n < TOKEN_MAX ? s.n : TOKEN_MAX;
}

/* What p says of itself comes next. */
static void
begin_part(struct writer *w, const struct mime_part *p)
{
	w->own = PART_OWN - token_size(p->type) - token_size(p->subtype) -
	    token_size(p->encoding) - token_size(p->disposition);
}

/* What was added since the length was was stays if there is room for it. */
static bool
keep(struct writer *w, size_t was)
{
	size_t n = buf_len(&w->out) - was;
	size_t *room = n <= w->own ? &w->own : &w->shared;

	if (n > *room) {
		buf_cut(&w->out, was);
		return false;
	}
	*room -= n;
	return true;
}

/* body-fld-param = "(" string SP string *(SP string SP string) ")" / nil */
static void
put_params(struct writer *w, const struct params *p)
{
	bool any = false;

	for (size_t i = 0; i < p->count; i++) {
		size_t was = buf_len(&w->out);

		buf_add_char(&w->out, any ? ' ' : '(');
		imap_text_string(&w->out, p->list[i].name);
		buf_add_char(&w->out, ' ');
		imap_text_string(&w->out, p->list[i].value);
		any = keep(w, was) || any;
	}
	buf_add(&w->out, any ? STR(")") : STR("NIL"));
}

static void
put_nstring(struct writer *w, bool has, struct str s)
{
	size_t was = buf_len(&w->out);

	buf_add_char(&w->out, ' ');
	imap_text_nstring(&w->out, has, s);
	if (has && !keep(w, was))
		buf_add(&w->out, STR(" NIL"));
}

static void
put_token(struct writer *w, struct str s)
{
	imap_text_string(&w->out, str_first(s, TOKEN_MAX));
}

/* body-fld-dsp = "(" string SP body-fld-param ")" / nil */
static void
put_disposition(struct writer *w, const struct mime_part *p)
{
	if (p->disposition.n == 0) {
		buf_add(&w->out, STR(" NIL"));
		return;
	}
	buf_add(&w->out, STR(" ("));
	put_token(w, p->disposition);
	buf_add_char(&w->out, ' ');
	put_params(w, &p->disposition_params);
	buf_add_char(&w->out, ')');
}

/* body-fld-lang = nstring / "(" string *(SP string) ")" */
static void
put_languages(struct writer *w, const struct mime_part *p)
{
	bool any = false;

	for (size_t i = 0; i < p->language_count; i++) {
		size_t was = buf_len(&w->out);

		buf_add(&w->out, any ? STR(" ") : STR(" ("));
		imap_text_string(&w->out, p->languages[i]);
		any = keep(w, was) || any;
	}
	buf_add(&w->out, any ? STR(")") : STR(" NIL"));
}

/* What both kinds of extension data end with. */
static void
put_placing(struct writer *w, const struct mime_part *p)
{
	put_disposition(w, p);
	put_languages(w, p);
	put_nstring(w, p->has_location, p->location);
}

/* body-fields, with the media type before them */
static void
put_fields(struct writer *w, const struct mime_part *p)
{
	begin_part(w, p);
	buf_add_char(&w->out, '(');
	put_token(w, p->type);
	buf_add_char(&w->out, ' ');
	put_token(w, p->subtype);
	buf_add_char(&w->out, ' ');
	put_params(w, &p->params);
	put_nstring(w, p->has_id, p->id);
	put_nstring(w, p->has_description, p->description);
	buf_add_char(&w->out, ' ');
	put_token(w, p->encoding.n != 0 ? p->encoding : STR("7bit"));
	buf_addf(&w->out, " %llu", (unsigned long long)p->body_crlf);
}

/* body-ext-1part, and the end of the part */
static void
end_single(struct writer *w, const struct mime_part *p)
{
	if (w->extended) {
		put_nstring(w, p->has_md5, p->md5);
		put_placing(w, p);
	}
	buf_add_char(&w->out, ')');
}

/* The message inside has its envelope. */
static void
put_envelope(struct writer *w, const struct mime_part *inside)
{
	struct str head = str_first(str_from(w->msg, inside->head_at),
	    inside->body_at - inside->head_at);
	size_t was = buf_len(&w->out);

	envelope_text(&w->out, head);
	if (!keep(w, was))
		envelope_text(&w->out, STR_NONE);
}

static void
enter(struct writer *w, const struct mime_part *p)
{
	switch (p->kind) {
	case MIME_MULTIPART:
		buf_add_char(&w->out, '(');
		break;
	case MIME_MESSAGE:
		put_fields(w, p);
		buf_add_char(&w->out, ' ');
		put_envelope(w, p->child);
		buf_add_char(&w->out, ' ');
		break;
	case MIME_LEAF:
		put_fields(w, p);
		if (str_ieq(p->type, STR("text")))
			buf_addf(&w->out, " %u", p->body_lines);
		end_single(w, p);
		break;
	}
}

/* All children are written. */
static void
leave(struct writer *w, const struct mime_part *p)
{
	if (p->kind == MIME_MESSAGE) {
		buf_addf(&w->out, " %u", p->body_lines);
		end_single(w, p);
		return;
	}
	begin_part(w, p);
	buf_add_char(&w->out, ' ');
	put_token(w, p->subtype);
	if (w->extended) {
		buf_add_char(&w->out, ' ');
		put_params(w, &p->params);
		put_placing(w, p);
	}
	buf_add_char(&w->out, ')');
}

bool
bodystructure_text(
    struct buf *out, const struct mime *m, struct str msg, bool extended)
{
	struct writer w = { .msg = msg, .extended = extended,
		.shared = SHARED };
	const struct mime_part *p = m->root;
	bool ok;

	buf_init(&w.out, BUF_NO_MAX);
	while (p != NULL) {
		enter(&w, p);
		if (p->child != NULL) {
			p = p->child;
			continue;
		}
		while (p != NULL && p->next == NULL) {
			p = p->parent;
			if (p != NULL)
				leave(&w, p);
		}
		if (p != NULL)
			p = p->next;
	}
	ok = buf_add(out, buf_str(&w.out));
	buf_clear(&w.out);
	return ok;
}
