/*
 * worker -- the process that serves all POP3 connections of one account.
 */
#ifndef POSTERN_POP3D_WORKER_H
#define POSTERN_POP3D_WORKER_H

#include <stddef.h>

#include "base/list.h"
#include "proc/proc.h"
#include "store/account.h"

struct conn;
TAILQ_HEAD(conns, conn);

struct worker {
	struct proc proc;
	int roots[2];            /* by enum mail_root; -1: not given */
	struct account *account; /* opened with the first connection */
	char name[ACCOUNT_MAX + 1];
	struct conns conns;
	size_t conn_n;
	struct timer idle;       /* without connections: until we ask to end */
	struct timer stop;
	struct store_conf store;
	size_t per_user;         /* connections at the same time */
	unsigned errors;         /* refused commands in a row */
	int64_t idle_ms;         /* without connections */
	int64_t silence_ms;      /* of one client */
};

extern const struct proc_desc pop3_proc;
/* Before proc_start. */
void worker_before(struct worker *w);
void worker_init(struct worker *w);
/* A connection has ended. */
void worker_left(struct worker *w);
/* Makes what was done to the account last, and tells the others. */
void worker_flush(struct worker *w);

/* conn.c: a connection that a front hands over; fd is taken over. */
void conn_new(struct worker *w, int fd);
void conn_stop(struct conn *c);
struct conn *conn_next(struct conn *c);

#endif
