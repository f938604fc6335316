/*
 * The engine with a driver in qmgr's place: a job comes in, a mail goes out,
 * the answer to the mail decides the job.
 */
#include "delivery/bounce/bounce.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "msg/submit.h"
#include "tests/unit/unit.h"

static struct loop *loop;
static struct bounce bounce;
static struct link *qmgr;

static struct {
	char sender[100], rcpt[100];
	char text[8 << 20];
	size_t n;
	uint32_t flags, id_at, settles, nsettles;
	uint64_t settles_id;
	unsigned submits, results, oks;
} seen;
static uint32_t answer_code, many;

static void
on_submit(void *arg, struct link *l, struct link_msg *m)
{
	const struct msg_submit *s = m->body;
	struct str list = s->settles;
	uint32_t index;

	(void)arg;
	(void)l;
	seen.submits++;
	snprintf(seen.sender, sizeof(seen.sender), "%.*s", STR_ARG(s->sender));
	seen.flags = s->flags;
	seen.settles_id = s->settles_id;
	while (wire_take_u32(&list, &index)) {
		seen.settles = seen.settles * 10 + index;
		ck_assert(many == 0 || index == seen.nsettles);
		seen.nsettles++;
	}
}

static void
on_rcpt(void *arg, struct link *l, struct link_msg *m)
{
	const struct env_rcpt *r = m->body;

	(void)arg;
	(void)l;
	snprintf(seen.rcpt, sizeof(seen.rcpt), "%.*s", STR_ARG(r->address));
	ck_assert_uint_eq(r->notify, NOTIFY_NEVER);
}

static void
on_prefix(void *arg, struct link *l, struct link_msg *m)
{
	(void)arg;
	(void)l;
	seen.id_at = ((const struct msg_submit_prefix *)m->body)->id_at;
}

static void
on_body(void *arg, struct link *l, struct link_msg *m)
{
	(void)arg;
	(void)l;
	ck_assert_uint_lt(seen.n + m->raw.n, sizeof(seen.text));
	memcpy(seen.text + seen.n, m->raw.p, m->raw.n);
	seen.n += m->raw.n;
}

static void
on_end(void *arg, struct link *l, struct link_msg *m)
{
	const struct msg_submit_end *e = m->body;
	const struct msg_submit_done done = { .id = 99, .code = answer_code,
		.text = STR("2.0.0 queued") };

	(void)arg;
	ck_assert_uint_eq(e->size, seen.n);
	ck_assert_uint_eq(e->crc, crc32c(0, seen.text, seen.n));
	link_send(l, MSG_SUBMIT_DONE, m->cookie, &msg_submit_done_wire, &done);
}

static void
on_result(void *arg, struct link *l, struct link_msg *m)
{
	const struct msg_job_result *r = m->body;

	(void)arg;
	(void)l;
	seen.results++;
	if (r->status == JOB_OK) {
		seen.oks++;
		ck_assert(many == 0 || r->index < 250);
	}
}

static void
on_done(void *arg, struct link *l, struct link_msg *m)
{
	(void)arg;
	link_send_raw(l, MSG_JOB_FLUSHED, m->cookie, STR_NONE);
	loop_stop(loop, 0);
}

static void
on_inflight_end(void *arg, struct link *l, struct link_msg *m)
{
	(void)arg;
	(void)l;
	(void)m;
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	(void)arg;
	(void)l;
	ck_abort_msg("link closed: %s", why);
}

static const struct link_rule rules[] = {
	LINK_RULE(MSG_SUBMIT, &msg_submit_wire, on_submit),
	LINK_RULE(MSG_SUBMIT_RCPT, &env_rcpt_wire, on_rcpt),
	LINK_RULE(MSG_SUBMIT_PREFIX, &msg_submit_prefix_wire, on_prefix),
	LINK_RULE_RAW(MSG_SUBMIT_BODY, LINK_BODY_MAX, on_body),
	LINK_RULE(MSG_SUBMIT_END, &msg_submit_end_wire, on_end),
	LINK_RULE(MSG_JOB_RESULT, &msg_job_result_wire, on_result),
	LINK_RULE(MSG_JOB_DONE, &msg_job_done_wire, on_done),
	LINK_RULE_RAW(MSG_JOB_INFLIGHT_END, 0, on_inflight_end),
};
static const struct link_ops ops = { .rules = rules, .nrules = N_OF(rules),
	.on_close = on_close };

static void
setup(void)
{
	const struct bounce_conf conf = { .hostname = "me.test",
		.full_max = 65536 };
	int pair[2];

	memset(&seen, 0, sizeof(seen));
	many = 0;
	answer_code = 250;
	loop = loop_new();
	bounce_init(&bounce, loop, &conf);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	qmgr = link_new(loop, pair[0], &ops, NULL);
	bounce_qmgr(&bounce, pair[1]);
}

static void
stop_loop(void *arg)
{
	(void)arg;
	loop_stop(loop, 0);
}

static void
teardown(void)
{
	struct timer t;

	link_free(qmgr);
	bounce_clear(&bounce);
	/* Links are freed at the end of a round. */
	timer_init(&t, loop, stop_loop, NULL);
	timer_set(&t, 0);
	loop_run(loop);
	timer_clear(&t);
	loop_free(loop);
}

static void
run_job(enum dsn_action action, const char *sender)
{
	const struct msg_job job = { .id = 7, .dsn = action,
		.sender = str_c(sender), .size = 14 };
	struct msg_job_rcpt r = { .index = 3, .address = STR("b@d.test"),
		.code = 550, .status = STR("5.1.1"), .text = STR("no") };

	link_send(qmgr, MSG_JOB, 1, &msg_job_wire, &job);
	link_send(qmgr, MSG_JOB_RCPT, 1, &msg_job_rcpt_wire, &r);
	r.index = 5;
	r.address = STR("c@d.test");
	link_send(qmgr, MSG_JOB_RCPT, 1, &msg_job_rcpt_wire, &r);
	link_send_raw(qmgr, MSG_JOB_BODY, 1, STR("Subject: x\n\nb\n"));
	link_send_raw(qmgr, MSG_JOB_END, 1, STR_NONE);
	loop_run(loop);
}

START_TEST(failed)
{
	run_job(DSN_FAILED, "a@me.test");
	ck_assert_uint_eq(seen.submits, 1);
	ck_assert_uint_eq(seen.oks, 2);
	ck_assert_str_eq(seen.sender, "");
	ck_assert_str_eq(seen.rcpt, "a@me.test");
	ck_assert_uint_eq(seen.settles_id, 7);
	ck_assert_uint_eq(seen.settles, 35);
	ck_assert_uint_eq(seen.flags, ENV_DSN);
	ck_assert_ptr_nonnull(strstr(seen.text, "Subject: x\n"));
	ck_assert_ptr_nonnull(
	    strstr(seen.text, "Final-Recipient: rfc822; c@d.test\n"));
}
END_TEST

START_TEST(delayed)
{
	run_job(DSN_DELAYED, "a@me.test");
	ck_assert_uint_eq(seen.oks, 2);
	ck_assert_uint_eq(seen.settles_id, 0);
}
END_TEST

START_TEST(no_sender)
{
	run_job(DSN_FAILED, "");
	ck_assert_uint_eq(seen.submits, 0);
	ck_assert_uint_eq(seen.oks, 2);
}
END_TEST

START_TEST(queue_is_full)
{
	answer_code = 452;
	run_job(DSN_FAILED, "a@me.test");
	ck_assert_uint_eq(seen.oks, 0);
	ck_assert_uint_eq(seen.results, 2);
}
END_TEST

/* --- very many ---------------------------------------------------------------- */

static void
run_large_report(enum dsn_action action, uint32_t n, char octet, size_t words)
{
	const struct msg_job job = { .id = 7, .dsn = action,
		.sender = STR("a@me.test"), .size = 14 };
	char address[REPLY_TEXT_MAX], orcpt[500], text[REPLY_TEXT_MAX];
	struct msg_job_rcpt r = { .code = 550, .status = STR("5.1.1"),
		.remote = STR("mx.test"), .orcpt = { orcpt, sizeof(orcpt) },
		.text = { text, words } };

	memset(text, octet, sizeof(text));
	memset(orcpt, octet, sizeof(orcpt));
	memcpy(orcpt, "utf-8;", 6);
	many = n;
	link_send(qmgr, MSG_JOB, 1, &msg_job_wire, &job);
	for (r.index = 0; r.index < n; r.index++) {
		snprintf(address, sizeof(address), "u%u@d.test",
		    (unsigned)r.index);
		r.address = str_c(address);
		link_send(qmgr, MSG_JOB_RCPT, 1, &msg_job_rcpt_wire, &r);
	}
	link_send_raw(qmgr, MSG_JOB_BODY, 1, STR("Subject: x\n\nb\n"));
	link_send_raw(qmgr, MSG_JOB_END, 1, STR_NONE);
	loop_run(loop);
}

static const enum dsn_action long_actions[] = { DSN_FAILED, DSN_DELAYED };

/* What does not fit is left for the next report. */
START_TEST(too_many_words)
{
	const enum dsn_action action = long_actions[_i];
	char last[40];

	run_large_report(action, 1000, (char)0x80, REPLY_TEXT_MAX);
	ck_assert_uint_eq(seen.submits, 1);
	ck_assert_uint_eq(seen.results, 1000);
	ck_assert_uint_eq(seen.oks, 250);
	if (action == DSN_FAILED)
		ck_assert_uint_eq(seen.nsettles, 250);
	ck_assert_ptr_nonnull(strstr(seen.text, "; u249@d.test\n"));
	ck_assert_ptr_null(strstr(seen.text, "; u250@d.test\n"));
	snprintf(last, sizeof(last), "%s", seen.text + seen.n - 3);
	ck_assert_str_eq(last, "--\n");
}
END_TEST

/* None of those was reported. */
START_TEST(too_many_words_and_a_full_queue)
{
	answer_code = 452;
	run_large_report(DSN_FAILED, 1000, (char)0x80, REPLY_TEXT_MAX);
	ck_assert_uint_eq(seen.results, 1000);
	ck_assert_uint_eq(seen.oks, 0);
}
END_TEST

static const size_t ends[] = { 0, 100, 4 };

/* Nor can the words of the administrator be too long; the last ones are not. */
START_TEST(words_without_end)
{
	static char words[60000];
	static struct str list[100];

	for (size_t i = 0; i < sizeof(words); i++)
		words[i] = "\xc3\xa4\xc3\xa4 "[i % 5];
	for (size_t i = 0; i < N_OF(list); i++)
		list[i] = str_n(words, sizeof(words));
	bounce.conf.words[DSN_FAILED] = (struct dsn_words){
		str_n(words, sizeof(words)), { list, N_OF(list) },
		{ list, ends[_i] } };
	run_large_report(
	    DSN_FAILED, 1, ends[_i] == 4 ? (char)0x80 : 'x', REPLY_TEXT_MAX);
	ck_assert_uint_eq(seen.oks, 1);
	if (ends[_i] == 4)
		return; /* all words are in base64 */
	ck_assert_ptr_nonnull(strstr(seen.text, "Sorry, your message"));
	ck_assert_ptr_nonnull(strstr(seen.text, "\n  u0@d.test\n"));
}
END_TEST

/* --- an original that cannot be read ------------------------------------------ */

/* A file with the octets, of which qmgr says that it has more. */
static void
run_large_job(const char *text, uint64_t size, uint32_t flags)
{
	const struct msg_job job = { .id = 7, .dsn = DSN_FAILED,
		.sender = STR("a@me.test"), .size = size, .flags = flags };
	const struct msg_job_rcpt r = { .index = 3, .address = STR("b@d.test"),
		.code = 550, .status = STR("5.1.1"), .text = STR("no") };
	const struct msg_job_body_fd at = { 0, size };
	FILE *f = tmpfile();

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fflush(f);
	link_send(qmgr, MSG_JOB, 1, &msg_job_wire, &job);
	link_send(qmgr, MSG_JOB_RCPT, 1, &msg_job_rcpt_wire, &r);
	if (size != 0)
		link_send_fd(qmgr, MSG_JOB_BODY_FD, 1, &msg_job_body_fd_wire,
		    &at, dup(fileno(f)));
	fclose(f);
	link_send_raw(qmgr, MSG_JOB_END, 1, STR_NONE);
	loop_run(loop);
}

/* A disk may give later what it does not give now. */
START_TEST(waits_for_the_original)
{
	run_large_job("Subject: x\n\nb\n", 100, 0);
	ck_assert_uint_eq(seen.submits, 0);
	ck_assert_uint_eq(seen.results, 1);
	ck_assert_uint_eq(seen.oks, 0);
}
END_TEST

static const struct {
	const char *text;
	uint64_t size;
	bool has_header;
} without[] = {
	{ "Subject: x\n\nb\n", 100, true },
	{ "Subject: x\nTo: ", 100, false },
	{ "", 100, false },
	{ "", 0, false },
};

START_TEST(does_without_the_original)
{
	run_large_job(without[_i].text, without[_i].size, JOB_WITHOUT);
	ck_assert_uint_eq(seen.submits, 1);
	ck_assert_uint_eq(seen.oks, 1);
	ck_assert_uint_eq(seen.settles, 3);
	ck_assert_ptr_nonnull(strstr(seen.text, "can no longer read"));
	ck_assert_int_eq(strstr(seen.text, "so nothing") != NULL,
	    !without[_i].has_header);
	ck_assert_int_eq(strstr(seen.text, "rfc822-headers\n\nSubject: x\n")
	    != NULL, without[_i].has_header);
}
END_TEST

static TCase *
jobs(void)
{
	TCase *tc = tcase_create("jobs");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, failed);
	tcase_add_test(tc, delayed);
	tcase_add_test(tc, no_sender);
	tcase_add_test(tc, queue_is_full);
	tcase_add_loop_test(tc, too_many_words, 0, (int)N_OF(long_actions));
	tcase_add_test(tc, too_many_words_and_a_full_queue);
	tcase_add_loop_test(tc, words_without_end, 0, (int)N_OF(ends));
	tcase_add_test(tc, waits_for_the_original);
	tcase_add_loop_test(
	    tc, does_without_the_original, 0, (int)N_OF(without));
	tcase_set_timeout(tc, 10);
	return tc;
}

UNIT_MAIN("bounce", jobs)
