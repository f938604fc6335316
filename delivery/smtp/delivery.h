/*
 * delivery -- one job: finds the hosts of its next hop, tries them in order,
 * and brings every recipient to one result.
 *
 * What a host defers is tried at the next host, at most two hosts that
 * answer EHLO and conf.addresses addresses in one attempt; what then is left
 * is temporary.  A mail whose answer after the final dot was lost is not
 * tried again: qmgr will, and knows that it may be a second copy.
 */
#ifndef POSTERN_SMTP_DELIVERY_H
#define POSTERN_SMTP_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "delivery/smtp/client.h"
#include "delivery/smtp/resolve.h"
#include "delivery/smtp/session.h"
#include "msg/agent.h"

enum { DELIVERY_HOSTS_MAX = 2 }; /* that answer EHLO, in one attempt */

struct engine;

struct delivery {
	TAILQ_ENTRY(delivery) entry; /* engine: running, waiting or ended */
	struct engine *engine;
	struct agent_job *job;  /* NULL: all is decided and it was forgotten */
	struct hop hop;
	char key[700];
	struct resolve resolve;
	size_t target;          /* the next one to try */
	unsigned addresses;     /* tried */
	unsigned hosts;         /* that answered EHLO */
	char judged[256];       /* the host that said EHLO last */
	char relay[TARGET_TEXT]; /* tried last, for the log */
	bool resolved;
	bool in_clear;          /* TLS failed at this target: without it */
	struct session *session;
	/* The transaction under way: rcpts[i] is job->rcpts[batch[i]]. */
	struct client_mail mail;
	struct client_rcpt rcpts[CLIENT_RCPTS_MAX];
	size_t batch[CLIENT_RCPTS_MAX];
	/* By place in job->rcpts: what the present host says. */
	bool *deferred;         /* not again at this host */
	struct msg_job_result *soft; /* last temporary result; in job->pool */
	struct msg_job_result last;  /* of the attempt; in job->pool */
	bool waiting;
	bool ended;
};

void delivery_start(struct engine *e, struct agent_job *job);
/* There is room for a connection now. */
void delivery_go_on(struct delivery *d);
/* Breaks it off; recipients without a result get a temporary one. */
void delivery_cancel(struct delivery *d, const char *why);
/* The job is freed: all its recipients have their results. */
void delivery_forget(struct delivery *d);
/* At the end of the round. */
void delivery_free(struct delivery *d);

#endif
