/* An audit finds what contradicts what was said before, and counts where each
 * recipient went. */
#include "tests/unit/unit.h"

#include "base/wire.h"
#include "qmgr/change.h"
#include "tests/unit/qmgr/drop_rig.h"

enum { SEGMENT = 65536 };

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
check_audit(const char *kinds)
{
	struct buf found;

	rig_audit(&rig, &found);
	ck_assert_str_eq(buf_cstr(&found), kinds);
	buf_clear(&found);
}

static void
put_one(struct buf *b, uint32_t index)
{
	ranges_put_indexes(b, &index, 1);
}

static void
lie_done_before(struct message *m)
{
	struct buf *b;

	put_one(qlog_begin(&rig.q.log), 0);
	qlog_end(&rig.q.log, RECORD_DONE, m->id);
	b = qlog_begin(&rig.q.log);
	wire_put_u64(b, 1000);
	wire_put_u32(b, 1);
	wire_put_u32(b, 0);
	wire_put_u32(b, 0);
	put_one(b, 0);
	qlog_end(&rig.q.log, RECORD_DEFER, m->id);
}

static void
lie_index(struct message *m)
{
	put_one(qlog_begin(&rig.q.log), 7);
	qlog_end(&rig.q.log, RECORD_DONE, m->id);
}

static void
lie_message(struct message *m)
{
	qlog_begin(&rig.q.log);
	qlog_end(&rig.q.log, RECORD_HOLD, m->id + 1000);
}

static void
lie_type(struct message *m)
{
	qlog_begin(&rig.q.log);
	qlog_end(&rig.q.log, (enum record_type)(RECORD_LAST + 1), m->id);
}

static void
lie_accept(struct message *m)
{
	struct buf *b, room;
	struct record r;

	buf_init(&room, BUF_NO_MAX);
	rig_flush(&rig);
	ck_assert(qlog_read(
	    &rig.q.log, m->seg, m->off, m->size, &room, &r));
	b = qlog_begin(&rig.q.log);
	buf_add(b, r.payload);
	qlog_end(&rig.q.log, RECORD_ACCEPT, m->id);
	buf_clear(&room);
}

/* The same file, as if nobody had known it. */
static void
lie_token(struct message *m)
{
	(void)m;
	drop_accept(&rig, 3, "a body");
	tokens_del(&rig.q.tokens, drop_token(3));
	drop_accept(&rig, 3, "a body");
}

static void
write_state(void)
{
	const int had = rig.states;

	rig_flush(&rig);
	state_write(&rig.state, 1000);
	for (int i = 0; i < 10 && rig.states == had; i++)
		rig_flush(&rig);
	ck_assert_int_eq(rig.states, had + 1);
}

/* A state that has forgotten somebody. */
static void
lie_lost(struct message *m)
{
	rcpt_done(&rig.q, &m->rcpts[1]);
	write_state();
}

static void
lie_lost_message(struct message *m)
{
	rcpt_done(&rig.q, &m->rcpts[0]);
	rcpt_done(&rig.q, &m->rcpts[1]);
	queue_remove(&rig.q, m);
	write_state();
}

/* A state that knows nothing of an end. */
static void
lie_waits(struct message *m)
{
	struct buf *b = qlog_begin(&rig.q.log);

	put_one(b, 0);
	wire_put_u32(b, END_MAILBOX);
	qlog_end(&rig.q.log, RECORD_DONE, m->id);
	write_state();
}

static void
lie_twice(struct message *m)
{
	for (int i = 0; i < 2; i++) {
		put_one(qlog_begin(&rig.q.log), 0);
		qlog_end(&rig.q.log, RECORD_DONE, m->id);
	}
}

static const struct {
	void (*tell)(struct message *m);
	const char *kinds;
} lies[] = { { lie_done_before, "recipient-decided-twice " },
	{ lie_index, "recipient-unknown " },
	{ lie_message, "message-missing " }, { lie_type, "record-malformed " },
	{ lie_accept, "accepted-twice " }, { lie_token, "accepted-twice " },
	{ lie_lost, "recipient-lost " },
	{ lie_lost_message, "recipient-lost recipient-lost " },
	{ lie_waits, "recipient-waits-again " },
	{ lie_twice, "recipient-decided-twice " } };

/* Each recipient in one place: the sums of the ledger. */
START_TEST(an_audit_counts_ends)
{
	static const enum rcpt_end ends[] = { END_MAILBOX, END_NEXT_HOP,
		END_SILENT, END_DROPPED, END_SAME };
	uint32_t settled[] = { 5, 6 };
	struct settle s = { .indexes = settled, .n = 2 };
	const struct rcpt_init in = { .index = 9, .depth = 1,
		.address = STR("m@x.org") };
	struct reason *why = reason_get(&rig.q.reasons, 550, STR("5.1.1"),
	    STR("nobody"), STR("mx [192.0.2.1]"));
	struct message *m = rig_accept(&rig, 9, "a body", NULL);
	struct ledger l;
	struct rcpt *r;

	s.id = m->id;
	for (size_t i = 0; i < N_OF(ends); i++) {
		r = &m->rcpts[i];
		queue_done(&rig.q, m, &r, 1, ends[i]);
	}
	for (uint32_t i = 5; i < 7; i++) {
		r = &m->rcpts[i];
		queue_report(&rig.q, m, &r, 1,
		    i == 5 ? DSN_FAILED : DSN_RELAYED, why);
	}
	reason_drop(&rig.q.reasons, why);
	queue_expand(&rig.q, m, &m->rcpts[7], &in, 1, DSN_NONE);
	rig_flush(&rig);
	if (_i != 0) /* the half of it is before the state */
		write_state();
	rig_accept(&rig, 1, "the report", &s);
	rig_flush(&rig);
	rig_unload(&rig);
	rig_audit_ends(&rig, &l);
	ck_assert_uint_eq(l.accepted, 11);
	ck_assert_uint_eq(l.waiting, 3); /* 8, the member, and the report's */
	ck_assert_uint_eq(l.unknown + l.ends[END_UNKNOWN], 0);
	for (size_t i = 0; i < N_OF(ends); i++)
		ck_assert_uint_eq(
		    l.ends[ends[i]], 1 + (ends[i] == END_NEXT_HOP));
	ck_assert_uint_eq(l.ends[END_REPORT], 1);
	ck_assert_uint_eq(l.ends[END_LIST], 1);
}
END_TEST

/* Whatever bounce says: who was not to be reported is not settled, and what
 * is written is what was done. */
START_TEST(a_report_settles_who_was_reported)
{
	uint32_t settled[] = { 0, 1, 2, 3, 9 };
	struct settle s = { .indexes = settled, .n = N_OF(settled) };
	struct message *m = rig_accept(&rig, 5, "a body", NULL);
	struct reason *why = reason_get(&rig.q.reasons, 550, STR("5.1.1"),
	    STR("nobody"), STR("mx [192.0.2.1]"));
	struct rcpt *rs[] = { &m->rcpts[0], &m->rcpts[2], &m->rcpts[3] };

	s.id = m->id;
	queue_report(&rig.q, m, &rs[0], 1, DSN_FAILED, why);
	queue_defer(&rig.q, m, &rs[1], 1, 1000, why);
	queue_done(&rig.q, m, &rs[2], 1, END_MAILBOX);
	reason_drop(&rig.q.reasons, why);
	rig_accept(&rig, 1, "the report", &s);
	ck_assert_int_eq(m->rcpts[0].state, RCPT_DONE);
	ck_assert_int_eq(m->rcpts[1].state, RCPT_ROUTING);
	ck_assert_int_eq(m->rcpts[2].state, RCPT_DEFERRED);
	ck_assert_uint_eq(m->nleft, 3);
	rig_flush(&rig);
	rig_unload(&rig);
	check_audit("");
}
END_TEST

START_TEST(an_audit_finds_lies)
{
	struct message *m = rig_accept(&rig, 2, "a body", NULL);

	rig_flush(&rig);
	lies[_i].tell(m);
	rig_flush(&rig);
	rig_unload(&rig);
	check_audit(lies[_i].kinds);
}
END_TEST

static TCase *
audits(void)
{
	TCase *tc = tcase_create("audits");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, an_audit_counts_ends, 0, 2);
	tcase_add_test(tc, a_report_settles_who_was_reported);
	tcase_add_loop_test(tc, an_audit_finds_lies, 0, (int)N_OF(lies));
	return tc;
}

UNIT_MAIN("audit", audits)
