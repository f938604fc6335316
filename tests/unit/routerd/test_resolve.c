#include "tests/unit/unit.h"

#include <stdio.h>

#include "helpers/routerd/name.h"
#include "helpers/routerd/resolve.h"

static const struct {
	const char *domain, *catch_all, *plus;
	bool system_users;
} domains[] = {
	{ "example.org", NULL, "+", false },
	{ "catch.example", "alice@example.org", "+", false },
	{ "loop.example", "nobody@loop.example", "+", false },
	{ "sys.example", NULL, "+-", true },
	{ "exact.example", NULL, "", false },
};

static const char *const accounts[] = { "alice@example.org",
	"bob@example.org", "odd+one@example.org", "carol@exact.example",
	"dora@catch.example" };

static const struct {
	const char *name, *to[4];
} aliases[] = {
	{ "sales@example.org", { "alice@example.org" } },
	{ "team@example.org",
	    { "alice@example.org", "bob@example.org", "eve@far.example" } },
	{ "nested@example.org", { "team@example.org", "bob@example.org" } },
	{ "bob@example.org", { "bob@example.org", "alice@example.org" } },
	{ "ping@example.org", { "pong@example.org" } },
	{ "pong@example.org", { "ping@example.org" } },
	{ "half@example.org", { "half2@example.org", "alice@example.org" } },
	{ "half2@example.org", { "half@example.org" } },
	{ "away@example.org", { "eve@far.example" } },
	{ "gone@example.org", { "nobody@example.org" } },
	{ "some@example.org", { "nobody@example.org", "alice@example.org" } },
	{ "tuser@example.org", { "slow@sys.example", "alice@example.org" } },
	{ "deep0@example.org", { "deep1@example.org" } },
	{ "deep1@example.org", { "deep2@example.org" } },
	{ "deep2@example.org", { "deep3@example.org" } },
	{ "deep3@example.org", { "deep4@example.org" } },
	{ "deep4@example.org", { "alice@example.org" } },
	{ "root@sys.example", { "joe@sys.example" } },
};

static const struct route_rule routes[] = {
	{ STR_INIT("*"), STR_INIT("[192.0.2.9]:587"), ROUTE_TLS_VERIFY },
	{ STR_INIT("*.far.example"), STR_INIT("far-hub.example"),
	    ROUTE_TLS_MAY },
	{ STR_INIT("*.deep.far.example"), STR_INIT("lmtp:[127.0.0.1]:24"),
	    ROUTE_TLS_NONE },
	{ STR_INIT("own.far.example"), STR_INIT(""), ROUTE_TLS_VERIFY },
	{ STR_INIT("far.example"), STR_INIT("[198.51.100.7]:2525"),
	    ROUTE_TLS_ENCRYPT },
};

static struct user
user(void *arg, struct str name)
{
	(void)arg;
	if (str_eq(name, STR("joe")))
		return (struct user){ USER_YES, 1001, 1002,
			STR_INIT("/home/joe") };
	if (str_eq(name, STR("slow")))
		return (struct user){ .state = USER_ASK };
	if (str_eq(name, STR("broken")))
		return (struct user){ .state = USER_TEMPORARY };
	return (struct user){ .state = USER_NO };
}

static struct directory dir;
static struct resolver resolver;
static struct pool pool;

static void
setup(void)
{
	directory_init(&dir);
	for (size_t i = 0; i < N_OF(domains); i++) {
		struct domain *d = directory_add_config_domain(
		    &dir, str_c(domains[i].domain));

		free(d->plus);
		d->plus = strdup(domains[i].plus);
		if (domains[i].catch_all != NULL)
			d->catch_all = strdup(domains[i].catch_all);
		d->system_users = domains[i].system_users;
	}
	for (size_t i = 0; i < N_OF(accounts); i++) {
		struct account a = { .name = (char *)(uintptr_t)accounts[i],
			.quota = i == 0 ? 1000 : ROUTE_QUOTA_DOMAIN };

		ck_assert_int_eq(directory_put_account(&dir, &a), 0);
	}
	for (size_t i = 0; i < N_OF(aliases); i++) {
		struct str to[4];
		size_t n = 0;

		while (n < 4 && aliases[i].to[n] != NULL) {
			to[n] = str_c(aliases[i].to[n]);
			n++;
		}
		directory_put_alias(&dir, str_c(aliases[i].name), to, n);
	}
	resolver = (struct resolver){ .dir = &dir,
		.hostname = STR("mx.example.org"),
		.default_domain = STR("example.org"),
		.admin = STR("alice@example.org"), .routes = routes,
		.nroutes = N_OF(routes), .depth = 3, .expansions = 100,
		.user = user };
	pool_init(&pool);
}

static void
teardown(void)
{
	pool_clear(&pool);
	directory_clear(&dir);
}

/* want: "local PATH MAILBOX", "remote HOP", "CODE TEXT", "list a b", "ask" */
static const struct {
	const char *address;
	bool may_relay;
	uint32_t depth;
	const char *want;
} cases[] = {
	{ "alice@example.org", false, 0, "local example.org/alice " },
	{ "ALICE@Example.ORG", false, 0, "local example.org/alice " },
	{ "\"alice\"@example.org", false, 0, "local example.org/alice " },
	{ "alice", false, 0, "local example.org/alice " },
	{ "alice+shop@example.org", false, 0, "local example.org/alice shop" },
	{ "alice+a+b@example.org", false, 0, "local example.org/alice a+b" },
	{ "alice+@example.org", false, 0, "550 5.1.1 no such mailbox" },
	{ "+x@example.org", false, 0, "550 5.1.1 no such mailbox" },
	{ "odd+one@example.org", false, 0, "local example.org/odd+one " },
	{ "carol@exact.example", false, 0, "local exact.example/carol " },
	{ "carol+x@exact.example", false, 0, "550 5.1.1 no such mailbox" },
	{ "nobody@example.org", false, 0, "550 5.1.1 no such mailbox" },
	{ "sales@example.org", false, 0, "local example.org/alice " },
	{ "sales+x@example.org", false, 0, "local example.org/alice " },
	{ "team@example.org", false, 0,
	    "list alice@example.org eve@far.example bob@example.org" },
	{ "nested@example.org", false, 0,
	    "list alice@example.org bob@example.org eve@far.example" },
	{ "bob@example.org", false, 0,
	    "list bob@example.org alice@example.org" },
	{ "bob@example.org", false, 1, "local example.org/bob " },
	{ "bob+x@example.org", false, 1, "local example.org/bob x" },
	{ "ping@example.org", false, 0, "554 5.4.6 the alias leads to itself" },
	{ "half@example.org", false, 0, "local example.org/alice " },
	{ "away@example.org", false, 0, "list eve@far.example" },
	{ "gone@example.org", false, 0, "550 5.1.1 no such mailbox" },
	{ "some@example.org", false, 0,
	    "list nobody@example.org alice@example.org" },
	{ "deep0@example.org", false, 0, "550 5.1.1 no such mailbox" },
	{ "deep1@example.org", false, 0, "local example.org/alice " },
	{ "any@catch.example", false, 0, "local example.org/alice " },
	{ "dora@catch.example", false, 0, "local catch.example/dora " },
	{ "any@loop.example", false, 0, "550 5.1.1 no such mailbox" },
	{ "postmaster@example.org", false, 0, "local example.org/alice " },
	{ "PostMaster", false, 0, "local example.org/alice " },
	{ "postmaster@catch.example", false, 0, "local example.org/alice " },
	{ "postmaster@mx.example.org", false, 0, "local example.org/alice " },
	{ "alice@mx.example.org", false, 0, "550 5.1.1 no such mailbox" },
	{ "eve@far.example", false, 0, "554 5.7.1 relay access denied" },
	{ "eve@far.example", true, 0, "remote [198.51.100.7]:2525" },
	{ "eve@a.far.example", true, 0, "remote far-hub.example" },
	{ "eve@a.deep.far.example", true, 0, "remote lmtp:[127.0.0.1]:24" },
	{ "eve@own.far.example", true, 0, "remote own.far.example" },
	{ "eve@notfar.example", true, 0, "remote [192.0.2.9]:587" },
	{ "eve@[192.0.2.5]", true, 0, "remote [192.0.2.9]:587" },
	{ "eve@far.example", false, 1, "remote [198.51.100.7]:2525" },
	{ "joe@sys.example", false, 0, "local home/joe/Maildir " },
	{ "joe-lists@sys.example", false, 0, "local home/joe/Maildir lists" },
	{ "JOE+x@sys.example", false, 0, "local home/joe/Maildir x" },
	{ "root@sys.example", false, 0, "local home/joe/Maildir " },
	{ "slow@sys.example", false, 0, "ask" },
	{ "tuser@example.org", false, 0, "ask" },
	{ "broken@sys.example", false, 0,
	    "451 4.3.0 users cannot be looked up now" },
	{ "jim@sys.example", false, 0, "550 5.1.1 no such mailbox" },
	{ "", false, 0, "553 5.1.3 no such address form" },
	{ "@example.org", false, 0, "553 5.1.3 no such address form" },
	{ "alice@", false, 0, "553 5.1.3 no such address form" },
	{ "a b@example.org", false, 0, "553 5.1.3 no such address form" },
	{ "../x@example.org", false, 0, "553 5.1.3 no such address form" },
};

static void
describe(struct buf *b, const struct resolved *r)
{
	if (r->ask) {
		buf_add_c(b, "ask");
		return;
	}
	switch ((enum route_kind)r->is.kind) {
	case ROUTE_LOCAL:
		buf_addf(b, "local %.*s %.*s", STR_ARG(r->is.path),
		    STR_ARG(r->is.mailbox));
		break;
	case ROUTE_REMOTE:
		buf_addf(b, "remote %.*s", STR_ARG(r->is.next_hop));
		break;
	case ROUTE_LIST:
		buf_add_c(b, "list");
		for (size_t i = 0; i < r->n; i++)
			buf_addf(b, " %.*s", STR_ARG(r->list[i]));
		break;
	case ROUTE_REJECT:
	case ROUTE_TEMPORARY:
		buf_addf(b, "%u %.*s", r->is.code, STR_ARG(r->is.text));
		break;
	}
}

START_TEST(table)
{
	struct msg_route q = { .address = str_c(cases[_i].address),
		.may_relay = cases[_i].may_relay, .depth = cases[_i].depth };
	struct resolved r;
	struct buf b;

	buf_init(&b, BUF_NO_MAX);
	resolve(&resolver, &pool, &q, &r);
	describe(&b, &r);
	ck_assert_str_eq(buf_cstr(&b), cases[_i].want);
	buf_clear(&b);
}
END_TEST

/* Without an admin that leads anywhere, the oldest account. */
START_TEST(no_admin)
{
	static const char *const names[] = { "postmaster@example.org",
		"postmaster@catch.example", "postmaster" };
	struct resolved r;
	struct account *oldest = directory_account(
	    &dir, STR("bob@example.org"));

	directory_account(&dir, STR("carol@exact.example"))->created_ms = 9;
	resolver.admin = STR("postmaster@example.org");
	dir.oldest = oldest;
	directory_del_alias(&dir, directory_alias(&dir, STR("bob@example.org")));
	for (size_t i = 0; i < N_OF(names); i++) {
		struct msg_route q = { .address = str_c(names[i]) };

		resolve(&resolver, &pool, &q, &r);
		ck_assert_uint_eq(r.is.kind, ROUTE_LOCAL);
		ck_assert(str_eq(r.is.account, STR("bob@example.org")));
	}
	directory_del_account(&dir, oldest);
	ck_assert_ptr_nonnull(dir.oldest);
	ck_assert_str_ne(dir.oldest->name, "carol@exact.example");
}
END_TEST

static const struct {
	const char *name, *want;
} logins[] = {
	{ "alice", "local example.org/alice " },
	{ "Alice@EXAMPLE.org", "local example.org/alice " },
	{ "bob@example.org", "local example.org/bob " },
	{ "alice+x@example.org", "550 5.1.1 no such account" },
	{ "sales@example.org", "550 5.1.1 no such account" },
	{ "any@catch.example", "550 5.1.1 no such account" },
	{ "alice@far.example", "550 5.1.2 no such domain" },
	{ "joe@sys.example", "local home/joe/Maildir " },
	{ "slow@sys.example", "ask" },
	{ "", "550 5.1.2 no such domain" },
};

START_TEST(account)
{
	struct resolved r;
	struct buf b;

	buf_init(&b, BUF_NO_MAX);
	resolve_account(&resolver, &pool, str_c(logins[_i].name), &r);
	describe(&b, &r);
	ck_assert_str_eq(buf_cstr(&b), logins[_i].want);
	buf_clear(&b);
}
END_TEST

static const struct {
	const char *login, *sender;
	bool may;
} sends[] = {
	{ "alice@example.org", "alice@example.org", true },
	{ "alice", "Alice@Example.Org", true },
	{ "alice@example.org", "alice+news@example.org", true },
	{ "alice@example.org", "sales@example.org", true },
	{ "alice@example.org", "team@example.org", true },
	{ "alice@example.org", "any@catch.example", true },
	{ "alice@example.org", "", true },
	{ "dora@catch.example", "alice@example.org", false },
	{ "carol@exact.example", "team@example.org", false },
	{ "alice@example.org", "eve@far.example", false },
	{ "alice@example.org", "nobody@example.org", false },
	{ "", "alice@example.org", false },
};

START_TEST(may_send)
{
	struct resolved r;

	resolve_may_send(&resolver, &pool, str_c(sends[_i].login),
	    str_c(sends[_i].sender), &r);
	ck_assert_uint_eq(
	    r.is.kind, sends[_i].may ? ROUTE_LOCAL : ROUTE_REJECT);
}
END_TEST

START_TEST(quota)
{
	struct msg_route q = { .address = STR("alice@example.org") };
	struct resolved r;

	resolve(&resolver, &pool, &q, &r);
	ck_assert_uint_eq(r.is.quota, 1000);
	directory_domain(&dir, STR("catch.example"))->quota = 77;
	q.address = STR("dora@catch.example");
	resolve(&resolver, &pool, &q, &r);
	ck_assert_uint_eq(r.is.quota, 77);
}
END_TEST

static const struct {
	const char *address, *path; /* NULL: refused */
} paths[] = {
	{ "bob@example.org", "example.org/bob" },
	{ "a.b@example.org", "example.org/a.b" },
	{ ".b@example.org", "example.org/%2eb" },
	{ "..@example.org", "example.org/%2e." },
	{ "a/b@example.org", "example.org/a%2fb" },
	{ "../../x@example.org", "example.org/%2e.%2f..%2fx" },
	{ "%41@example.org", "example.org/%2541" },
	{ "a@..", "%2e./a" },
	{ "\xc3\xa9@example.org", "example.org/\xc3\xa9" },
	{ "a\nb@example.org", "example.org/a%0ab" },
	{ "@example.org", NULL },
	{ "a@", NULL },
};

START_TEST(path)
{
	struct buf b;

	buf_init(&b, BUF_NO_MAX);
	ck_assert_int_eq(name_path(&b, str_c(paths[_i].address)),
	    paths[_i].path != NULL);
	if (paths[_i].path != NULL)
		ck_assert_str_eq(buf_cstr(&b), paths[_i].path);
	buf_clear(&b);
}
END_TEST

static const struct {
	const char *pattern, *s;
	bool fits;
} likes[] = {
	{ "*", "", true }, { "a*", "abc", true }, { "*c", "abc", true },
	{ "a?c", "abc", true }, { "a?c", "ac", false },
	{ "A*B*c", "axxbyyc", true }, { "*b", "abc", false },
	{ "", "", true }, { "", "a", false },
	{ "*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
};

START_TEST(like)
{
	ck_assert_int_eq(name_like(str_c(likes[_i].pattern),
	    str_c(likes[_i].s)), likes[_i].fits);
}
END_TEST

static TCase *
resolving(void)
{
	TCase *tc = tcase_create("resolving");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, table, 0, N_OF(cases));
	tcase_add_loop_test(tc, account, 0, N_OF(logins));
	tcase_add_loop_test(tc, may_send, 0, N_OF(sends));
	tcase_add_test(tc, quota);
	tcase_add_test(tc, no_admin);
	return tc;
}

static TCase *
names(void)
{
	TCase *tc = tcase_create("names");

	tcase_add_loop_test(tc, path, 0, N_OF(paths));
	tcase_add_loop_test(tc, like, 0, N_OF(likes));
	return tc;
}

UNIT_MAIN("routerd", resolving, names)
