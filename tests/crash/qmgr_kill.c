/*
 * The queue's process dies before each of its calls that change the disk, or
 * in the middle of a write.  What it had said to be on disk is there after
 * the restart, what it had said to be done is not done again.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fatal.h"
#include "qmgr/disk.h"
#include "qmgr/via.h"
#include "tests/unit/qmgr/rig.h"

enum { SEGMENT = 16384, MESSAGES = 24, BODY = 1500, CALLS_MAX = 4000,
	STEP = 8 /* the loop test's cases share the calls */ };

/* What the process says, to a ledger outside of it. */
enum said { SAID_ACCEPTED = 'A', SAID_FINISHING = 'f', SAID_FINISHED = 'F',
	SAID_REROUTED = 'R' };

struct line {
	uint64_t id;
	uint32_t said;
	uint32_t number; /* of the message: what its body is made of */
};

static struct rig rig;
static int ledger[2];
static int calls, die_at;
static bool torn;

static int
die(enum disk_call call, int fd, const void *p, size_t n, uint64_t at)
{
	if (++calls != die_at)
		return 0;
	if (torn && call == DISK_WRITE &&
	    pwrite(fd, p, n / 2, (off_t)at) == -1)
		_exit(3);
	_exit(1);
}

static void
say(uint64_t id, enum said said, uint32_t number)
{
	const struct line l = { id, said, number };

	if (write(ledger[1], &l, sizeof(l)) != sizeof(l))
		_exit(2);
}

struct waiting {
	struct qlog_wait wait;
	uint64_t id;
	enum said said;
	uint32_t number;
};

static void
on_flushed(struct qlog_wait *w)
{
	const struct waiting *x = (const struct waiting *)(void *)w;

	say(x->id, x->said, x->number);
}

static void
wait_for(struct waiting *w, uint64_t id, enum said said, uint32_t number)
{
	*w = (struct waiting){ { .on_flushed = on_flushed }, id, said, number };
	qlog_wait(&rig.q.log, &w->wait);
}

static void
make_body(char body[BODY], uint32_t number)
{
	memset(body, 'a' + (int)(number % 26), BODY - 1);
	body[BODY - 1] = 0;
}

static void
finish(struct message *m, struct waiting *w, uint32_t number)
{
	struct rcpt *r = &m->rcpts[0];
	const uint64_t id = m->id;

	say(id, SAID_FINISHING, number);
	queue_done(&rig.q, m, &r, 1, END_MAILBOX);
	wait_for(w, id, SAID_FINISHED, number);
}

/* Where it goes outlives everything from now on. */
static void
reroute(struct message *m, struct waiting *w, uint32_t number)
{
	struct rcpt *r = &m->rcpts[0];

	queue_reroute(&rig.q, m, &r, 1,
	    site_smtp(&rig.q.sites, str_c("[192.0.2.7]:2525"), 1));
	wait_for(w, m->id, SAID_REROUTED, number);
}

static void
copy_first(void)
{
	struct message *m = TAILQ_FIRST(&rig.q.table.all);
	struct buf room;

	if (m == NULL)
		return;
	buf_init(&room, BUF_NO_MAX);
	queue_copy(&rig.q, m, rig_text(&rig, m, &room));
	buf_clear(&room);
}

static void
work(void)
{
	static struct waiting waits[MESSAGES * 3];
	struct message *kept[MESSAGES];
	char body[BODY];

	for (uint32_t i = 0; i < MESSAGES; i++) {
		make_body(body, i);
		kept[i] = rig_accept(&rig, 1, body, NULL);
		wait_for(&waits[i * 2], kept[i]->id, SAID_ACCEPTED, i);
		if (i >= 2 && i % 3 != 0)
			finish(kept[i - 1], &waits[i * 2 + 1], i - 1);
		if (i % 3 == 2)
			reroute(kept[i], &waits[MESSAGES * 2 + i], i);
		if (i % 2 == 0)
			rig_flush(&rig);
		if (i % 7 == 6)
			copy_first();
		if (i % 6 == 5)
			state_write(&rig.state, 1000);
	}
	rig_flush(&rig);
	rig_flush(&rig);
}

/* In a process of its own; true: it came to its end. */
static bool
run_child(void)
{
	const pid_t pid = fork();
	int status;

	if (pid == -1)
		fatal_errno("fork");
	if (pid == 0) {
		calls = 0;
		disk_fault = die;
		rig_load(&rig, SEGMENT);
		work();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
	return WEXITSTATUS(status) == 0;
}

static void
check_text(struct message *m, uint32_t number)
{
	char body[BODY];
	struct buf room;

	make_body(body, number);
	buf_init(&room, BUF_NO_MAX);
	ck_assert(str_ends(rig_text(&rig, m, &room), str_c(body)));
	buf_clear(&room);
}

static void
check_ledger(void)
{
	enum said last[MESSAGES] = { 0 };
	bool rerouted[MESSAGES] = { false };
	uint64_t ids[MESSAGES];
	struct line l;

	close(ledger[1]);
	while (read(ledger[0], &l, sizeof(l)) == sizeof(l)) {
		ids[l.number] = l.id;
		if (l.said == SAID_REROUTED) {
			rerouted[l.number] = true;
			continue;
		}
		/* An end can be begun before the beginning was on disk. */
		if (last[l.number] != SAID_FINISHING ||
		    l.said != SAID_ACCEPTED)
			last[l.number] = (enum said)l.said;
	}
	close(ledger[0]);
	rig_load(&rig, SEGMENT);
	ck_assert_uint_eq(rig.report.malformed + rig.report.damaged, 0);
	for (uint32_t i = 0; i < MESSAGES; i++) {
		struct message *m = last[i] == 0 ? NULL :
		    table_find(&rig.q.table, ids[i]);

		if (last[i] == SAID_ACCEPTED)
			ck_assert_msg(m != NULL, "call %d: message %u is lost",
			    die_at, i);
		if (last[i] == SAID_FINISHED)
			ck_assert_msg(m == NULL, "call %d: message %u is back",
			    die_at, i);
		if (m != NULL && rerouted[i])
			ck_assert_msg(rcpt_via(&m->rcpts[0]) != NULL,
			    "call %d: message %u goes as usual", die_at, i);
		if (m != NULL)
			check_text(m, i);
	}
	/* It works on, over another restart. */
	rig_accept(&rig, 1, "more", NULL);
	rig_flush(&rig);
	rig_unload(&rig);
	rig_load(&rig, SEGMENT);
	ck_assert_uint_eq(rig.report.damaged, 0);
}

START_TEST(nothing_is_lost)
{
	bool ended = false;

	torn = _i % 2 != 0;
	for (die_at = 1 + _i / 2; !ended && die_at < CALLS_MAX;
	    die_at += STEP / 2) {
		rig_init(&rig);
		if (pipe(ledger) == -1)
			fatal_errno("pipe");
		ended = run_child();
		check_ledger();
		rig_clear(&rig);
	}
	ck_assert(ended);
}
END_TEST

static TCase *
killing(void)
{
	TCase *tc = tcase_create("killing");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, nothing_is_lost, 0, STEP);
	return tc;
}

UNIT_MAIN("queue: killed at every call", killing)
