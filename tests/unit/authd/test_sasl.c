#include "tests/unit/unit.h"

#include "helpers/authd/sasl.h"

#define NONE NULL /* no initial response */

/* What the client says, step by step; what must come of it. */
static const struct {
	const char *mech;
	struct { const char *p; size_t n; } says[4];
	enum sasl_result last;
	const char *name, *password, *as;
} talks[] = {
#define S(lit) { lit, sizeof(lit) - 1 }
	{ "PLAIN", { S("\0bob\0pass") }, SASL_COMPLETE, "bob", "pass", "bob" },
	{ "plain", { S("bob\0bob\0pass") }, SASL_COMPLETE, "bob", "pass",
	    "bob" },
	{ "PLAIN", { { NONE, 0 }, S("\0bob\0pass") }, SASL_COMPLETE, "bob",
	    "pass", "bob" },
	{ "PLAIN", { S("bob\0pass") }, SASL_MALFORMED, NULL, NULL, NULL },
	{ "PLAIN", { S("bob") }, SASL_MALFORMED, NULL, NULL, NULL },
	{ "PLAIN", { S("alice\0bob\0pass") }, SASL_COMPLETE, "bob", "pass",
	    "alice" },
	{ "PLAIN", { S("") }, SASL_MALFORMED, NULL, NULL, NULL },
	{ "PLAIN", { S("\0b\xc3\xb6" "b\0p\xc3\xa4ss") }, SASL_COMPLETE,
	    "b\xc3\xb6" "b", "p\xc3\xa4ss", "b\xc3\xb6" "b" },
	{ "LOGIN", { { NONE, 0 }, S("bob"), S("pass") }, SASL_COMPLETE, "bob",
	    "pass", "" },
	{ "LOGIN", { S("bob"), S("pass") }, SASL_COMPLETE, "bob", "pass", "" },
};

START_TEST(talk)
{
	struct sasl *lib = sasl_new();
	struct sasl_session *x = sasl_begin(lib, sasl_mech(
	    str_c(talks[_i].mech)));
	enum sasl_result r = SASL_MORE;
	struct buf out;
	size_t steps = 0;

	buf_init(&out, BUF_NO_MAX);
	while (r == SASL_MORE && steps < 4) {
		struct str in = str_n(talks[_i].says[steps].p,
		    talks[_i].says[steps].n);

		buf_reset(&out);
		r = sasl_step(x, in.p != NULL, in, &out);
		steps++;
	}
	ck_assert_int_eq(r, talks[_i].last);
	if (r == SASL_COMPLETE) {
		ck_assert(str_eq(sasl_name(x), str_c(talks[_i].name)));
		ck_assert(str_eq(sasl_password(x), str_c(talks[_i].password)));
		ck_assert(str_eq(sasl_as(x), str_c(talks[_i].as)));
	}
	buf_clear(&out);
	sasl_end(x);
	sasl_free(lib);
}
END_TEST

START_TEST(names)
{
	ck_assert(str_eq(sasl_mech(STR("login")), STR("LOGIN")));
	ck_assert_uint_eq(sasl_mech(STR("CRAM-MD5")).n, 0);
	ck_assert_uint_eq(sasl_mech(STR("")).n, 0);
}
END_TEST

static TCase *
sasl(void)
{
	TCase *tc = tcase_create("sasl");

	tcase_add_loop_test(tc, talk, 0, N_OF(talks));
	tcase_add_test(tc, names);
	return tc;
}

UNIT_MAIN("sasl", sasl)
