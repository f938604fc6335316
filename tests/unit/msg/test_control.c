/* Answers of a daemon to postern(8): others have their turn between slices. */
#include "tests/unit/unit.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "event/loop.h"
#include "msg/control_server.h"
#include "proc/roles.h"

enum { SLICES = 500 };

static struct {
	struct loop *loop;
	struct timer other; /* what else the process has to do */
	unsigned slices, since, most;
	char text[40000];
} t;

static void
on_other(void *arg)
{
	(void)arg;
	t.since = 0;
	timer_set(&t.other, 0);
}

static bool
more(void *arg, struct control_ask *a)
{
	(void)arg;
	/* More than is gathered: each slice sends. */
	for (int i = 0; i < 2; i++) {
		json_str(control_row(a), "text", str_n(t.text, sizeof(t.text)));
		control_row_end(a);
	}
	if (++t.since > t.most)
		t.most = t.since;
	if (++t.slices < SLICES)
		return true;
	control_end(a, 0, "", "");
	loop_stop(t.loop, 0);
	return false;
}

static void
verb(void *arg, struct control_ask *a)
{
	(void)arg;
	control_more(a, more);
}

static void
send_ask(int fd, const char *noun, const char *verb)
{
	struct {
		uint32_t len;
		uint16_t type, fds;
		uint64_t cookie;
	} head = { (uint32_t)(8 + strlen(noun) + strlen(verb)),
		MSG_CONTROL_ASK, 0, 0 };
	struct buf ask;

	buf_init(&ask, BUF_NO_MAX);
	buf_add(&ask, str_n(&head, sizeof(head)));
	wire_put_str(&ask, str_c(noun));
	wire_put_str(&ask, str_c(verb));
	ck_assert_int_eq(write(fd, buf_str(&ask).p, buf_len(&ask)),
	    (ssize_t)buf_len(&ask));
	buf_clear(&ask);
}

static void
on_end_of_wait(void *arg)
{
	loop_stop(arg, 0);
}

/* A client that takes all at once, as fast as it comes. */
static pid_t
reader(int fd)
{
	static char room[1 << 20];
	const pid_t pid = fork();

	if (pid != 0)
		return pid;
	while (read(fd, room, sizeof(room)) > 0)
		;
	_exit(0);
}

START_TEST(quick_client_does_not_have_the_loop)
{
	static const struct control_verb verbs[] = {
		{ "queue", "list", 0, 0, false, verb, NULL, NULL },
	};
	int sv[2], size = 1 << 20;
	pid_t pid;

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	send_ask(sv[1], "queue", "list");
	memset(t.text, 'x', sizeof(t.text));
	pid = reader(sv[1]);
	close(sv[1]);
	t.loop = loop_new();
	timer_init(&t.other, t.loop, on_other, NULL);
	timer_set(&t.other, 0);
	control_open(t.loop, sv[0], 0, CONTROL_ADMIN, verbs, 1, NULL);
	loop_run(t.loop);
	ck_assert_uint_eq(t.slices, SLICES);
	ck_assert_uint_le(t.most, 2);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
END_TEST

/* --- a daemon that waits --------------------------------------------------- */

static void
late_verb(void *arg, struct control_ask *a)
{
	(void)arg;
	(void)a; /* the disk is slow */
}

/* What arrives within ms: frames that are rows without any. */
static unsigned
count_empty(struct loop *loop, int fd, int ms)
{
	char head[16];
	uint32_t len;
	uint16_t type;
	unsigned n = 0;
	struct timer end;

	timer_init(&end, loop, on_end_of_wait, loop);
	timer_set(&end, ms);
	loop_run(loop);
	timer_clear(&end);
	while (recv(fd, head, sizeof(head), MSG_DONTWAIT) == sizeof(head)) {
		memcpy(&len, head, sizeof(len));
		memcpy(&type, head + 4, sizeof(type));
		n += len == 0 && type == MSG_CONTROL_ROWS;
	}
	return n;
}

START_TEST(who_waits_says_that_he_lives)
{
	static const struct control_verb verbs[] = {
		{ "queue", "hold", 0, 0, false, late_verb, NULL, NULL },
	};
	struct loop *loop = loop_new();
	int sv[2];

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	send_ask(sv[1], "queue", "hold");
	control_open(loop, sv[0], 0, CONTROL_ADMIN, verbs, 1, NULL);
	ck_assert_uint_eq(count_empty(loop, sv[1], CONTROL_ALIVE_MS / 2), 0);
	ck_assert_uint_ge(count_empty(loop, sv[1], CONTROL_ALIVE_MS * 2), 1);
	close(sv[1]);
}
END_TEST

static TCase *
all(void)
{
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, who_waits_says_that_he_lives);
	tcase_add_test(tc, quick_client_does_not_have_the_loop);
	return tc;
}

UNIT_MAIN("control", all)
