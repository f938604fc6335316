/*
 * conn_int -- a connection as conn.c (octets and time) and conn_calls.c (what
 * the session asks for) share it.
 */
#ifndef POSTERN_SMTPD_CONN_INT_H
#define POSTERN_SMTPD_CONN_INT_H

#include "event/stream.h"
#include "smtpd/conn.h"

struct conn {
	TAILQ_ENTRY(conn) entry; /* d->conns */
	struct smtpd *d;
	struct stream *stream;
	struct listen_client client;
	struct smtp_session session;
	struct router_ask ask;   /* of RCPT or MAIL */
	struct names_ask name;
	struct queue_msg msg;
	struct login *login;     /* under way, or NULL */
	struct timer greeting;   /* the delay before it */
	struct deferred pump;    /* goes on after an answer */
	struct deferred reap;    /* the end, outside of all callbacks */
	int64_t began;           /* loop_now of the connection, of the body */
	int64_t data_began;
	bool started;            /* the greeting was said */
	bool tls_wanted;         /* STARTTLS was answered */
	bool shaking;            /* in the handshake */
	bool held;               /* until qmgr takes more */
	bool line_timed;         /* the deadline runs for an unfinished line */
	bool eof;                /* the client sends no more */
	bool closing;
	bool unheard;            /* 250 was said, and nothing came since */
	char token[TOKEN];       /* unheard: of what was taken */
	char ptr[256];           /* name of the address, "" not known */
};

/* The upcalls of the session; arg is the conn. */
extern const struct smtp_calls conn_calls;
/* The client goes on: it has read what was said. */
void conn_calls_heard(struct conn *c);
/* Gives up all that is asked. */
void conn_calls_cancel(struct conn *c);

#endif
