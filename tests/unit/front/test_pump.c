#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "front/pump.h"

/* The client and the worker are plain descriptors in our hands. */
static struct loop *loop;
static struct pump *pump;
static int client, worker;
static bool ended, worker_lost;

static void
on_end(void *arg, bool lost)
{
	(void)arg;
	ended = true;
	worker_lost = lost;
}

static void
on_nothing(void *arg)
{
	(void)arg;
}

static void
on_early_end(void *arg, enum stream_end why)
{
	(void)arg;
	(void)why;
	ck_abort_msg("the pump has the stream");
}

static void
on_tick(void *arg)
{
	(void)arg;
	loop_stop(loop, 0);
}

/* Lets the loop do what can be done now. */
static void
turn(int ms)
{
	struct timer t;

	timer_init(&t, loop, on_tick, NULL);
	timer_set(&t, ms);
	loop_run(loop);
	timer_clear(&t);
}

static void
setup(void)
{
	static const struct stream_ops early = { .on_input = on_nothing,
		.on_end = on_early_end };
	int a[2], b[2];

	loop = loop_new();
	ck_assert_int_eq(socketpair(
	    AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, a), 0);
	ck_assert_int_eq(socketpair(
	    AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, b), 0);
	client = a[0];
	worker = b[0];
	ended = worker_lost = false;
	pump = pump_new(loop, stream_new(loop, a[1], &early, NULL), b[1],
	    STR("hello to the worker;"), on_end, NULL);
}

static void
teardown(void)
{
	if (!ended)
		pump_free(pump);
	turn(10);
	if (client != -1)
		close(client);
	if (worker != -1)
		close(worker);
	loop_free(loop);
}

static void
put(int fd, const char *text)
{
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	turn(10);
}

static void
expect(int fd, const char *text)
{
	char got[256];
	ssize_t n = read(fd, got, sizeof(got) - 1);

	ck_assert_int_ge(n, 0);
	got[n] = '\0';
	ck_assert_str_eq(got, text);
}

START_TEST(both_ways)
{
	put(client, "a1 NOOP\r\n");
	expect(worker, "hello to the worker;a1 NOOP\r\n");
	put(worker, "a1 OK\r\n");
	expect(client, "a1 OK\r\n");
	ck_assert_uint_eq(pump_to_client(pump), 7);
	ck_assert_uint_eq(pump_to_worker(pump), 9);
}
END_TEST

START_TEST(client_half_closes)
{
	put(client, "QUIT\r\n");
	shutdown(client, SHUT_WR);
	turn(10);
	expect(worker, "hello to the worker;QUIT\r\n");
	expect(worker, ""); /* EOF */
	ck_assert(!ended);
	put(worker, "bye\r\n");
	expect(client, "bye\r\n");
	close(worker);
	worker = -1;
	turn(10);
	ck_assert(ended && !worker_lost);
	turn(10);
	expect(client, "");
}
END_TEST

START_TEST(worker_ends)
{
	put(worker, "* BYE\r\n");
	close(worker);
	worker = -1;
	turn(20);
	ck_assert(ended && worker_lost);
	expect(client, "* BYE\r\n");
	expect(client, "");
}
END_TEST

/* Writes until nothing more is taken; number of octets. */
static size_t
flood(int fd)
{
	static const char chunk[65536];
	size_t all = 0;

	for (int idle = 0; idle < 3;) {
		ssize_t n = write(fd, chunk, sizeof(chunk));

		if (n > 0) {
			all += (size_t)n;
			idle = 0;
		} else {
			ck_assert_int_eq(errno, EAGAIN);
			idle++;
		}
		turn(5);
		ck_assert_uint_lt(all, 64 << 20);
	}
	return all;
}

static size_t
drain(int fd)
{
	char chunk[65536];
	size_t all = 0;

	for (int idle = 0; idle < 3;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n == 0)
			break;
		all += n > 0 ? (size_t)n : 0;
		idle = n > 0 ? 0 : idle + 1;
		turn(5);
	}
	return all;
}

/* Who does not read stops who writes, and nothing is lost. */
START_TEST(pressure)
{
	size_t to_client = flood(worker), to_worker = flood(client);

	ck_assert_uint_lt(to_client, 4 << 20);
	ck_assert_uint_lt(to_worker, 4 << 20);
	ck_assert_uint_eq(drain(client), to_client);
	ck_assert_uint_eq(drain(worker),
	    to_worker + strlen("hello to the worker;"));
}
END_TEST

/* The worker says much and goes: a slow client still gets all of it. */
START_TEST(slow_client)
{
	size_t all = flood(worker);

	close(worker);
	worker = -1;
	turn(10);
	ck_assert(!ended);
	ck_assert_uint_eq(drain(client), all);
	turn(10);
	ck_assert(ended);
}
END_TEST

static TCase *
pumping(void)
{
	TCase *tc = tcase_create("pumping");

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, both_ways);
	tcase_add_test(tc, client_half_closes);
	tcase_add_test(tc, worker_ends);
	tcase_add_test(tc, pressure);
	tcase_add_test(tc, slow_client);
	return tc;
}

UNIT_MAIN("pump", pumping)
