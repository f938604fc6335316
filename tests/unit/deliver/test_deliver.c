/*
 * The agent with a driver in qmgr's place and a mail root in a temporary
 * folder: jobs go in, results come out, messages stand in the mailboxes.
 */
#include "delivery/deliver/deliver.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store/account.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "tests/unit/unit.h"

static struct loop *loop;
static struct deliver deliver;
static struct link *qmgr;
static char path[64];
static int root;

static struct {
	uint32_t code[16]; /* by recipient index */
	unsigned results, done, inflight, inflight_end, notices;
	bool forget; /* answer DONE with FLUSHED */
	unsigned stop_after; /* DONEs */
} seen;

static void
on_result(void *arg, struct link *l, struct link_msg *m)
{
	const struct msg_job_result *r = m->body;

	(void)arg;
	(void)l;
	seen.results++;
	seen.code[r->index % 16] = r->code;
}

static void
on_done(void *arg, struct link *l, struct link_msg *m)
{
	(void)arg;
	if (seen.forget)
		link_send_raw(l, MSG_JOB_FLUSHED, m->cookie, STR_NONE);
	if (++seen.done == seen.stop_after)
		loop_stop(loop, 0);
}

static void
on_inflight(void *arg, struct link *l, struct link_msg *m)
{
	(void)arg;
	(void)l;
	(void)m;
	seen.inflight++;
}

static void
on_inflight_end(void *arg, struct link *l, struct link_msg *m)
{
	(void)arg;
	(void)l;
	(void)m;
	seen.inflight_end++;
	if (seen.stop_after == 0)
		loop_stop(loop, 0);
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	(void)arg;
	(void)why;
	if (l == qmgr)
		qmgr = NULL;
	link_free(l);
}

static const struct link_rule rules[] = {
	LINK_RULE(MSG_JOB_RESULT, &msg_job_result_wire, on_result),
	LINK_RULE(MSG_JOB_DONE, &msg_job_done_wire, on_done),
	LINK_RULE(MSG_JOB_INFLIGHT, &msg_job_inflight_wire, on_inflight),
	LINK_RULE_RAW(MSG_JOB_INFLIGHT_END, 0, on_inflight_end),
};
static const struct link_ops ops = { .rules = rules, .nrules = N_OF(rules),
	.on_close = on_close };

static void
on_new(void *arg, struct str account, struct str mailbox)
{
	(void)arg;
	ck_assert(str_starts(account, STR("alice@")));
	ck_assert_uint_gt(mailbox.n, 0);
	seen.notices++;
}

static void
on_idle(void *arg)
{
	(void)arg;
}

static const struct deliver_calls calls = { .on_new = on_new,
	.on_idle = on_idle };

static void
relink(void)
{
	int pair[2];

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	qmgr = link_new(loop, pair[0], &ops, NULL);
	deliver_qmgr(&deliver, pair[1]);
}

static void
setup(void)
{
	struct deliver_conf conf = { .batch_max = 8, .idle = 60000,
		.plus_folders = true };

	memset(&seen, 0, sizeof(seen));
	seen.forget = true;
	strcpy(path, "/tmp/postern.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(path));
	root = open(path, O_RDONLY | O_DIRECTORY);
	conf.batch.rootfd = root;
	conf.batch.store.epoch = 1;
	loop = loop_new();
	deliver_init(&deliver, loop, &conf, &calls, NULL);
	relink();
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
	char line[100];
	struct timer t;

	if (qmgr != NULL)
		link_free(qmgr);
	qmgr = NULL;
	deliver_clear(&deliver);
	/* Links are freed at the end of a round. */
	timer_init(&t, loop, stop_loop, NULL);
	timer_set(&t, 0);
	loop_run(loop);
	timer_clear(&t);
	loop_free(loop);
	close(root);
	snprintf(line, sizeof(line), "rm -rf -- '%s'", path);
	ck_assert_int_eq(system(line), 0);
}

struct to {
	const char *address, *path, *mailbox;
	uint64_t quota;
};

static void
send_job(uint64_t id, const struct to *to, size_t n, struct str text,
    uint32_t flags)
{
	struct msg_job job = { .id = id, .size = text.n,
		.accepted_ms = 1700000000000, .flags = flags,
		.sender = STR("bob@example.net"),
		.spool_uuid = STR("0123456789abcdef") };

	link_send(qmgr, MSG_JOB, id, &msg_job_wire, &job);
	for (size_t i = 0; i < n; i++) {
		struct msg_job_rcpt r = { .index = (uint32_t)i,
			.address = str_c(to[i].address),
			.account = STR("alice@example.org"),
			.path = str_c(to[i].path),
			.mailbox = str_c(to[i].mailbox),
			.quota = to[i].quota };

		link_send(qmgr, MSG_JOB_RCPT, id, &msg_job_rcpt_wire, &r);
	}
	if (text.n > 0)
		link_send_raw(qmgr, MSG_JOB_BODY, id, text);
	link_send_raw(qmgr, MSG_JOB_END, id, STR_NONE);
}

/* Runs until so many jobs are done. */
static void
wait_for(unsigned jobs)
{
	seen.stop_after = seen.done + jobs;
	loop_run(loop);
}

static const struct to alice = { "alice@example.org", "example.org/alice", "",
	0 };
#define TEXT STR("From: b@example.net\nSubject: one\n\nHello\n")

/* Messages of alice's mailbox; the text of the last one is added. */
static uint32_t
count(const char *name, struct buf *text)
{
	struct store_conf conf = { .epoch = 1 };
	struct account *a = account_open(
	    account_folder(root, STR("example.org/alice")), &conf);
	struct mailbox *m;
	struct message_text t;
	uint32_t n;

	ck_assert_ptr_nonnull(a);
	ck_assert_int_eq(mailbox_open(a, str_c(name), &m), STORE_OK);
	n = mailbox_status(m)->exists;
	if (text != NULL) {
		buf_init(text, BUF_NO_MAX);
		ck_assert_int_eq(message_load(m,
		    mailbox_row(m, mailbox_rows(m) - 1), &t), STORE_OK);
		buf_add(text, t.text);
		message_unload(&t);
	}
	account_close(a);
	return n;
}

START_TEST(plain)
{
	struct buf text;

	send_job(1, &alice, 1, TEXT, 0);
	wait_for(1);
	ck_assert_uint_eq(seen.code[0], 250);
	ck_assert_uint_eq(count("INBOX", &text), 1);
	ck_assert_str_eq(buf_cstr(&text),
	    "Return-Path: <bob@example.net>\n"
	    "Delivered-To: alice@example.org\n"
	    "From: b@example.net\nSubject: one\n\nHello\n");
	buf_clear(&text);
	ck_assert_uint_eq(seen.notices, 1);
}
END_TEST

START_TEST(many_at_once)
{
	for (uint64_t id = 1; id <= 30; id++)
		send_job(id, &alice, 1, TEXT, 0);
	wait_for(30);
	ck_assert_uint_eq(count("INBOX", NULL), 30);
	/* Told once a batch, not once a message. */
	ck_assert_uint_lt(seen.notices, 10);
}
END_TEST

START_TEST(repeated)
{
	send_job(1, &alice, 1, TEXT, 0);
	wait_for(1);
	send_job(1, &alice, 1, TEXT, JOB_MAYBE_REPEATED);
	wait_for(1);
	ck_assert_uint_eq(seen.results, 2);
	ck_assert_uint_eq(seen.code[0], 250);
	ck_assert_uint_eq(count("INBOX", NULL), 1);
}
END_TEST

START_TEST(refused)
{
	static const struct to list[] = {
		{ "alice@example.org", "example.org/alice", "", 0 },
		{ "alias@example.org", "example.org/alice", "", 0 },
		{ "carol@example.org", "../carol", "", 0 },
		{ "full@example.org", "example.org/full", "", 10 },
		{ "here@example.org", "example.org/here", "", 0 },
	};

	send_job(1, list, 5, STR("Delivered-To: here@example.org\n"
	    "Subject: one\n\nHello\n"), 0);
	wait_for(1);
	ck_assert_uint_eq(seen.code[0], 250);
	ck_assert_uint_eq(seen.code[1], 250);
	ck_assert_uint_eq(seen.code[2], 451);
	ck_assert_uint_eq(seen.code[3], 452);
	ck_assert_uint_eq(seen.code[4], 554);
	ck_assert_uint_eq(count("INBOX", NULL), 1);
}
END_TEST

START_TEST(subaddress)
{
	struct store_conf conf = { .epoch = 1 };
	static const struct to list[] = {
		{ "alice+a@example.org", "example.org/alice", "Lists", 0 },
		{ "alice+b@example.org", "example.org/alice", "none", 0 },
	};
	struct account *a = account_open(
	    account_folder(root, STR("example.org/alice")), &conf);

	ck_assert_int_eq(account_create(a, STR("Lists"), 0), STORE_OK);
	account_close(a);
	send_job(1, &list[0], 1, TEXT, 0);
	send_job(2, &list[1], 1, TEXT, 0);
	wait_for(2);
	ck_assert_uint_eq(count("Lists", NULL), 1);
	ck_assert_uint_eq(count("INBOX", NULL), 1);
}
END_TEST

START_TEST(body_by_descriptor)
{
	char name[] = "/tmp/postern.body.XXXXXX";
	int fd = mkstemp(name);
	struct msg_job job = { .id = 5, .accepted_ms = 1700000000000,
		.spool_uuid = STR("0123456789abcdef") };
	struct msg_job_rcpt r = { .address = STR("alice@example.org"),
		.account = STR("alice@example.org"),
		.path = STR("example.org/alice") };
	struct msg_job_body_fd at = { .at = 7, .size = 2000000 };
	static char block[100000];
	struct buf text;

	unlink(name);
	memset(block, 'x', sizeof(block));
	memcpy(block, "\n\n", 2);
	ck_assert_int_eq(write(fd, "garbage", 7), 7);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(
		    write(fd, block, sizeof(block)), sizeof(block));
	job.size = 13 + at.size;
	job.body_at = 13;
	link_send(qmgr, MSG_JOB, 9, &msg_job_wire, &job);
	link_send(qmgr, MSG_JOB_RCPT, 9, &msg_job_rcpt_wire, &r);
	link_send_raw(qmgr, MSG_JOB_BODY, 9, STR("Subject: one\n"));
	link_send_fd(qmgr, MSG_JOB_BODY_FD, 9, &msg_job_body_fd_wire, &at, fd);
	link_send_raw(qmgr, MSG_JOB_END, 9, STR_NONE);
	wait_for(1);
	ck_assert_uint_eq(seen.code[0], 250);
	ck_assert_uint_eq(count("INBOX", &text), 1);
	ck_assert_uint_gt(buf_len(&text), 2000000);
	ck_assert(str_find_str(buf_str(&text), STR("garbage")) ==
	    buf_len(&text));
	buf_clear(&text);
}
END_TEST

/* A result that qmgr did not confirm comes again on the next link. */
START_TEST(told_again)
{
	seen.forget = false;
	send_job(1, &alice, 1, TEXT, 0);
	wait_for(1);
	link_free(qmgr);
	relink();
	seen.stop_after = 0;
	seen.inflight_end = 0;
	loop_run(loop);
	ck_assert_uint_eq(seen.inflight, 1);
	ck_assert_uint_eq(count("INBOX", NULL), 1);
}
END_TEST

static TCase *
agent(void)
{
	TCase *tc = tcase_create("agent");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, plain);
	tcase_add_test(tc, many_at_once);
	tcase_add_test(tc, repeated);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, subaddress);
	tcase_add_test(tc, body_by_descriptor);
	tcase_add_test(tc, told_again);
	return tc;
}

UNIT_MAIN("deliver", agent)
