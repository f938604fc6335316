#include "delivery/deliver/heads.h"
#include "tests/unit/unit.h"

static const struct {
	const char *header, *recipient;
	bool loop;
} vectors[] = {
	{ "Subject: x\n\n", "bob@a.test", false },
	{ "Delivered-To: bob@a.test\n\n", "bob@a.test", true },
	{ "delivered-to:  Bob@A.test \nX: y\n\n", "bob@a.test", true },
	{ "Received: by b\nDelivered-To: eve@a.test\n"
	  "Delivered-To: bob@a.test\n\n", "bob@a.test", true },
	{ "Delivered-To: bob@a.test.other\n\n", "bob@a.test", false },
	{ "X-Delivered-To: bob@a.test\n\n", "bob@a.test", false },
	{ "", "bob@a.test", false },
};

START_TEST(loops)
{
	ck_assert_int_eq(heads_loop(str_c(vectors[_i].header),
	    str_c(vectors[_i].recipient)), vectors[_i].loop);
}
END_TEST

START_TEST(lines)
{
	struct buf b;

	buf_init(&b, 4096);
	heads_put(&b, STR("eve@far.test"), STR("bob@a.test"));
	ck_assert_str_eq(buf_cstr(&b),
	    "Return-Path: <eve@far.test>\nDelivered-To: bob@a.test\n");
	/* What is put must be found again. */
	ck_assert(heads_loop(buf_str(&b), STR("bob@a.test")));
	buf_reset(&b);
	heads_put(&b, STR_NONE, STR("bob@a.test"));
	ck_assert_str_eq(buf_cstr(&b),
	    "Return-Path: <>\nDelivered-To: bob@a.test\n");
	buf_clear(&b);
}
END_TEST

static TCase *
all(void)
{
	TCase *tc = tcase_create("heads");

	tcase_add_loop_test(tc, loops, 0, N_OF(vectors));
	tcase_add_test(tc, lines);
	return tc;
}

UNIT_MAIN("deliver", all)
