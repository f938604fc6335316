/*
 * whole -- all of qmgr in one process with its tests, which stand at the
 * other ends of its links: master, routerd, smtpd, bounce, smtp and deliver.
 * An address at "local" is a mailbox, and a+x@local the folder x@local of a;
 * one at "list" is a list whose members whole_list tells; any other goes to
 * its domain.
 */
#ifndef POSTERN_TESTS_QMGR_WHOLE_H
#define POSTERN_TESTS_QMGR_WHOLE_H

#include "msg/job.h"
#include "msg/submit.h"
#include "qmgr/peer.h"
#include "qmgr/qmgr.h"

/* An agent, as the tests play it. */
struct agent_end {
	struct link *link;
	struct peer *peer;      /* qmgr's end of it */
	enum role role;
	bool closed;            /* by qmgr */
	/* The last job. */
	uint64_t cookie, id;
	uint32_t flags, index[16], nrcpts;
	char folder[32];        /* of the last recipient */
	uint64_t octets;        /* of its text, without a large body */
	uint32_t jobs, flushed; /* frames */
};

extern struct qmgr whole;
extern unsigned opened; /* workers asked of master */
/* The last SUBMIT_DONE: 0 when there was none since the last SUBMIT. */
extern uint32_t answered;

void whole_start(void);
void whole_end(void);
/* Runs the loop until it is so, or the test fails. */
void whole_until(bool (*is_so)(void));
/* Runs it for a while. */
void whole_run(int64_t ms);

/* One more agent; greeted says INFLIGHT_END. */
void agent_start(struct agent_end *a, enum role role);
void agent_greet(struct agent_end *a);
void agent_inflight(struct agent_end *a, uint64_t id, uint32_t index,
    const char *address, enum job_status status);
void agent_result_of(
    struct agent_end *a, uint32_t index, enum job_status status);
/* The same result for all of its job, and DONE. */
void agent_done(struct agent_end *a, enum job_status status,
    enum site_state site);

/* What smtpd sends; whole_submit waits for the answer and gives the message,
 * or NULL. */
void submit_begin(uint64_t cookie, const char *sender);
void submit_rcpt(uint64_t cookie, const char *address);
void submit_body(uint64_t cookie, const char *body);
/* rcpts: words */
struct message *whole_submit(const char *rcpts);

/* routerd is asked for lists, so often yet. */
extern unsigned lists_asked;
/* It answers the last of these; members: words, none: later. */
void whole_list(const char *members);

#endif
