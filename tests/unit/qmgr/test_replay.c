/* Whatever is done to the queue, a restart shows the same queue. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "base/fatal.h"
#include "base/wire.h"
#include "qmgr/change.h"
#include "qmgr/replay.h"
#include "tests/unit/qmgr/drop_rig.h"

enum { SEGMENT = 65536, STEPS = 400, SEEDS = 40 };

static struct rig rig;
static uint64_t state;

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

static uint32_t
draw(uint32_t below)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

static struct message *
any_message(void)
{
	struct message *m;
	size_t n;

	if (rig.q.table.n == 0)
		return NULL;
	n = draw((uint32_t)rig.q.table.n);
	TAILQ_FOREACH(m, &rig.q.table.all, entry)
		if (n-- == 0)
			return m;
	return NULL;
}

/* Some living recipients with the same site and attempts. */
static size_t
some(struct message *m, struct rcpt **rs, size_t most, bool with_reports)
{
	struct rcpt *r;
	size_t n = 0;

	RCPT_FOREACH(r, m) {
		if (r->state == RCPT_DONE || n == most || draw(2) == 0)
			continue;
		if (r->state == RCPT_REPORT && !with_reports)
			continue;
		if (n != 0 && (r->site != rs[0]->site ||
		        r->attempts != rs[0]->attempts))
			continue;
		rs[n++] = r;
	}
	return n;
}

static struct reason *
any_reason(void)
{
	char text[32];

	snprintf(text, sizeof(text), "later %u", draw(5));
	return reason_get(&rig.q.reasons, 451, STR("4.2.0"), str_c(text),
	    STR("mx [192.0.2.1]"));
}

static void
op_accept(void)
{
	rig_accept(&rig, 1 + draw(6), "a body", NULL);
}

static void
op_done(void)
{
	struct message *m = any_message();
	struct rcpt *rs[64];

	if (m != NULL)
		queue_done(&rig.q, m, rs, some(m, rs, 64, true), END_MAILBOX);
}

static void
op_defer(void)
{
	struct message *m = any_message();
	struct rcpt *rs[64];
	struct reason *why = any_reason();
	size_t n = m == NULL ? 0 : some(m, rs, 64, false);
	static const char *const hops[] = { "example.net", "[192.0.2.9]:25" };
	struct site *site = site_smtp(&rig.q.sites, str_c(hops[draw(2)]), 1);

	for (size_t i = 0; i < n; i++) {
		rcpt_route(&rig.q, rs[i], draw(2) == 0);
		rcpt_set_site(rs[i], site);
		rs[i]->attempts = (uint16_t)(rs[0]->attempts + (i == 0));
	}
	if (n != 0)
		queue_defer(&rig.q, m, rs, n, rig.q.now + draw(1000), why);
	reason_drop(&rig.q.reasons, why);
}

static void
op_report(void)
{
	struct message *m = any_message();
	struct rcpt *rs[64];
	struct reason *why = any_reason();

	if (m != NULL)
		queue_report(&rig.q, m, rs, some(m, rs, 64, false),
		    DSN_FAILED, why);
	reason_drop(&rig.q.reasons, why);
}

static void
op_reroute(void)
{
	static const char *const hops[] = { "[192.0.2.7]:2525", "lmtp:/run/x" };
	const uint32_t which = draw(3);
	struct message *m = any_message();
	struct rcpt *rs[64];

	if (m != NULL)
		queue_reroute(&rig.q, m, rs, some(m, rs, 64, true),
		    which == 2 ? NULL :
		    site_smtp(&rig.q.sites, str_c(hops[which]), 1));
}

/* A report is accepted: both happen or neither. */
static void
op_settle(void)
{
	struct message *m = any_message();
	uint32_t indexes[64];
	struct settle s = { .indexes = indexes };
	struct rcpt *r;

	if (m == NULL || m->nreport == 0)
		return;
	s.id = m->id;
	RCPT_FOREACH(r, m)
		if (r->state == RCPT_REPORT && s.n < 64)
			indexes[s.n++] = r->index;
	rig_accept(&rig, 1, "a report", &s);
}

static void
op_hold(void)
{
	struct message *m = any_message();

	if (m != NULL)
		queue_hold(&rig.q, m, draw(2) == 0);
}

static void
op_warned(void)
{
	struct message *m = any_message();
	struct rcpt *rs[64];

	if (m != NULL)
		queue_warned(&rig.q, m, rs, some(m, rs, 64, true));
}

static void
op_expand(void)
{
	struct message *m = any_message();
	struct rcpt_init inits[20];
	char names[20][24];
	struct rcpt *parent;
	const uint32_t n = draw(20);

	if (m == NULL || some(m, &parent, 1, false) == 0)
		return;
	for (uint32_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "member%u@x.org", i);
		inits[i] = (struct rcpt_init){ .index = m->nrcpts + i,
			.depth = 1, .address = str_c(names[i]) };
	}
	queue_expand(&rig.q, m, parent, inits, n,
	    draw(2) == 0 ? DSN_NONE : DSN_EXPANDED);
}

static void
op_copy(void)
{
	struct message *m = any_message();
	struct buf room;

	rig_flush(&rig);
	if (m == NULL)
		return;
	buf_init(&room, BUF_NO_MAX);
	queue_copy(&rig.q, m, rig_text(&rig, m, &room));
	buf_clear(&room);
}

static void
op_flush(void)
{
	rig_flush(&rig);
}

static void
op_drop(void)
{
	const uint32_t number = draw(DROP_FILES);

	if (drop_known(&rig, number) == 0)
		drop_accept(&rig, number, "dropped");
}

static void
op_gone(void)
{
	struct buf b;

	buf_init(&b, BUF_NO_MAX);
	for (uint32_t n = draw(10); n != 0; n--)
		buf_add(&b, drop_token(draw(DROP_FILES)));
	queue_gone(&rig.q, buf_str(&b));
	buf_clear(&b);
}

/* A state that is being written while the queue goes on changing. */
static void
op_state(void)
{
	state_write(&rig.state, 1000);
}

static void (*const ops[])(void) = { op_accept, op_accept, op_accept, op_done,
	op_defer, op_defer, op_report, op_settle, op_hold, op_warned, op_expand,
	op_copy, op_flush, op_flush, op_state, op_reroute,
	op_drop, op_drop, op_gone };

static void
check_audit(const char *kinds)
{
	struct buf found;

	rig_audit(&rig, &found);
	ck_assert_str_eq(buf_cstr(&found), kinds);
	buf_clear(&found);
}

static void
check_restart(void)
{
	struct buf before, after;

	rig_flush(&rig);
	rig_flush(&rig);
	rig_dump(&rig, &before);
	drop_dump(&rig, &before);
	rig_unload(&rig);
	check_audit("");
	rig_load(&rig, SEGMENT);
	rig_dump(&rig, &after);
	drop_dump(&rig, &after);
	ck_assert_str_eq(buf_cstr(&before), buf_cstr(&after));
	ck_assert_uint_eq(rig.report.damaged + rig.report.malformed +
	    rig.report.missing_texts, 0);
	buf_clear(&before);
	buf_clear(&after);
}

START_TEST(a_restart_shows_the_same)
{
	state = (uint64_t)_i + 1;
	for (int i = 0; i < STEPS; i++) {
		rig.q.now += draw(50);
		ops[draw((uint32_t)N_OF(ops))]();
		if (draw(60) == 0)
			check_restart();
	}
	check_restart();
	/* And texts are where the table says. */
	{
		struct message *m;
		struct buf room;

		buf_init(&room, BUF_NO_MAX);
		TAILQ_FOREACH(m, &rig.q.table.all, entry)
			ck_assert(str_starts(rig_text(&rig, m, &room),
			    STR("Received: here\n")));
		buf_clear(&room);
	}
}
END_TEST

START_TEST(a_list_without_its_end_is_no_list)
{
	struct message *m = rig_accept(&rig, 1, "x", NULL);
	struct replay p;
	struct buf b;
	struct record r = { .type = RECORD_EXPAND, .id = m->id };
	const struct rcpt_init in = { .index = 1, .depth = 1,
		.address = STR("m@x.org") };

	buf_init(&b, BUF_NO_MAX);
	wire_put_u32(&b, 0);
	wire_put_u32(&b, 1);
	member_put(&b, &in);
	r.payload = buf_str(&b);
	replay_init(&p, &rig.q);
	ck_assert(replay_record(&p, &r, NULL, 0, 0));
	ck_assert_uint_eq(m->nleft, 1);
	ck_assert_uint_eq(m->nrcpts, 1);
	/* An end that counts more than came. */
	buf_reset(&b);
	wire_put_u32(&b, 0);
	wire_put_u32(&b, 2);
	r.type = RECORD_EXPAND_END;
	r.payload = buf_str(&b);
	ck_assert(replay_record(&p, &r, NULL, 0, 0));
	ck_assert_uint_eq(m->nrcpts, 1);
	replay_clear(&p);
	buf_clear(&b);
}
END_TEST

static void
apply_members(struct replay *p, struct message *m, uint32_t first, uint32_t n)
{
	struct record r = { .type = RECORD_EXPAND, .id = m->id };
	struct buf b;

	buf_init(&b, BUF_NO_MAX);
	wire_put_u32(&b, 0);
	wire_put_u32(&b, n);
	for (uint32_t i = first; i < first + n; i++) {
		const struct rcpt_init in = { .index = i, .depth = 1,
			.address = STR("m@x.org") };

		member_put(&b, &in);
	}
	r.payload = buf_str(&b);
	ck_assert(replay_record(p, &r, NULL, 0, 0));
	buf_clear(&b);
}

/* Its first half stands in the log, then a crash, then the whole of it: those
 * who got it since are not asked for anew by the next start. */
START_TEST(a_list_is_told_anew)
{
	struct message *m = rig_accept(&rig, 1, "x", NULL);
	struct record r = { .type = RECORD_EXPAND_END, .id = m->id };
	struct replay p;
	struct buf b;

	buf_init(&b, BUF_NO_MAX);
	replay_init(&p, &rig.q);
	apply_members(&p, m, 1, 2);
	apply_members(&p, m, 1, 2);
	apply_members(&p, m, 3, 1);
	wire_put_u32(&b, 0);
	wire_put_u32(&b, 3);
	r.payload = buf_str(&b);
	ck_assert(replay_record(&p, &r, NULL, 0, 0));
	ck_assert_uint_eq(m->nrcpts, 4);
	ck_assert_uint_eq(m->nleft, 3);
	ck_assert_int_eq(message_rcpt(m, 0)->state, RCPT_DONE);
	replay_clear(&p);
	buf_clear(&b);
}
END_TEST

/* The report on the list is in the record that ends it, and is one. */
START_TEST(a_list_is_reported_once)
{
	struct message *m = rig_accept(&rig, 1, "x", NULL);
	struct replay p;
	struct buf b;
	struct record r = { .type = RECORD_EXPAND, .id = m->id };
	const struct rcpt_init in = { .index = 1, .depth = 1,
		.address = STR("m@x.org") };

	buf_init(&b, BUF_NO_MAX);
	replay_init(&p, &rig.q);
	for (uint32_t turn = 0, n = 1; turn < 3; turn++) {
		/* Then nobody was new in it: that it was there counts. */
		n = turn == 2 ? 0 : n;
		for (uint32_t end = 0; end < 2; end++) {
			buf_reset(&b);
			wire_put_u32(&b, 0);
			wire_put_u32(&b, n);
			if (end != 0)
				wire_put_u32(&b, DSN_EXPANDED);
			else if (n != 0)
				member_put(&b, &in);
			r.type = end != 0 ? RECORD_EXPAND_END : RECORD_EXPAND;
			r.payload = buf_str(&b);
			ck_assert(replay_record(&p, &r, NULL, 0, 0));
		}
		ck_assert_uint_eq(m->nleft, 2);
		ck_assert_uint_eq(m->nreport, 1);
		ck_assert_uint_eq(rig.q.nreport, 1);
		ck_assert_uint_eq(m->nrcpts, 2);
		ck_assert_int_eq(message_rcpt(m, 0)->state, RCPT_REPORT);
		ck_assert_int_eq(message_rcpt(m, 0)->dsn, DSN_EXPANDED);
	}
	/* A kind that does not exist. */
	buf_reset(&b);
	wire_put_u32(&b, 1);
	wire_put_u32(&b, 0);
	wire_put_u32(&b, DSN_LAST + 1);
	r.payload = buf_str(&b);
	ck_assert(!replay_record(&p, &r, NULL, 0, 0));
	ck_assert_uint_eq(m->nreport, 1);
	replay_clear(&p);
	buf_clear(&b);
}
END_TEST

START_TEST(malformed_payloads_change_nothing)
{
	struct message *m = rig_accept(&rig, 2, "x", NULL);
	struct record r = { .id = m->id };
	struct buf before, after;
	struct replay p;
	char noise[200];

	state = (uint64_t)_i + 99;
	rig_dump(&rig, &before);
	replay_init(&p, &rig.q);
	for (uint32_t type = 0; type < 20; type++)
		for (size_t n = 0; n < sizeof(noise); n += 3) {
			for (size_t i = 0; i < n; i++)
				noise[i] = (char)(0x80 | draw(128));
			r.type = type;
			r.payload = str_n(noise, n);
			if (type != RECORD_HOLD && type != RECORD_RELEASE &&
			    type != RECORD_CHECKPOINT)
				replay_record(&p, &r, NULL, 0, 0);
		}
	replay_clear(&p);
	rig_dump(&rig, &after);
	ck_assert_str_eq(buf_cstr(&before), buf_cstr(&after));
	buf_clear(&before);
	buf_clear(&after);
}
END_TEST

START_TEST(ranges_come_back)
{
	uint32_t in[100], got;
	struct ranges ranges;
	struct ranges_walk w;
	struct buf b;
	struct str s;
	size_t n = 0, k = 0;

	state = (uint64_t)_i;
	for (uint32_t i = 0; i < 100; i++)
		if (draw(3) != 0)
			in[n++] = i;
	buf_init(&b, BUF_NO_MAX);
	ranges_put_indexes(&b, in, n);
	s = buf_str(&b);
	ck_assert(ranges_take(&s, &ranges));
	ck_assert_uint_eq(s.n, 0);
	ranges_walk(&ranges, &w);
	while (ranges_next(&w, &got))
		ck_assert_uint_eq(got, in[k++]);
	ck_assert_uint_eq(k, n);
	buf_clear(&b);
}
END_TEST

static TCase *
equivalence(void)
{
	TCase *tc = tcase_create("equivalence");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_restart_shows_the_same, 0, SEEDS);
	return tc;
}

static TCase *
payloads(void)
{
	TCase *tc = tcase_create("payloads");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_list_without_its_end_is_no_list);
	tcase_add_test(tc, a_list_is_told_anew);
	tcase_add_test(tc, a_list_is_reported_once);
	tcase_add_loop_test(tc, malformed_payloads_change_nothing, 0, 5);
	tcase_add_loop_test(tc, ranges_come_back, 0, 20);
	return tc;
}

UNIT_MAIN("replay", equivalence, payloads)
