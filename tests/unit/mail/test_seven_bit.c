/* Messages in seven bits: what changes, what stays, what cannot be done. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "mail/mime.h"
#include "mail/seven_bit.h"
#include "mail/transfer.h"

#define MULTI "Content-Type: multipart/mixed; boundary=b\n"
#define TEXT8 "Content-Type: text/plain; charset=utf-8\n"

/* clang-format off */
static const struct {
	struct str in;
	const char *out; /* NULL: it cannot be done */
} cases[] = {
	{ STR_INIT("A: b\n\nbody\n"), "A: b\n\nbody\n" },
	{ STR_INIT("A: b\n"), "A: b\n" },
	{ STR_INIT(""), "" },
	/* Nothing says what it is. */
	{ STR_INIT("A: b\n\nb\xf6\n"),
	    "A: b\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=unknown-8bit\n"
	    "Content-Transfer-Encoding: quoted-printable\n\nb=F6\n" },
	{ STR_INIT("\nb\xf6"),
	    "MIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=unknown-8bit\n"
	    "Content-Transfer-Encoding: quoted-printable\n\nb=F6" },
	/* The word on the encoding goes, wherever and however often it is. */
	{ STR_INIT("content-transfer-encoding:\n 8bit\nMIME-Version: 1.0\n"
	    TEXT8 "Content-Transfer-Encoding: 8BIT\nX: y\n\n\xc3\xb6 = \n\n"),
	    "MIME-Version: 1.0\n" TEXT8 "X: y\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "=C3=B6 =3D=20\n\n" },
	/* Parts are changed alone; delimiters and the rest stay. */
	{ STR_INIT("MIME-Version: 1.0\n" MULTI
	    "Content-Transfer-Encoding: 8bit\n\nbefore\n--b\n" TEXT8
	    "\n\xc3\xb6\n--b\nA: b\n\nplain\n--b\n\nno header \xf6\n--b--\nafter\n"),
	    "MIME-Version: 1.0\n" MULTI
	    "Content-Transfer-Encoding: 7bit\n\nbefore\n--b\n" TEXT8
	    "Content-Transfer-Encoding: quoted-printable\n\n=C3=B6\n"
	    "--b\nA: b\n\nplain\n--b\n"
	    "Content-Type: text/plain; charset=unknown-8bit\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "no header =F6\n--b--\nafter\n" },
	/* A message inside is one of its own. */
	{ STR_INIT("MIME-Version: 1.0\nContent-Type: message/rfc822\n"
	    "Content-Transfer-Encoding: 8bit\n\nA: b\n\n\xf6\n"),
	    "MIME-Version: 1.0\nContent-Type: message/rfc822\n"
	    "Content-Transfer-Encoding: 7bit\n\nA: b\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=unknown-8bit\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n=F6\n" },
	/* NUL and long lines are no seven bits for SMTP either. */
	{ { "A: b\n\nx\0y\n", 10 },
	    "A: b\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=unknown-8bit\n"
	    "Content-Transfer-Encoding: quoted-printable\n\nx=00y\n" },
	{ STR_INIT("A: \xf6\n\nbody\n"), NULL },
	{ STR_INIT("Content-Transfer-Encoding: base64\n\n\xf6\n"), NULL },
	{ STR_INIT("Content-Transfer-Encoding: x-own\n\n\xf6\n"), NULL },
	{ STR_INIT(MULTI "\n\xf6\n--b\n\nx\n--b--\n"), NULL },
	{ STR_INIT(MULTI "\n--b\n\nx\n--b--\n\xf6\n"), NULL },
	{ STR_INIT(MULTI "\n--b\nA: \xf6\n\nx\n--b--\n"), NULL },
};
/* clang-format on */

START_TEST(changes)
{
	struct buf out;

	buf_init(&out, 4096);
	ck_assert_int_eq(seven_bit(&out, cases[_i].in), cases[_i].out != NULL);
	if (cases[_i].out != NULL)
		ck_assert_str_eq(buf_cstr(&out), cases[_i].out);
	buf_clear(&out);
}
END_TEST

/* What is cut begins no line with a delimiter. */
START_TEST(no_new_delimiter)
{
	struct buf in, out;
	struct mime m;
	struct pool pool;

	buf_init(&in, 4096);
	buf_init(&out, 8192);
	pool_init(&pool);
	buf_add_c(&in, MULTI "\n--b\n\n\xf6");
	for (int i = 0; i < _i; i++)
		buf_add_char(&in, 'x');
	buf_add_c(&in, "--b--\n--x\n--b--\n");
	ck_assert(seven_bit(&out, buf_str(&in)));
	mime_parse(&m, &pool, buf_str(&out));
	ck_assert_uint_eq(m.parts, 2);
	ck_assert_uint_gt(m.root->child->end - m.root->child->body_at,
	    (unsigned)_i + 8);
	pool_clear(&pool);
	buf_clear(&in);
	buf_clear(&out);
}
END_TEST

START_TEST(no_room)
{
	struct buf out;

	buf_init(&out, 20);
	ck_assert(!seven_bit(&out, STR("A: b\n\n\xf6\xf6\xf6\n")));
	buf_clear(&out);
}
END_TEST

static TCase *
all(void)
{
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, changes, 0, (int)N_OF(cases));
	tcase_add_loop_test(tc, no_new_delimiter, 0, 80);
	tcase_add_test(tc, no_room);
	return tc;
}

UNIT_MAIN("seven_bit", all)
