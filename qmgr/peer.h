/*
 * peer -- a process that qmgr is linked with: one that submits messages
 * (smtpd, pickup), one that takes jobs (smtp, deliver), or both (bounce).
 */
#ifndef POSTERN_QMGR_PEER_H
#define POSTERN_QMGR_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "proc/link.h"
#include "qmgr/qmgr.h"

/* One attempt: recipients of a message that an agent has, or had. */
struct job {
	TAILQ_ENTRY(job) entry;   /* of peer->jobs; of nobody when orphaned */
	struct peer *peer;        /* NULL: its link is gone */
	struct qmgr *d;
	uint64_t cookie;
	struct message *m;        /* a reference */
	struct site *site;        /* NULL for reports */
	struct lane *lane;        /* of the site when it began */
	enum dsn_action dsn;      /* DSN_NONE: a delivery */
	struct outcome *rcpts;    /* reason NULL: no result yet */
	size_t n, undecided;
	bool told;                /* JOB_DONE came; waits for the flush */
	struct qlog_wait wait;
};

struct peer {
	TAILQ_ENTRY(peer) entry;
	struct qmgr *d;
	struct link *link;
	enum role role;
	uint32_t instance;
	uint64_t key;             /* deliver: the owner's uid */
	/* intake.c */
	struct map submits;       /* cookie -> struct intake */
	/* agents.c */
	TAILQ_HEAD(, job) jobs;
	struct map by_cookie;     /* of jobs */
	uint32_t njobs, most;     /* told ones do not count */
	bool is_agent;
	bool greeted;             /* INFLIGHT_END came */
	bool full;                /* sites of it are blocked until it drains */
	struct buf inflight;      /* cookies of INFLIGHT, u64 each */
	struct qlog_wait inflight_wait;
};

/* peer.c */
void peer_open(
    struct qmgr *d, enum role role, uint32_t instance, uint64_t key, int fd);

/* It broke the rules of its frames: the link is over, and p freed. */
void peer_end(struct peer *p, const char *why);

/* intake.c: frames of submit.h */
void on_submit(void *arg, struct link *l, struct link_msg *f);
void on_submit_rcpt(void *arg, struct link *l, struct link_msg *f);
void on_submit_prefix(void *arg, struct link *l, struct link_msg *f);
void on_submit_body(void *arg, struct link *l, struct link_msg *f);
void on_submit_end(void *arg, struct link *l, struct link_msg *f);
void on_submit_cancel(void *arg, struct link *l, struct link_msg *f);
void intake_close(struct peer *p);
/* The log failed: everyone who waits hears 451. */
void intake_fail(struct peer *p);

/* dropped.c: tokens of submit.h */
void on_submit_gone(void *arg, struct link *l, struct link_msg *f);
/* pickup has a new link: which files were accepted. */
void dropped_open(struct peer *p);

/* job.c: frames of job.h */
void on_job_result(void *arg, struct link *l, struct link_msg *f);
void on_job_done(void *arg, struct link *l, struct link_msg *f);
void on_job_inflight(void *arg, struct link *l, struct link_msg *f);
void on_job_inflight_end(void *arg, struct link *l, struct link_msg *f);
/* Gives the agent a job with these recipients, which become INFLIGHT unless
 * dsn is set. */
void job_start(struct peer *p, struct message *m, struct site *site,
    enum dsn_action dsn, struct rcpt **rs, size_t n);
/* The link is gone: what was not decided is tried again at once. */
void jobs_close(struct peer *p);
/* An agent that greeted, or that will not: see whether all have. */
void agents_gate(struct qmgr *d);
void agents_open(struct peer *p);
void agents_close(struct peer *p);
/* INFLIGHT_END: it is ready. */
void agents_greeted(struct peer *p);
/* The link has room again. */
void agents_drained(struct peer *p);

#endif
