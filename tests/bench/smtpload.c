/*
 * smtpload -- sends many messages over many sessions and says how many a
 * second were accepted.  Costs little itself: one thread, one epoll, the
 * message built once.  For benchmarks on the same machine only.
 *
 *	smtpload [-s SESSIONS] [-m MESSAGES] [-l OCTETS] [-kp] [-r RECIPIENTS]
 *	         [-u USERS] [-t PATTERN] PORT
 * -k keeps a session for many messages; -p sends MAIL, RCPT and DATA in one
 * write (PIPELINING); PATTERN has one %d: u%d@bench.test.  Each message has
 * RECIPIENTS of the USERS in turn.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fatal.h"
#include "base/num.h"

enum step { GREETING, HELLO, MAIL, RCPT, DATA, BODY, QUIT };

struct session {
	int fd;
	enum step step;
	unsigned user;          /* of the first recipient, from 0 */
	unsigned sent_to, told; /* recipients sent, and answered */
	char line[512]; /* of the reply under way */
	size_t n;
	size_t sent;    /* octets of the body written */
};

/* Recipients sent before their answers are read. */
enum { BURST = 500 };

static struct {
	unsigned sessions, messages, recipients, users;
	size_t octets;
	bool keep, pipelining;
	const char *pattern;
	uint16_t port;
	unsigned begun, done, failed, live;
	int epoll;
	struct buf body, out;
} load = { .sessions = 10, .messages = 1000, .recipients = 1, .users = 10,
	.octets = 4096, .pattern = "u%d@bench.test" };

/* Writes what is in load.out; it fits any socket's buffer. */
static void
say(struct session *s)
{
	size_t n = buf_len(&load.out);

	if (write(s->fd, load.out.p + load.out.at, n) != (ssize_t)n)
		fatal_errno("write");
	buf_reset(&load.out);
}

static void
say_c(struct session *s, const char *text)
{
	buf_add_c(&load.out, text);
	say(s);
}

static void
watch(struct session *s, int op, uint32_t what)
{
	struct epoll_event e = { .events = what, .data.ptr = s };

	if (epoll_ctl(load.epoll, op, s->fd, &e) == -1)
		fatal_errno("epoll_ctl");
}

static void
begin(struct session *s)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(load.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd == -1 ||
	    connect(s->fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		fatal_errno("connect to port %u", load.port);
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	s->step = GREETING;
	s->n = 0;
	load.live++;
	watch(s, EPOLL_CTL_ADD, EPOLLIN);
}

static void
send_body(struct session *s)
{
	struct str left = str_from(buf_str(&load.body), s->sent);

	while (left.n != 0) {
		ssize_t n = send(s->fd, left.p, left.n, MSG_DONTWAIT);

		if (n == -1 && errno == EAGAIN)
			break;
		if (n == -1)
			fatal_errno("send");
		str_take(&left, (size_t)n);
		s->sent += (size_t)n;
	}
	watch(s, EPOLL_CTL_MOD, left.n != 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* The next burst of RCPT commands, into load.out. */
static void
add_rcpts(struct session *s)
{
	unsigned end = s->sent_to + BURST;

	if (end > load.recipients)
		end = load.recipients;
	for (; s->sent_to < end; s->sent_to++) {
		unsigned user = (s->user + s->sent_to) % load.users + 1;

		buf_add_c(&load.out, "RCPT TO:<");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		buf_addf(&load.out, load.pattern, (int)user);
#pragma GCC diagnostic pop
		buf_add_c(&load.out, ">\r\n");
	}
}

static void
next_message(struct session *s)
{
	if (load.begun == load.messages) {
		s->step = QUIT;
		say_c(s, "QUIT\r\n");
		return;
	}
	s->user = load.begun++ * load.recipients % load.users;
	s->sent_to = s->told = 0;
	s->step = MAIL;
	buf_add_c(&load.out, "MAIL FROM:<sender@example.test>\r\n");
	if (load.pipelining) {
		add_rcpts(s);
		if (s->sent_to == load.recipients)
			buf_add_c(&load.out, "DATA\r\n");
	}
	say(s);
}

static void
finish(struct session *s)
{
	close(s->fd);
	load.live--;
	if (load.begun < load.messages)
		begin(s);
}

/* A recipient was taken: the next burst, or DATA. */
static void
after_rcpt(struct session *s)
{
	if (++s->told < s->sent_to)
		return;
	if (s->told < load.recipients) {
		add_rcpts(s);
	} else {
		s->step = DATA;
		if (load.pipelining && load.recipients <= BURST)
			return; /* sent already */
		buf_add_c(&load.out, "DATA\r\n");
	}
	say(s);
}

static void
on_reply(struct session *s, unsigned code)
{
	static const unsigned wanted[] = { 220, 250, 250, 250, 354, 250, 221 };

	if (code != wanted[s->step]) {
		fprintf(stderr, "reply %u in step %d: %.*s\n", code,
		    (int)s->step, (int)s->n, s->line);
		load.failed++;
		load.done++;
		finish(s);
		return;
	}
	switch (s->step) {
	case GREETING:
		s->step = HELLO;
		say_c(s, "EHLO load.test\r\n");
		break;
	case HELLO:
		next_message(s);
		break;
	case MAIL:
		s->step = RCPT;
		if (load.pipelining)
			break;
		add_rcpts(s);
		say(s);
		break;
	case RCPT:
		after_rcpt(s);
		break;
	case DATA:
		s->step = BODY;
		s->sent = 0;
		send_body(s);
		break;
	case BODY:
		load.done++;
		if (load.keep) {
			next_message(s);
		} else {
			s->step = QUIT;
			say_c(s, "QUIT\r\n");
		}
		break;
	case QUIT:
		finish(s);
		break;
	}
}

static void
on_input(struct session *s)
{
	char in[4096];
	ssize_t n = recv(s->fd, in, sizeof(in), MSG_DONTWAIT);

	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		fprintf(stderr, "connection lost in step %d\n", (int)s->step);
		load.failed++;
		finish(s);
		return;
	}
	for (ssize_t i = 0; i < n; i++) {
		uint32_t code = 0;

		if (in[i] != '\n') {
			if (s->n < sizeof(s->line))
				s->line[s->n++] = in[i];
			continue;
		}
		if (s->n >= 4 && s->line[3] == ' ') {
			num_u32(str_n(s->line, 3), &code);
			on_reply(s, code);
		}
		s->n = 0;
	}
}

static void
make_body(void)
{
	buf_init(&load.body, BUF_NO_MAX);
	buf_add_c(&load.body, "From: <sender@example.test>\r\n"
	    "To: <someone@bench.test>\r\nSubject: load\r\n"
	    "Date: Mon, 23 Nov 2026 01:02:03 +0000\r\n"
	    "Message-ID: <load@example.test>\r\n\r\n");
	while (buf_len(&load.body) + 62 < load.octets)
		buf_add_c(&load.body, "A line of sixty octets, which is what "
		    "people used to write.\r\n");
	buf_add_c(&load.body, ".\r\n");
}

static void
read_args(int argc, char *argv[])
{
	int c;

	while ((c = getopt(argc, argv, "s:m:l:kpr:u:t:")) != -1) {
		if (c == 's')
			load.sessions = (unsigned)atoi(optarg);
		else if (c == 'm')
			load.messages = (unsigned)atoi(optarg);
		else if (c == 'l')
			load.octets = (size_t)atol(optarg);
		else if (c == 'u')
			load.users = (unsigned)atoi(optarg);
		else if (c == 't')
			load.pattern = optarg;
		else if (c == 'r')
			load.recipients = (unsigned)atoi(optarg);
		else if (c == 'p')
			load.pipelining = true;
		else if (c == 'k')
			load.keep = true;
		else
			exit(64);
	}
	if (optind + 1 != argc || load.users == 0 || load.recipients == 0) {
		fputs("usage: smtpload [-s sessions] [-m messages] [-l octets] "
		      "[-kp] [-r recipients] [-u users] [-t pattern] port\n",
		    stderr);
		exit(64);
	}
	load.port = (uint16_t)atoi(argv[optind]);
	if (load.sessions > load.messages)
		load.sessions = load.messages;
}

int
main(int argc, char *argv[])
{
	struct session *all;
	int64_t began;

	fatal_name("smtpload");
	read_args(argc, argv);
	make_body();
	buf_init(&load.out, BUF_NO_MAX);
	all = xcalloc(load.sessions, sizeof(*all));
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	began = clock_mono_ms();
	for (unsigned i = 0; i < load.sessions; i++)
		begin(&all[i]);
	while (load.live != 0) {
		struct epoll_event events[64];
		int n = epoll_wait(load.epoll, events, 64, 30000);

		if (n == 0)
			fatal("no answer for 30 s");
		for (int i = 0; i < n; i++) {
			struct session *s = events[i].data.ptr;

			if ((events[i].events & EPOLLOUT) != 0)
				send_body(s);
			if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0)
				on_input(s);
		}
	}
	printf("%u accepted, %u failed, %.0f/s\n", load.done - load.failed,
	    load.failed, load.done * 1000.0 / (double)(clock_mono_ms() - began));
	return load.failed != 0;
}
