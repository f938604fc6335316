#include "msg/drop.h"
#include "tests/unit/unit.h"

static const struct env_rcpt rcpts[] = {
	{ .notify = NOTIFY_NEVER, .address = STR_INIT("a@b.test"),
	    .orcpt = STR_INIT("") },
	{ .notify = 0, .address = STR_INIT("c@d.test"),
	    .orcpt = STR_INIT("rfc822;c@d.test") },
};

static void
make(struct buf *out)
{
	struct drop_head head = { .flags = ENV_8BIT, .sender = STR("s@b.test"),
		.envid = STR("e1") };

	buf_init(out, BUF_NO_MAX);
	drop_write(out, &head, rcpts, 2, STR("Subject: x\n\nbody\n"));
}

START_TEST(both_ways)
{
	struct env_rcpt r;
	struct drop d;
	struct buf b;

	make(&b);
	ck_assert_int_eq(drop_read(buf_str(&b), &d), DROP_OK);
	ck_assert(str_eq(d.head.sender, STR("s@b.test")));
	ck_assert(str_eq(d.head.envid, STR("e1")));
	ck_assert_uint_eq(d.head.flags, ENV_8BIT);
	ck_assert(str_eq(d.text, STR("Subject: x\n\nbody\n")));
	ck_assert(drop_next(&d, &r));
	ck_assert_uint_eq(r.notify, NOTIFY_NEVER);
	ck_assert(drop_next(&d, &r));
	ck_assert(str_eq(r.orcpt, STR("rfc822;c@d.test")));
	ck_assert(!drop_next(&d, &r));
	buf_clear(&b);
}
END_TEST

START_TEST(cut_anywhere)
{
	struct drop d;
	struct buf b;

	make(&b);
	for (size_t n = 0; n < buf_len(&b); n++)
		ck_assert_int_eq(
		    drop_read(str_first(buf_str(&b), n), &d), DROP_CUT);
	buf_clear(&b);
}
END_TEST

START_TEST(any_octet_changed)
{
	struct drop d;
	struct buf b;

	make(&b);
	for (size_t n = 0; n < buf_len(&b); n++) {
		b.p[b.at + n] ^= 0x20;
		ck_assert_int_ne(drop_read(buf_str(&b), &d), DROP_OK);
		b.p[b.at + n] ^= 0x20;
	}
	buf_add_char(&b, 'x');
	ck_assert_int_eq(drop_read(buf_str(&b), &d), DROP_DAMAGED);
	buf_clear(&b);
}
END_TEST

static TCase *
all(void)
{
	TCase *tc = tcase_create("drop");

	tcase_add_test(tc, both_ways);
	tcase_add_test(tc, cut_anywhere);
	tcase_add_test(tc, any_octet_changed);
	return tc;
}

UNIT_MAIN("drop", all)
