#include "mail/mime.h"

#include "mail/mime_fields.h"
#include "mail/transfer.h"

enum { BOUNDARY_MAX = 998 }; /* as long as a line may be; RFC 2046: 70 */

/* How far the reader is, in octets and in lines. */
struct place {
	uint64_t at;
	uint64_t lines; /* LF passed */
	uint64_t extra; /* LF without a CR before it: CRs to be added */
};

/* A multipart whose delimiters are looked for. */
struct level {
	struct mime_part *part;
	struct str boundary;
	struct mime_part *last; /* child */
};

struct reader {
	struct mime *mime;
	struct pool *pool;
	struct str msg;
	struct place now;       /* always at the start of a line */
	struct place eol;       /* before the line end just passed */
	struct level levels[MIME_DEPTH_MAX + 1];
	size_t depth;           /* levels in use */
	struct mime_part *part; /* the innermost open one */
};

/* A delimiter line: whose, and whether it is the last ("--" behind). */
struct delimiter {
	size_t level;
	bool close;
};

/* The line at now with its end; empty at the end of the message. */
static struct str
peek_line(const struct reader *r)
{
	struct str rest = str_from(r->msg, r->now.at);

	return str_first(rest, str_find(rest, '\n') + 1);
}

static void
pass_line(struct reader *r, struct str line)
{
	bool crlf = str_ends(line, STR("\r\n"));

	r->eol = r->now;
	r->eol.at += line.n;
	r->now.at += line.n;
	if (!str_ends(line, STR("\n")))
		return;
	r->eol.at -= crlf ? 2 : 1;
	r->now.lines++;
	r->now.extra += !crlf;
}

static bool
is_white(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!chr_is_wsp(s.p[i]) && s.p[i] != '\r' && s.p[i] != '\n')
			return false;
	return true;
}

/* How well the line behind "--" is this boundary: 2 with nothing but white
 * space or "--" behind it, 1 as its beginning, 0 not. */
static int
match(struct str line, struct str boundary, bool *close)
{
	if (!str_take_prefix(&line, boundary))
		return 0;
	*close = str_take_prefix(&line, STR("--"));
	return is_white(line) ? 2 : 1;
}

/*
 * delimiter = "--" boundary [ "--" ] *LWSP.  More may stand behind (RFC 2046
 * 5.1.1), but where one boundary begins another the whole one counts.
 */
static bool
is_delimiter(const struct reader *r, struct str line, struct delimiter *d)
{
	size_t longest = 0;

	if (!str_take_prefix(&line, STR("--")))
		return false;
	for (size_t i = r->depth; i-- > 0;) {
		struct str boundary = r->levels[i].boundary;
		bool close;
		int how = match(line, boundary, &close);

		if (how == 0 || (how == 1 && boundary.n <= longest))
			continue;
		*d = (struct delimiter){ i, close };
		if (how == 2)
			return true;
		longest = boundary.n;
	}
	return longest > 0;
}

/* The body begins here: from now on the line counts are those at its start,
 * until close_part makes them differences. */
static void
end_header(struct mime_part *p, const struct place *at)
{
	p->body_at = at->at;
	p->head_crlf = at->at - p->head_at + (at->extra - p->head_crlf);
	p->head_lines = (uint32_t)at->lines - p->head_lines;
	p->body_crlf = at->extra;
	p->body_lines = (uint32_t)at->lines;
}

static void
close_part(const struct reader *r, struct mime_part *p, const struct place *at)
{
	uint64_t start_lines = p->body_lines;
	bool open_line;

	p->end = at->at;
	p->body_crlf = p->end - p->body_at + (at->extra - p->body_crlf);
	open_line = p->end > p->body_at && r->msg.p[p->end - 1] != '\n';
	p->body_lines = (uint32_t)(at->lines - start_lines + open_line);
}

/* Ends the open parts inside of keep. */
static void
close_down_to(
    struct reader *r, const struct mime_part *keep, const struct place *at)
{
	const struct place *end = at;
	struct place start;

	while (r->part != keep) {
		struct mime_part *p = r->part;

		/* The line end before a delimiter may lie before the part:
		 * then the part is empty, and so what holds it ends there. */
		if (p->body_at > end->at) {
			start = (struct place){ p->body_at, p->body_lines,
				p->body_crlf };
			end = &start;
		}
		close_part(r, p, end);
		if (p->kind == MIME_MULTIPART && p->child == NULL)
			mime_fields_make_opaque(p, "text", "plain");
		r->part = p->parent;
	}
}

static struct mime_part *
new_part(struct reader *r, struct mime_part *parent)
{
	struct mime_part *p = pool_alloc(r->pool, sizeof(*p));

	p->parent = parent;
	p->depth = parent != NULL ? (uint16_t)(parent->depth + 1) : 0;
	p->index = r->mime->parts++;
	p->head_at = r->now.at;
	p->head_crlf = r->now.extra;
	p->head_lines = (uint32_t)r->now.lines;
	r->part = p;
	return p;
}

/* Passes the header lines of the newest part; true: a delimiter came before
 * the empty line (d says which), and the part has no body. */
static bool
pass_header(struct reader *r, struct delimiter *d)
{
	struct str line;

	while ((line = peek_line(r)).n != 0) {
		if (is_delimiter(r, line, d)) {
			/* The line end before it belongs to it, unless that
			 * line stood before the part. */
			end_header(r->part, r->now.at > r->part->head_at ?
			    &r->eol : &r->now);
			return true;
		}
		pass_line(r, line);
		if (str_eq(line, STR("\n")) || str_eq(line, STR("\r\n")))
			break;
	}
	end_header(r->part, &r->now);
	return false;
}

static bool
may_nest(struct reader *r, const struct mime_part *p)
{
	if (p->depth + 1 < MIME_DEPTH_MAX && r->mime->parts < MIME_PARTS_MAX)
		return true;
	r->mime->capped = true;
	return false;
}

/* multipart: its delimiters count from now on. */
static void
open_multipart(struct reader *r, struct mime_part *p)
{
	const struct str *boundary = params_get(&p->params, STR("boundary"));

	if (boundary == NULL || boundary->n == 0 ||
	    boundary->n > BOUNDARY_MAX) {
		mime_fields_make_opaque(p, "text", "plain");
	} else if (!may_nest(r, p)) {
		mime_fields_make_opaque(p, "application", "octet-stream");
	} else {
		p->kind = MIME_MULTIPART;
		r->levels[r->depth++] = (struct level){ p, *boundary, NULL };
	}
}

/* The header of the newest part is read: what is it? */
static void
classify(struct reader *r)
{
	struct mime_part *p = r->part;
	bool digest = p->parent != NULL && p->parent->kind == MIME_MULTIPART &&
	    str_ieq(p->parent->subtype, STR("digest"));

	mime_fields_read(p, r->pool, str_first(str_from(r->msg, p->head_at),
	    p->body_at - p->head_at), digest);
	p->kind = MIME_LEAF;
	if (str_ieq(p->type, STR("multipart"))) {
		open_multipart(r, p);
	} else if (str_ieq(p->type, STR("message")) &&
	    str_ieq(p->subtype, STR("rfc822"))) {
		/* One that is encoded cannot be looked into. */
		if (transfer_kind(p->encoding) != TRANSFER_IDENTITY ||
		    !may_nest(r, p))
			mime_fields_make_opaque(
			    p, "application", "octet-stream");
		else
			p->kind = MIME_MESSAGE;
	}
}

/* Header after header: a part, and the message in it if it is one. */
static bool
pass_headers(struct reader *r, struct delimiter *d)
{
	for (;;) {
		bool cut = pass_header(r, d);
		struct mime_part *p = r->part;

		classify(r);
		if (p->kind != MIME_MESSAGE)
			return cut;
		p->child = new_part(r, p);
		if (cut) {
			/* Nothing is left for the message inside. */
			struct place at = { p->body_at, p->body_lines,
				p->body_crlf };

			p->child->head_at = at.at;
			p->child->head_crlf = at.extra;
			p->child->head_lines = (uint32_t)at.lines;
			end_header(p->child, &at);
			mime_fields_read(p->child, r->pool, STR_NONE, false);
			return true;
		}
	}
}

/* Passes the lines of a body; true: up to a delimiter. */
static bool
pass_body(struct reader *r, struct delimiter *d)
{
	struct str line;

	while ((line = peek_line(r)).n != 0) {
		if (is_delimiter(r, line, d))
			return true;
		pass_line(r, line);
	}
	return false;
}

/* At a delimiter line.  true: a part begins behind it. */
static bool
at_delimiter(struct reader *r, const struct delimiter *d)
{
	struct level *level = &r->levels[d->level];
	struct mime_part *p;

	close_down_to(r, level->part, &r->eol);
	r->depth = d->level + 1;
	if (!d->close && r->mime->parts >= MIME_PARTS_MAX) {
		/* What follows belongs to no part. */
		r->mime->capped = true;
		pass_line(r, peek_line(r));
		r->depth = d->level;
		return false;
	}
	pass_line(r, peek_line(r));
	if (d->close) {
		r->depth = d->level;
		return false;
	}
	p = new_part(r, level->part);
	if (level->last != NULL)
		level->last->next = p;
	else
		level->part->child = p;
	level->last = p;
	return true;
}

void
mime_parse(struct mime *m, struct pool *pool, struct str msg)
{
	struct reader r = { .mime = m, .pool = pool, .msg = msg };
	struct delimiter d;
	bool begins = true;

	*m = (struct mime){ 0 };
	m->root = new_part(&r, NULL);
	do {
		if (!(begins && pass_headers(&r, &d)) && !pass_body(&r, &d))
			break;
		begins = at_delimiter(&r, &d);
	} while (r.now.at < msg.n || begins);
	close_down_to(&r, NULL, &r.now);
}

const struct mime_part *
mime_walk(const struct mime_part *part)
{
	if (part->child != NULL)
		return part->child;
	while (part != NULL && part->next == NULL)
		part = part->parent;
	return part != NULL ? part->next : NULL;
}

const struct mime_part *
mime_find(const struct mime *m, const uint32_t *path, size_t count)
{
	const struct mime_part *p = m->root;

	for (size_t i = 0; i < count; i++) {
		uint32_t n = path[i];

		/* A number behind a message counts the parts inside it. */
		if (i > 0 && p->kind == MIME_MESSAGE)
			p = p->child;
		else if (i > 0 && p->kind == MIME_LEAF)
			return NULL;
		if (p->kind == MIME_MULTIPART) {
			for (p = p->child; p != NULL && n > 1; n--)
				p = p->next;
		}
		if (p == NULL || n != 1)
			return NULL;
	}
	return p;
}
