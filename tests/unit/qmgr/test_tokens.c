/* Tokens of dropped files: a file is taken once, whatever happens. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "qmgr/disk.h"
#include "tests/unit/qmgr/drop_rig.h"

enum { SEGMENT = 16384 };

static struct rig rig;

static void
setup(void)
{
	rig_init(&rig);
	rig_load(&rig, SEGMENT);
}

static void
teardown(void)
{
	rig_clear(&rig);
}

static void
fill_body(char *body, size_t n, uint32_t number)
{
	memset(body, 'a' + (int)(number % 26), n - 1);
	body[n - 1] = 0;
}

static void
finish_all(void)
{
	struct message *m;

	while ((m = TAILQ_FIRST(&rig.q.table.all)) != NULL) {
		struct rcpt *r = &m->rcpts[0];

		queue_done(&rig.q, m, &r, 1, END_MAILBOX);
	}
}

static void
restart(void)
{
	rig_flush(&rig);
	rig_unload(&rig);
	rig_load(&rig, SEGMENT);
}

static size_t
count_segments(void)
{
	struct segment *seg;
	size_t n = 0;

	TAILQ_FOREACH(seg, &rig.q.log.segments, entry)
		n++;
	return n;
}

static void
damage_state(const char *name)
{
	int fd = openat(rig.dirfd, name, O_RDWR);

	ck_assert_int_eq(disk_write(fd, "X", 1, 20), 0);
	close(fd);
}

/* It is delivered, its segment is used again, an older state is taken: the
 * file is known until it is gone. */
START_TEST(a_token_outlives_its_message)
{
	char body[SEGMENT / 2], name[STATE_NAME];
	const uint64_t id = drop_accept(&rig, 1, "dropped")->id;

	rig_flush(&rig);
	for (uint32_t round = 0; round < 3; round++) {
		finish_all();
		fill_body(body, sizeof(body), round);
		for (int i = 0; i < 4; i++)
			rig_accept(&rig, 1, body, NULL);
		rig_flush(&rig);
		rig_write_state(&rig);
		ck_assert(round == 0 ||
		    qlog_find_segment(&rig.q.log, 1) == NULL);
		restart();
		ck_assert_uint_eq(drop_known(&rig, 1), id);
		ck_assert(table_find(&rig.q.table, id) == NULL);
	}
	state_name(rig.state.head.number, name);
	rig_unload(&rig);
	damage_state(name);
	rig_load(&rig, SEGMENT);
	ck_assert_uint_eq(rig.report.bad_states, 1);
	ck_assert_uint_eq(drop_known(&rig, 1), id);
	queue_gone(&rig.q, drop_token(1));
	restart();
	ck_assert_uint_eq(drop_known(&rig, 1), 0);
	ck_assert_uint_eq(rig.q.tokens.ids.n, 0);
}
END_TEST

/* Wherever the log ends, the message and its token are both there or neither;
 * what was said of it later only if it can be read. */
START_TEST(a_cut_parts_no_token_from_its_message)
{
	enum { FILES = 8 };
	uint64_t id[FILES], end[FILES];
	const uint64_t at = (uint64_t)_i * 64;
	uint64_t gone = 0;
	char path[128];

	for (uint32_t i = 0; i < FILES; i++) {
		const struct message *m = drop_accept(&rig, i, "a short body");

		id[i] = m->id;
		end[i] = m->off + m->size;
		if (i == 4) {
			queue_gone(&rig.q, drop_token(2));
			gone = rig.q.log.current->end;
		}
	}
	rig_flush(&rig);
	rig_unload(&rig);
	snprintf(path, sizeof(path), "%s/00000001.seg", rig.path);
	ck_assert_int_eq(truncate(path, (off_t)at), 0);
	rig_load(&rig, SEGMENT);
	for (uint32_t i = 0; i < FILES; i++) {
		const bool there = end[i] <= at;

		ck_assert(there == (table_find(&rig.q.table, id[i]) != NULL));
		ck_assert_uint_eq(drop_known(&rig, i),
		    there && (i != 2 || gone > at) ? id[i] : 0);
	}
}
END_TEST

/* However many files come and go, nothing of them stays. */
START_TEST(gone_tokens_leave_nothing)
{
	char body[1000];

	fill_body(body, sizeof(body), 1);
	for (uint32_t round = 0; round < 200; round++) {
		drop_accept(&rig, round, body);
		rig_flush(&rig);
		finish_all();
		queue_gone(&rig.q, drop_token(round));
		rig_flush(&rig);
		if (round % 10 == 9)
			rig_write_state(&rig);
		ck_assert_uint_le(count_segments(), 3);
	}
	ck_assert_uint_eq(rig.q.tokens.ids.n, 0);
	ck_assert_uint_lt(rig.state.size, 200);
}
END_TEST

/* A state of before there were tokens, and no state at all. */
START_TEST(none_are_known_at_first)
{
	rig_accept(&rig, 1, "x", NULL);
	restart();
	ck_assert_uint_eq(rig.q.tokens.ids.n, 0);
	rig_write_state(&rig);
	restart();
	ck_assert(rig.report.had_state);
	ck_assert_uint_eq(rig.q.tokens.ids.n, 0);
	queue_gone(&rig.q, drop_token(1));
	ck_assert_uint_eq(rig.q.log.batches[rig.q.log.filling].nparts, 0);
}
END_TEST

/* Known and gone may follow each other while a state is being written. */
START_TEST(a_state_has_those_of_its_beginning)
{
	uint64_t id;

	drop_accept(&rig, 1, "one");
	rig_flush(&rig);
	state_write(&rig.state, 5000);
	queue_gone(&rig.q, drop_token(1));
	id = drop_accept(&rig, 2, "two")->id;
	while (state_writing(&rig.state)) {
		qlog_flush(&rig.q.log);
		syncer_wait(rig.syncer);
	}
	restart();
	ck_assert(rig.report.had_state);
	ck_assert_uint_eq(drop_known(&rig, 1), 0);
	ck_assert_uint_eq(drop_known(&rig, 2), id);
}
END_TEST

static TCase *
tokens(void)
{
	TCase *tc = tcase_create("tokens");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, none_are_known_at_first);
	tcase_add_test(tc, a_token_outlives_its_message);
	tcase_add_test(tc, a_state_has_those_of_its_beginning);
	tcase_add_test(tc, gone_tokens_leave_nothing);
	tcase_add_loop_test(tc, a_cut_parts_no_token_from_its_message, 0, 33);
	return tc;
}

UNIT_MAIN("tokens", tokens)
