/*
 * The whole engine against a name server of a few lines in the same loop:
 * peers ask over a real link and get plain records.
 */
#include "helpers/dnsd/dnsd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "proc/link.h"
#include "tests/unit/unit.h"

struct rr {
	const char *name;
	uint16_t type;
	const char *rdata; /* names already in wire form */
	size_t n;
};
#define RR(name, type, rdata) { name, type, rdata, sizeof(rdata) - 1 }

static const struct rr zone[] = {
	RR("d.test", RR_MX, "\0\x14\3mx2\1d\4test\0"),
	RR("d.test", RR_MX, "\0\x0a\3mx1\1d\4test\0"),
	RR("null.test", RR_MX, "\0\0\0"),
	RR("mx1.d.test", RR_A, "\x7f\0\0\1"),
	RR("mx1.d.test", RR_AAAA, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"),
	RR("mx2.d.test", RR_A, "\x7f\0\0\2"),
	RR("txt.test", RR_TXT, "\3abc\3def"),
	RR("1.2.0.192.in-addr.arpa", RR_PTR, "\4liar\4test\0"),
	RR("1.2.0.192.in-addr.arpa", RR_PTR, "\4good\4test\0"),
	RR("liar.test", RR_A, "\xc0\0\2\x09"),
	RR("good.test", RR_A, "\xc0\0\2\1"),
};

static struct loop *loop;
static struct dnsd dnsd;
static struct resolver *resolver;
static struct link *client;
static struct watch server_watch;
static int server_fd;
static bool silent; /* the server says nothing */

/* What came back. */
static struct msg_dns_is got;
static char got_text[2048];
static unsigned answers;

static size_t
question_name(const unsigned char *q, size_t n, char *out, size_t size)
{
	size_t at = 12, used = 0;

	while (at < n && q[at] != 0) {
		used += (size_t)snprintf(out + used, size - used, "%s%.*s",
		    used > 0 ? "." : "", q[at], q + at + 1);
		at += 1u + q[at];
	}
	return at + 1;
}

static void
on_question(void *arg, unsigned what)
{
	unsigned char in[1500], out[4096];
	char name[256] = "";
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(server_fd, in, sizeof(in), MSG_DONTWAIT,
	    (struct sockaddr *)&from, &len);
	size_t at, end;
	unsigned found = 0, named = 0;

	(void)arg;
	(void)what;
	if (n < 17 || silent)
		return;
	at = question_name(in, (size_t)n, name, sizeof(name));
	for (char *c = name; *c != '\0'; c++)
		*c = chr_lower(*c);
	memcpy(out, in, at + 4);
	end = at + 4;
	for (size_t i = 0; i < N_OF(zone); i++) {
		if (strcmp(zone[i].name, name) != 0)
			continue;
		named++;
		if (zone[i].type != (in[at] << 8 | in[at + 1]))
			continue;
		found++;
		memcpy(out + end, "\xc0\x0c", 2);
		memcpy(out + end + 2, in + at, 4);
		memcpy(out + end + 6, "\0\0\0\x3c", 4);
		out[end + 10] = 0;
		out[end + 11] = (unsigned char)zone[i].n;
		memcpy(out + end + 12, zone[i].rdata, zone[i].n);
		end += 12 + zone[i].n;
	}
	out[2] = 0x85;
	out[3] = (unsigned char)(0x80 | (named > 0 ? 0 : 3));
	memset(out + 4, 0, 8);
	out[5] = 1;
	out[7] = (unsigned char)found;
	sendto(server_fd, out, end, 0, (struct sockaddr *)&from, len);
}

static void
on_is(void *arg, struct link *l, struct link_msg *m)
{
	struct str tail = m->raw;
	struct dns_record r;
	size_t used = 0;

	(void)arg;
	(void)l;
	got = *(const struct msg_dns_is *)m->body;
	got_text[0] = '\0';
	while (wire_take(&tail, &dns_record_wire, &r)) {
		char text[256];

		if (r.value == 4 && r.data.n == 4)
			inet_ntop(AF_INET, r.data.p, text, sizeof(text));
		else if (r.value == 6 && r.data.n == 16)
			inet_ntop(AF_INET6, r.data.p, text, sizeof(text));
		else
			snprintf(text, sizeof(text), "%.*s", STR_ARG(r.data));
		used += (size_t)snprintf(got_text + used,
		    sizeof(got_text) - used, "%u=%s ", (unsigned)r.value, text);
	}
	if (++answers == m->cookie)
		loop_stop(loop, 0);
}

static void
on_client_close(void *arg, struct link *l, const char *why)
{
	(void)arg;
	(void)l;
	ck_abort_msg("link closed: %s", why);
}

static const struct link_rule rules[] = {
	LINK_RULE_TAIL(MSG_DNS_IS, &msg_dns_is_wire, LINK_BODY_MAX, on_is),
};
static const struct link_ops client_ops = { .rules = rules, .nrules = 1,
	.on_close = on_client_close };

static void
setup(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	char address[64];
	struct resolver_conf conf = { .servers = { address }, .nservers = 1,
		.zones_off = { "test." , "2.0.192.in-addr.arpa." },
		.nzones_off = 2, .dnssec = DNSSEC_AUTO, .cache = 4 << 20,
		.anchors = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08"
		           "458E880409BBC683457104237C7F8EC8D\n" };
	int pair[2];

	silent = false;
	answers = 0;
	loop = loop_new();
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(server_fd, (struct sockaddr *)&at, len), 0);
	getsockname(server_fd, (struct sockaddr *)&at, &len);
	snprintf(address, sizeof(address), "127.0.0.1@%u", ntohs(at.sin_port));
	watch_init(&server_watch, loop, server_fd, on_question, NULL);
	watch_want(&server_watch, WATCH_READ);
	resolver = resolver_new(loop, &conf);
	dnsd_init(&dnsd, loop, resolver, 1500, 1000);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	dnsd_peer(&dnsd, pair[0]);
	client = link_new(loop, pair[1], &client_ops, NULL);
}

static void
stop_loop(void *arg)
{
	(void)arg;
	loop_stop(loop, 0);
}

static void
teardown(void)
{
	struct timer t;

	link_free(client);
	dnsd_clear(&dnsd);
	/* Links are freed at the end of a round. */
	timer_init(&t, loop, stop_loop, NULL);
	timer_set(&t, 0);
	loop_run(loop);
	timer_clear(&t);
	resolver_free(resolver);
	watch_clear(&server_watch);
	close(server_fd);
	loop_free(loop);
}

static void
ask(enum dns_kind kind, const char *name, unsigned times)
{
	const struct msg_dns question = { .kind = kind, .name = str_c(name) };

	answers = 0;
	for (unsigned i = 0; i < times; i++)
		link_send(client, MSG_DNS, times, &msg_dns_wire, &question);
	loop_run(loop);
}

static const struct {
	enum dns_kind kind;
	const char *name;
	enum dns_result result;
	const char *text;
} vectors[] = {
	{ DNS_MX, "d.test", DNS_FOUND, "10=mx1.d.test 20=mx2.d.test " },
	{ DNS_MX, "D.TEST.", DNS_FOUND, "10=mx1.d.test 20=mx2.d.test " },
	{ DNS_MX, "null.test", DNS_FOUND, "0= " },
	{ DNS_MX, "mx2.d.test", DNS_NODATA, "" },
	{ DNS_MX, "no.test", DNS_NXDOMAIN, "" },
	{ DNS_MX, "no such name", DNS_NXDOMAIN, "" },
	{ DNS_MX, "", DNS_NXDOMAIN, "" },
	{ DNS_ADDR, "mx1.d.test", DNS_FOUND, "6=::1 4=127.0.0.1 " },
	{ DNS_ADDR, "mx2.d.test", DNS_FOUND, "4=127.0.0.2 " },
	{ DNS_ADDR, "no.test", DNS_NXDOMAIN, "" },
	{ DNS_TXT, "txt.test", DNS_FOUND, "0=abcdef " },
	{ DNS_PTR, "192.0.2.1", DNS_FOUND, "0=good.test " },
	{ DNS_PTR, "192.0.2.2", DNS_NXDOMAIN, "" },
	{ DNS_PTR, "good.test", DNS_NXDOMAIN, "" },
};

START_TEST(answer)
{
	ask(vectors[_i].kind, vectors[_i].name, 1);
	ck_assert_int_eq((int)got.result, (int)vectors[_i].result);
	if (vectors[_i].kind == DNS_ADDR && got.count == 2)
		ck_assert_ptr_nonnull(strstr(got_text, "6=::1 "));
	else
		ck_assert_str_eq(got_text, vectors[_i].text);
	ck_assert_uint_eq(got.secure, 0);
}
END_TEST

START_TEST(no_server)
{
	silent = true;
	ask(DNS_MX, "d.test", 1);
	ck_assert_int_eq((int)got.result, DNS_TEMPORARY);
}
END_TEST

/* Question 257 is refused at once, the others still come. */
START_TEST(too_many)
{
	silent = true;
	ask(DNS_MX, "d.test", DNSD_PEER_MAX + 44);
	ck_assert_uint_eq(answers, DNSD_PEER_MAX + 44);
	ck_assert_uint_eq(dnsd.open, 0);
}
END_TEST

START_TEST(many_ask_the_same)
{
	ask(DNS_ADDR, "mx1.d.test", 200);
	ck_assert_int_eq((int)got.result, DNS_FOUND);
}
END_TEST

static const struct {
	const char *in, *out;
} servers[] = {
	{ "127.0.0.1:5353", "127.0.0.1@5353" },
	{ "127.0.0.1", "127.0.0.1@53" },
	{ "[::1]:5353", "::1@5353" },
	{ "[::1]", "::1@53" },
	{ "::1", "::1@53" },
	{ "localhost:53", NULL },
	{ "127.0.0.1:0", NULL },
	{ "127.0.0.1:66666", NULL },
	{ "[::1", "::1@53" },
	{ "", NULL },
};

START_TEST(server)
{
	char out[64];
	const bool ok = dnsd_server(str_c(servers[_i].in), out);

	ck_assert_int_eq(ok, servers[_i].out != NULL);
	if (ok)
		ck_assert_str_eq(out, servers[_i].out);
}
END_TEST

START_TEST(resolv_conf)
{
	char out[3][64];

	ck_assert_uint_eq(dnsd_resolv_conf(STR("# nameserver 192.0.2.9\n"
	                  "search example.org\nnameserver\t192.0.2.1 # x\n"
	                  "nameserver ::1\nnameservers 192.0.2.3\n"
	                  "nameserver bad\nnameserver 192.0.2.4"),
	                  out, 3), 3);
	ck_assert_str_eq(out[0], "192.0.2.1@53");
	ck_assert_str_eq(out[1], "::1@53");
	ck_assert_str_eq(out[2], "192.0.2.4@53");
}
END_TEST

static TCase *
engine(void)
{
	TCase *tc = tcase_create("engine");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, answer, 0, (int)N_OF(vectors));
	tcase_add_test(tc, no_server);
	tcase_add_test(tc, too_many);
	tcase_add_test(tc, many_ask_the_same);
	tcase_set_timeout(tc, 20);
	return tc;
}

static TCase *
server_names(void)
{
	TCase *tc = tcase_create("servers");

	tcase_add_loop_test(tc, server, 0, (int)N_OF(servers));
	tcase_add_test(tc, resolv_conf);
	return tc;
}

UNIT_MAIN("dnsd", engine, server_names)
