#include "tests/unit/store/box.h"
#include "tests/unit/unit.h"

static struct box b;

static void
setup(void)
{
	box_new(&b);
}

static void
teardown(void)
{
	box_end(&b);
}

/* The names in order, with marks: ! cannot be selected, * subscribed, + has
 * children. */
static void
expect_list(const char *want)
{
	struct buf line;
	size_t n;
	const struct folder *list = account_folders(b.a, &n);

	buf_init(&line, 4096);
	for (size_t i = 0; i < n; i++)
		buf_addf(&line, "%s%.*s%s%s%s", i > 0 ? " " : "",
		    STR_ARG(list[i].name), list[i].exists ? "" : "!",
		    list[i].subscribed ? "*" : "",
		    list[i].children ? "+" : "");
	ck_assert_str_eq(buf_cstr(&line), want);
	buf_clear(&line);
}

static void
create(const char *name)
{
	ck_assert_int_eq(account_create(b.a, str_c(name), 0), STORE_OK);
}

START_TEST(listing)
{
	expect_list("INBOX");
	create("Work/2024/May");
	create("Work-x");
	create("Work/2024");
	create("inbox/sub");
	create("B\xc3\xbc" "cher");
	create("a.b");
	expect_list("INBOX+ INBOX/sub B\xc3\xbc" "cher Work!+ Work/2024+ "
	            "Work/2024/May Work-x a.b");
	ck_assert_int_eq(
	    account_create(b.a, STR("Work-x"), 0), STORE_EXISTS);
	ck_assert_int_eq(account_create(b.a, STR("inbox"), 0), STORE_EXISTS);
	ck_assert_int_eq(account_create(b.a, STR("Work"), 0), STORE_OK);
	ck_assert_int_eq(account_create(b.a, STR("New/"), 0), STORE_OK);
	ck_assert_ptr_nonnull(account_find(b.a, STR("New")));
}
END_TEST

static const char *const bad_names[] = { "", "/", "a//b", "/a", "a\nb",
	"a\x7f", "\xff", "\xc3", "a/b/", "a//",
	"1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4",
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" };

START_TEST(bad_name)
{
	struct mailbox *m;
	struct str name = str_c(bad_names[_i]);

	if (!str_eq(name, STR("a/b/")))
		ck_assert_int_eq(account_create(b.a, name, 0), STORE_BAD_NAME);
	ck_assert_int_eq(mailbox_open(b.a, name, &m), STORE_BAD_NAME);
	ck_assert_int_eq(account_delete(b.a, STR("..")), STORE_NOT_FOUND);
}
END_TEST

/* Names that must come back as they were. */
static const char *const names[] = { "a", "a.b", ".", "..", "a..b", ".x", "x.",
	"&", "&-", "&AC4-", "&AC4-.", "\xc3\xa9.\xc3\xa9", "a b", "~", "%*",
	"cur", "new", "tmp", "ix", "\xf0\x9f\x98\x80", "Inbox2", "\"\\", "'" };

START_TEST(name_kept)
{
	struct mailbox *m;
	struct buf all;

	buf_init(&all, 4096);
	buf_addf(&all, "INBOX %s", names[_i]);
	create(names[_i]);
	expect_list(buf_cstr(&all));
	ck_assert_int_eq(mailbox_open(b.a, str_c(names[_i]), &m), STORE_OK);
	ck_assert(str_eq(mailbox_name(m), str_c(names[_i])));
	mailbox_close(m);
	buf_clear(&all);
	ck_assert_int_eq(account_delete(b.a, str_c(names[_i])), STORE_OK);
	expect_list("INBOX");
	ck_assert_int_eq(box_count(&b, "tmp"), 0);
}
END_TEST

START_TEST(subscriptions)
{
	create("Work");
	ck_assert_int_eq(
	    account_subscribe(b.a, STR("Work"), true), STORE_OK);
	ck_assert_int_eq(
	    account_subscribe(b.a, STR("Not/there"), true), STORE_OK);
	ck_assert_int_eq(
	    account_subscribe(b.a, STR("inbox"), true), STORE_OK);
	expect_list("INBOX* Not! Not/there!* Work*");
	box_reopen(&b, 0);
	ck_assert_int_eq(
	    account_subscribe(b.a, STR("Not/there"), false), STORE_OK);
	ck_assert_int_eq(account_delete(b.a, STR("Work")), STORE_OK);
	expect_list("INBOX* Work!*");
}
END_TEST

START_TEST(special_use)
{
	ck_assert_int_eq(
	    account_create(b.a, STR("Sent"), USE_SENT), STORE_OK);
	ck_assert_uint_eq(account_find(b.a, STR("Sent"))->use, USE_SENT);
	ck_assert_str_eq(use_name(USE_SENT), "\\Sent");
	ck_assert_uint_eq(use_of(STR("\\junk")), USE_JUNK);
	ck_assert_int_eq(
	    account_rename(b.a, STR("Sent"), STR("Gesendet")), STORE_OK);
	ck_assert_uint_eq(account_find(b.a, STR("Gesendet"))->use, USE_SENT);
	ck_assert_int_eq(
	    account_set_use(b.a, STR("Gesendet"), 0), STORE_OK);
	ck_assert_uint_eq(account_find(b.a, STR("Gesendet"))->use, 0);
	ck_assert_int_eq(
	    account_set_use(b.a, STR("none"), USE_JUNK), STORE_NOT_FOUND);
}
END_TEST

START_TEST(renaming)
{
	struct mailbox *m;
	uint32_t uid;

	create("a");
	create("a/b");
	create("a/b/c");
	create("x");
	ck_assert_int_eq(mailbox_open(b.a, STR("a/b"), &m), STORE_OK);
	uid = box_add_to(m, "one", 0);
	ck_assert_int_eq(account_rename(b.a, STR("a"), STR("x")), STORE_EXISTS);
	ck_assert_int_eq(
	    account_rename(b.a, STR("a"), STR("a/d")), STORE_BAD_NAME);
	ck_assert_int_eq(
	    account_rename(b.a, STR("no"), STR("y")), STORE_NOT_FOUND);
	ck_assert_int_eq(account_rename(b.a, STR("a"), STR("z/y")), STORE_OK);
	expect_list("INBOX x z!+ z/y+ z/y/b+ z/y/b/c");
	/* The open one goes on under its new name. */
	ck_assert(str_eq(mailbox_name(m), STR("z/y/b")));
	ck_assert_int_eq(mailbox_refresh(m), STORE_OK);
	box_expect(m, uid, "one");
	box_add_to(m, "two", 0);
	mailbox_close(m);
	/* A parent that is no mailbox moves with its children. */
	ck_assert_int_eq(account_rename(b.a, STR("z"), STR("w")), STORE_OK);
	expect_list("INBOX w!+ w/y+ w/y/b+ w/y/b/c x");
}
END_TEST

START_TEST(renaming_inbox)
{
	struct mailbox_status s;

	box_add(&b, "one");
	box_add(&b, "two");
	ck_assert_int_eq(
	    account_rename(b.a, STR("INBOX"), STR("old")), STORE_OK);
	ck_assert_int_eq(account_status(b.a, STR("old"), &s), STORE_OK);
	ck_assert_uint_eq(s.exists, 2);
	ck_assert_int_eq(account_status(b.a, STR("inbox"), &s), STORE_OK);
	ck_assert_uint_eq(s.exists, 0);
}
END_TEST

START_TEST(deleting)
{
	struct mailbox *m, *again;
	struct mailbox_status s;
	struct uids none = { 0 };
	uint32_t uidvalidity;

	create("a");
	ck_assert_int_eq(mailbox_open(b.a, STR("a"), &m), STORE_OK);
	box_add_to(m, "one", 0);
	uidvalidity = mailbox_status(m)->uidvalidity;
	ck_assert_int_eq(
	    account_delete(b.a, STR("INBOX")), STORE_NOT_ALLOWED);
	ck_assert_int_eq(account_delete(b.a, STR("b")), STORE_NOT_FOUND);
	ck_assert_int_eq(account_delete(b.a, STR("a")), STORE_OK);
	ck_assert_int_eq(mailbox_refresh(m), STORE_NOT_FOUND);
	ck_assert_int_eq(mailbox_expunge(m, &none, false), STORE_NOT_FOUND);
	ck_assert_int_eq(account_status(b.a, STR("a"), &s), STORE_NOT_FOUND);
	create("a");
	ck_assert_int_eq(mailbox_open(b.a, STR("a"), &again), STORE_OK);
	ck_assert_ptr_ne(m, again);
	ck_assert_uint_gt(mailbox_status(again)->uidvalidity, uidvalidity);
	ck_assert_uint_eq(mailbox_status(again)->exists, 0);
	mailbox_close(m);
	mailbox_close(again);
}
END_TEST

START_TEST(uidvalidity_grows)
{
	uint32_t last = mailbox_status(b.m)->uidvalidity;
	struct mailbox_status s;

	for (int i = 0; i < 5; i++) {
		create("a");
		ck_assert_int_eq(account_status(b.a, STR("a"), &s), STORE_OK);
		if (i > 0)
			ck_assert_uint_gt(s.uidvalidity, last);
		last = s.uidvalidity;
		ck_assert_int_eq(account_delete(b.a, STR("a")), STORE_OK);
	}
}
END_TEST

START_TEST(noticed)
{
	struct str name;

	while (account_changed(b.a, &name))
		;
	box_add(&b, "one");
	ck_assert(account_is_dirty(b.a));
	ck_assert_int_eq(account_flush(b.a), 0);
	ck_assert(!account_is_dirty(b.a));
	ck_assert(account_changed(b.a, &name));
	ck_assert(str_eq(name, STR("INBOX")));
	ck_assert(!account_changed(b.a, &name));
}
END_TEST

static TCase *
account(void)
{
	TCase *tc = tcase_create("account");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, listing);
	tcase_add_loop_test(tc, bad_name, 0, N_OF(bad_names));
	tcase_add_loop_test(tc, name_kept, 0, N_OF(names));
	tcase_add_test(tc, subscriptions);
	tcase_add_test(tc, special_use);
	tcase_add_test(tc, renaming);
	tcase_add_test(tc, renaming_inbox);
	tcase_add_test(tc, deleting);
	tcase_add_test(tc, uidvalidity_grows);
	tcase_add_test(tc, noticed);
	return tc;
}

UNIT_MAIN("account", account)
