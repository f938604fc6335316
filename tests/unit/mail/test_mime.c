#include "mail/mime.h"

#include <stdio.h>

#include "mail/bodystructure_text.h"
#include "mail/crlf.h"
#include "mail/envelope_text.h"
#include "mail/imap_text.h"
#include "mail/mime_table.h"
#include "tests/unit/mail/exact.h"
#include "tests/unit/mail/flood.h"
#include "tests/unit/mail/relist.h"
#include "tests/unit/unit.h"

/* What holds for the tree of any message. */
static void
check_tree(const struct mime *m, struct str msg)
{
	uint32_t n = 0;

	for (const struct mime_part *p = m->root; p != NULL;
	    p = mime_walk(p), n++) {
		struct str head, body;
		char last = 0;

		ck_assert_uint_eq(p->index, n);
		ck_assert_uint_le(p->head_at, p->body_at);
		ck_assert_uint_le(p->body_at, p->end);
		ck_assert_uint_le(p->end, msg.n);
		ck_assert((p->kind == MIME_LEAF) == (p->child == NULL));
		ck_assert(p->depth < MIME_DEPTH_MAX);
		head = str_first(str_from(msg, p->head_at),
		    p->body_at - p->head_at);
		body = str_first(str_from(msg, p->body_at),
		    p->end - p->body_at);
		ck_assert_uint_eq(p->head_crlf, crlf_size(head, &last));
		last = p->body_at > 0 ? msg.p[p->body_at - 1] : '\0';
		ck_assert_uint_eq(p->body_crlf, crlf_size(body, &last));
		ck_assert_uint_eq(p->body_lines, crlf_lines(body) +
		    (body.n != 0 && body.p[body.n - 1] != '\n'));
		if (p->parent != NULL) {
			ck_assert_uint_ge(p->head_at, p->parent->body_at);
			ck_assert_uint_le(p->end, p->parent->end);
		}
		if (p->next != NULL)
			ck_assert_uint_le(p->end, p->next->head_at);
	}
	ck_assert_uint_eq(n, m->parts);
	ck_assert_uint_le(n, MIME_PARTS_MAX);
	ck_assert_uint_eq(m->root->end, msg.n);
}

/* The table says of every part what the tree says. */
static void
check_table(const struct mime *m, struct str msg)
{
	struct pool pool = { 0 };
	struct mime again;
	const struct mime_part *p, *q;
	struct buf b;

	buf_init(&b, BUF_NO_MAX);
	ck_assert(mime_table_put(&b, m));
	ck_assert(mime_table_take(buf_str(&b), msg.n, &pool, &again));
	ck_assert_uint_eq(again.parts, m->parts);
	for (p = m->root, q = again.root; p != NULL;
	    p = mime_walk(p), q = mime_walk(q)) {
		ck_assert_ptr_nonnull(q);
		ck_assert(p->kind == q->kind && p->depth == q->depth &&
		    p->head_at == q->head_at && p->body_at == q->body_at &&
		    p->end == q->end && p->head_crlf == q->head_crlf &&
		    p->body_crlf == q->body_crlf &&
		    p->body_lines == q->body_lines);
	}
	ck_assert(!mime_table_take(
	    str_first(buf_str(&b), buf_len(&b) - 1), msg.n, &pool, &again));
	if (msg.n != 0)
		ck_assert(!mime_table_take(
		    buf_str(&b), msg.n - 1, &pool, &again));
	buf_clear(&b);
	pool_clear(&pool);
}

/* Parses msg, checks all that can be, adds BODY or BODYSTRUCTURE to out. */
static void
structure(struct str msg, bool extended, struct buf *out)
{
	struct pool pool = { 0 };
	struct mime m;

	mime_parse(&m, &pool, msg);
	check_tree(&m, msg);
	check_table(&m, msg);
	ck_assert(bodystructure_text(out, &m, msg, extended));
	ck_assert_msg(relist_ok(buf_str(out)), "%.*s", STR_ARG(buf_str(out)));
	pool_clear(&pool);
}

#define MULTI(sub, boundary) \
	"Content-Type: multipart/" sub "; boundary=\"" boundary "\"\n"

/* clang-format off */
static const struct {
	const char *in, *body;
} structures[] = {
	{ "", "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0)" },
	{ "Subject: x\n\nhello\nyou\n", "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 12 2)" },
	{ "Subject: x\r\n\r\nhello\r\nyou\r\n", "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 12 2)" },
	{ "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nx",
	    "(\"text\" \"html\" (\"charset\" \"utf-8\") NIL NIL \"quoted-printable\" 1 1)" },
	{ "Content-Type: image/png; name=\"a\\\"b\"\nContent-ID: <x@y>\nContent-Description: z\nContent-Transfer-Encoding: base64\n\nAAAA\n",
	    "(\"image\" \"png\" (\"name\" \"a\\\"b\") \"<x@y>\" \"z\" \"base64\" 6)" },
	{ "Content-Type: nonsense\n\n", "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0)" },
	{ MULTI("mixed", "b") "\npreamble\n--b\n\none\n--b\nContent-Type: a/b\n\ntwo\n--b--\nepilogue\n",
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 1)(\"a\" \"b\" NIL NIL NIL \"7bit\" 3) \"mixed\")" },
	/* never closed */
	{ MULTI("mixed", "b") "\n--b\n\none\n--b\n\ntwo\n",
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 1)(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 5 1) \"mixed\")" },
	/* never opened */
	{ MULTI("mixed", "b") "\nno parts\n", "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 10 1)" },
	{ MULTI("mixed", "b") "\n--b--\n", "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 7 1)" },
	{ "Content-Type: multipart/mixed\n\n--b\n", "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 5 1)" },
	/* an empty part, at the very end too */
	{ MULTI("mixed", "b") "\n--b\n--b\n\n--b\n",
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0)(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0)(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0) \"mixed\")" },
	/* a header cut by a delimiter */
	{ MULTI("mixed", "b") "\n--b\nContent-Type: a/b\n--b--\n", "((\"a\" \"b\" NIL NIL NIL \"7bit\" 0) \"mixed\")" },
	/* a boundary that begins another one (I26) */
	{ MULTI("mixed", "b") "\n--b\n" MULTI("alternative", "bb") "\n--bb\n\nx\n--bb--\n--b--\n",
	    "(((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 1) \"alternative\") \"mixed\")" },
	{ MULTI("mixed", "bb") "\n--bb\n" MULTI("alternative", "b") "\n--b\n\nx\n--b--\n--bb--\n",
	    "(((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 1) \"alternative\") \"mixed\")" },
	/* the inner one not closed before the outer delimiter */
	{ MULTI("mixed", "o") "\n--o\n" MULTI("mixed", "i") "\n--i\n\nx\n--o\n\ny\n--o--\n",
	    "(((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 1) \"mixed\")(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 1) \"mixed\")" },
	{ MULTI("digest", "b") "\n--b\n\nSubject: s\n\nx\n--b--\n",
	    "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 15 (NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL) (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 1) 3) \"digest\")" },
	{ "Content-Type: message/rfc822\n\nFrom: a@b\n\nhi\n",
	    "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 17 (NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL) (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 4 1) 3)" },
	/* encoded, so it cannot be looked into, so it must not say what it is */
	{ "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nAAAA\n",
	    "(\"application\" \"octet-stream\" NIL NIL NIL \"base64\" 6)" },
	{ MULTI("mixed", "b") "\n--b\nContent-Type: message/rfc822\n--b\nContent-Type: message/rfc822\n\n--b--\n",
	    "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 0 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0) 0)(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 0 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0) 0) \"mixed\")" },
	/* trailing white space behind a delimiter is padding, and anything may
	 * stand there */
	{ MULTI("mixed", "b") "\n--b  \n\nx\n--b c\n\n--b--c\n", "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 1)(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0) \"mixed\")" },
	/* 8-bit octets and line ends as literals */
	{ "Content-Type: a/b; n=\"\303\251\"\n\n", "(\"a\" \"b\" (\"n\" {2}\r\n\303\251) NIL NIL \"7bit\" 0)" },
};
/* clang-format on */

START_TEST(body)
{
	struct str whole = str_c(structures[_i].in);

	for (size_t n = 0; n <= whole.n; n++) {
		struct str in = exact(str_first(whole, n));
		struct buf b;

		buf_init(&b, BUF_NO_MAX);
		structure(in, true, &b);
		buf_reset(&b);
		structure(in, false, &b);
		if (n == whole.n)
			ck_str(buf_str(&b), str_c(structures[_i].body));
		buf_clear(&b);
		exact_free(in);
	}
}
END_TEST

START_TEST(extended)
{
	struct buf b;

	buf_init(&b, 1000);
	structure(STR(MULTI("mixed", "b") "Content-Language: en\n\n--b\n"
	    "Content-Type: a/b\nContent-MD5: Q2hlY2s=\nContent-Disposition: "
	    "attachment; filename=\"x y\"\nContent-Language: de, fr\n"
	    "Content-Location: http://x/\n\n--b--\n"), true, &b);
	ck_str(buf_str(&b), STR("((\"a\" \"b\" NIL NIL NIL \"7bit\" 0 "
	    "\"Q2hlY2s=\" (\"attachment\" (\"filename\" \"x y\")) "
	    "(\"de\" \"fr\") \"http://x/\") \"mixed\" (\"boundary\" \"b\") NIL "
	    "(\"en\") NIL)"));
	buf_clear(&b);
}
END_TEST

/* --- section numbers --- */

static const char tree[] =
    MULTI("mixed", "o")
    "\n--o\n\n1\n"
    "--o\nContent-Type: message/rfc822\n\n"
    MULTI("alternative", "i") "\n--i\n\n2.1\n--i\n\n2.2\n--i--\n\n"
    "--o\nContent-Type: message/rfc822\n\nSubject: x\n\n3.1\n"
    "--o--\n";

/* clang-format off */
static const struct {
	uint32_t path[4];
	size_t count;
	const char *body; /* how it begins; NULL: no such part */
} sections[] = {
	{ { 1 }, 1, "1" },
	{ { 2 }, 1, "Content-Type: multipart/alt" },
	{ { 2, 1 }, 2, "2.1" },
	{ { 2, 2 }, 2, "2.2" },
	{ { 3 }, 1, "Subject: x" },
	{ { 3, 1 }, 2, "3.1" },
	{ { 0 }, 1, NULL },
	{ { 4 }, 1, NULL },
	{ { 1, 1 }, 2, NULL },
	{ { 2, 3 }, 2, NULL },
	{ { 2, 1, 1 }, 3, NULL },
	{ { 3, 2 }, 2, NULL },
	{ { 3, 1, 1 }, 3, NULL },
	{ { 4294967295u }, 1, NULL },
};
/* clang-format on */

START_TEST(section)
{
	struct str msg = str_c(tree);
	struct pool pool = { 0 };
	const struct mime_part *p;
	struct mime m;

	mime_parse(&m, &pool, msg);
	check_tree(&m, msg);
	p = mime_find(&m, sections[_i].path, sections[_i].count);
	ck_assert_int_eq(p != NULL, sections[_i].body != NULL);
	if (p != NULL)
		ck_assert(str_starts(str_from(msg, p->body_at),
		    str_c(sections[_i].body)));
	ck_assert(mime_find(&m, NULL, 0) == m.root);
	pool_clear(&pool);
}
END_TEST

START_TEST(section_of_text)
{
	struct pool pool = { 0 };
	struct mime m;

	mime_parse(&m, &pool, STR("A: b\n\ntext\n"));
	ck_assert(mime_find(&m, (uint32_t[]){ 1 }, 1) == m.root);
	ck_assert(mime_find(&m, (uint32_t[]){ 2 }, 1) == NULL);
	ck_assert(mime_find(&m, (uint32_t[]){ 1, 1 }, 2) == NULL);
	/* A message that is nothing but another one. */
	mime_parse(&m, &pool,
	    STR("Content-Type: message/rfc822\n\nA: b\n\ntext\n"));
	ck_assert(mime_find(&m, (uint32_t[]){ 1 }, 1) == m.root);
	ck_assert(mime_find(&m, (uint32_t[]){ 1, 1 }, 2) == m.root->child);
	pool_clear(&pool);
}
END_TEST

/* --- bombs (I26) --- */

static void
add_levels(struct buf *b, int n)
{
	for (int i = 0; i < n; i++)
		buf_addf(b, MULTI("mixed", "b%d") "\n--b%d\n", i, i);
}

static void
add_messages(struct buf *b, int n)
{
	for (int i = 0; i < n; i++)
		buf_add(b, STR("Content-Type: message/rfc822\n\n"));
}

static void
add_brothers(struct buf *b, int n)
{
	buf_add(b, STR(MULTI("mixed", "b") "\n"));
	for (int i = 0; i < n; i++)
		buf_add(b, STR("--b\n\n"));
}

static void
add_digest(struct buf *b, int n)
{
	buf_add(b, STR(MULTI("digest", "b") "\n"));
	for (int i = 0; i < n; i++)
		buf_add(b, STR("--b\n\n\n"));
}

static void
add_same_boundary(struct buf *b, int n)
{
	for (int i = 0; i < n; i++)
		buf_add(b, STR(MULTI("mixed", "b") "\n--b\n"));
}

static void
add_dashes(struct buf *b, int n)
{
	add_levels(b, MIME_DEPTH_MAX);
	for (int i = 0; i < n; i++)
		buf_add(b, STR("--b\n"));
}

START_TEST(bomb)
{
	static void (*const add[])(struct buf *, int) = { add_levels,
		add_messages, add_brothers, add_digest, add_same_boundary,
		add_dashes };
	static const int sizes[] = { MIME_DEPTH_MAX - 2, MIME_DEPTH_MAX - 1,
		MIME_DEPTH_MAX, MIME_DEPTH_MAX + 1, MIME_PARTS_MAX / 2,
		MIME_PARTS_MAX - 2, MIME_PARTS_MAX - 1, MIME_PARTS_MAX,
		MIME_PARTS_MAX + 1, 100000 };

	for (size_t i = 0; i < N_OF(sizes); i++) {
		struct buf in, out;

		buf_init(&in, BUF_NO_MAX);
		buf_init(&out, BUF_NO_MAX);
		add[_i](&in, sizes[i]);
		structure(buf_str(&in), true, &out);
		buf_clear(&in);
		buf_clear(&out);
	}
}
END_TEST

START_TEST(caps)
{
	struct pool pool = { 0 };
	struct mime m;
	struct buf in;

	buf_init(&in, BUF_NO_MAX);
	add_brothers(&in, MIME_PARTS_MAX - 1);
	mime_parse(&m, &pool, buf_str(&in));
	ck_assert(m.parts == MIME_PARTS_MAX && !m.capped);
	buf_add(&in, STR("--b\n\n"));
	mime_parse(&m, &pool, buf_str(&in));
	ck_assert(m.parts == MIME_PARTS_MAX && m.capped);
	buf_reset(&in);
	add_messages(&in, 40);
	mime_parse(&m, &pool, buf_str(&in));
	ck_assert(m.parts == MIME_DEPTH_MAX && m.capped);
	buf_clear(&in);
	pool_clear(&pool);
}
END_TEST

static size_t
count(struct str s, struct str what)
{
	size_t n = 0;

	for (; str_find_str(s, what) < s.n; n++)
		s = str_from(s, str_find_str(s, what) + what.n);
	return n;
}

/* Every part takes all that it can have. */
static void
add_long_tokens(struct buf *b)
{
	buf_add(b, STR(MULTI("mixed", "b") "\n"));
	for (int i = 0; i < MIME_PARTS_MAX - 1; i++) {
		buf_add(b, STR("--b\nContent-Type: "));
		flood_run(b, '\351', 1000);
		buf_add_char(b, '/');
		flood_run(b, '\351', 1000);
		buf_add(b, STR("; a=1; b="));
		flood_run(b, 'b', 1000);
		buf_add(b, STR("; c="));
		flood_run(b, 'c', 110);
		buf_add(b, STR("\nContent-Transfer-Encoding: "));
		flood_run(b, '\351', 1000);
		buf_add(b, STR("\nContent-Disposition: "));
		flood_run(b, '\351', 1000);
		buf_add(b, STR("\n\nx\n"));
	}
	buf_add(b, STR("--b--\n"));
}

static void
add_long_fields(struct buf *b)
{
	buf_add(b, STR(MULTI("mixed", "b") "\n"));
	for (int i = 0; i < MIME_PARTS_MAX - 1; i++) {
		buf_add(b, STR("--b\nContent-ID: "));
		flood_run(b, '"', 1000);
		buf_add(b, STR("\nContent-Description: "));
		flood_run(b, '"', 1000);
		buf_add(b, STR("\nContent-MD5: "));
		flood_run(b, '"', 1000);
		buf_add(b, STR("\nContent-Location: "));
		flood_run(b, '"', 1000);
		buf_add(b, STR("\nContent-Language: "));
		flood_run(b, 'l', 1000);
		buf_add(b, STR(", x\nContent-Disposition: "));
		flood_run(b, 'd', 1000);
		buf_add(b, STR("; filename=x; filename="));
		flood_run(b, 'f', 1000);
		buf_add(b, STR("\n\nx\n"));
	}
	buf_add(b, STR("--b--\n"));
}

/* Names of which each octet is escaped, in a From that counts for Sender
 * and Reply-To too. */
static void
add_from(struct buf *b, int names)
{
	buf_add(b, STR("From: "));
	for (int i = 0; i < names; i++) {
		buf_addf(b, "%sa@b (", i == 0 ? "" : ",\n ");
		flood_run(b, '"', 900);
		buf_add_char(b, ')');
	}
	buf_add(b, STR("\nTo: c@d\nMessage-ID: <1@x>\n\n"));
}

static void
add_forwards(struct buf *b)
{
	buf_add(b, STR(MULTI("mixed", "b") "\n"));
	for (int i = 0; i < 12; i++) {
		buf_add(b, STR("--b\nContent-Type: message/rfc822\n\n"));
		add_from(b, 30);
		buf_add(b, STR("x\n"));
	}
	buf_add(b, STR("--b--\n"));
}

static void
add_params(struct buf *b)
{
	flood_put(b, 70);
}

/* Whatever a message asks for, its structure has an end, and its parts are
 * all there. */
START_TEST(flood)
{
	static const struct {
		void (*add)(struct buf *b);
		const char *x; /* what is told of each "x": octets, lines */
		size_t parts, least;
	} floods[] = {
		{ add_params, " 1 1", 70, 200000 },
		{ add_long_tokens, " 1", MIME_PARTS_MAX - 1, 700000 },
		{ add_long_fields, " 1 1", MIME_PARTS_MAX - 1, 200000 },
		{ add_forwards, " 1 1", 12, 150000 },
	};
	struct buf in, out;

	for (int more = 0; more < 2; more++) {
		buf_init(&in, BUF_NO_MAX);
		buf_init(&out, BUF_NO_MAX);
		floods[_i].add(&in);
		structure(buf_str(&in), more != 0, &out);
		ck_assert_uint_le(buf_len(&out), BODYSTRUCTURE_MAX);
		ck_assert_uint_ge(buf_len(&out), floods[_i].least);
		ck_assert_uint_eq(
		    count(buf_str(&out), str_c(floods[_i].x)),
		    floods[_i].parts);
		buf_clear(&in);
		buf_clear(&out);
	}
}
END_TEST

/* What is left out is the long, and no more of it than must be. */
START_TEST(flood_leaves_out)
{
	const struct str last = STR("(\"text\" \"plain\" (\"name\" \"y\") NIL NIL"
	    " \"7bit\" 1 1 NIL (\"inline\" (\"filename\" \"z\")) (\"en\") \"u\")"
	    " \"mixed\" (\"boundary\" \"b\") NIL NIL NIL)");
	struct buf in, out;

	buf_init(&in, BUF_NO_MAX);
	buf_init(&out, BUF_NO_MAX);
	flood_put(&in, 70);
	buf_cut(&in, buf_len(&in) - STR("--b--\n").n);
	buf_add(&in, STR("--b\nContent-Type: text/plain; name=y; long="));
	flood_run(&in, 'l', 60000);
	buf_add(&in, STR("\nContent-Description: "));
	flood_run(&in, 'l', 60000);
	buf_add(&in, STR("\nContent-Disposition: inline; long="));
	flood_run(&in, 'l', 60000);
	buf_add(&in, STR("; filename=z\nContent-Language: "));
	flood_run(&in, 'l', 60000);
	buf_add(&in, STR(", en\nContent-Location: u\n\nx\n--b--\n"));
	structure(buf_str(&in), true, &out);
	ck_assert_msg(str_ends(buf_str(&out), last), "%.*s",
	    STR_ARG(str_from(buf_str(&out), buf_len(&out) - 500)));
	buf_clear(&in);
	buf_clear(&out);
}
END_TEST

/* --- ENVELOPE --- */

/* clang-format off */
static const struct {
	const char *in, *out;
} envelopes[] = {
	{ "", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "Date: Mon, 1 Jan 2001 00:00:00 +0000\nSubject: a\n b\nFrom: X <a@b>\nTo: c@d, e@f\nMessage-ID: <1@x>\nIn-Reply-To: <0@x>\n\nCc: no@body\n",
	    "(\"Mon, 1 Jan 2001 00:00:00 +0000\" \"a b\" ((\"X\" NIL \"a\" \"b\")) ((\"X\" NIL \"a\" \"b\")) ((\"X\" NIL \"a\" \"b\")) ((NIL NIL \"c\" \"d\")(NIL NIL \"e\" \"f\")) NIL NIL \"<0@x>\" \"<1@x>\")" },
	{ "From: a@b\nSender: c@d\nReply-To: e@f\nCc: g: h@i;\nBcc: j\n",
	    "(NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"c\" \"d\")) ((NIL NIL \"e\" \"f\")) NIL ((NIL NIL \"g\" NIL)(NIL NIL \"h\" \"i\")(NIL NIL NIL NIL)) ((NIL NIL \"j\" \"\")) NIL NIL)" },
	{ "Subject: a\"b\\c\n", "(NIL \"a\\\"b\\\\c\" NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "Subject: \303\251\n", "(NIL {2}\r\n\303\251 NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "Subject:\n", "(NIL \"\" NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "To:\nTo: a@b\nTo: c@d\n", "(NIL NIL NIL NIL NIL ((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")) NIL NIL NIL NIL)" },
	{ "Sender:\nFrom: a@b\n", "(NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL)" },
};
/* clang-format on */

START_TEST(envelope)
{
	struct str whole = str_c(envelopes[_i].in);

	for (size_t n = 0; n <= whole.n; n++) {
		struct str in = exact(str_first(whole, n));
		struct buf b;

		buf_init(&b, BUF_NO_MAX);
		ck_assert(envelope_text(&b, in));
		ck_assert(relist_ok(buf_str(&b)));
		if (n == whole.n)
			ck_str(buf_str(&b), str_c(envelopes[_i].out));
		buf_clear(&b);
		exact_free(in);
	}
}
END_TEST

START_TEST(envelope_flood)
{
	struct buf in, out;

	buf_init(&in, BUF_NO_MAX);
	buf_init(&out, BUF_NO_MAX);
	for (int i = 0; i < 20000; i++)
		buf_add(&in, STR("To: g: a@b, c@d\n"));
	ck_assert(envelope_text(&out, buf_str(&in)));
	ck_assert(relist_ok(buf_str(&out)));
	ck_assert_uint_le(buf_len(&out), 60000);
	buf_clear(&in);
	buf_clear(&out);
}
END_TEST

/* What is too long for all fields is left out of the last ones. */
START_TEST(envelope_too_long)
{
	struct buf in, out;

	buf_init(&in, BUF_NO_MAX);
	buf_init(&out, BUF_NO_MAX);
	add_from(&in, 120);
	ck_assert(envelope_text(&out, buf_str(&in)));
	ck_assert(relist_ok(buf_str(&out)));
	ck_assert_uint_le(buf_len(&out), ENVELOPE_MAX);
	ck_assert(str_starts(buf_str(&out), STR("(NIL NIL ((\"\\\"")));
	ck_assert(str_ends(buf_str(&out),
	    STR(" NIL ((NIL NIL \"c\" \"d\")) NIL NIL NIL \"<1@x>\")")));
	buf_clear(&in);
	buf_clear(&out);
}
END_TEST

START_TEST(strings)
{
	struct buf b;

	buf_init(&b, 10000);
	imap_text_string(&b, str_n("a\0b\n", 4));
	ck_str(buf_str(&b), STR("{3}\r\nab\n"));
	buf_reset(&b);
	imap_text_astring(&b, STR("INBOX"));
	buf_add_char(&b, ' ');
	imap_text_astring(&b, STR("a b"));
	buf_add_char(&b, ' ');
	imap_text_astring(&b, STR("nil"));
	buf_add_char(&b, ' ');
	imap_text_astring(&b, STR_NONE);
	ck_str(buf_str(&b), STR("INBOX \"a b\" \"nil\" \"\""));
	buf_clear(&b);
}
END_TEST

/* Random bits of structure, in random order: nothing breaks. */
START_TEST(random_messages)
{
	static const char *const bits[] = { "\n", "\r\n", "--a", "--b", "--",
		"Content-Type: ", "multipart/mixed; boundary=a",
		"multipart/digest; boundary=b", "message/rfc822", "\n\n", "x",
		" ", ":", "--a\n", "--b\n", "--a--\n", "--b--\n", "\"", "(" };
	unsigned seed = (unsigned)_i + 1;

	for (int round = 0; round < 400; round++) {
		struct buf in, out;

		buf_init(&in, BUF_NO_MAX);
		buf_init(&out, BUF_NO_MAX);
		for (int i = 0; i < 60; i++) {
			seed = seed * 1103515245 + 12345;
			buf_add_c(&in, bits[(seed >> 16) % N_OF(bits)]);
		}
		structure(buf_str(&in), true, &out);
		buf_clear(&in);
		buf_clear(&out);
	}
}
END_TEST

static TCase *
parts(void)
{
	TCase *t = tcase_create("parts");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, body, 0, (int)N_OF(structures));
	tcase_add_test(t, extended);
	tcase_add_loop_test(t, section, 0, (int)N_OF(sections));
	tcase_add_test(t, section_of_text);
	tcase_add_loop_test(t, bomb, 0, 6);
	tcase_add_test(t, caps);
	tcase_add_loop_test(t, flood, 0, 4);
	tcase_add_test(t, flood_leaves_out);
	tcase_add_loop_test(t, random_messages, 0, 20);
	return t;
}

static TCase *
texts(void)
{
	TCase *t = tcase_create("texts");

	tcase_add_loop_test(t, envelope, 0, (int)N_OF(envelopes));
	tcase_add_test(t, envelope_flood);
	tcase_add_test(t, envelope_too_long);
	tcase_add_test(t, strings);
	return t;
}

UNIT_MAIN("mime", parts, texts)
