#include "qmgr/peer.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "msg/submit.h"
#include "proc/note.h"

/* clang-format off */
#define SUBMIT_RULES                                                           \
	LINK_RULE(MSG_SUBMIT, &msg_submit_wire, on_submit),                    \
	LINK_RULE(MSG_SUBMIT_RCPT, &env_rcpt_wire, on_submit_rcpt),            \
	LINK_RULE(MSG_SUBMIT_PREFIX, &msg_submit_prefix_wire,                  \
	    on_submit_prefix),                                                 \
	LINK_RULE_RAW(MSG_SUBMIT_BODY, LINK_BODY_MAX, on_submit_body),         \
	LINK_RULE(MSG_SUBMIT_END, &msg_submit_end_wire, on_submit_end),        \
	LINK_RULE_RAW(MSG_SUBMIT_CANCEL, 0, on_submit_cancel)
#define JOB_RULES                                                              \
	LINK_RULE(MSG_JOB_RESULT, &msg_job_result_wire, on_job_result),        \
	LINK_RULE(MSG_JOB_DONE, &msg_job_done_wire, on_job_done),              \
	LINK_RULE(MSG_JOB_INFLIGHT, &msg_job_inflight_wire, on_job_inflight),  \
	LINK_RULE_RAW(MSG_JOB_INFLIGHT_END, 0, on_job_inflight_end)
/* clang-format on */

static const struct link_rule submit_rules[] = { SUBMIT_RULES,
	LINK_RULE_RAW(MSG_SUBMIT_GONE, TOKEN * TOKENS_A_FRAME,
	    on_submit_gone) };
static const struct link_rule job_rules[] = { JOB_RULES };
static const struct link_rule both_rules[] = { SUBMIT_RULES, JOB_RULES };

/* Of what does not fit no FLUSHED comes: the agent keeps it. */
enum { INFLIGHT_MAX = 8 * 1024 * 1024 /* octets of cookies */ };

static void
peer_free(struct peer *p)
{
	intake_close(p);
	if (p->is_agent) {
		jobs_close(p);
		agents_close(p);
	}
	TAILQ_REMOVE(&p->d->peers, p, entry);
	buf_clear(&p->inflight);
	link_free(p->link);
	free(p);
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	struct peer *p = arg;
	struct qmgr *d = p->d;

	(void)l;
	note(d->stopping || p->role == ROLE_DELIVER ? NOTE_DEBUG : NOTE_WARN,
	    "peer-gone");
	note_c("peer", role_name(p->role));
	note_u64("instance", p->instance);
	note_c("reason", why);
	note_end();
	qmgr_now(d);
	peer_free(p);
	qmgr_pump(d);
}

void
peer_end(struct peer *p, const char *why)
{
	on_close(p, p->link, why);
}

static void
on_drained(void *arg, struct link *l)
{
	struct peer *p = arg;

	(void)l;
	if (p->is_agent)
		agents_drained(p);
}

#define OPS(table)                                                             \
	{ .rules = (table), .nrules = sizeof(table) / sizeof((table)[0]),      \
		.on_close = on_close, .on_drained = on_drained }
static const struct link_ops submit_ops = OPS(submit_rules);
static const struct link_ops job_ops = OPS(job_rules);
static const struct link_ops both_ops = OPS(both_rules);

static const struct {
	enum role role;
	const struct link_ops *ops;
	bool is_agent;
} kinds[] = {
	{ ROLE_SMTPD, &submit_ops, false },
	{ ROLE_PICKUP, &submit_ops, false },
	{ ROLE_SMTP, &job_ops, true },
	{ ROLE_DELIVER, &job_ops, true },
	{ ROLE_BOUNCE, &both_ops, true },
};

void
peer_open(
    struct qmgr *d, enum role role, uint32_t instance, uint64_t key, int fd)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct peer *p;

		if (kinds[i].role != role)
			continue;
		p = xcalloc(1, sizeof(*p));
		*p = (struct peer){ .d = d, .role = role,
			.instance = instance, .key = key,
			.is_agent = kinds[i].is_agent };
		TAILQ_INIT(&p->jobs);
		buf_init(&p->inflight, INFLIGHT_MAX);
		p->link = link_new(d->proc.loop, fd, kinds[i].ops, p);
		TAILQ_INSERT_TAIL(&d->peers, p, entry);
		if (p->is_agent)
			agents_open(p);
		if (role == ROLE_PICKUP)
			dropped_open(p);
		return;
	}
	fatal("linked with %s, which qmgr does not know", role_name(role));
}
