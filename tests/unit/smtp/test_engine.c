/*
 * The whole engine: a driver in qmgr's place speaks msg/job.h, a table in
 * dnsd's place answers names, and scripted servers listen on 127.0.0.0/8.
 */
#include "delivery/smtp/engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "event/tls.h"
#include "proc/link.h"
#include "tests/unit/unit.h"

/* --- servers ----------------------------------------------------------- */

/* What a server does; the rest of it is polite. */
enum manner {
	POLITE,
	ABSENT,       /* nothing listens */
	GREETS_4XX,
	MAIL_4XX,
	RCPT_4XX,     /* only for "later@" */
	RCPT_5XX,     /* only for "no@" */
	DIES_IN_DATA,
	DIES_IN_TEXT, /* all of it may be out by then */
	DIES_AFTER_DOT,
	EARLY_250,    /* speaks between 354 and the dot */
	ONE_RCPT,     /* 452 for the second and later recipients */
	BAD_STARTTLS, /* offers it, then closes */
	CLOSES_IDLE,  /* closes after each mail */
	DRIPS_GREETING, /* an octet now and then, without end */
	DRIPS_DOT,    /* the same in place of the last reply */
	SILENT_DOT    /* no last reply */
};

struct server {
	enum manner manner;
	int fd;
	struct watch watch;
	unsigned connections, mails;
	char texts[65536]; /* of the mails, CRLF kept */
};

struct client_conn {
	struct server *server;
	int fd;
	struct watch watch;
	char line[70000];
	size_t n;
	bool in_data;
	unsigned rcpts;
	struct timer drip;
};

enum { SERVERS = 3, CONNS = 64 };
static struct server servers[SERVERS];
static struct client_conn conns[CONNS];
static unsigned nconns;
static struct loop *loop;

static void
say(struct client_conn *c, const char *line)
{
	ck_assert_int_gt(write(c->fd, line, strlen(line)), 0);
}

static void
hang_up(struct client_conn *c)
{
	timer_clear(&c->drip);
	watch_clear(&c->watch);
	close(c->fd);
	c->fd = -1;
}

static void
on_drip(void *arg)
{
	struct client_conn *c = arg;

	(void)send(c->fd, "x", 1, MSG_NOSIGNAL);
	timer_set(&c->drip, 50);
}

static void
on_text_line(struct client_conn *c, const char *line)
{
	struct server *s = c->server;

	if (strcmp(line, ".\r\n") != 0) {
		strncat(s->texts, line, sizeof(s->texts) - strlen(s->texts) - 1);
		if (s->manner == DIES_IN_TEXT)
			hang_up(c);
		return;
	}
	c->in_data = false;
	c->rcpts = 0;
	if (s->manner == SILENT_DOT)
		return;
	if (s->manner == DRIPS_DOT) {
		say(c, "250-");
		timer_set(&c->drip, 0);
		return;
	}
	if (s->manner == DIES_AFTER_DOT) {
		hang_up(c);
		return;
	}
	s->mails++;
	say(c, "250 2.0.0 taken\r\n");
	if (s->manner == CLOSES_IDLE)
		hang_up(c);
}

static void
on_rcpt_line(struct client_conn *c, const char *line)
{
	const enum manner m = c->server->manner;

	if (m == RCPT_4XX && strstr(line, "later@") != NULL)
		say(c, "451 4.2.1 later\r\n");
	else if (m == RCPT_5XX && strstr(line, "no@") != NULL)
		say(c, "550-5.1.1 no\r\n550 5.1.1 such user\r\n");
	else if (m == ONE_RCPT && c->rcpts > 0)
		say(c, "452 4.5.3 one is enough\r\n");
	else {
		c->rcpts++;
		say(c, "250 2.1.5 ok\r\n");
	}
}

static void
on_line(struct client_conn *c, const char *line)
{
	const enum manner m = c->server->manner;

	if (c->in_data) {
		on_text_line(c, line);
	} else if (strncmp(line, "EHLO", 4) == 0) {
		say(c, m == BAD_STARTTLS ?
		    "250-mx\r\n250-STARTTLS\r\n250 PIPELINING\r\n" :
		    "250-mx\r\n250 PIPELINING\r\n");
	} else if (strncmp(line, "STARTTLS", 8) == 0) {
		say(c, "220 go\r\n");
		hang_up(c);
	} else if (strncmp(line, "MAIL", 4) == 0) {
		say(c, m == MAIL_4XX ? "451 4.3.0 not now\r\n" :
		                       "250 2.1.0 ok\r\n");
	} else if (strncmp(line, "RCPT", 4) == 0) {
		on_rcpt_line(c, line);
	} else if (strncmp(line, "DATA", 4) == 0 && m == DIES_IN_DATA) {
		hang_up(c);
	} else if (strncmp(line, "DATA", 4) == 0) {
		c->in_data = true;
		say(c, m == EARLY_250 ? "354 go\r\n250 2.0.0 taken\r\n" :
		                        "354 go\r\n");
	} else if (strncmp(line, "QUIT", 4) == 0) {
		say(c, "221 bye\r\n");
		hang_up(c);
	} else {
		say(c, "250 ok\r\n");
	}
}

static void
on_octets(void *arg, unsigned what)
{
	struct client_conn *c = arg;
	char line[2000], *end;
	ssize_t n = read(c->fd, c->line + c->n, sizeof(c->line) - c->n - 1);

	(void)what;
	if (n <= 0) {
		hang_up(c);
		return;
	}
	c->n += (size_t)n;
	c->line[c->n] = '\0';
	while (c->fd != -1 && (end = strchr(c->line, '\n')) != NULL) {
		const size_t len = (size_t)(end - c->line) + 1;

		snprintf(line, sizeof(line), "%.*s", (int)len, c->line);
		memmove(c->line, c->line + len, c->n - len + 1);
		c->n -= len;
		on_line(c, line);
	}
}

static void
on_connection(void *arg, unsigned what)
{
	struct server *s = arg;
	struct client_conn *c = &conns[nconns++];

	(void)what;
	ck_assert_uint_lt(nconns, CONNS);
	*c = (struct client_conn){ .server = s };
	c->fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK);
	s->connections++;
	watch_init(&c->watch, loop, c->fd, on_octets, c);
	watch_want(&c->watch, WATCH_READ);
	timer_init(&c->drip, loop, on_drip, c);
	if (s->manner == DRIPS_GREETING) {
		say(c, "220-");
		timer_set(&c->drip, 0);
		return;
	}
	say(c, s->manner == GREETS_4XX ? "421 4.3.2 busy\r\n" :
	                                 "220 mx.test ESMTP\r\n");
}

/* Server i is 127.0.0.(i + 1); all have one port. */
static uint16_t
open_servers(void)
{
	uint16_t port = 0;

	for (unsigned i = 0; i < SERVERS; i++) {
		struct sockaddr_in at = { .sin_family = AF_INET,
			.sin_port = htons(port) };
		socklen_t len = sizeof(at);

		servers[i] = (struct server){ .manner = POLITE };
		at.sin_addr.s_addr = htonl(INADDR_LOOPBACK + i);
		servers[i].fd = socket(AF_INET, SOCK_STREAM, 0);
		ck_assert_int_eq(bind(servers[i].fd,
		                     (struct sockaddr *)&at, len), 0);
		getsockname(servers[i].fd, (struct sockaddr *)&at, &len);
		port = ntohs(at.sin_port);
		watch_init(&servers[i].watch, loop, servers[i].fd,
		    on_connection, &servers[i]);
	}
	return port;
}

static void
start_server(unsigned i, enum manner m)
{
	servers[i].manner = m;
	if (m == ABSENT)
		return;
	listen(servers[i].fd, 16);
	watch_want(&servers[i].watch, WATCH_READ);
}

/* --- names ------------------------------------------------------------- */

static const struct {
	const char *name;
	enum dns_kind kind;
	enum dns_result result;
	uint32_t value;
	const char *data;
	size_t n;
} names_table[] = {
	{ "d.test", DNS_MX, DNS_FOUND, 10, "mx1.test", 8 },
	{ "d.test", DNS_MX, DNS_FOUND, 20, "mx2.test", 8 },
	{ "one.test", DNS_MX, DNS_FOUND, 10, "mx1.test", 8 },
	{ "null.test", DNS_MX, DNS_FOUND, 0, "", 0 },
	{ "nomx.test", DNS_MX, DNS_NODATA, 0, "", 0 },
	{ "gone.test", DNS_MX, DNS_NXDOMAIN, 0, "", 0 },
	{ "fail.test", DNS_MX, DNS_TEMPORARY, 0, "", 0 },
	{ "loop.test", DNS_MX, DNS_FOUND, 10, "ME.test", 7 },
	{ "loop.test", DNS_MX, DNS_FOUND, 20, "mx1.test", 8 },
	{ "backup.test", DNS_MX, DNS_FOUND, 10, "mx1.test", 8 },
	{ "backup.test", DNS_MX, DNS_FOUND, 20, "me.test", 7 },
	{ "noaddr.test", DNS_MX, DNS_FOUND, 10, "none.test", 9 },
	{ "none.test", DNS_ADDR, DNS_NODATA, 0, "", 0 },
	{ "nomx.test", DNS_ADDR, DNS_FOUND, 4, "\x7f\0\0\1", 4 },
	{ "mx1.test", DNS_ADDR, DNS_FOUND, 4, "\x7f\0\0\1", 4 },
	{ "mx2.test", DNS_ADDR, DNS_FOUND, 4, "\x7f\0\0\2", 4 },
};

static void
on_dns(void *arg, struct link *l, struct link_msg *m)
{
	const struct msg_dns *q = m->body;
	struct msg_dns_is is = { .result = DNS_NXDOMAIN };
	struct buf records;

	(void)arg;
	buf_init(&records, 4096);
	for (size_t i = 0; i < N_OF(names_table); i++) {
		const struct dns_record r = { names_table[i].value,
			str_n(names_table[i].data, names_table[i].n) };

		if (names_table[i].kind != (enum dns_kind)q->kind ||
		    !str_eq(q->name, str_c(names_table[i].name)))
			continue;
		is.result = names_table[i].result;
		if (is.result != DNS_FOUND)
			continue;
		is.count++;
		wire_put(&records, &dns_record_wire, &r);
	}
	link_send_tail(l, MSG_DNS_IS, m->cookie, &msg_dns_is_wire, &is,
	    buf_str(&records));
	buf_clear(&records);
}

/* --- the driver -------------------------------------------------------- */

static struct engine engine;
static struct link *qmgr, *dns;
static char results[1000]; /* "0:ok250 1:perm550 " */
static char last_text[1100], last_remote[400], last_enhanced[20];
static unsigned done, wanted, greeted, inflight;
static uint32_t site;
static bool no_answer;

static void
on_result(void *arg, struct link *l, struct link_msg *m)
{
	const struct msg_job_result *r = m->body;
	static const char *const words[] = { "ok", "temp", "perm" };

	(void)arg;
	(void)l;
	snprintf(results + strlen(results), sizeof(results) - strlen(results),
	    "%u:%s%u ", (unsigned)r->index, words[r->status],
	    (unsigned)r->code);
	snprintf(last_text, sizeof(last_text), "%.*s", STR_ARG(r->text));
	snprintf(last_remote, sizeof(last_remote), "%.*s", STR_ARG(r->remote));
	snprintf(last_enhanced, sizeof(last_enhanced), "%.*s",
	    STR_ARG(r->enhanced));
	no_answer = no_answer || r->no_answer != 0;
}

static void
on_done(void *arg, struct link *l, struct link_msg *m)
{
	(void)arg;
	site = ((const struct msg_job_done *)m->body)->site;
	link_send_raw(l, MSG_JOB_FLUSHED, m->cookie, STR_NONE);
	if (++done == wanted)
		loop_stop(loop, 0);
}

static void
on_inflight(void *arg, struct link *l, struct link_msg *m)
{
	const struct msg_job_inflight *i = m->body;

	(void)arg;
	inflight++;
	no_answer = i->result.no_answer != 0;
	snprintf(last_text, sizeof(last_text), "%.*s",
	    STR_ARG(i->result.text));
	link_send_raw(l, MSG_JOB_FLUSHED, m->cookie, STR_NONE);
}

static void
on_inflight_end(void *arg, struct link *l, struct link_msg *m)
{
	(void)arg;
	(void)l;
	(void)m;
	greeted++;
	if (greeted > 1)
		loop_stop(loop, 0);
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	(void)arg;
	(void)l;
	ck_abort_msg("link closed: %s", why);
}

static const struct link_rule qmgr_rules[] = {
	LINK_RULE(MSG_JOB_RESULT, &msg_job_result_wire, on_result),
	LINK_RULE(MSG_JOB_DONE, &msg_job_done_wire, on_done),
	LINK_RULE(MSG_JOB_INFLIGHT, &msg_job_inflight_wire, on_inflight),
	LINK_RULE_RAW(MSG_JOB_INFLIGHT_END, 0, on_inflight_end),
};
static const struct link_ops qmgr_ops = { .rules = qmgr_rules,
	.nrules = N_OF(qmgr_rules), .on_close = on_close };
static const struct link_rule dns_rules[] = {
	LINK_RULE(MSG_DNS, &msg_dns_wire, on_dns),
};
static const struct link_ops dns_ops = { .rules = dns_rules,
	.nrules = 1, .on_close = on_close };

static void
link_qmgr(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	qmgr = link_new(loop, pair[0], &qmgr_ops, NULL);
	engine_qmgr(&engine, pair[1]);
}

static void
setup(void)
{
	struct engine_conf conf = { .hostname = "me.test", .helo = "me.test",
		.connect_ms = 2000, .greeting_ms = 2000, .command_ms = 2000,
		.data_ms = 2000, .dot_ms = 2000, .tls_ms = 2000,
		.reuse_ms = 2000, .addresses = 5, .messages = 3,
		.sessions = 4, .tls = ROUTE_TLS_MAY };
	int pair[2];

	nconns = 0;
	results[0] = '\0';
	done = wanted = greeted = inflight = 0;
	no_answer = false;
	loop = loop_new();
	conf.port = open_servers();
	engine_init(&engine, loop, &conf, tls_client_new(TLS_VERIFY_NONE),
	    NULL);
	link_qmgr();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	dns = link_new(loop, pair[0], &dns_ops, NULL);
	names_peer(&engine.names, pair[1]);
}

static void
stop_loop(void *arg)
{
	(void)arg;
	loop_stop(loop, 0);
}

static void
run_for(int64_t ms)
{
	struct timer t;

	timer_init(&t, loop, stop_loop, NULL);
	timer_set(&t, ms);
	loop_run(loop);
	timer_clear(&t);
}

static void
teardown(void)
{
	engine_clear(&engine);
	link_free(qmgr);
	link_free(dns);
	run_for(0); /* what is freed at the end of a round */
	for (unsigned i = 0; i < nconns; i++)
		if (conns[i].fd != -1)
			hang_up(&conns[i]);
	for (unsigned i = 0; i < SERVERS; i++) {
		watch_clear(&servers[i].watch);
		close(servers[i].fd);
	}
	loop_free(loop);
}

static uint64_t last_cookie;

/* rcpts: addresses separated by spaces. */
static void
send_job(const char *hop, const char *rcpts, struct str text, int fd)
{
	const uint64_t cookie = ++last_cookie;
	const struct msg_job job = { .id = cookie, .size = text.n,
		.sender = STR("a@me.test"), .next_hop = str_c(hop),
		.tls = ROUTE_TLS_MAY };
	struct str rest = str_c(rcpts);
	uint32_t index = 0;

	link_send(qmgr, MSG_JOB, cookie, &msg_job_wire, &job);
	while (rest.n > 0) {
		const struct msg_job_rcpt r = { .index = index++,
			.address = str_take_until(&rest, ' ') };

		link_send(
		    qmgr, MSG_JOB_RCPT, cookie, &msg_job_rcpt_wire, &r);
	}
	if (text.n > 0)
		link_send_raw(qmgr, MSG_JOB_BODY, cookie, text);
	if (fd != -1) {
		const struct msg_job_body_fd at = { .at = 5,
			.size = (uint64_t)lseek(fd, 0, SEEK_END) - 5 };

		link_send_fd(qmgr, MSG_JOB_BODY_FD, cookie,
		    &msg_job_body_fd_wire, &at, fd);
	}
	link_send_raw(qmgr, MSG_JOB_END, cookie, STR_NONE);
	wanted++;
}

static const struct {
	const char *name, *hop, *rcpts, *want;
	enum manner manners[2];
	enum site_state site;
	bool no_answer;
	unsigned mails[2];
	const char *enhanced;
	bool ours; /* the words of the last result */
} jobs[] = {
	{ "plain", "one.test", "x@d.test", "0:ok250 ", { POLITE, ABSENT },
	    SITE_FINE, false, { 1, 0 }, "2.0.0", false },
	{ "MX order", "d.test", "x@d.test", "0:ok250 ", { POLITE, POLITE },
	    SITE_FINE, false, { 1, 0 }, "2.0.0", false },
	{ "next MX, no connection", "d.test", "x@d.test", "0:ok250 ",
	    { ABSENT, POLITE }, SITE_FINE, false, { 0, 1 }, "2.0.0", false },
	{ "next MX, 4xx greeting", "d.test", "x@d.test", "0:ok250 ",
	    { GREETS_4XX, POLITE }, SITE_SLOW_DOWN, false, { 0, 1 },
	    "2.0.0", false },
	{ "next MX, 4xx to MAIL", "d.test", "x@d.test", "0:ok250 ",
	    { MAIL_4XX, POLITE }, SITE_FINE, false, { 0, 1 }, "2.0.0", false },
	{ "next MX for one recipient", "d.test", "x@d.test later@d.test",
	    "0:ok250 1:ok250 ", { RCPT_4XX, POLITE }, SITE_FINE, false,
	    { 1, 1 }, "2.0.0", false },
	{ "deferred recipient", "one.test", "x@d.test later@d.test",
	    "0:ok250 1:temp451 ", { RCPT_4XX, ABSENT }, SITE_FINE, false,
	    { 1, 0 }, "4.2.1", false },
	{ "refused recipient", "d.test", "no@d.test x@d.test",
	    "0:perm550 1:ok250 ", { RCPT_5XX, POLITE }, SITE_FINE, false,
	    { 1, 0 }, "2.0.0", false },
	{ "all refused", "d.test", "no@d.test", "0:perm550 ",
	    { RCPT_5XX, POLITE }, SITE_FINE, false, { 0, 0 }, "5.1.1", false },
	{ "dies in DATA, next MX", "d.test", "x@d.test", "0:ok250 ",
	    { DIES_IN_DATA, POLITE }, SITE_FINE, false, { 0, 1 }, "2.0.0", false },
	{ "dies in DATA", "one.test", "x@d.test", "0:temp451 ",
	    { DIES_IN_DATA, ABSENT }, SITE_FINE, false, { 0, 0 }, "4.4.2", true },
	{ "dies in the text", "d.test", "x@d.test", "0:temp451 ",
	    { DIES_IN_TEXT, POLITE }, SITE_FINE, true, { 0, 0 }, "4.4.2", true },
	{ "dies after the dot", "d.test", "x@d.test", "0:temp451 ",
	    { DIES_AFTER_DOT, POLITE }, SITE_FINE, true, { 0, 0 }, "4.4.2", true },
	{ "I57 early 250", "one.test", "x@d.test", "0:temp451 ",
	    { EARLY_250, ABSENT }, SITE_FINE, false, { 0, 0 }, "4.5.0", true },
	{ "one recipient at a time", "one.test",
	    "x@d.test y@d.test z@d.test", "0:ok250 1:ok250 2:ok250 ",
	    { ONE_RCPT, ABSENT }, SITE_FINE, false, { 3, 0 }, "2.0.0", false },
	{ "TLS fails, then clear", "one.test", "x@d.test", "0:ok250 ",
	    { BAD_STARTTLS, ABSENT }, SITE_FINE, false, { 1, 0 }, "2.0.0", false },
	{ "null MX", "null.test", "x@d.test", "0:perm556 ",
	    { POLITE, ABSENT }, SITE_UNTRIED, false, { 0, 0 }, "5.1.10", true },
	{ "no MX", "nomx.test", "x@d.test", "0:ok250 ", { POLITE, ABSENT },
	    SITE_FINE, false, { 1, 0 }, "2.0.0", false },
	{ "NXDOMAIN", "gone.test", "x@d.test", "0:perm550 ",
	    { POLITE, ABSENT }, SITE_UNTRIED, false, { 0, 0 }, "5.1.2", true },
	{ "SERVFAIL", "fail.test", "x@d.test", "0:temp451 ",
	    { POLITE, ABSENT }, SITE_UNTRIED, false, { 0, 0 }, "4.4.3", true },
	{ "MX loop", "loop.test", "x@d.test", "0:perm554 ",
	    { POLITE, ABSENT }, SITE_UNTRIED, false, { 0, 0 }, "5.4.6", true },
	{ "we are the backup MX", "backup.test", "x@d.test", "0:ok250 ",
	    { POLITE, ABSENT }, SITE_FINE, false, { 1, 0 }, "2.0.0", false },
	{ "MX without address", "noaddr.test", "x@d.test", "0:perm550 ",
	    { POLITE, ABSENT }, SITE_UNTRIED, false, { 0, 0 }, "5.4.4", true },
	{ "bad hop", "[x", "x@d.test", "0:temp451 ", { POLITE, ABSENT },
	    SITE_UNTRIED, false, { 0, 0 }, "4.3.5", true },
	{ "address with a line break", "one.test", "x\r\nRSET@d.test",
	    "0:perm550 ", { POLITE, ABSENT }, SITE_UNTRIED, false, { 0, 0 },
	    "5.1.3", true },
};

START_TEST(one_job)
{
	start_server(0, jobs[_i].manners[0]);
	start_server(1, jobs[_i].manners[1]);
	send_job(jobs[_i].hop, jobs[_i].rcpts,
	    STR("Subject: x\n\n.text\n"), -1);
	loop_run(loop);
	ck_assert_msg(strcmp(results, jobs[_i].want) == 0,
	    "%s: %s(%s)", jobs[_i].name, results, last_text);
	ck_assert_uint_eq(site, jobs[_i].site);
	ck_assert_int_eq(no_answer, jobs[_i].no_answer);
	ck_assert_uint_eq(servers[0].mails, jobs[_i].mails[0]);
	ck_assert_uint_eq(servers[1].mails, jobs[_i].mails[1]);
	if (jobs[_i].enhanced != NULL)
		ck_assert_str_eq(last_enhanced, jobs[_i].enhanced);
	ck_assert_int_eq(last_remote[0] == '\0', jobs[_i].ours);
	if (servers[0].mails > 0)
		ck_assert_ptr_nonnull(
		    strstr(servers[0].texts, "Subject: x\r\n\r\n..text\r\n"));
}
END_TEST

/* One connection after the other's mail, at most 3 mails each. */
START_TEST(reuse)
{
	start_server(0, _i == 0 ? POLITE : CLOSES_IDLE);
	for (unsigned i = 0; i < 7; i++) {
		send_job("one.test", "x@d.test", STR("a\n\nb\n"), -1);
		loop_run(loop);
	}
	ck_assert_uint_eq(servers[0].mails, 7);
	ck_assert_uint_eq(servers[0].connections, _i == 0 ? 3 : 7);
	ck_assert_str_eq(last_remote, "mx1.test [127.0.0.1]");
}
END_TEST

/* More jobs than connections: the rest waits. */
START_TEST(many)
{
	start_server(0, POLITE);
	for (unsigned i = 0; i < 20; i++)
		send_job("one.test", "x@d.test", STR("a\n\nb\n"), -1);
	loop_run(loop);
	ck_assert_uint_eq(servers[0].mails, 20);
	ck_assert_uint_eq(engine.nsessions <= 4, 1);
}
END_TEST

/* All of it, or cut short meanwhile: that is no server's fault nor reply. */
START_TEST(large_body)
{
	char path[] = "/tmp/test_engine.XXXXXX";
	int fd = mkstemp(path);

	start_server(0, POLITE);
	unlink(path);
	ck_assert_int_eq(write(fd, "skip:", 5), 5);
	for (unsigned i = 0; i < 1000; i++)
		ck_assert_int_eq(
		    write(fd, "0123456789012345678901234567890\n", 32), 32);
	send_job("[127.0.0.1]", "x@d.test", STR("Received: by us\n"), fd);
	ck_assert_int_eq(_i == 0 ? 0 : ftruncate(fd, 100), 0);
	loop_run(loop);
	ck_assert_str_eq(results, _i == 0 ? "0:ok250 " : "0:temp451 ");
	ck_assert_int_eq(last_remote[0] == '\0', _i != 0);
	ck_assert(_i != 0 || strlen(servers[0].texts) == 17 + 33 * 1000);
	ck_assert(strncmp(servers[0].texts, "Received: by us\r\n01", 19) == 0);
}
END_TEST

/* qmgr dies and returns: what was not at its dot is given up and reported. */
START_TEST(inflight_report)
{
	start_server(2, POLITE);
	watch_want(&servers[2].watch, 0); /* connects, gets no greeting */
	send_job("[127.0.0.3]", "x@d.test", STR("a\n\nb\n"), -1);
	run_for(100);
	ck_assert_uint_eq(agent_running(&engine.agent), 1);
	ck_assert_uint_eq(greeted, 1);
	link_free(qmgr);
	link_qmgr();
	run_for(1000);
	ck_assert_uint_eq(agent_running(&engine.agent), 0);
	ck_assert_uint_eq(greeted, 2);
	ck_assert_uint_eq(inflight, 1);
	run_for(50);
	ck_assert(TAILQ_EMPTY(&engine.agent.jobs));
}
END_TEST

/* Octets that never become a reply do not keep the connection. */
START_TEST(drips)
{
	engine.conf.greeting_ms = engine.conf.dot_ms = 400;
	start_server(0, _i == 0 ? DRIPS_GREETING : DRIPS_DOT);
	send_job("[127.0.0.1]", "x@d.test", STR("a\n\nb\n"), -1);
	loop_run(loop);
	ck_assert_str_eq(results, "0:temp451 ");
	ck_assert_ptr_nonnull(strstr(last_text, "1]: the server did not"));
	ck_assert_int_eq(no_answer, _i != 0);
}
END_TEST

/* The final dot is out when qmgr returns, and no answer comes. */
START_TEST(inflight_unknown)
{
	engine.conf.dot_ms = 60000;
	start_server(0, SILENT_DOT);
	send_job("[127.0.0.1]", "x@d.test", STR("a\n\nb\n"), -1);
	run_for(500);
	ck_assert_uint_eq(agent_running(&engine.agent), 1);
	link_free(qmgr);
	link_qmgr();
	loop_run(loop); /* AGENT_ANSWER_WAIT */
	run_for(50);
	ck_assert_uint_eq(inflight, 1);
	ck_assert(no_answer);
	ck_assert_str_eq(last_text,
	    "no answer before the queue manager took it back");
}
END_TEST

static TCase *
engine_cases(void)
{
	TCase *tc = tcase_create("engine");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, one_job, 0, (int)N_OF(jobs));
	tcase_add_loop_test(tc, reuse, 0, 2);
	tcase_add_test(tc, many);
	tcase_add_loop_test(tc, large_body, 0, 2);
	tcase_add_test(tc, inflight_report);
	tcase_add_test(tc, inflight_unknown);
	tcase_add_loop_test(tc, drips, 0, 2);
	tcase_set_timeout(tc, 20);
	return tc;
}

UNIT_MAIN("smtp engine", engine_cases)
