/*
 * smtpsink -- takes messages by SMTP, throws them away and counts.  Costs
 * little itself: one thread, one epoll, PIPELINING, the replies to what came
 * in one read go out in one write.  For benchmarks on one machine only.
 *
 *	smtpsink [-r] [-d MS] [-o FILE] [PORT]
 * -r starts refusing: every MAIL, RCPT and DATA is answered 4xx; SIGUSR1
 * begins that, SIGUSR2 ends it.  -d answers the end of a message MS
 * milliseconds late.  SIGHUP prints the counts, SIGTERM and SIGINT too, and
 * end the program.  Listens on 127.0.0.1 (port 0: a free one) and says
 * "port N" first.
 *
 * FILE holds the counts as they are now, for whoever maps or reads it:
 * struct counts, in the machine's own octet order.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fatal.h"
#include "base/num.h"

/* tests/bench/sink.py reads these by position. */
struct counts {
	uint64_t connections;
	uint64_t messages;   /* answered 250 after the final dot */
	uint64_t recipients; /* of those messages */
	uint64_t refused;    /* commands answered 4xx */
	uint64_t octets;     /* of those messages' bodies */
	uint64_t probes;     /* recipients whose name begins with "probe" */
	uint64_t probe_ns;   /* CLOCK_MONOTONIC of the last one */
	uint64_t started;    /* MAIL commands, answered in any way */
};

struct conn {
	TAILQ_ENTRY(conn) waiting; /* for its time to answer */
	int fd;
	bool data;          /* a body is under way */
	bool late;          /* in the list of those that wait */
	bool quit;
	int64_t due;        /* clock_mono_ms */
	unsigned rcpts, probes;
	unsigned match;     /* octets of CR LF . CR LF seen */
	struct buf in, out;
};
TAILQ_HEAD(conns, conn);

static struct {
	int epoll, listener;
	bool refuse;
	uint32_t delay; /* ms */
	const char *file;
	struct counts *counts;
	struct conns waiting;
} sink;

static volatile sig_atomic_t want_refuse = -1, want_print, want_end;

static void
on_signal(int sig)
{
	if (sig == SIGUSR1 || sig == SIGUSR2)
		want_refuse = sig == SIGUSR1;
	else if (sig == SIGHUP)
		want_print = 1;
	else
		want_end = 1;
}

static void
print_counts(void)
{
	const struct counts *n = sink.counts;

	printf("%llu messages, %llu recipients, %llu refused, "
	    "%llu connections\n", (unsigned long long)n->messages,
	    (unsigned long long)n->recipients, (unsigned long long)n->refused,
	    (unsigned long long)n->connections);
	fflush(stdout);
}

static void
watch(struct conn *c, int op, uint32_t what)
{
	struct epoll_event e = { .events = what, .data.ptr = c };

	if (epoll_ctl(sink.epoll, op, c->fd, &e) == -1)
		fatal_errno("epoll_ctl");
}

static void
conn_close(struct conn *c)
{
	if (c->late)
		TAILQ_REMOVE(&sink.waiting, c, waiting);
	close(c->fd);
	buf_clear(&c->in);
	buf_clear(&c->out);
	free(c);
}

/* false: the connection is gone. */
static bool
flush(struct conn *c)
{
	struct str left = buf_str(&c->out);

	while (left.n != 0) {
		ssize_t n = send(c->fd, left.p, left.n,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n == -1 && errno == EAGAIN)
			break;
		if (n == -1) {
			conn_close(c);
			return false;
		}
		str_take(&left, (size_t)n);
	}
	buf_drop(&c->out, buf_len(&c->out) - left.n);
	if (c->quit && left.n == 0) {
		conn_close(c);
		return false;
	}
	watch(c, EPOLL_CTL_MOD, left.n != 0 ? EPOLLOUT : EPOLLIN);
	return true;
}

static void
refused(struct conn *c)
{
	sink.counts->refused++;
	buf_add_c(&c->out, "450 4.3.2 not now\r\n");
}

static void
do_hello(struct conn *c, struct str rest)
{
	(void)rest;
	buf_add_c(&c->out, "250-sink.test\r\n250-PIPELINING\r\n"
	    "250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n"
	    "250 SIZE 0\r\n");
}

static void
do_mail(struct conn *c, struct str rest)
{
	(void)rest;
	c->rcpts = c->probes = 0;
	sink.counts->started++;
	if (sink.refuse)
		refused(c);
	else
		buf_add_c(&c->out, "250 2.1.0 fine\r\n");
}

static void
do_rcpt(struct conn *c, struct str rest)
{
	if (sink.refuse) {
		refused(c);
		return;
	}
	c->rcpts++;
	c->probes += str_istarts(rest, STR("TO:<probe"));
	buf_add_c(&c->out, "250 2.1.5 fine\r\n");
}

static void
do_data(struct conn *c, struct str rest)
{
	(void)rest;
	if (sink.refuse) {
		refused(c);
	} else if (c->rcpts == 0) {
		buf_add_c(&c->out, "554 5.5.1 no recipients\r\n");
	} else {
		c->data = true;
		c->match = 2; /* an empty body ends with .CRLF alone */
		buf_add_c(&c->out, "354 go on\r\n");
	}
}

static void
do_fine(struct conn *c, struct str rest)
{
	(void)rest;
	c->rcpts = c->probes = 0;
	buf_add_c(&c->out, "250 2.0.0 fine\r\n");
}

static void
do_quit(struct conn *c, struct str rest)
{
	(void)rest;
	c->quit = true;
	buf_add_c(&c->out, "221 2.0.0 bye\r\n");
}

static const struct command {
	const char *word;
	void (*run)(struct conn *c, struct str rest);
} commands[] = {
	{ "EHLO", do_hello },
	{ "HELO", do_hello },
	{ "MAIL", do_mail },
	{ "RCPT", do_rcpt },
	{ "DATA", do_data },
	{ "RSET", do_fine },
	{ "NOOP", do_fine },
	{ "QUIT", do_quit },
};

static void
on_line(struct conn *c, struct str line)
{
	struct str word = str_take_word(&line);

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (str_ieq(word, str_c(commands[i].word))) {
			str_take_char(&line, ' ');
			commands[i].run(c, line);
			return;
		}
	}
	buf_add_c(&c->out, "500 5.5.1 what?\r\n");
}

static void
end_of_message(struct conn *c)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sink.counts->messages++;
	sink.counts->recipients += c->rcpts;
	if (c->probes != 0) {
		sink.counts->probe_ns = (uint64_t)now.tv_sec * 1000000000 +
		    (uint64_t)now.tv_nsec;
		__atomic_add_fetch(&sink.counts->probes, c->probes,
		    __ATOMIC_RELEASE);
	}
	buf_add_c(&c->out, "250 2.0.0 thrown away\r\n");
}

/* Octets of body, up to and with the final dot. */
static void
on_body(struct conn *c, struct str *in)
{
	static const char end[5] = "\r\n.\r\n";
	size_t i = 0;

	while (i < in->n && c->match < sizeof(end)) {
		const char *cr;

		if (c->match == 0) {
			cr = memchr(in->p + i, '\r', in->n - i);
			if (cr == NULL) {
				i = in->n;
				break;
			}
			i = (size_t)(cr - in->p);
		}
		if (in->p[i] == end[c->match]) {
			c->match++;
			i++;
		} else if (c->match == 0) {
			i++;
		} else {
			c->match = 0; /* the same octet may begin it anew */
		}
	}
	sink.counts->octets += i;
	str_take(in, i);
	if (c->match < sizeof(end))
		return;
	c->data = false;
	if (sink.delay == 0) {
		end_of_message(c);
		return;
	}
	c->late = true;
	c->due = clock_mono_ms() + sink.delay;
	TAILQ_INSERT_TAIL(&sink.waiting, c, waiting);
}

/* What is in the buffer, as far as it goes now. */
static void
work(struct conn *c)
{
	struct str in = buf_str(&c->in);
	size_t had = in.n;

	while (in.n != 0 && !c->late && !c->quit) {
		struct str line;
		size_t lf;

		if (c->data) {
			on_body(c, &in);
			continue;
		}
		lf = str_find(in, '\n');
		if (lf >= in.n)
			break;
		line = str_take(&in, lf + 1);
		line.n -= line.n >= 2 && line.p[line.n - 2] == '\r' ? 2 : 1;
		on_line(c, line);
	}
	buf_drop(&c->in, had - in.n);
	flush(c);
}

static void
on_event(struct conn *c, uint32_t what)
{
	static char in[65536];
	ssize_t n;

	if ((what & EPOLLOUT) != 0 && !flush(c))
		return;
	if ((what & ~(uint32_t)EPOLLOUT) == 0)
		return;
	n = recv(c->fd, in, sizeof(in), MSG_DONTWAIT);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		conn_close(c);
		return;
	}
	buf_add(&c->in, str_n(in, (size_t)n));
	work(c);
}

static void
on_connection(void)
{
	int on = 1, fd = accept4(sink.listener, NULL, NULL, SOCK_CLOEXEC);
	struct conn *c;

	if (fd == -1)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c = xcalloc(1, sizeof(*c));
	c->fd = fd;
	buf_init(&c->in, BUF_NO_MAX);
	buf_init(&c->out, BUF_NO_MAX);
	sink.counts->connections++;
	watch(c, EPOLL_CTL_ADD, EPOLLIN);
	buf_add_c(&c->out, "220 sink.test ESMTP\r\n");
	flush(c);
}

/* Answers those whose time has come; ms until the next, or -1. */
static int
answer_late(void)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&sink.waiting)) != NULL) {
		int64_t left = c->due - clock_mono_ms();

		if (left > 0)
			return (int)left;
		TAILQ_REMOVE(&sink.waiting, c, waiting);
		c->late = false;
		end_of_message(c);
		work(c);
	}
	return -1;
}

static void
listen_on(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = NULL };
	socklen_t size = sizeof(sin);
	int on = 1;

	sink.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sink.listener == -1)
		fatal_errno("socket");
	setsockopt(sink.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(sink.listener, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(sink.listener, 1024) == -1 ||
	    getsockname(sink.listener, (struct sockaddr *)&sin, &size) == -1)
		fatal_errno("listen on port %u", port);
	sink.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (sink.epoll == -1 ||
	    epoll_ctl(sink.epoll, EPOLL_CTL_ADD, sink.listener, &e) == -1)
		fatal_errno("epoll");
	printf("port %u\n", ntohs(sin.sin_port));
	fflush(stdout);
}

static void
map_counts(void)
{
	int fd = -1;

	if (sink.file != NULL) {
		fd = open(sink.file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
		    0644);
		if (fd == -1 || ftruncate(fd, sizeof(*sink.counts)) == -1)
			fatal_errno("%s", sink.file);
	}
	sink.counts = mmap(NULL, sizeof(*sink.counts), PROT_READ | PROT_WRITE,
	    fd != -1 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, fd, 0);
	if (sink.counts == MAP_FAILED)
		fatal_errno("mmap");
}

static uint16_t
read_args(int argc, char *argv[])
{
	uint32_t port = 0;
	bool good = true;
	int c;

	while ((c = getopt(argc, argv, "rd:o:")) != -1) {
		if (c == 'r')
			sink.refuse = true;
		else if (c == 'd')
			good &= num_u32(str_c(optarg), &sink.delay);
		else if (c == 'o')
			sink.file = optarg;
		else
			good = false;
	}
	if (optind < argc)
		good &= num_u32(str_c(argv[optind++]), &port);
	if (!good || optind != argc || port > UINT16_MAX) {
		fputs("usage: smtpsink [-r] [-d ms] [-o file] [port]\n",
		    stderr);
		exit(64);
	}
	return (uint16_t)port;
}

static void
catch_signals(sigset_t *outside)
{
	static const int all[] = { SIGUSR1, SIGUSR2, SIGHUP, SIGTERM, SIGINT };
	sigset_t inside;

	sigemptyset(&inside);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		signal(all[i], on_signal);
		sigaddset(&inside, all[i]);
	}
	/* They come in while epoll_pwait waits, nowhere else. */
	sigprocmask(SIG_BLOCK, &inside, outside);
}

int
main(int argc, char *argv[])
{
	struct epoll_event events[128];
	sigset_t outside;
	uint16_t port;

	fatal_name("smtpsink");
	port = read_args(argc, argv);
	TAILQ_INIT(&sink.waiting);
	catch_signals(&outside);
	map_counts();
	listen_on(port);
	while (!want_end) {
		int n = epoll_pwait(sink.epoll, events, 128, answer_late(),
		    &outside);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				on_connection();
			else
				on_event(events[i].data.ptr, events[i].events);
		}
		if (want_refuse != -1)
			sink.refuse = want_refuse != 0;
		if (want_print)
			print_counts();
		want_print = 0;
	}
	print_counts();
	return 0;
}
