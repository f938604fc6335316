#include "mail/addrlist.h"

#include "base/buf.h"

/* What one entry of the list has shown so far. */
struct entry {
	struct buf phrase;  /* all words, as they would be a display name */
	struct buf local, domain;
	struct buf comment; /* the last one */
	bool space;         /* white space since the last word */
	bool at;            /* "@" was seen */
	bool angle;         /* "<...>" was seen: local and domain are final */
	bool any;
};

static void
entry_init(struct entry *e)
{
	*e = (struct entry){ 0 };
	buf_init(&e->phrase, BUF_NO_MAX);
	buf_init(&e->local, BUF_NO_MAX);
	buf_init(&e->domain, BUF_NO_MAX);
	buf_init(&e->comment, BUF_NO_MAX);
}

static void
entry_clear(struct entry *e)
{
	buf_clear(&e->phrase);
	buf_clear(&e->local);
	buf_clear(&e->domain);
	buf_clear(&e->comment);
}

/* Adds the octet behind a backslash; there may be none. */
static void
take_escaped(struct str *in, struct buf *out)
{
	*in = str_from(*in, 1);
	if (in->n == 0)
		return;
	buf_add_char(out, *in->p);
	*in = str_from(*in, 1);
}

/* comment = "(" *([FWS] ccontent) [FWS] ")", the inner ones kept as text. */
static void
take_comment(struct str *in, struct buf *out)
{
	size_t depth = 1;

	buf_reset(out);
	*in = str_from(*in, 1);
	while (in->n != 0) {
		char c = *in->p;

		if (c == '\\') {
			take_escaped(in, out);
			continue;
		}
		*in = str_from(*in, 1);
		depth += c == '(';
		if (c == ')' && --depth == 0)
			return;
		if (c != '\r' && c != '\n' && c != '\0')
			buf_add_char(out, c);
	}
}

/* quoted-string, its content added to both. */
static void
take_quoted(struct str *in, struct buf *out)
{
	*in = str_from(*in, 1);
	while (in->n != 0) {
		char c = *in->p;

		if (c == '\\') {
			take_escaped(in, out);
			continue;
		}
		*in = str_from(*in, 1);
		if (c == '"')
			return;
		if (c != '\r' && c != '\n' && c != '\0')
			buf_add_char(out, c);
	}
}

static bool
is_space(char c)
{
	return (unsigned char)c <= ' ' || c == 0x7f;
}

/* Octets that end a word. */
static bool
is_special(char c)
{
	return is_space(c) || (c != '\0' && strchr("()<>[]:;@\\,.\"", c) != NULL);
}

static struct str
take_atom(struct str *in)
{
	size_t n = 0;

	while (n < in->n && !is_special(in->p[n]))
		n++;
	return str_take(in, n);
}

static struct str
take_literal(struct str *in)
{
	size_t n = 0;

	while (n < in->n && in->p[n] != ']' && !is_space(in->p[n]) &&
	    in->p[n] != '>')
		n++;
	if (n < in->n && in->p[n] == ']')
		n++;
	return str_take(in, n);
}

/* One word or a dot, an "@" or any stray octet that may be part of a name:
 * to the phrase, and to local or domain. */
static void
take_piece(struct entry *e, struct str *in)
{
	struct buf *side = e->at ? &e->domain : &e->local;
	size_t was;

	if (e->space && buf_len(&e->phrase) != 0)
		buf_add_char(&e->phrase, ' ');
	e->space = false;
	e->any = true;
	was = buf_len(&e->phrase);
	switch (*in->p) {
	case '"':
		take_quoted(in, &e->phrase);
		break;
	case '[':
		buf_add(&e->phrase, take_literal(in));
		break;
	case '\\':
		take_escaped(in, &e->phrase);
		break;
	case '@':
		buf_add(&e->phrase, str_take(in, 1));
		if (!e->at) {
			e->at = true;
			return;
		}
		break;
	case '.':
	case ']':
	case ')':
	case '>':
		buf_add(&e->phrase, str_take(in, 1));
		break;
	default:
		buf_add(&e->phrase, take_atom(in));
		break;
	}
	buf_add(side, str_from(buf_str(&e->phrase), was));
}

/* angle-addr: "<" [ "@a,@b:" ] addr-spec ">"; the "<" is taken. */
static void
take_angle(struct entry *e, struct str *in)
{
	struct buf ignored;

	buf_reset(&e->local);
	buf_reset(&e->domain);
	e->at = false;
	e->angle = e->any = true;
	buf_init(&ignored, BUF_NO_MAX);
	while (in->n != 0) {
		char c = *in->p;
		struct buf *side = e->at ? &e->domain : &e->local;

		if (c == '>') {
			*in = str_from(*in, 1);
			break;
		}
		if (c == '(') {
			take_comment(in, &ignored);
		} else if (c == '"') {
			take_quoted(in, side);
		} else if (c == '[') {
			buf_add(side, take_literal(in));
		} else if (c == ':' && e->at && buf_len(&e->local) == 0) {
			/* The end of a source route. */
			e->at = false;
			buf_reset(&e->domain);
			*in = str_from(*in, 1);
		} else if (c == '@' && !e->at) {
			e->at = true;
			*in = str_from(*in, 1);
		} else if (is_space(c) || c == '\\') {
			*in = str_from(*in, 1);
		} else {
			buf_add(side, str_take(in, 1));
		}
	}
	buf_clear(&ignored);
}

static void
give(struct addrlist *l, struct entry *e, enum addrlist_kind kind,
    struct addrlist_item *out)
{
	*out = (struct addrlist_item){ .kind = kind };
	if (kind == ADDRLIST_GROUP) {
		out->has_name = true;
		out->name = pool_str(l->pool, buf_str(&e->phrase));
		return;
	}
	if (e->angle && buf_len(&e->phrase) != 0) {
		out->has_name = true;
		out->name = pool_str(l->pool, buf_str(&e->phrase));
	} else if (buf_len(&e->comment) != 0) {
		out->has_name = true;
		out->name = pool_str(l->pool, buf_str(&e->comment));
	}
	out->local = pool_str(l->pool, buf_str(&e->local));
	out->domain = pool_str(l->pool, buf_str(&e->domain));
	l->count++;
}

/* Reads up to the end of one entry; false: the end of the list, without
 * one. */
static bool
take_entry(struct addrlist *l, struct entry *e, struct addrlist_item *out)
{
	while (l->in.n != 0) {
		char c = *l->in.p;

		if (is_space(c)) {
			e->space = true;
			l->in = str_from(l->in, 1);
		} else if (c == '(') {
			take_comment(&l->in, &e->comment);
			e->space = true;
		} else if (c == '<') {
			l->in = str_from(l->in, 1);
			take_angle(e, &l->in);
		} else if (c == ',' || c == ';') {
			l->in = str_from(l->in, 1);
			l->end_group = c == ';' && l->in_group;
			if (e->any)
				break;
			if (l->end_group)
				return false;
		} else if (c == ':') {
			l->in = str_from(l->in, 1);
			if (!l->in_group && !e->angle) {
				l->in_group = true;
				give(l, e, ADDRLIST_GROUP, out);
				return true;
			}
			/* Groups do not nest: what stood here is no one. */
			buf_reset(&e->phrase);
			buf_reset(&e->local);
			buf_reset(&e->domain);
			e->at = e->any = e->angle = false;
		} else if (e->angle) {
			/* Words behind the ">": nothing that counts. */
			l->in = str_from(l->in, 1);
		} else {
			take_piece(e, &l->in);
		}
	}
	if (!e->any)
		return false;
	give(l, e, ADDRLIST_MAILBOX, out);
	return true;
}

void
addrlist_init(struct addrlist *l, struct pool *pool, struct str value)
{
	*l = (struct addrlist){ .in = value, .pool = pool };
}

bool
addrlist_next(struct addrlist *l, struct addrlist_item *out)
{
	struct entry e;
	bool found;

	if (l->count >= ADDRLIST_MAX)
		l->in = STR_NONE;
	if (!l->end_group) {
		entry_init(&e);
		found = take_entry(l, &e, out);
		entry_clear(&e);
		if (found)
			return true;
	}
	if (!l->in_group)
		return false;
	/* Its ";", or the end of the field without it. */
	l->in_group = l->end_group = false;
	*out = (struct addrlist_item){ .kind = ADDRLIST_GROUP_END };
	return true;
}
