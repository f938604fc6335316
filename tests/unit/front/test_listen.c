#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "front/listen.h"

enum { TOTAL = 6, PER_CLIENT = 3, CLIENTS_MAX = 32 };

static struct loop *loop;
static struct listen *doors;
static struct listen_client seen[CLIENTS_MAX];
static int fds[CLIENTS_MAX];
static size_t nseen;
static bool free_for_all;
static uint16_t port;
static char path[64];

static void
on_client(void *arg, int fd, const struct listen_client *c)
{
	(void)arg;
	fds[nseen] = fd;
	seen[nseen++] = *c;
}

static struct str
refusal(void *arg, const struct listen_client *c)
{
	(void)arg;
	(void)c;
	return STR("421 too many\r\n");
}

static bool
exempt(void *arg, const struct listen_client *c)
{
	(void)arg;
	(void)c;
	return free_for_all;
}

static void
on_tick(void *arg)
{
	(void)arg;
	loop_stop(loop, 0);
}

static void
turn(void)
{
	struct timer t;

	timer_init(&t, loop, on_tick, NULL);
	timer_set(&t, 20);
	loop_run(loop);
	timer_clear(&t);
}

static void
setup(void)
{
	static const struct listen_ops ops = { on_client, refusal, exempt };
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un u = { .sun_family = AF_UNIX };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	loop = loop_new();
	nseen = 0;
	free_for_all = false;
	doors = listen_new(loop, TOTAL, PER_CLIENT, &ops, NULL);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, n), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	getsockname(fd, (struct sockaddr *)&a, &n);
	port = ntohs(a.sin_port);
	listen_add(doors, STR("smtp"), fd);
	snprintf(path, sizeof(path), "/tmp/postern-listen.%ld",
	    (long)getpid());
	snprintf(u.sun_path, sizeof(u.sun_path), "%s", path);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&u, sizeof(u)), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	listen_add(doors, STR("lmtp"), fd);
	listen_start(doors);
}

static void
teardown(void)
{
	listen_free(doors);
	loop_free(loop);
	unlink(path);
}

/* From 127.0.0.N. */
static int
come(unsigned n)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f000000u + n) };
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	turn();
	return fd;
}

START_TEST(each)
{
	char text[64] = "";
	int last;

	for (int i = 0; i < PER_CLIENT; i++)
		come(1);
	ck_assert_uint_eq(nseen, PER_CLIENT);
	ck_assert_str_eq(seen[0].text, "127.0.0.1");
	ck_assert(str_eq(seen[0].service, STR("smtp")));
	last = come(1);
	ck_assert_uint_eq(nseen, PER_CLIENT);
	ck_assert_int_gt(read(last, text, sizeof(text) - 1), 0);
	ck_assert_str_eq(text, "421 too many\r\n");
	come(2);
	ck_assert_uint_eq(nseen, PER_CLIENT + 1);
	listen_left(doors, &seen[0]);
	come(1);
	ck_assert_uint_eq(nseen, PER_CLIENT + 2);
}
END_TEST

START_TEST(exempted)
{
	free_for_all = true;
	for (int i = 0; i < TOTAL; i++)
		come(1);
	ck_assert_uint_eq(nseen, TOTAL);
}
END_TEST

/* Over the total nobody is refused: they wait until somebody leaves. */
START_TEST(in_all)
{
	for (unsigned i = 0; i < TOTAL + 2; i++)
		come(10 + i);
	ck_assert_uint_eq(nseen, TOTAL);
	listen_left(doors, &seen[0]);
	turn();
	ck_assert_uint_eq(nseen, TOTAL + 1);
	ck_assert_uint_eq(listen_count(doors), TOTAL);
}
END_TEST

START_TEST(unix_client)
{
	struct sockaddr_un u = { .sun_family = AF_UNIX };
	char want[LISTEN_CLIENT_TEXT];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(u.sun_path, sizeof(u.sun_path), "%s", path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&u, sizeof(u)), 0);
	turn();
	ck_assert_uint_eq(nseen, 1);
	snprintf(want, sizeof(want), "unix:%lu", (unsigned long)getuid());
	ck_assert_str_eq(seen[0].text, want);
	ck_assert_uint_eq(seen[0].uid, getuid());
	ck_assert(str_eq(seen[0].service, STR("lmtp")));
}
END_TEST

START_TEST(stopped)
{
	listen_stop(doors);
	come(1);
	ck_assert_uint_eq(nseen, 0);
}
END_TEST

static TCase *
listening(void)
{
	TCase *tc = tcase_create("listening");

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each);
	tcase_add_test(tc, exempted);
	tcase_add_test(tc, in_all);
	tcase_add_test(tc, unix_client);
	tcase_add_test(tc, stopped);
	return tc;
}

UNIT_MAIN("listen", listening)
