#include "imapd/text_search.h"

#include "imapd/fold.h"
#include "mail/charset.h"
#include "mail/header.h"
#include "mail/rfc2047.h"

enum {
	STEP = 65536,           /* octets of the message a step */
	VALUE_MAX = 4 * 65536   /* a field's value, decoded */
};

bool
text_search_header(struct str head, struct str name, struct str needle)
{
	struct header_field f;
	struct buf value, folded;
	bool found = false;

	buf_init(&value, VALUE_MAX);
	buf_init(&folded, BUF_NO_MAX);
	while (!found && header_next(&head, &f)) {
		if (!str_ieq(f.name, name))
			continue;
		buf_reset(&value);
		buf_reset(&folded);
		rfc2047_decode(&value, f.value);
		fold_add(&folded, buf_str(&value));
		found = fold_has(buf_str(&folded), needle);
	}
	buf_clear(&value);
	buf_clear(&folded);
	return found;
}

void
text_search_init(struct text_search *t, struct str msg,
    struct text_need *needs, size_t count)
{
	*t = (struct text_search){ .msg = msg, .needs = needs,
		.count = count };
	mime_parse(&t->mime, &t->pool, msg);
	t->part = t->mime.root;
	buf_init(&t->raw, BUF_NO_MAX);
	buf_init(&t->text, BUF_NO_MAX);
}

void
text_search_clear(struct text_search *t)
{
	buf_clear(&t->raw);
	buf_clear(&t->text);
	pool_clear(&t->pool);
}

static bool
all_found(const struct text_search *t)
{
	for (size_t i = 0; i < t->count; i++)
		if (!t->needs[i].found)
			return false;
	return true;
}

/* Looks through text; header: it is of a header. */
static void
look(struct text_search *t, bool header)
{
	size_t longest = 0;

	for (size_t i = 0; i < t->count; i++) {
		struct text_need *n = &t->needs[i];

		if (n->needle.n > longest)
			longest = n->needle.n;
		if (!n->found && (n->headers || !header))
			n->found = fold_has(buf_str(&t->text), n->needle);
	}
	/* A match may begin in this piece and end in the next. */
	if (buf_len(&t->text) > longest)
		buf_drop(&t->text, buf_len(&t->text) - longest);
}

/* The headers of parts and of messages inside belong to BODY too; only that
 * of the message itself is TEXT's alone. */
static void
search_head(struct text_search *t, const struct mime_part *p)
{
	struct str head = str_from(str_first(t->msg, (size_t)p->body_at),
	    (size_t)p->head_at);
	struct header_field f;
	struct buf value;

	buf_init(&value, VALUE_MAX);
	while (header_next(&head, &f)) {
		buf_reset(&value);
		buf_add(&value, f.name);
		buf_add_c(&value, ":");
		rfc2047_decode(&value, f.value);
		buf_reset(&t->text);
		fold_add(&t->text, buf_str(&value));
		look(t, p->depth == 0);
	}
	buf_clear(&value);
	buf_reset(&t->text);
}

static bool
is_text(const struct mime_part *p)
{
	return p->kind == MIME_LEAF && str_ieq(p->type, STR("TEXT"));
}

static void
begin_body(struct text_search *t)
{
	const struct mime_part *p = t->part;

	t->in_body = true;
	t->at = p->body_at;
	transfer_init(&t->transfer, transfer_kind(p->encoding));
	/* Octets above 127 in what calls itself ASCII are UTF-8 mostly. */
	if (!params_text(&p->params, &t->pool, STR("charset"), &t->charset) ||
	    !charset_known(t->charset) ||
	    str_ieq(t->charset, STR("us-ascii")))
		t->charset = STR("UTF-8");
	buf_reset(&t->raw);
	buf_reset(&t->text);
}

/* Converts whole lines, so that no character is cut in two; at the end, or
 * without a line end in sight, all. */
static void
convert(struct text_search *t, bool last)
{
	struct str raw = buf_str(&t->raw);
	size_t lf = str_rfind(raw, '\n');
	struct str whole = last || lf == raw.n ? raw : str_first(raw, lf + 1);
	struct buf utf8;

	buf_init(&utf8, BUF_NO_MAX);
	charset_to_utf8(&utf8, t->charset, whole);
	fold_add(&t->text, buf_str(&utf8));
	buf_clear(&utf8);
	buf_drop(&t->raw, whole.n);
	look(t, false);
}

static void
step_body(struct text_search *t)
{
	uint64_t left = t->part->end - t->at;
	size_t n = left < STEP ? (size_t)left : STEP;

	transfer_feed(&t->transfer,
	    str_first(str_from(t->msg, (size_t)t->at), n), &t->raw);
	t->at += n;
	if (t->at == t->part->end)
		transfer_end(&t->transfer, &t->raw);
	convert(t, t->at == t->part->end);
}

bool
text_search_step(struct text_search *t)
{
	if (t->part == NULL || all_found(t))
		return false;
	if (!t->in_body) {
		search_head(t, t->part);
		if (is_text(t->part)) {
			begin_body(t);
			return true;
		}
	} else {
		step_body(t);
		if (t->at < t->part->end)
			return true;
		t->in_body = false;
	}
	t->part = mime_walk(t->part);
	return t->part != NULL;
}
