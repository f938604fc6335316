/*
 * client -- the client's side of one SMTP or LMTP connection, as a pure
 * machine: octets in, octets out; no descriptor, no clock, no DNS.
 * Source: RFC 5321, RFC 2033 (LMTP), RFC 2920 (PIPELINING), RFC 3207
 * (STARTTLS), RFC 1870, RFC 6152, RFC 6531, RFC 3461.
 *
 * The owner feeds what the server says, sends what is in out, and does what
 * the event asks for:
 *
 *	greeting, EHLO, (STARTTLS, EHLO) -> READY
 *	client_begin: MAIL, RCPT..., DATA -> TEXT; client_text..., client_dot
 *	-> DONE, which is READY for the next mail
 *
 * Nothing the server says is taken for an answer to what it cannot have seen
 * yet: octets behind the 220 that begins TLS, or between 354 and our final
 * dot, end the session, and the mail is deferred (TRUST I11, I57).
 */
#ifndef POSTERN_SMTP_CLIENT_H
#define POSTERN_SMTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "mail/crlf.h"
#include "mail/ehlo.h"
#include "mail/smtp_reply.h"
#include "msg/job.h"
#include "msg/route.h"

enum { CLIENT_RCPTS_MAX = 100 }; /* in one transaction, RFC 5321 4.5.3.1.8 */

enum client_event {
	CLIENT_WAIT,  /* send out, feed what comes */
	CLIENT_TLS,   /* start TLS, then client_tls_started */
	CLIENT_READY, /* client_begin or client_quit */
	CLIENT_TEXT,  /* client_text until all of it, then client_dot */
	CLIENT_DONE,  /* the mail is over: every recipient has its fate; as
	               * CLIENT_READY */
	CLIENT_OVER   /* the session is over: failure says why */
};

enum client_state {
	AT_GREETING,
	AT_EHLO,
	AT_HELO,
	AT_STARTTLS,
	AT_TLS,      /* the owner shakes hands */
	AT_READY,
	AT_MAIL,
	AT_RCPT,
	AT_DATA,
	AT_TEXT,     /* the owner brings the text */
	AT_DOT_OUT,  /* the final dot is in out, not yet with the kernel */
	AT_DOT,      /* the reply is due */
	AT_RSET,
	AT_QUIT,
	AT_OVER
};

/* How one recipient, or all of a mail, fared. */
struct client_result {
	enum job_status status;
	unsigned code;          /* 250, 451, 550 ... */
	struct str enhanced;    /* "5.1.1" */
	struct str text;        /* one line, printable ASCII */
};

/* Why a session ended. */
enum client_end {
	END_QUIT,       /* we asked for it */
	END_REPLY,      /* its reply to connection, EHLO or STARTTLS; 421 */
	END_PROTOCOL,   /* not SMTP, or something said out of turn */
	END_LOST,       /* closed, error or timeout: said by the owner */
	END_TLS,        /* TLS is wanted and cannot be had */
	END_TEXT,       /* the mail's text cannot be read: said by the owner */
	END_LOOP        /* this is ourselves */
};

struct client_failure {
	enum client_end end;
	bool after_dot;         /* the text was sent and got no answer */
	bool permanent;
	bool said;              /* code and text are the server's reply; else
	                         * they are ours */
	unsigned code;
	char enhanced[12];
	struct buf text;
};

struct client_conf {
	const char *hostname;   /* said in EHLO */
	bool lmtp;
	bool check_loop;        /* a greeting with our name is a loop: not of
	                         * a filter beside us, which a route names */
	enum route_tls tls;
};

struct client_rcpt {
	struct str address;
	uint32_t notify;        /* NOTIFY_ */
	struct str orcpt;
	bool accepted;          /* by RCPT */
};

/* A mail; the owner's, valid until CLIENT_DONE or CLIENT_OVER. */
struct client_mail {
	struct str sender, envid;
	uint32_t flags;         /* ENV_ */
	uint64_t size;          /* octets on the wire, about */
	struct client_rcpt *rcpts;
	size_t nrcpts;          /* 1..CLIENT_RCPTS_MAX */
	/* The fate of a recipient, once each unless the session ends. */
	void (*on_fate)(void *arg, size_t rcpt, const struct client_result *r);
	void *arg;
};

struct client {
	struct client_conf conf;
	enum client_state state;
	bool tls;               /* the connection is encrypted */
	struct ehlo ehlo;       /* of the last EHLO; zero after HELO */
	struct smtp_reply reply;
	struct buf out;         /* to be sent */
	const struct client_mail *mail;
	size_t next;            /* recipient whose reply is due */
	size_t written;         /* recipients whose RCPT is in out */
	size_t accepted;
	bool refused;           /* MAIL was */
	unsigned mails;         /* transactions begun */
	unsigned due;           /* replies to what was said */
	unsigned replies;       /* taken, whole ones */
	bool slow_down;         /* it said so: REPLY_SLOW */
	bool closing;           /* it said 421: no further mail */
	struct crlf_out crlf;
	struct client_failure failure;
};

void client_init(struct client *c, const struct client_conf *conf);
void client_clear(struct client *c);

/* The text is out and not answered: it may be taken. */
bool client_is_after_dot(const struct client *c);
/* What the server said; in is emptied unless the session is over. */
enum client_event client_feed(struct client *c, struct str *in);
/* The connection is gone; words say how.  Always CLIENT_OVER. */
enum client_event client_lost(struct client *c, const char *words);
/* Our side has no more text to send.  Always CLIENT_OVER. */
enum client_event client_unread(struct client *c);
enum client_event client_tls_started(struct client *c);

/* Can this mail go over this session?  Otherwise why not. */
enum client_fit {
	CLIENT_FITS,
	CLIENT_NO_8BIT,  /* permanent 5.6.3, if the text really has 8 bits */
	CLIENT_NO_UTF8,  /* permanent 5.6.7, if address or text need it */
	CLIENT_TOO_BIG   /* permanent 5.3.4 */
};
enum client_fit client_fits(
    const struct client *c, uint32_t flags, uint64_t size);
/* Most recipients for one mail here. */
size_t client_rcpts_max(const struct client *c);

/* In READY. */
void client_begin(struct client *c, const struct client_mail *mail);
void client_quit(struct client *c);
/* In TEXT: a piece of the text with LF line ends. */
void client_text(struct client *c, struct str piece);
void client_dot(struct client *c);
/* All of out is with the kernel. */
void client_drained(struct client *c);

#endif
