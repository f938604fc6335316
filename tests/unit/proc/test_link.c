#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"
#include "event/loop.h"
#include "proc/link.h"
#include "proc/roles.h"
#include "tests/unit/unit.h"

/* Two ends in one loop: b remembers what arrives. */
struct pair {
	struct loop *loop;
	int raw;            /* the other end, when it is played by hand */
	struct link *a, *b;
	size_t got, octets, fds;
	uint64_t cookie;
	const char *why;
	struct timer timer;
	size_t wanted;
};

static void
on_peer(void *arg, struct link *l, struct link_msg *m)
{
	struct pair *p = arg;
	const struct msg_peer *peer = m->body;

	(void)l;
	ck_assert_uint_eq(peer->role, ROLE_QMGR);
	p->got++;
	p->fds += m->nfds;
	p->cookie = m->cookie;
	ck_assert(fcntl(m->fds[0], F_GETFD) & FD_CLOEXEC);
	if (p->got == p->wanted)
		loop_stop(p->loop, 0);
}

static void
on_raw(void *arg, struct link *l, struct link_msg *m)
{
	struct pair *p = arg;

	p->got++;
	p->octets += m->raw.n;
	if (p->got == 3)
		link_pause(l);
	if (p->got == p->wanted)
		loop_stop(p->loop, 0);
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	struct pair *p = arg;

	p->why = why;
	if (l == p->b)
		p->b = NULL;
	link_free(l);
	loop_stop(p->loop, 1);
}

static void
on_resume(void *arg)
{
	struct pair *p = arg;

	ck_assert_uint_eq(p->got, 3);
	link_resume(p->b);
}

static const struct link_rule rules[] = {
	LINK_RULE_FD(MSG_PEER, &msg_peer_wire, 1, on_peer),
	LINK_RULE_RAW(900, LINK_BODY_MAX, on_raw),
	LINK_RULE_RAW(901, 4, on_raw),
};
static const struct link_ops ops = { rules, 3, on_close, NULL };

static void
start(struct pair *p, bool by_hand)
{
	int sv[2];

	*p = (struct pair){ .loop = loop_new(), .raw = -1 };
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	p->b = link_new(p->loop, sv[1], &ops, p);
	if (by_hand)
		p->raw = sv[0];
	else
		p->a = link_new(p->loop, sv[0], &ops, p);
	timer_init(&p->timer, p->loop, on_resume, p);
}

START_TEST(frames_and_descriptors)
{
	struct pair p;
	struct msg_peer m = { ROLE_QMGR, 1, 2 };

	start(&p, false);
	p.wanted = 200;
	for (uint64_t i = 0; i < 200; i++)
		link_send_fd(p.a, MSG_PEER, i, &msg_peer_wire, &m,
		    open("/dev/null", O_RDONLY | O_CLOEXEC));
	ck_assert_int_eq(loop_run(p.loop), 0);
	ck_assert_uint_eq(p.fds, 200);
	ck_assert_uint_eq(p.cookie, 199);
}
END_TEST

/* Alone it waits; in company it goes at once, in its place. */
START_TEST(lazy)
{
	struct pair p;
	int64_t began;

	start(&p, false);
	p.wanted = 1;
	began = loop_now(p.loop);
	link_send_lazy(p.a, 901, 0, NULL, NULL);
	ck_assert_uint_gt(link_pending(p.a), 0);
	ck_assert_int_eq(loop_run(p.loop), 0);
	ck_assert_int_ge(loop_now(p.loop) - began, LINK_LAZY_MS - 2);
	ck_assert_uint_eq(p.got, 1);
	ck_assert_uint_eq(p.octets, 0);

	p.wanted = 2;
	link_send_lazy(p.a, 901, 0, NULL, NULL);
	ck_assert_uint_eq(p.got, 1);
	link_send_raw(p.a, 901, 0, STR("four"));
	ck_assert_int_eq(loop_run(p.loop), 0);
	ck_assert_uint_eq(p.got, 3); /* both in one round */
	ck_assert_uint_eq(p.octets, 4);
	ck_assert_uint_eq(link_pending(p.a), 0);
}
END_TEST

static void
on_early(void *arg)
{
	struct pair *p = arg;

	ck_assert_uint_eq(p->got, 101);
}

/* What comes while it rests is taken at once, though its sender is gone. */
START_TEST(pace)
{
	static const char frame[] = "\4\0\0\0\x85\3\0\0\0\0\0\0\0\0\0\0four";
	struct timer early;
	struct pair p;

	start(&p, true);
	link_pace(p.b, 60, 24);
	p.got = 100; /* far from where on_raw pauses */
	p.wanted = 101;
	ck_assert_int_eq(write(p.raw, frame, 20), 20);
	ck_assert_int_eq(loop_run(p.loop), 0);
	timer_init(&early, p.loop, on_early, &p);
	timer_set(&early, 10);
	p.wanted = 102;
	ck_assert_int_eq(write(p.raw, frame, 20), 20);
	ck_assert_int_eq(write(p.raw, frame, 7), 7);
	ck_assert_int_eq(loop_run(p.loop), 0);
	ck_assert(!timer_is_set(&early));
	ck_assert_int_eq(write(p.raw, frame + 7, 13), 13);
	close(p.raw);
	ck_assert_int_eq(loop_run(p.loop), 1);
	ck_assert_uint_eq(p.got, 103);
	ck_assert_uint_eq(p.octets, 12);
	timer_clear(&early);
}
END_TEST

START_TEST(pause_and_resume)
{
	static char body[LINK_BODY_MAX];
	struct pair p;

	start(&p, false);
	p.wanted = 40;
	for (int i = 0; i < 40; i++)
		link_send_raw(p.a, 900, 0, str_n(body, sizeof(body)));
	ck_assert_uint_gt(link_pending(p.a), 0);
	timer_set(&p.timer, 50);
	ck_assert_int_eq(loop_run(p.loop), 0);
	ck_assert_uint_eq(p.octets, 40 * sizeof(body));
}
END_TEST

/* What breaks a rule closes the link, says why, and harms nothing. */
static const struct {
	const char *octets;
	size_t n;
} hostile[] = {
	{ "\xff\xff\xff\xff\x84\x03\0\0\0\0\0\0\0\0\0\0", 16 }, /* too long */
	{ "\0\0\0\0\x01\x01\0\0\0\0\0\0\0\0\0\0", 16 },  /* unknown type */
	{ "\0\0\0\0\x84\x03\x01\0\0\0\0\0\0\0\0\0", 16 }, /* fd missing */
	{ "\0\0\0\0\x84\x03\xff\0\0\0\0\0\0\0\0\0", 16 }, /* 255 fds */
	{ "\x05\0\0\0\x85\x03\0\0\0\0\0\0\0\0\0\0hello", 21 }, /* over its rule */
	{ "\x03\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0abc", 19 }, /* no fd, bad body */
};

START_TEST(hostile_frames)
{
	struct pair p;

	start(&p, true);
	ck_assert_int_eq(write(p.raw, hostile[_i].octets, hostile[_i].n),
	    (ssize_t)hostile[_i].n);
	ck_assert_int_eq(loop_run(p.loop), 1);
	ck_assert_ptr_nonnull(p.why);
	ck_assert_uint_eq(p.got, 0);
}
END_TEST

START_TEST(octet_by_octet)
{
	const char frame[] = "\x02\0\0\0\x84\x03\0\0\x09\0\0\0\0\0\0\0hi";
	struct pair p;

	start(&p, true);
	p.wanted = 1;
	for (size_t i = 0; i < sizeof(frame) - 1; i++)
		ck_assert_int_eq(write(p.raw, frame + i, 1), 1);
	ck_assert_int_eq(loop_run(p.loop), 0);
	ck_assert_uint_eq(p.octets, 2);
	close(p.raw);
	ck_assert_int_eq(loop_run(p.loop), 1);
	ck_assert_str_eq(p.why, "closed by the peer");
}
END_TEST

static TCase *
all(void)
{
	TCase *tc = tcase_create("link");

	tcase_add_test(tc, frames_and_descriptors);
	tcase_add_test(tc, lazy);
	tcase_add_test(tc, pace);
	tcase_add_test(tc, pause_and_resume);
	tcase_add_loop_test(tc, hostile_frames, 0, N_OF(hostile));
	tcase_add_test(tc, octet_by_octet);
	return tc;
}

UNIT_MAIN("link", all)
