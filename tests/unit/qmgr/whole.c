#include "tests/unit/qmgr/whole.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/wire.h"
#include "msg/route.h"
#include "tests/unit/unit.h"

struct qmgr whole;
unsigned opened;
uint32_t answered;
unsigned lists_asked;

static char path[64];
static struct link *routerd, *smtpd, *master;
static struct timer tick;
static bool (*wanted)(void);
static int ticks;
static uint64_t list_cookie;

enum { TICKS = 5000 /* of a ms; a test that takes longer has failed */ };

/* --- the other ends -------------------------------------------------------- */

static void
on_close(void *arg, struct link *l, const char *why)
{
	(void)arg;
	(void)why;
	link_free(l);
}

static void
on_open_deliver(void *arg, struct link *l, struct link_msg *f)
{
	(void)arg;
	(void)l;
	(void)f;
	opened++;
}

static void
on_route(void *arg, struct link *l, struct link_msg *f)
{
	const struct msg_route *q = f->body;
	struct msg_route_is is = { .kind = ROUTE_REMOTE };
	struct str domain =
	    str_from(q->address, str_find(q->address, '@') + 1);
	struct str folder = q->address;
	const struct str account = str_take_until(&folder, '+');

	(void)arg;
	if (str_eq(domain, STR("list"))) {
		lists_asked++;
		list_cookie = f->cookie;
		return;
	}
	if (str_eq(domain, STR("local")))
		is = (struct msg_route_is){ .kind = ROUTE_LOCAL,
			.account = account, .mailbox = folder,
			.path = STR("p"), .root = 1, .uid = 7, .gid = 7 };
	else
		is.next_hop = domain;
	link_send(l, MSG_ROUTE_IS, f->cookie, &msg_route_is_wire, &is);
}

void
whole_list(const char *members)
{
	const struct msg_route_is is = { .kind =
		*members != '\0' ? ROUTE_LIST : ROUTE_TEMPORARY };
	struct str rest = str_c(members);
	struct buf tail;

	buf_init(&tail, BUF_NO_MAX);
	while (rest.n != 0)
		wire_put_str(&tail, str_take_word(&rest));
	link_send_tail(routerd, MSG_ROUTE_IS, list_cookie, &msg_route_is_wire,
	    &is, buf_str(&tail));
	buf_clear(&tail);
}

static void
on_submit_done(void *arg, struct link *l, struct link_msg *f)
{
	const struct msg_submit_done *done = f->body;

	(void)arg;
	(void)l;
	answered = done->code;
}

static const struct link_rule rules[] = {
	LINK_RULE_RAW(MSG_OPEN_DELIVER, 64, on_open_deliver),
	LINK_RULE(MSG_ROUTE, &msg_route_wire, on_route),
	LINK_RULE(MSG_SUBMIT_DONE, &msg_submit_done_wire, on_submit_done),
};
static const struct link_ops ops = { .rules = rules, .nrules = N_OF(rules),
	.on_close = on_close };

static struct link *
join(int *other)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	*other = pair[1];
	return link_new(whole.proc.loop, pair[0], &ops, NULL);
}

/* --- agents ---------------------------------------------------------------- */

static void
on_job(void *arg, struct link *l, struct link_msg *f)
{
	struct agent_end *a = arg;
	const struct msg_job *job = f->body;

	(void)l;
	a->cookie = f->cookie;
	a->id = job->id;
	a->flags = job->flags;
	a->nrcpts = 0;
	a->octets = 0;
}

static void
on_job_rcpt(void *arg, struct link *l, struct link_msg *f)
{
	struct agent_end *a = arg;
	const struct msg_job_rcpt *r = f->body;

	(void)l;
	ck_assert_uint_lt(a->nrcpts, N_OF(a->index));
	a->index[a->nrcpts++] = r->index;
	str_copy(a->folder, sizeof(a->folder), r->mailbox);
}

static void
on_job_body(void *arg, struct link *l, struct link_msg *f)
{
	struct agent_end *a = arg;

	(void)l;
	a->octets += f->raw.n;
}

static void
on_job_body_fd(void *arg, struct link *l, struct link_msg *f)
{
	(void)arg;
	(void)l;
	(void)f;
}

static void
on_job_end(void *arg, struct link *l, struct link_msg *f)
{
	struct agent_end *a = arg;

	(void)l;
	(void)f;
	a->jobs++;
}

static void
on_job_flushed(void *arg, struct link *l, struct link_msg *f)
{
	struct agent_end *a = arg;

	(void)l;
	(void)f;
	a->flushed++;
}

static void
on_agent_close(void *arg, struct link *l, const char *why)
{
	struct agent_end *a = arg;

	(void)why;
	a->closed = true;
	a->link = NULL;
	link_free(l);
}

static const struct link_rule agent_rules[] = {
	LINK_RULE(MSG_JOB, &msg_job_wire, on_job),
	LINK_RULE(MSG_JOB_RCPT, &msg_job_rcpt_wire, on_job_rcpt),
	LINK_RULE_RAW(MSG_JOB_BODY, LINK_BODY_MAX, on_job_body),
	LINK_RULE_FD(MSG_JOB_BODY_FD, &msg_job_body_fd_wire, 1,
	    on_job_body_fd),
	LINK_RULE_RAW(MSG_JOB_END, 0, on_job_end),
	LINK_RULE_RAW(MSG_JOB_FLUSHED, 0, on_job_flushed),
};
static const struct link_ops agent_ops = { .rules = agent_rules,
	.nrules = N_OF(agent_rules), .on_close = on_agent_close };

void
agent_start(struct agent_end *a, enum role role)
{
	int pair[2];

	*a = (struct agent_end){ .role = role };
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	a->link = link_new(whole.proc.loop, pair[0], &agent_ops, a);
	peer_open(&whole, role, role == ROLE_DELIVER ? 1 : 0, 7, pair[1]);
	a->peer = TAILQ_LAST(&whole.peers, peers);
}

void
agent_greet(struct agent_end *a)
{
	link_send_raw(a->link, MSG_JOB_INFLIGHT_END, 0, STR_NONE);
}

static struct msg_job_result
result_of(enum job_status status, uint32_t index)
{
	return (struct msg_job_result){ .index = index, .status = status,
		.code = status == JOB_OK ? 250 : status == JOB_TEMPORARY ?
		                           451 : 550,
		.enhanced = status == JOB_OK ? STR("2.0.0") : STR("4.3.0"),
		.text = STR("said") };
}

void
agent_inflight(struct agent_end *a, uint64_t id, uint32_t index,
    const char *address, enum job_status status)
{
	const struct msg_job_inflight m = { id, str_c(address),
		result_of(status, index) };

	link_send(a->link, MSG_JOB_INFLIGHT, 77, &msg_job_inflight_wire, &m);
}

void
agent_result_of(struct agent_end *a, uint32_t index, enum job_status status)
{
	const struct msg_job_result r = result_of(status, index);

	link_send(
	    a->link, MSG_JOB_RESULT, a->cookie, &msg_job_result_wire, &r);
}

void
agent_done(struct agent_end *a, enum job_status status, enum site_state site)
{
	const struct msg_job_done done = { .site = site };

	for (uint32_t i = 0; i < a->nrcpts; i++)
		agent_result_of(a, a->index[i], status);
	link_send(a->link, MSG_JOB_DONE, a->cookie, &msg_job_done_wire, &done);
}

/* --- smtpd ----------------------------------------------------------------- */

void
submit_begin(uint64_t cookie, const char *sender)
{
	const struct msg_submit s = { .sender = str_c(sender),
		.client = STR("192.0.2.1") };

	answered = 0;
	link_send(smtpd, MSG_SUBMIT, cookie, &msg_submit_wire, &s);
}

void
submit_rcpt(uint64_t cookie, const char *address)
{
	const struct env_rcpt r = { .address = str_c(address) };

	link_send(smtpd, MSG_SUBMIT_RCPT, cookie, &env_rcpt_wire, &r);
}

void
submit_body(uint64_t cookie, const char *body)
{
	const struct str text = str_c(body);
	const struct msg_submit_end end = { text.n,
		crc32c(0, text.p, text.n) };

	link_send_raw(smtpd, MSG_SUBMIT_BODY, cookie, text);
	link_send(smtpd, MSG_SUBMIT_END, cookie, &msg_submit_end_wire, &end);
}

static bool
is_answered(void)
{
	return answered != 0;
}

struct message *
whole_submit(const char *rcpts)
{
	static uint64_t cookie;
	struct str rest = str_c(rcpts);

	submit_begin(++cookie, "a@x.test");
	while (rest.n != 0) {
		char address[100];

		str_copy(address, sizeof(address), str_take_word(&rest));
		submit_rcpt(cookie, address);
	}
	submit_body(cookie, "Subject: x\n\nbody\n");
	whole_until(is_answered);
	return answered == 250 ? TAILQ_LAST(&whole.q.table.all, message_list) :
	                         NULL;
}

/* --- the loop -------------------------------------------------------------- */

static void
on_tick(void *arg)
{
	(void)arg;
	if (wanted != NULL ? wanted() : ticks == 0) {
		loop_stop(whole.proc.loop, 0);
		return;
	}
	if (ticks-- == 0)
		ck_abort_msg("what was waited for did not happen");
	timer_set(&tick, 1);
}

void
whole_until(bool (*is_so)(void))
{
	wanted = is_so;
	ticks = TICKS;
	timer_set(&tick, 0);
	loop_run(whole.proc.loop);
}

void
whole_run(int64_t ms)
{
	wanted = NULL;
	ticks = (int)ms;
	timer_set(&tick, 0);
	loop_run(whole.proc.loop);
}

void
whole_start(void)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/postern-whole.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(path));
	opened = lists_asked = 0;
	whole = (struct qmgr){ .proc.loop = loop_new(),
		.o = { .lifetime = 432000000, .dsn_lifetime = 432000000,
		    .memory = 64 << 20, .inline_body = 256 << 10,
		    .segment = 1 << 20, .messages = 1000000,
		    .message_size = 1 << 20, .per_message = 100,
		    .local_jobs = 100, .smtp_jobs = 500, .bounce_jobs = 20,
		    .sched = { 5, 20, 100, 1000, 60000 } },
		.spoolfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	timer_init(&tick, whole.proc.loop, on_tick, NULL);
	master = join(&fd);
	whole.proc.master = link_new(whole.proc.loop, fd, &ops, NULL);
	qmgr_open(&whole);
	routerd = join(&fd);
	routes_link(&whole, fd);
	smtpd = join(&fd);
	peer_open(&whole, ROLE_SMTPD, 0, 0, fd);
}

void
whole_end(void)
{
	char command[100];

	syncer_wait(whole.syncer); /* which makes files there */
	snprintf(command, sizeof(command), "rm -r %s", path);
	ck_assert_int_eq(system(command), 0);
}
