#include "ctl/ask.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "event/loop.h"
#include "msg/control.h"
#include "proc/link.h"

enum { OFFLINE_MS = 10000, STEP = 32768 };

/* One conversation. */
struct talk {
	const struct ask *a;
	struct loop *loop;
	struct link *link;
	struct buf part; /* a row that is not whole yet */
	bool sending; /* more of a->fd is to come */
	bool ended, answered; /* by anything at all */
	bool hung;
	int64_t timeout;
	struct timer late;
	int code;
};

static void
set_late(struct talk *t)
{
	if (t->timeout != ASK_PATIENT)
		timer_set(&t->late, t->timeout);
}

static void
on_late(void *arg)
{
	struct talk *t = arg;

	t->hung = true;
	link_free(t->link);
	loop_stop(t->loop, 0);
}

static void
on_rows(void *arg, struct link *l, struct link_msg *m)
{
	struct talk *t = arg;
	size_t whole = str_rfind(m->raw, '\n') + 1;

	(void)l;
	t->answered = true;
	set_late(t);
	if (t->a->on_rows == NULL || m->raw.n == 0)
		return;
	if (whole > m->raw.n) {
		buf_add(&t->part, m->raw);
		return;
	}
	if (buf_len(&t->part) != 0) {
		buf_add(&t->part, str_first(m->raw, whole));
		t->a->on_rows(t->a->arg, buf_str(&t->part));
		buf_reset(&t->part);
	} else {
		t->a->on_rows(t->a->arg, str_first(m->raw, whole));
	}
	buf_add(&t->part, str_from(m->raw, whole));
}

static void
on_end(void *arg, struct link *l, struct link_msg *m)
{
	const struct msg_control_end *e = m->body;
	struct talk *t = arg;
	const bool is_mute = t->a->quiet ||
	    (t->a->or_down && e->exit == CTL_DOWN);

	t->code = (int)e->exit;
	t->ended = true;
	if (e->text.n != 0 && !is_mute)
		fprintf(stderr, "postern: %.*s\n", STR_ARG(e->text));
	if (e->fix.n != 0 && e->exit != 0 && !is_mute)
		fprintf(stderr, "fix: %.*s\n", STR_ARG(e->fix));
	link_free(l);
	loop_stop(t->loop, 0);
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	struct talk *t = arg;

	(void)why;
	link_free(l);
	loop_stop(t->loop, 0);
}

/* Sends data while there is room; goes on in on_drained. */
static void
send_data(struct talk *t)
{
	static char octets[STEP];
	ssize_t n;

	while (t->sending && link_pending(t->link) < LINK_WINDOW) {
		n = read(t->a->fd, octets, sizeof(octets));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			fatal_errno("reading the data");
		if (n == 0) {
			link_send_raw(t->link, MSG_CONTROL_DATA_END, 0,
			    STR_NONE);
			t->sending = false;
		} else {
			link_send_raw(t->link, MSG_CONTROL_DATA, 0,
			    str_n(octets, (size_t)n));
		}
	}
}

static void
on_drained(void *arg, struct link *l)
{
	(void)l;
	send_data(arg);
}

static const struct link_rule rules[] = {
	LINK_RULE_RAW(MSG_CONTROL_ROWS, LINK_BODY_MAX, on_rows),
	LINK_RULE(MSG_CONTROL_END, &msg_control_end_wire, on_end),
};
static const struct link_ops ops = {
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close,
	.on_drained = on_drained,
};

static void
send_question(struct talk *t)
{
	const struct ask *a = t->a;
	struct str left = a->data;
	struct buf words;

	buf_init(&words, LINK_BODY_MAX);
	for (size_t i = 0; i < a->nwords; i++)
		wire_put_str(&words, a->words[i]);
	link_send_raw(t->link, MSG_CONTROL_ASK, 0, buf_str(&words));
	buf_clear(&words);
	if (!a->has_data)
		return;
	if (a->fd != -1) {
		t->sending = true;
		send_data(t);
		return;
	}
	while (left.n != 0)
		link_send_raw(t->link, MSG_CONTROL_DATA, 0,
		    str_take(&left, STEP));
	link_send_raw(t->link, MSG_CONTROL_DATA_END, 0, STR_NONE);
}

static bool
words_fit(const struct ask *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->nwords; i++) {
		if (a->words[i].n > CONTROL_TEXT_MAX)
			return false;
		n += a->words[i].n + 4;
	}
	return a->nwords <= CONTROL_WORDS_MAX && n <= LINK_BODY_MAX;
}

static int64_t
timeout_of(const struct ctl *c)
{
	return c->timeout != 0 ? c->timeout : ASK_TIMEOUT;
}

int
ask_hung(const struct ctl *c, enum role target)
{
	const int64_t ms = timeout_of(c);

	return fail(CTL_LATER, "postern status; --timeout TIME waits "
	    "longer; what it has begun it may yet do",
	    "%s does not answer: nothing came from it for %lld%s",
	    role_name(target), (long long)(ms % 1000 != 0 ? ms : ms / 1000),
	    ms % 1000 != 0 ? "ms" : "s");
}

static int
talk_over(struct ctl *c, int fd, const struct ask *a)
{
	struct control_hello hello = { CONTROL_MAGIC, a->target, 1, 0 };
	struct talk t = { .a = a, .code = CTL_LATER,
		.timeout = a->timeout != 0 ? a->timeout : timeout_of(c) };

	if (!words_fit(a)) {
		close(fd);
		return fail(CTL_USAGE, NULL, "too many or too long words");
	}
	if (write(fd, &hello, sizeof(hello)) != sizeof(hello)) {
		close(fd);
		return CTL_DOWN;
	}
	buf_init(&t.part, BUF_NO_MAX);
	t.loop = loop_new();
	t.link = link_new(t.loop, fd, &ops, &t);
	timer_init(&t.late, t.loop, on_late, &t);
	set_late(&t);
	send_question(&t);
	loop_run(t.loop); /* its callbacks free the link */
	timer_clear(&t.late);
	loop_free(t.loop);
	buf_clear(&t.part);
	c->hung = t.hung;
	if (t.hung)
		return a->quiet ? CTL_LATER : ask_hung(c, a->target);
	if (!t.ended && !t.answered && a->or_down)
		return CTL_DOWN;
	if (!t.ended)
		return a->quiet ? CTL_LATER : fail(CTL_LATER, NULL,
		    "%s ended before it had answered", role_name(a->target));
	return t.code;
}

int
ask_connect(struct ctl *c)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *run = ctl_path(c, "run");
	int dir = open(run, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* Of who does not even take connections; in milliseconds. */
	const int64_t ms = timeout_of(c);
	const struct timeval most = { .tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000) };
	int fd, saved;

	if (dir == -1)
		return -1;
	/* Through the folder's descriptor, as long paths do not fit. */
	snprintf(sun.sun_path, sizeof(sun.sun_path),
	    "/proc/self/fd/%d/control.sock", dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd != -1)
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most));
	if (fd != -1 &&
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		saved = errno;
		close(fd);
		fd = -1;
		errno = saved;
	}
	saved = errno;
	close(dir);
	errno = saved;
	return fd;
}

static bool
is_down(int error)
{
	return error == ENOENT || error == ECONNREFUSED || error == ENOTDIR;
}

/* Master refuses others than root and its own user anything but the queue;
 * its words may be lost when it hangs up before the question has come. */
static bool
is_for_us(int fd, enum role target)
{
	struct ucred master;
	socklen_t n = sizeof(master);

	return target == ROLE_QMGR || geteuid() == 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &master, &n) == -1 ||
	    master.uid == geteuid();
}

int
ask(struct ctl *c, const struct ask *a)
{
	int fd = ask_connect(c);

	signal(SIGPIPE, SIG_IGN);
	if (fd == -1 && is_down(errno) && a->offline && offline_start(c))
		fd = ask_connect(c);
	else if (fd == -1 && is_down(errno) && a->offline)
		return CTL_DOWN;
	c->hung = fd == -1 && errno == EAGAIN;
	if (c->hung)
		return a->quiet ? CTL_LATER : ask_hung(c, ROLE_MASTER);
	if (fd == -1 && !is_down(errno)) {
		const int code = errno == EACCES ? CTL_DENIED : CTL_IO;

		return a->quiet ? code : fail(code, NULL,
		    "%s/control.sock: %s", ctl_path(c, "run"),
		    strerror(errno));
	}
	if (fd == -1)
		return a->quiet ? CTL_DOWN : fail(CTL_DOWN, "postern start",
		    "the server is not running");
	if (!is_for_us(fd, a->target)) {
		close(fd);
		return a->quiet ? CTL_DENIED : fail(CTL_DENIED, NULL,
		    "only root and the server's own user may do that");
	}
	return talk_over(c, fd, a);
}

/* In the child: master, whose stdin is our pipe. */
static _Noreturn void
exec_offline(struct ctl *c, int in)
{
	char path[PATH_MAX];
	const char *argv[8] = { "master", "--offline" };
	size_t n = 2;

	ctl_program(c, "master", "master", path);
	if (c->base != NULL) {
		argv[n++] = "--base";
		argv[n++] = c->base;
	}
	if (c->config != NULL) {
		argv[n++] = "--config";
		argv[n++] = c->config;
	}
	dup2(in, STDIN_FILENO);
	/* Its rows would mix with ours. */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execv(path, (char *const *)(uintptr_t)argv);
	fprintf(stderr, "postern: %s: %s\n", path, strerror(errno));
	_exit(CTL_DOWN);
}

bool
offline_start(struct ctl *c)
{
	int64_t until = clock_mono_ms() + OFFLINE_MS;
	int ends[2], fd = -1, status;

	if (c->offline_pid != 0)
		return true;
	if (pipe2(ends, O_CLOEXEC) == -1)
		fatal_errno("pipe");
	if ((c->offline_pid = fork()) == -1)
		fatal_errno("fork");
	if (c->offline_pid == 0)
		exec_offline(c, ends[0]);
	close(ends[0]);
	c->offline_fd = ends[1];
	while (clock_mono_ms() < until) {
		if (waitpid(c->offline_pid, &status, WNOHANG) != 0) {
			c->offline_pid = 0;
			close(c->offline_fd);
			return false; /* it said why on stderr */
		}
		if ((fd = ask_connect(c)) != -1) {
			close(fd);
			return true;
		}
		poll(NULL, 0, 20);
	}
	offline_stop(c);
	fail(CTL_DOWN, NULL, "the programs for work with the server down did "
	    "not start");
	return false;
}

void
offline_stop(struct ctl *c)
{
	if (c->offline_pid == 0)
		return;
	close(c->offline_fd);
	while (waitpid(c->offline_pid, NULL, 0) == -1 && errno == EINTR)
		;
	c->offline_pid = 0;
}
