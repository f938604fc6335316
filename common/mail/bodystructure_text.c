#include "mail/bodystructure_text.h"

#include "mail/envelope_text.h"
#include "mail/imap_text.h"

struct writer {
	struct buf out;
	struct str msg;
	bool extended;
};

/* body-fld-param = "(" string SP string *(SP string SP string) ")" / nil */
static void
put_params(struct writer *w, const struct params *p)
{
	if (p->count == 0) {
		buf_add(&w->out, STR("NIL"));
		return;
	}
	for (size_t i = 0; i < p->count; i++) {
		buf_add_char(&w->out, i == 0 ? '(' : ' ');
		imap_text_string(&w->out, p->list[i].name);
		buf_add_char(&w->out, ' ');
		imap_text_string(&w->out, p->list[i].value);
	}
	buf_add_char(&w->out, ')');
}

static void
put_nstring(struct writer *w, bool has, struct str s)
{
	buf_add_char(&w->out, ' ');
	imap_text_nstring(&w->out, has, s);
}

/* body-fld-dsp = "(" string SP body-fld-param ")" / nil, then language and
 * location: what both kinds of extension data end with. */
static void
put_placing(struct writer *w, const struct mime_part *p)
{
	if (p->disposition.n == 0) {
		buf_add(&w->out, STR(" NIL"));
	} else {
		buf_add(&w->out, STR(" ("));
		imap_text_string(&w->out, p->disposition);
		buf_add_char(&w->out, ' ');
		put_params(w, &p->disposition_params);
		buf_add_char(&w->out, ')');
	}
	for (size_t i = 0; i < p->language_count; i++) {
		buf_add(&w->out, i == 0 ? STR(" (") : STR(" "));
		imap_text_string(&w->out, p->languages[i]);
	}
	buf_add(&w->out, p->language_count != 0 ? STR(")") : STR(" NIL"));
	put_nstring(w, p->has_location, p->location);
}

/* body-fields, with the media type before them */
static void
put_fields(struct writer *w, const struct mime_part *p)
{
	buf_add_char(&w->out, '(');
	imap_text_string(&w->out, p->type);
	buf_add_char(&w->out, ' ');
	imap_text_string(&w->out, p->subtype);
	buf_add_char(&w->out, ' ');
	put_params(w, &p->params);
	put_nstring(w, p->has_id, p->id);
	put_nstring(w, p->has_description, p->description);
	put_nstring(w, true, p->encoding.n != 0 ? p->encoding : STR("7bit"));
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

static void
enter(struct writer *w, const struct mime_part *p)
{
	struct str head;

	switch (p->kind) {
	case MIME_MULTIPART:
		buf_add_char(&w->out, '(');
		break;
	case MIME_MESSAGE:
		put_fields(w, p);
		head = str_first(str_from(w->msg, p->child->head_at),
		    p->child->body_at - p->child->head_at);
		buf_add_char(&w->out, ' ');
		envelope_text(&w->out, head);
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
	put_nstring(w, true, p->subtype);
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
	struct writer w = { .msg = msg, .extended = extended };
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
