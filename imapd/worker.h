/*
 * worker -- the process that serves all IMAP connections of one account.
 */
#ifndef POSTERN_IMAPD_WORKER_H
#define POSTERN_IMAPD_WORKER_H

#include <stdbool.h>

#include "base/list.h"
#include "imapd/user.h"
#include "proc/proc.h"

struct conn;
TAILQ_HEAD(conns, conn);

struct worker {
	struct proc proc;
	int roots[2];           /* by enum mail_root; -1: not given */
	struct user *user;      /* opened with the first connection */
	struct conns conns;
	size_t conn_n;
	struct timer idle;      /* without connections: until we ask to end */
	struct timer stop;
	struct timer flush;     /* of changes that no answer waits for */
	struct user_conf conf;
	size_t per_user;        /* connections at the same time */
	int64_t idle_ms;        /* without connections */
	int64_t silence_ms;     /* of one client */
	int64_t step_ms;        /* what one connection may do at a stretch */
};

extern const struct proc_desc imap_proc;
/* Before proc_start. */
void worker_before(struct worker *w);
void worker_init(struct worker *w);
/* After a turn: other processes are told of what changed, and what is not on
 * disk yet will be. */
void worker_spread(struct worker *w);
/* A connection has ended. */
void worker_left(struct worker *w);

/* conn.c: a connection that a front hands over; fd is taken over. */
void conn_new(struct worker *w, int fd);
void conn_stop(struct conn *c);
struct conn *conn_next(struct conn *c);

#endif
