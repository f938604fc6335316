#include <stdio.h>
#include <unistd.h>

#include "conf/keys.h"
#include "conf/parse.h"
#include "conf/tree.h"
#include "tests/unit/unit.h"

static struct conf *
parse(const char *text)
{
	struct conf *c = conf_parse_text(str_c(text), "t.conf", "/base");

	conf_check(c, 0);
	return c;
}

/* ---- mistakes: each alone, where and what ---- */

#define HOST "hostname = a.example\n"
static const struct {
	const char *text;
	unsigned line, col;
	const char *says; /* part of it */
	const char *fix;  /* "" any */
} mistakes[] = {
	{ "version = 1\n", 1, 0, "hostname must be set", "" },
	{ HOST "hostname = b\n", 2, 1, "a second time (first at t.conf:1)", "" },
	{ HOST "report faild { subject = x }\n", 2, 8, "unknown report", "failed" },
	{ HOST "report { subject = x }\n", 2, 1, "write: report KIND", "" },
	{ HOST "report failed { text = \"until {untl}\" }\n", 2, 24,
	    "unknown name {untl}", "until" },
	{ HOST "report failed { end = [\"ok\", \"{x\"] }\n", 2, 30,
	    "a { without its }", "{{ is a brace" },
	{ HOST "report failed { }\nreport failed { }\n", 3, 1,
	    "defined a second time", "" },
	{ HOST "queue { lifetime = 5 dayz }\n", 2, 20, "unknown unit \"dayz\"",
	    "5d" },
	{ HOST "queue { lifetime = 5dayz }\n", 2, 20, "unknown unit", "5d" },
	{ HOST "queue { lifetime = 5 }\n", 2, 20, "5 has no unit", "" },
	{ HOST "queue { lifetime = 5 d }\n", 2, 20, "no space", "5d" },
	{ HOST "queue { memory = 100MB }\n", 2, 18, "unknown unit", "100MiB" },
	{ HOST "queue { memory = 100G }\n", 2, 18, "unknown unit", "100GiB" },
	{ HOST "queue { memory = 1KiB }\n", 2, 18, "too small", "" },
	{ HOST "queue { min_free_disk = 2 }\n", 2, 25, "percentage", "2%" },
	{ HOST "queue { min_free_disk = 99% }\n", 2, 25, "too large", "" },
	{ HOST "queue { lifetime = 99999999999w }\n", 2, 20, "too much", "" },
	{ HOST "queue { lifetime }\n", 2, 9, "= is missing", "" },
	{ HOST "queue { lifetime = }\n", 2, 9, "has no value", "" },
	{ HOST "queue lifetime = 5d\n", 2, 16, "not expected", "" },
	{ HOST "queue { lifetime = 5d\n", 2, 1, "not closed", "" },
	{ HOST "}\n", 2, 1, "closes nothing", "" },
	{ HOST "queue = yes\n", 2, 1, "is a section", "" },
	{ HOST "queue { }\nqueue { }\n", 3, 1, "second time", "" },
	{ HOST "hostname mx\n", 2, 1, "= is missing behind hostname",
	    "hostname = mx" },
	{ "hostname = a_b-\n", 1, 12, "no domain name", "" },
	{ HOST "submit { require_tls = true }\n", 2, 24, "neither yes nor no",
	    "yes" },
	{ HOST "tls { certificate = filse }\n", 2, 21, "not one of", "files" },
	{ HOST "tls { certificate = files }\n", 2, 21, "needs cert", "" },
	{ HOST "tls { cert = /x }\n", 2, 14, "not used", "certificate = files" },
	{ HOST "listen smpt 127.0.0.1:25\n", 2, 8, "did you mean \"smtp\"",
	    "smtp" },
	{ HOST "listen smtp 127.0.0.1\n", 2, 13, "no address with a port", "" },
	{ HOST "listen smtp mx.example:25\n", 2, 13, "no IP address", "" },
	{ HOST "listen smtp 127.0.0.1:99999\n", 2, 13, "no port", "" },
	{ HOST "listen smtp /run/x\n", 2, 13, "only lmtp", "" },
	{ HOST "listen smtp\n", 2, 1, "write: listen KIND ADDRESS", "" },
	{ HOST "listen smtp 127.0.0.1:25\nlisten imap 127.0.0.1:25\n", 3, 13,
	    "taken by listen smtp at t.conf:2", "" },
	{ HOST "listen smtp 127.0.0.1:25\nlisten smtp 127.0.0.1:25\n", 3, 1,
	    "second time", "" },
	{ HOST "domain a..b { }\n", 2, 8, "no domain name", "" },
	{ HOST "domain a.b { aliases { x = x } }\n", 2, 28, "leads to itself",
	    "" },
	{ HOST "domain a.b { aliases { x = [\"a b@c\"] } }\n", 2, 29,
	    "no mail address", "" },
	{ HOST "domain a.b { aliases { x = [a b] } }\n", 2, 31,
	    "a comma is missing", "" },
	{ HOST "domain a.b { aliases { x = [a, b }\n", 2, 28, "not closed", "" },
	{ HOST "domain a.b { }\ndomain A.B { }\n", 3, 1, "second time", "" },
	{ HOST "route \"*\" { rate = 5 }\n", 2, 20, "is not a rate", "" },
	{ HOST "route \"*\" { via = [127.0.0.1]:25 }\n", 2, 19, "in quotes",
	    "\"[127.0.0.1]:25\"" },
	{ HOST "route \"*\" { via = \"a:b:c\" }\n", 2, 19, "no next hop", "" },
	{ HOST "domain a.b {}\nroute a.b { via = x }\n", 3, 7,
	    "delivered here", "" },
	{ HOST "relay { allow_from = 0.0.0.0/0 }\n", 2, 22, "open relay", "" },
	{ HOST "relay { allow_from = \"::/0\" }\n", 2, 22, "open relay", "" },
	{ HOST "relay { allow_from = [\"2000::/3\"] }\n", 2, 23, "open relay",
	    "" },
	{ HOST "relay { allow_from = [10.0.0.0/8, 64.0.0.0/2] }\n", 2, 35,
	    "open relay", "" },
	{ HOST "relay { allow_from = \"::ffff:0.0.0.0/96\" }\n", 2, 22,
	    "open relay", "" },
	{ HOST "relay { allow_from = \"2002::/16\" }\n", 2, 22, "open relay",
	    "" },
	{ HOST "relay { allow_from = \"::/80\" }\n", 2, 22, "open relay", "" },
	{ HOST "let all = 0.0.0.0/0\nrelay { allow_from = $all }\n", 3, 22,
	    "open relay", "" },
	{ HOST "relay { require_auth = no }\n", 2, 24, "open relay",
	    "require_auth = yes" },
	{ HOST "relay { allow_from = 192.0.2.1/24 }\n", 2, 22, "behind the "
	    "prefix", "192.0.2.0/24" },
	{ HOST "relay { allow_from = 192.0.2.0/33 }\n", 2, 22, "0 to 32", "" },
	{ HOST "relay { allow_from = $offise }\nlet office = 10.0.0.0/8\n", 2,
	    22, "nothing is called", "" },
	{ HOST "let office = 10.0.0.0/8\nrelay { allow_from = $offise }\n", 3,
	    22, "did you mean \"$office\"", "$office" },
	{ HOST "dns { servers = 127.0.0.1 }\n", 2, 17, "with a port",
	    "127.0.0.1:53" },
	{ HOST "queue { retry_min = 2h }\n", 2, 21, "longer than", "" },
	{ HOST "lifetime = 5d\n", 2, 1, "stands elsewhere",
	    "queue { lifetime = ... }" },
	{ HOST "aliases { }\n", 2, 1, "stands inside of domain", "" },
	{ HOST "\"\" { }\n", 2, 1, "unknown section", "" },
	{ HOST "\"\" x { }\nqueue { \"\" { } }\n", 3, 9, "unknown section",
	    "" },
	{ HOST "daemon { }\n", 2, 1, "needs a name", "" },
	{ HOST "daemon * { }\n", 2, 8, "there is no daemon", "" },
	{ HOST "admin = \"a@b\n", 2, 9, "no closing", "" },
	{ HOST "admin = \"a\\n\"\n", 2, 9, "in a string", "" },
	{ HOST "admin = a\001b\n", 2, 10, "control character", "" },
	{ HOST "include \"x.conf\"\n", 2, 1, "", "" },
	{ HOST "version = 2\n", 2, 11, "too large", "" },
};

START_TEST(mistake)
{
	struct conf *c = parse(mistakes[_i].text);
	const struct conf_problem *p;
	size_t i;

	ck_assert_msg(!conf_ok(c), "%s", mistakes[_i].text);
	for (i = 0; (p = conf_problem(c, i)) != NULL; i++)
		if (!p->warning && (p->line == mistakes[_i].line ||
		    mistakes[_i].col == 0) && (p->col == mistakes[_i].col) &&
		    strstr(p->text.p, mistakes[_i].says) != NULL)
			break;
	if (p == NULL)
		conf_problems_print(c, stdout);
	ck_assert_msg(p != NULL, "%s", mistakes[_i].text);
	if (mistakes[_i].fix[0] != '\0')
		ck_assert_str_eq(p->fix.p, mistakes[_i].fix);
	conf_free(c);
}
END_TEST

/* ---- many at once ---- */

START_TEST(all_at_once)
{
	struct conf *c = parse("hostname mx1.example.org\n"
	    "listen smtp 127.0.0.1:2525\n"
	    "listen impas 127.0.0.1:2525\n"
	    "tls { certificate = filse cert = x.pem }\n"
	    "domain example.org {\n\tcatchall = no\n\tquota = 5 GB\n}\n"
	    "queue { lifetime = 5 dayz retry_min = 5 memory = 1000MiB }\n"
	    "relay { allow_from = 0.0.0.0/0 }\n"
	    "daemon imapdd { clints = 4 }\n");
	static const unsigned lines[] = { 1, 3, 3, 4, 6, 7, 9, 9, 10, 11, 11 };
	const struct conf_problem *p;
	size_t i;

	for (i = 0; (p = conf_problem(c, i)) != NULL; i++) {
		ck_assert_uint_lt(i, N_OF(lines));
		ck_assert_uint_eq(p->line, lines[i]);
	}
	ck_assert_uint_eq(i, N_OF(lines));
	conf_free(c);
}
END_TEST

START_TEST(twenty_are_shown)
{
	char text[2000] = HOST, *shown = NULL;
	size_t n = strlen(text), size = 0;
	struct conf *c;
	FILE *f = open_memstream(&shown, &size);

	for (int i = 0; i < 50; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "wrong%d = 1\n", i);
	c = parse(text);
	conf_problems_print(c, f);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(shown, "t.conf:21:1: error"));
	ck_assert_ptr_null(strstr(shown, "t.conf:22:1: error"));
	ck_assert_ptr_nonnull(strstr(shown, "31 more not shown"));
	free(shown);
	conf_free(c);
}
END_TEST

/* ---- reading ---- */

static const char full[] =
"version = 1 # comment\nhostname = mx1.example.org admin = root@example.org\n"
"let office = [192.0.2.0/24, \"2001:db8:7::/48\"]\n"
"listen smtp 0.0.0.0:25\ndomain a.b { aliases { x = [y, \"z\"] } }\n"
"queue { lifetime = 5 d }\n";

START_TEST(values)
{
	struct conf *c = parse(
	    "version = 1 # comment\n"
	    "hostname = mx1.example.org admin = root@example.org\n"
	    "let office = [192.0.2.0/24,\n  \"2001:db8:7::/48\",]\n"
	    "listen smtp 127.0.0.1:2525\n"
	    "listen imaps [::1]:993\n"
	    "listen lmtp /run/x/lmtp { mode = 0600 }\n"
	    "domain example.org { quota = 5GiB\n"
	    "  aliases { sales = [alice, bob] \"odd name\" = x }\n}\n"
	    "domain b.test\n"
	    "relay { allow_from = $office }\n"
	    "daemon authd { failures = 300/h }\n"
	    "route \"*\" { via = \"[127.0.0.1]:25\" tls = verify }\n"
	    "queue { lifetime = 36h min_free_disk = 3% warn_sender_after = "
	    "none }\n"
	    "daemon smtpd { clients = 7 }\n");
	const struct conf_section *root = conf_root(c), *s, *a;
	int64_t per;

	if (!conf_ok(c))
		conf_problems_print(c, stdout);
	ck_assert(conf_ok(c));
	ck_assert_str_eq(conf_str(root, "hostname").p, "mx1.example.org");
	ck_assert(conf_is_set(root, "admin"));
	s = conf_next(root, "listen", NULL);
	ck_assert_str_eq(conf_word(s, 1).p, "127.0.0.1:2525");
	s = conf_next(root, "listen", s);
	ck_assert_str_eq(conf_word(s, 1).p, "[::1]:993");
	s = conf_next(root, "listen", s);
	ck_assert_str_eq(conf_str(s, "mode").p, "0600");
	ck_assert_ptr_null(conf_next(root, "listen", s));
	s = conf_next(root, "domain", NULL);
	ck_assert_uint_eq(conf_size(s, "quota"), 5ull << 30);
	a = conf_one(s, "aliases");
	ck_assert_str_eq(conf_name(a, 1).p, "odd name");
	ck_assert_uint_eq(conf_name(a, 2).n, 0);
	ck_assert_uint_eq(conf_list(a, "sales"), 2);
	ck_assert_str_eq(conf_item(a, "sales", 1).p, "bob");
	s = conf_next(root, "domain", s);
	ck_assert_uint_eq(conf_size(s, "quota"), 0);
	ck_assert_uint_eq(conf_name(conf_one(s, "aliases"), 0).n, 0);
	s = conf_one(root, "relay");
	ck_assert_uint_eq(conf_list(s, "allow_from"), 2);
	ck_assert_str_eq(conf_item(s, "allow_from", 1).p, "2001:db8:7::/48");
	ck_assert_uint_eq(conf_rate(conf_daemon(c, "authd"), "failures",
	    &per), 300);
	ck_assert_int_eq(per, 3600000);
	s = conf_next(root, "route", NULL);
	ck_assert_str_eq(conf_str(s, "via").p, "[127.0.0.1]:25");
	ck_assert_uint_eq(conf_choice(s, "tls"), 3);
	s = conf_one(root, "queue");
	ck_assert_int_eq(conf_ms(s, "lifetime"), 36 * 3600 * 1000);
	ck_assert_int_eq(conf_ms(s, "warn_sender_after"), 0);
	ck_assert_int_eq(conf_ms(s, "retry_min"), 300000);
	ck_assert_uint_eq(conf_u64(s, "min_free_disk"), 3);
	s = conf_daemon(c, "smtpd");
	ck_assert_uint_eq(conf_u64(s, "clients"), 7);
	ck_assert_uint_eq(conf_u64(s, "processes"), 1);
	s = conf_daemon(c, "imapd");
	ck_assert_uint_eq(conf_u64(s, "clients"), 1000);
	s = conf_one(root, "paths");
	ck_assert_str_eq(conf_str(s, "run").p, "/base/run");
	ck_assert(!conf_is_set(s, "run"));
	s = conf_one(root, "dns");
	ck_assert_str_eq(conf_item(s, "local_zones_off", 0).p, "test.");
	conf_free(c);
}
END_TEST

/* Cut anywhere, it ends, and without a crash. */
START_TEST(cut_anywhere)
{
	for (size_t n = 0; n < sizeof(full); n++) {
		struct conf *c = conf_parse_text(
		    str_n(full, n), "t", n % 2 ? "/base" : NULL);

		conf_check(c, 0);
		conf_free(c);
	}
}
END_TEST

/* ---- encode and decode ---- */

START_TEST(roles_see_their_part)
{
	struct conf *c = parse(HOST "tls { certificate = files cert = /c "
	    "key = /k }\ndomain a.b { aliases { x = [y, z] } }\n"
	    "daemon qmgr { memory = 1GiB }\nrelay { allow_from = 10.0.0.0/8 }"
	    "\nqueue { memory = 64MiB }\n"), *d;
	const struct conf_section *s;
	struct buf b;

	ck_assert(conf_ok(c));
	buf_init(&b, BUF_NO_MAX);
	conf_encode(c, STR("smtpd"), &b);
	ck_assert_uint_eq(str_find_str(buf_str(&b), STR("/k")), buf_len(&b));
	ck_assert_uint_lt(str_find_str(buf_str(&b), STR("/c")), buf_len(&b));
	d = conf_decode(buf_str(&b));
	ck_assert_ptr_nonnull(d);
	ck_assert_str_eq(conf_str(conf_root(d), "hostname").p, "a.example");
	ck_assert_uint_eq(conf_list(conf_one(conf_root(d), "relay"),
	    "allow_from"), 1);
	conf_free(d);
	buf_reset(&b);
	conf_encode(c, STR("routerd"), &b);
	d = conf_decode(buf_str(&b));
	s = conf_one(conf_next(conf_root(d), "domain", NULL), "aliases");
	ck_assert_str_eq(conf_item(s, conf_name(s, 0).p, 1).p, "z");
	conf_free(d);
	buf_reset(&b);
	conf_encode(c, STR("qmgr"), &b);
	ck_assert_uint_eq(str_find_str(buf_str(&b), STR("10.0.0.0")),
	    buf_len(&b));
	d = conf_decode(buf_str(&b));
	ck_assert_uint_eq(conf_size(conf_one(conf_root(d), "queue"),
	    "memory"), 64u << 20);
	conf_free(d);
	buf_reset(&b);
	conf_encode(c, STR("keyd"), &b);
	d = conf_decode(buf_str(&b));
	ck_assert_str_eq(conf_str(conf_one(conf_root(d), "tls"), "key").p,
	    "/k");
	conf_free(d);
	buf_clear(&b);
	conf_free(c);
}
END_TEST

START_TEST(base_reaches_roles)
{
	struct conf *c = parse(HOST), *d;
	struct buf b;

	buf_init(&b, BUF_NO_MAX);
	conf_encode(c, STR("dnsd"), &b);
	d = conf_decode(buf_str(&b));
	ck_assert_uint_eq(conf_list(conf_one(conf_root(d), "dns"),
	    "local_zones_off"), 1);
	conf_free(d);
	conf_free(c);
	buf_clear(&b);
}
END_TEST

/* Every prefix and every changed octet: refused or read, never a crash. */
START_TEST(damaged_octets)
{
	struct conf *c = parse(HOST "domain a.b { aliases { x = [y, z] } }\n");
	struct buf b;

	buf_init(&b, BUF_NO_MAX);
	conf_encode(c, STR("routerd"), &b);
	for (size_t i = 0; i < buf_len(&b); i++) {
		conf_free(conf_decode(str_first(buf_str(&b), i)));
		b.p[b.at + i] ^= 0x41;
		conf_free(conf_decode(buf_str(&b)));
		b.p[b.at + i] ^= 0x41;
	}
	buf_clear(&b);
	conf_free(c);
}
END_TEST

/* What conf_show says is the same configuration. */
START_TEST(show_and_read_again)
{
	struct conf *c = parse(HOST "let n = [10.0.0.0/8]\nrelay { allow_from "
	    "= $n }\nlisten imap [::1]:1\ndomain a.b { aliases { \"o d\" = "
	    "[y, \"z\"] }\n quota = 1GiB }\ndomain c.d\nroute \"*\" { via = "
	    "\"[1.2.3.4]:5\" }\n"), *d;
	struct buf one, two;

	ck_assert(conf_ok(c));
	for (int all = 0; all < 2; all++) {
		buf_init(&one, BUF_NO_MAX);
		buf_init(&two, BUF_NO_MAX);
		conf_show(c, all == 1, &one);
		d = parse(buf_cstr(&one));
		if (!conf_ok(d))
			conf_problems_print(d, stdout);
		ck_assert(conf_ok(d));
		conf_show(d, all == 1, &two);
		ck_assert_str_eq(buf_cstr(&one), buf_cstr(&two));
		conf_free(d);
		buf_clear(&one);
		buf_clear(&two);
	}
	conf_free(c);
}
END_TEST

/* ---- the tables themselves ---- */

START_TEST(defaults_are_values)
{
	const struct conf_kind *k;
	const struct conf_key *key;
	struct conf *c = parse(HOST);

	for (size_t i = 0; (k = conf_kind_at(i)) != NULL; i++) {
		const struct conf_section *s;

		if (k->many || k->parent != NULL ||
		    (k->name != NULL && k->name[0] == '*'))
			continue;
		s = k->kind == NULL ? conf_root(c) : k->name != NULL ?
		    conf_daemon(c, k->name) : conf_one(conf_root(c), k->kind);
		for (size_t n = 0; (key = conf_key_at(k, n)) != NULL; n++) {
			int64_t per;

			ck_assert_msg(key->meaning[strlen(key->meaning) - 1] ==
			    '.', "%s", key->name);
			if ((key->flags & CONF_LIST) != 0)
				for (size_t e = conf_list(s, key->name); e > 0;
				    e--)
					conf_item(s, key->name, e - 1);
			else if (key->type == CONF_BOOL)
				conf_bool(s, key->name);
			else if (key->type == CONF_SIZE)
				conf_size(s, key->name);
			else if (key->type == CONF_TIME)
				conf_ms(s, key->name);
			else if (key->type == CONF_RATE)
				conf_rate(s, key->name, &per);
			else if (key->type == CONF_NUMBER ||
			    key->type == CONF_PERCENT)
				conf_u64(s, key->name);
			else
				conf_str(s, key->name);
		}
	}
	conf_free(c);
}
END_TEST

/* ---- files ---- */

/* Many strings in one line take no more than they are. */
START_TEST(a_line_of_strings)
{
	struct conf *c;
	struct buf b;

	buf_init(&b, BUF_NO_MAX);
	buf_add_c(&b, HOST "domain x.test { aliases { all = [");
	for (unsigned i = 0; i < 3000; i++)
		buf_addf(&b, "\"u%u@y.test\", ", i);
	buf_add_c(&b, "\"a\\\"b\\\\@y.test\"] } }\n");
	c = conf_parse_text(buf_str(&b), "t.conf", "/base");
	ck_assert_uint_eq(c->nproblems, 0);
	ck_assert_uint_lt(c->pool.used, 100 * buf_len(&b));
	conf_free(c);
	buf_clear(&b);
}
END_TEST

START_TEST(includes)
{
	char dir[] = "/tmp/conf-test-XXXXXX", path[128];
	static const struct {
		const char *name, *text;
	} files[] = { { "postern.conf", HOST "include \"d/*.conf\"\n"
	    "include \"none/*.conf\"\ninclude \"missing.conf\"\n" },
		{ "d/1.conf", "domain a.b { quota = 5 }\n" },
		{ "d/2.conf", "hostname = x\ninclude \"../loop.conf\"\n" },
		{ "loop.conf", "include \"loop.conf\"\n" } };
	const struct conf_problem *p;
	struct conf *c;
	FILE *f;
	bool missing = false, unit = false, second = false, deep = false;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "mkdir %s/d", dir);
	ck_assert_int_eq(system(path), 0);
	for (size_t i = 0; i < N_OF(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i].name);
		f = fopen(path, "w");
		fputs(files[i].text, f);
		fclose(f);
	}
	c = conf_parse_file(NULL, dir);
	conf_check(c, 0);
	for (size_t i = 0; (p = conf_problem(c, i)) != NULL; i++) {
		missing = missing || strstr(p->text.p, "cannot read") != NULL;
		unit = unit || (strstr(p->file.p, "d/1.conf") != NULL &&
		    p->line == 1 && p->col == 22);
		second = second || (strstr(p->file.p, "d/2.conf") != NULL &&
		    strstr(p->text.p, "second time") != NULL);
		deep = deep || strstr(p->text.p, "deep") != NULL;
	}
	ck_assert(missing && unit && second && deep);
	conf_free(c);
	snprintf(path, sizeof(path), "rm -r %s", dir);
	ck_assert_int_eq(system(path), 0);
}
END_TEST

static TCase *
all(void)
{
	TCase *tc = tcase_create("conf");

	tcase_add_loop_test(tc, mistake, 0, N_OF(mistakes));
	tcase_add_test(tc, all_at_once);
	tcase_add_test(tc, twenty_are_shown);
	tcase_add_test(tc, values);
	tcase_add_test(tc, cut_anywhere);
	tcase_add_test(tc, roles_see_their_part);
	tcase_add_test(tc, base_reaches_roles);
	tcase_add_test(tc, damaged_octets);
	tcase_add_test(tc, show_and_read_again);
	tcase_add_test(tc, defaults_are_values);
	tcase_add_test(tc, a_line_of_strings);
	tcase_add_test(tc, includes);
	return tc;
}

UNIT_MAIN("conf", all)
