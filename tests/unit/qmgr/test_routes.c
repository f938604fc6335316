/*
 * What routerd says of recipients, with a driver in its place: lists in more
 * than one frame, when something happens before the last of them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"
#include "msg/route.h"
#include "qmgr/qmgr.h"
#include "qmgr/via.h"
#include "tests/unit/unit.h"

static struct qmgr d;
static char path[64];
static int dirfd_;
static struct message *m;
static struct link *routerd;
static uint64_t cookies[16]; /* of the last question for each recipient */
static unsigned asked;
static bool until_ready; /* the loop runs until the message is ready */
static bool to_all;      /* each goes to the domain behind its "@" */

/* --- the rest of qmgr ---------------------------------------------------- */

int64_t
qmgr_now(struct qmgr *q)
{
	return q->q.now;
}

void
qmgr_pump(struct qmgr *q)
{
	if (to_all)
		routes_pump(q);
}

void
message_ready(struct qmgr *q, struct message *msg)
{
	static const struct share share = { .weight = 1 };
	struct bundle *b;

	if (to_all)
		LIST_FOREACH(b, &msg->bundles, of_message)
			sched_add(&q->q.sched, b, &share);
	if (until_ready)
		loop_stop(q->proc.loop, 0);
}

void
message_ready_bundle(struct qmgr *q, struct bundle *b)
{
	(void)q;
	(void)b;
}

bool
dsn_wanted(const struct rcpt *r, enum dsn_action action)
{
	(void)action;
	return (r->notify & NOTIFY_SUCCESS) != 0;
}

void
dsn_queue(struct qmgr *q, struct message *msg, enum dsn_action action)
{
	(void)q;
	(void)msg;
	(void)action;
}

/* A rejection ends a round: what was sent before it has arrived. */
void
outcome_apply(
    struct qmgr *q, struct message *msg, const struct outcome *os, size_t n)
{
	struct rcpt *r = os[0].r;

	ck_assert_uint_eq(n, 1);
	queue_done(&q->q, msg, &r, 1, END_MAILBOX);
	if (!until_ready)
		loop_stop(q->proc.loop, 0);
}

/* --- routerd --------------------------------------------------------------- */

static void
on_route(void *arg, struct link *l, struct link_msg *f)
{
	const struct msg_route *q = f->body;
	struct rcpt *r;

	(void)arg;
	asked++;
	if (to_all) {
		const struct msg_route_is is = { .kind = ROUTE_REMOTE,
			.next_hop = str_from(q->address,
			    str_find(q->address, '@') + 1) };

		link_send(l, MSG_ROUTE_IS, f->cookie, &msg_route_is_wire, &is);
		return;
	}
	RCPT_FOREACH(r, m)
		if (str_eq(rcpt_address(r), q->address) && r->index < 16)
			cookies[r->index] = f->cookie;
	if (asked == 5) /* those that the message has at first */
		loop_stop(d.proc.loop, 0);
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	(void)arg;
	(void)why;
	link_free(l);
}

static const struct link_rule rules[] = {
	LINK_RULE(MSG_ROUTE, &msg_route_wire, on_route),
};
static const struct link_ops ops = { .rules = rules, .nrules = N_OF(rules),
	.on_close = on_close };

/* A fresh routerd; runs until it was asked for n recipients. */
static void
link_routerd(unsigned n)
{
	int pair[2];

	asked = 5 - n;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	routerd = link_new(d.proc.loop, pair[0], &ops, NULL);
	routes_link(&d, pair[1]);
	routes_pump(&d);
	loop_run(d.proc.loop);
}

/* members: words. */
static void
say_list(uint32_t index, const char *members, bool more)
{
	const struct msg_route_is is = { .kind = ROUTE_LIST, .more = more };
	struct str rest = str_c(members);
	struct buf tail;

	buf_init(&tail, BUF_NO_MAX);
	while (rest.n != 0)
		wire_put_str(&tail, str_take_word(&rest));
	link_send_tail(routerd, MSG_ROUTE_IS, cookies[index],
	    &msg_route_is_wire, &is, buf_str(&tail));
	buf_clear(&tail);
}

/* Rejects a recipient that is there for nothing else. */
static void
wait_for(uint32_t index)
{
	const struct msg_route_is is = { .kind = ROUTE_REJECT, .code = 550 };

	link_send(routerd, MSG_ROUTE_IS, cookies[index], &msg_route_is_wire,
	    &is);
	loop_run(d.proc.loop);
}

/* --- the rig --------------------------------------------------------------- */

static void
on_dirty(void *arg)
{
	(void)arg;
}

static void
on_failed(void *arg, int error)
{
	(void)arg;
	ck_abort_msg("a flush failed: %d", error);
}

static void
on_full(void *arg, int error)
{
	(void)arg;
	ck_abort_msg("a full disk: %d", error);
}

static void
on_segment(void *arg)
{
	(void)arg;
}

static void
setup(void)
{
	static const struct sched_options o = { 5, 20, 100, 1000, 60000 };
	static const struct qlog_ops log = { on_dirty, on_failed, on_full,
		on_segment };
	static const char *const names[] = { "l0", "l1", "direct", "s3", "s4" };
	static const struct settle none;
	const struct envelope env = { .sender = STR("a@x.test"),
		.client = STR("192.0.2.1") };
	struct rcpt_init inits[N_OF(names)];

	d = (struct qmgr){ .proc.loop = loop_new() };
	until_ready = to_all = false;
	snprintf(path, sizeof(path), "/tmp/postern-routes.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(path));
	dirfd_ = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d.syncer = syncer_new(NULL);
	queue_init(&d.q, &o, 7);
	qlog_init(&d.q.log, dirfd_, 1 << 20, 5, d.syncer, &log, NULL);
	qlog_start(&d.q.log, 0, 1);
	routes_init(&d);
	for (uint32_t i = 0; i < N_OF(names); i++)
		inits[i] = (struct rcpt_init){ .index = i,
			.notify = NOTIFY_SUCCESS | NOTIFY_FAILURE,
			.address = str_c(names[i]) };
	m = message_new(queue_new_id(&d.q, 1000), &env, inits, N_OF(names),
	    N_OF(names));
	queue_accept(&d.q, m, STR_NONE, &none);
	m->flags |= MSG_FLUSHED;
	message_hold_ref(m);
	link_routerd(5);
}

static void
stop_loop(void *arg)
{
	(void)arg;
	loop_stop(d.proc.loop, 0);
}

static void
run_for(int64_t ms)
{
	struct timer t;

	timer_init(&t, d.proc.loop, stop_loop, NULL);
	timer_set(&t, ms);
	loop_run(d.proc.loop);
	timer_clear(&t);
}

static void
teardown(void)
{
	char command[100];

	link_free(routerd);
	run_for(0); /* links are freed at the end of a round */
	snprintf(command, sizeof(command), "rm -r %s", path);
	ck_assert_int_eq(system(command), 0);
}

/* Who the message goes to besides its first recipients, as words, with * who
 * has all of his list's NOTIFY, as the only one that it leads to, and the others
 * what is left of it; each has an index of its own. */
static void
ck_members(const char *expected)
{
	struct buf all;
	struct rcpt *r;
	uint32_t least = 0;

	buf_init(&all, BUF_NO_MAX);
	RCPT_FOREACH(r, m) {
		ck_assert_uint_ge(r->index, least);
		least = r->index + 1;
		if (r->index < 5)
			continue;
		buf_addf(&all, "%s%.*s%s", buf_len(&all) == 0 ? "" : " ",
		    STR_ARG(rcpt_address(r)),
		    r->notify == NOTIFY_FAILURE ? "" : "*");
		ck_assert((r->notify & NOTIFY_FAILURE) != 0);
	}
	ck_assert_str_eq(buf_cstr(&all), expected);
	ck_assert_uint_eq(m->nrcpts, least);
	buf_clear(&all);
}

static int
state_of(uint32_t index)
{
	return message_rcpt(m, index)->state;
}

/* --- tests ----------------------------------------------------------------- */

START_TEST(each_once)
{
	say_list(0, "a b", true);
	say_list(1, "c a", true);
	say_list(0, "b direct c", true);
	say_list(1, "d d", false);
	say_list(0, "e", false);
	wait_for(3);
	ck_members("c a d b e");
	ck_assert_int_eq(state_of(0), RCPT_REPORT);
	ck_assert_int_eq(message_rcpt(m, 0)->dsn, DSN_EXPANDED);
	ck_assert_int_eq(state_of(1), RCPT_REPORT);
	ck_assert_uint_eq(m->nreport, 2);
}
END_TEST

/* An alias that names itself means the mailbox of that name, which is no
 * recipient that the message had before; nor is it named twice, whoever leads
 * to it. */
static const struct {
	const char *l0, *l1, *members;
} selves[] = { { "l0 a", "b", "l0 a b*" }, { "a l0 l0", "l0 l1 b", "a l0 l1 b" },
	{ "l1 l0", "l0 l1", "l0 l1" }, { "direct l0", "direct", "l0" } };

START_TEST(names_itself)
{
	say_list(0, selves[_i].l0, false);
	say_list(1, selves[_i].l1, false);
	wait_for(3);
	ck_members(selves[_i].members);
}
END_TEST

/* routerd dies in the middle of one: it is asked for once more, whole. */
START_TEST(begun_again)
{
	say_list(0, "a b", true);
	say_list(1, "b c", _i != 0);
	wait_for(3);
	ck_members(_i != 0 ? "" : "b c");
	link_free(routerd);
	/* The lists, or one, the direct one, and one of those to wait for;
	 * and the members that were new are asked about. */
	link_routerd(_i != 0 ? 4 : 5);
	say_list(0, "a b", true);
	if (_i != 0)
		say_list(1, "b c", false);
	say_list(0, "d", false);
	wait_for(4);
	ck_members("b c a d");
	ck_assert_uint_eq(m->nreport, 2);
}
END_TEST

/* The administrator sends a list elsewhere, or drops it, between two frames:
 * whom it named is nobody's, unless another list has him too. */
START_TEST(taken_away)
{
	struct rcpt *list = message_rcpt(m, 0);

	say_list(0, "a b", true);
	wait_for(3);
	if (_i == 0)
		queue_done(&d.q, m, &list, 1, END_MAILBOX);
	else
		queue_reroute(&d.q, m, &list, 1,
		    site_smtp(&d.q.sites, STR("[192.0.2.1]"), 0));
	say_list(1, "b c", false);
	say_list(0, "d", false);
	wait_for(4);
	ck_members("b c");
	ck_assert_int_eq(state_of(0), _i == 0 ? RCPT_DONE : RCPT_READY);
	ck_assert_uint_eq(d.routes.open, 1); /* about the direct one */
}
END_TEST

/* It was sent elsewhere and comes back before the rest of the first answer:
 * that has a hole. */
START_TEST(taken_away_and_back)
{
	struct rcpt *list = message_rcpt(m, 0);

	say_list(0, "a", true);
	wait_for(3);
	queue_reroute(&d.q, m, &list, 1,
	    site_smtp(&d.q.sites, STR("[192.0.2.1]"), 0));
	say_list(0, "b", true);
	wait_for(4);
	ck_assert_int_eq(list->state, RCPT_READY);
	rcpt_set_via(list, NULL);
	rcpt_route(&d.q, list, false);
	asked = 4;
	say_list(1, "x", false);
	{
		const uint64_t first = cookies[0];

		routes_pump(&d);
		loop_run(d.proc.loop);
		ck_assert_uint_ne(first, cookies[0]);
		say_list(0, "a b c", false);
		cookies[0] = first;
		say_list(0, "c", false);
		wait_for(2);
	}
	ck_members("x* a b c");
}
END_TEST

/* The others wait for the last answer, also when that is of no use: a frame
 * that nobody can read, or a recipient who was dropped. */
START_TEST(the_others_go_on)
{
	const struct msg_route_is is = { .kind = ROUTE_LIST, .more = true };
	struct rcpt *list = message_rcpt(m, 0), *direct = message_rcpt(m, 2);

	queue_reroute(&d.q, m, &direct, 1,
	    site_smtp(&d.q.sites, STR("[192.0.2.1]"), 0));
	say_list(2, "", false); /* its answer, of no use either */
	wait_for(1);
	wait_for(3);
	wait_for(4);
	if (_i != 0)
		queue_done(&d.q, m, &list, 1, END_MAILBOX);
	until_ready = true;
	link_send_tail(routerd, MSG_ROUTE_IS, cookies[0], &msg_route_is_wire,
	    &is, STR("\xff\xff\xff"));
	loop_run(d.proc.loop); /* for ever, if it is not told */
	ck_assert_int_eq(list->state, RCPT_DONE);
	ck_assert_int_eq(direct->state, RCPT_READY);
}
END_TEST

/* While others' recipients fill the memory a long list waits for its next
 * attempt; a short one, or one alone, goes. */
START_TEST(long_lists_wait)
{
	char many[400] = "";

	for (int i = 0; i < 70; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many),
		    "m%d ", i);
	d.o.memory = 100000;
	d.q.rcpt_memory += _i == 0 ? 100000 : 0;
	if (_i != 0)
		d.o.memory = d.q.rcpt_memory;
	say_list(0, many, true);
	say_list(0, "more", false);
	say_list(1, "a b", false);
	wait_for(3);
	if (_i == 0)
		ck_members("a b");
	else
		ck_assert_uint_eq(m->nrcpts, 5 + 71 + 2);
	ck_assert_uint_eq(d.routes.memory, 0);
}
END_TEST

/* As a state does it: what is not in the message's entry is gone. */
static void
restart(unsigned n)
{
	struct entry_writer w;
	struct entry_reader reader;
	struct message *old = m;
	struct buf b;
	struct str in;
	struct rcpt *r;

	buf_init(&b, BUF_NO_MAX);
	entry_writer_init(&w);
	entry_put(&b, &w, m);
	RCPT_FOREACH(r, m)
		if (r->state != RCPT_DONE)
			queue_done(&d.q, m, &r, 1, END_MAILBOX);
	in = buf_str(&b);
	entry_reader_init(&reader, &d.q.reasons, &d.q.sites);
	m = entry_take(&reader, &in);
	ck_assert_ptr_nonnull(m);
	ck_assert_uint_eq(in.n, 0);
	entry_reader_clear(&reader);
	buf_clear(&b);
	queue_add(&d.q, m, NULL, 0, 0);
	m->flags |= MSG_FLUSHED;
	message_hold_ref(m);
	link_free(routerd);
	link_routerd(n);
	message_drop_ref(&d.q, old);
}

/* Who had it before is no new member of another list, nor is a list that was
 * expanded; whose mailbox it was in is asked of deliver. */
START_TEST(restarted)
{
	struct rcpt *member;

	say_list(0, "a b", false);
	wait_for(3);
	ck_members("a b");
	member = message_rcpt(m, 5);
	queue_done(&d.q, m, &member, 1, END_MAILBOX);
	member = message_rcpt(m, 0);
	queue_done(&d.q, m, &member, 1, END_MAILBOX);
	restart(4); /* the other list, the direct one, one to wait for, b */
	ck_assert_uint_eq(m->nleft, 4);
	say_list(1, "l0 b a c", false);
	wait_for(4);
	ck_members("a b c");
	ck_assert_int_eq(state_of(0), RCPT_DONE);
	ck_assert_int_eq(state_of(5), RCPT_DONE);
	ck_assert_int_eq(message_rcpt(m, 7)->flags & RCPT_MAYBE, RCPT_MAYBE);
}
END_TEST

/* When all know their way, nobody who is done has to be remembered. */
START_TEST(restarted_without_lists)
{
	struct rcpt *r;

	for (uint32_t i = 0; i < 5; i++) {
		r = message_rcpt(m, i);
		if (i < 3)
			queue_done(&d.q, m, &r, 1, END_MAILBOX);
		else
			rcpt_ready(&d.q, r, site_smtp(&d.q.sites,
			    STR("[192.0.2.1]"), 0), NULL);
	}
	restart(2);
	ck_assert_ptr_null(message_rcpt(m, 0));
	ck_assert_uint_eq(m->nleft, 2);
	ck_assert_uint_eq(m->nfirst, 2);
}
END_TEST

/* One message to n domains, which are asked for only later. */
static struct message *
accept_for(uint32_t n)
{
	static const struct settle none;
	const struct envelope env = { .sender = STR("a@x.test") };
	struct rcpt_init *inits = xcalloc(n, sizeof(*inits));
	char (*names)[24] = xcalloc(n, sizeof(*names));
	struct message *to;

	for (uint32_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "u@d%u.test", i);
		inits[i] = (struct rcpt_init){ .index = i,
			.address = str_c(names[i]) };
	}
	to = message_new(queue_new_id(&d.q, 1000), &env, inits, n, n);
	queue_accept(&d.q, to, STR_NONE, &none);
	to->flags |= MSG_FLUSHED;
	free(names);
	free(inits);
	return to;
}

/* What is ready of a message waits for the rest, and the rest does not wait
 * for what is ready: neither those who follow each other, nor those whose
 * time comes while the first are asked about. */
START_TEST(a_message_to_very_many_domains)
{
	enum { MANY = 20600, LATE = 100 };
	struct message *first = accept_for(MANY), *second;
	struct rcpt *r;

	for (uint32_t i = MANY - LATE; i < MANY; i++) {
		r = message_rcpt(first, i);
		rcpt_wait(&d.q, r, d.q.now);
	}
	second = accept_for(100);
	to_all = true;
	routes_pump(&d);
	for (int i = 0; i < 1000 && !message_half_routed(first); i++)
		run_for(1);
	ck_assert(message_half_routed(first));
	for (uint32_t i = MANY - LATE; i < MANY; i++)
		rcpt_route(&d.q, message_rcpt(first, i), true);
	for (int i = 0; i < 500 && first->asking != 0; i++)
		run_for(20);
	ck_assert_uint_eq(first->asking, 0);
	/* What waited for others of its message took no room. */
	ck_assert_uint_eq(second->asking, 0);
	ck_assert_uint_eq(d.q.nready, MANY + 100);
	/* Now there is none for another. */
	second = accept_for(100);
	routes_pump(&d);
	run_for(50);
	ck_assert_uint_eq(second->asking, 100);
}
END_TEST

/* The second of each stands behind the first ones of all, and these wait for
 * it. */
START_TEST(pairs_far_apart)
{
	enum { PAIRS = 25000 };
	struct message *to = NULL;

	for (uint32_t i = 0; i < PAIRS; i++) {
		to = accept_for(2);
		rcpt_wait(&d.q, &to->rcpts[0], d.q.now);
		rcpt_wait(&d.q, &to->rcpts[1], d.q.now);
	}
	for (int second = 0; second < 2; second++)
		TAILQ_FOREACH(to, &d.q.table.all, entry)
			if (to->rcpts[second].state == RCPT_DEFERRED)
				rcpt_route(&d.q, &to->rcpts[second], true);
	to_all = true;
	routes_pump(&d);
	for (int i = 0; i < 2000 && d.q.sched.nrcpts < 20000; i++)
		run_for(5);
	ck_assert_uint_ge(d.q.sched.nrcpts, 20000);
}
END_TEST

static TCase *
lists(void)
{
	TCase *tc = tcase_create("lists");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_once);
	tcase_add_loop_test(tc, names_itself, 0, N_OF(selves));
	tcase_add_loop_test(tc, begun_again, 0, 2);
	tcase_add_loop_test(tc, taken_away, 0, 2);
	tcase_add_test(tc, taken_away_and_back);
	tcase_add_loop_test(tc, the_others_go_on, 0, 2);
	tcase_add_loop_test(tc, long_lists_wait, 0, 2);
	tcase_add_test(tc, restarted);
	tcase_add_test(tc, restarted_without_lists);
	tcase_add_test(tc, a_message_to_very_many_domains);
	tcase_add_test(tc, pairs_far_apart);
	tcase_set_timeout(tc, 20);
	return tc;
}

UNIT_MAIN("routes", lists)
