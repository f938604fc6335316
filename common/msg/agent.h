/*
 * agent -- the agent's side of job.h, the same for smtp, deliver and bounce:
 * gathers the frames of each job, keeps the results until qmgr has them on
 * disk, and says on a fresh link what is in flight.
 *
 * The daemon makes the link itself, with AGENT_RULES among its rules and the
 * struct agent as the link's argument, and then calls agent_link().
 *
 * A job's life: gathered (frames arrive), running (from on_job until the last
 * agent_result), told (results sent), forgotten (FLUSHED).  A job whose link
 * died while it was gathered is forgotten at once.  Owns all jobs.
 */
#ifndef POSTERN_MSG_AGENT_H
#define POSTERN_MSG_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "base/pool.h"
#include "event/loop.h"
#include "msg/job.h"
#include "proc/link.h"

enum {
	AGENT_INLINE_MAX = 5 * 1024 * 1024, /* octets of text in memory; above
	                                     * queue.inline_body */
	AGENT_RCPTS_MAX = 10000, /* queue.per_message */
	AGENT_ANSWER_WAIT = 5000 /* ms a fresh link waits for jobs that passed
	                          * their point of no return */
};

struct agent_rcpt {
	struct msg_job_rcpt r;        /* strings in the job's pool */
	struct msg_job_result result; /* strings in the job's pool */
	bool decided;                 /* result holds */
};

struct agent_job {
	TAILQ_ENTRY(agent_job) entry;
	struct agent *agent;
	uint64_t cookie;
	struct pool pool;
	struct msg_job job;
	struct agent_rcpt *rcpts;
	size_t nrcpts, rcpts_cap;
	size_t undecided;     /* recipients without a result */
	struct buf text;      /* prefix, and the body unless fd holds it */
	int fd;               /* large body, pread only; -1: none */
	struct msg_job_body_fd at;
	enum { AGENT_GATHERED, AGENT_RUNNING, AGENT_TOLD } state;
	bool committed;       /* past its point of no return: agent_commit */
	bool orphan;          /* its link is gone: results go as INFLIGHT */
	uint32_t site;        /* enum site_state for JOB_DONE */
	struct str hosts;     /* likewise, in the pool */
	void *own;            /* the daemon's */
};

struct agent_ops {
	/* A whole job: end it with agent_result for each recipient. */
	void (*on_job)(void *arg, struct agent_job *job);
	/* qmgr wants it back, or is gone: if the job has not passed its point
	 * of no return, give it up and decide what is left as temporary. */
	void (*on_cancel)(void *arg, struct agent_job *job);
	/* qmgr broke the order of job.h: end the link as in its on_close. */
	void (*on_broken)(void *arg, struct link *l, const char *why);
	/* It will be freed.  May be NULL. */
	void (*on_forget)(void *arg, struct agent_job *job);
};

struct agent {
	struct loop *loop;
	struct link *link;     /* to qmgr, or NULL */
	const struct agent_ops *ops;
	void *arg;
	struct map by_cookie;  /* of the jobs of the present link */
	TAILQ_HEAD(, agent_job) jobs;
	struct timer wait;     /* for committed orphans */
	bool greeted;          /* INFLIGHT_END was sent on this link */
};

void agent_init(struct agent *a, struct loop *loop,
    const struct agent_ops *ops, void *arg);
void agent_clear(struct agent *a);
/* A fresh link to qmgr; l's argument must be a. */
void agent_link(struct agent *a, struct link *l);
/* The link is gone (call it in on_close, then free the link). */
void agent_unlink(struct agent *a);

/* From here on the job may have taken effect whatever happens. */
void agent_commit(struct agent_job *job);
/* The fate of one recipient, by its place in job->rcpts; strings are copied
 * and cut to the limits of job.h.  The last one sends JOB_DONE too. */
void agent_result(struct agent_job *job, size_t rcpt,
    const struct msg_job_result *result);
/* The same result for all that have none yet. */
void agent_result_rest(struct agent_job *job,
    const struct msg_job_result *result);
/* Jobs that are running. */
size_t agent_running(const struct agent *a);

/* Octets of the whole text (prefix and body). */
uint64_t agent_text_size(const struct agent_job *job);
/*
 * Reads up to size octets of the text from offset at into out.  Number, 0 at
 * the end, -1 with errno when a large body cannot be read.
 */
ssize_t agent_text_read(const struct agent_job *job, uint64_t at, char *out,
    size_t size);

void agent_on_job(void *arg, struct link *l, struct link_msg *m);
void agent_on_rcpt(void *arg, struct link *l, struct link_msg *m);
void agent_on_body(void *arg, struct link *l, struct link_msg *m);
void agent_on_body_fd(void *arg, struct link *l, struct link_msg *m);
void agent_on_end(void *arg, struct link *l, struct link_msg *m);
void agent_on_flushed(void *arg, struct link *l, struct link_msg *m);

/* clang-format off */
#define AGENT_RULES                                                            \
	LINK_RULE(MSG_JOB, &msg_job_wire, agent_on_job),                       \
	LINK_RULE(MSG_JOB_RCPT, &msg_job_rcpt_wire, agent_on_rcpt),            \
	LINK_RULE_RAW(MSG_JOB_BODY, LINK_BODY_MAX, agent_on_body),             \
	LINK_RULE_FD(MSG_JOB_BODY_FD, &msg_job_body_fd_wire, 1,                \
	    agent_on_body_fd),                                                 \
	LINK_RULE_RAW(MSG_JOB_END, 0, agent_on_end),                           \
	LINK_RULE_RAW(MSG_JOB_FLUSHED, 0, agent_on_flushed)
/* clang-format on */

#endif
