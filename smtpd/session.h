/*
 * session -- one SMTP or LMTP session as a pure machine: octets in, octets
 * out, no descriptor, no clock, no DNS.  What it needs to know from others it
 * asks by an upcall; the answer comes back by one of the on_ functions, at
 * once or later.  While an answer is awaited it takes no octets.
 *
 * Source: RFC 5321, 2033 (LMTP), 4954 (AUTH), 3207 (STARTTLS), 2920
 * (PIPELINING), 1870 (SIZE), 6152 (8BITMIME), 6531 (SMTPUTF8), 2034 and 3463
 * (enhanced codes), 3461 (DSN).
 *
 * Owns its transaction, which is destroyed whole on every way out of it, and
 * its output.  Invariant: a transaction exists exactly in the states MAIL,
 * RCPT and DATA.
 */
#ifndef POSTERN_SMTPD_SESSION_H
#define POSTERN_SMTPD_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "mail/crlf.h"
#include "mail/header.h"
#include "mail/line.h"
#include "msg/envelope.h"
#include "proc/roles.h"
#include "smtpd/tx.h"

enum {
	SMTP_LINE_MAX = 1024,       /* octets of a command, CRLF included */
	SMTP_AUTH_LINE_MAX = 12288, /* of an AUTH command or response */
	SMTP_AUTH_FAILURES_MAX = 5, /* log-ins refused, then 421 */
	SMTP_REFUSED_MAX = 100,     /* recipients refused, then 421 */
	SMTP_STEP = 32768           /* octets of a body decoded at once */
};

enum smtp_kind {
	SMTP_MX,          /* port 25: mail from other servers */
	SMTP_SUBMISSION,  /* port 587: our accounts, STARTTLS */
	SMTP_SUBMISSIONS, /* port 465: our accounts, TLS at once */
	SMTP_LMTP,        /* mail for local mailboxes only */
	SMTP_LOCAL        /* submit.sock: the peer's uid is the log-in */
};

/* What holds for all sessions of a kind; outlives them. */
struct smtp_policy {
	enum smtp_kind kind;
	struct str hostname;   /* in the greeting, EHLO and Received */
	uint64_t size_max;     /* octets of a message */
	uint32_t rcpt_max;     /* recipients of a message */
	uint32_t messages_max; /* in one session, of clients we do not know */
	uint32_t hops_max;     /* Received fields */
	uint32_t errors_max;   /* refused commands, then 421 */
	bool require_tls;      /* before AUTH */
	bool from_must_match;  /* the sender belongs to the log-in */
};

/* What is known of the client; the strings outlive the session. */
struct smtp_client {
	struct str address; /* "192.0.2.1", "unix:1000" */
	bool trusted;       /* may send anywhere without log-in */
	bool tls;           /* TLS was there before the first octet */
	bool early;         /* it spoke before the greeting */
	struct str login;   /* SMTP_LOCAL: "unix:1000", else "" */
};

enum smtp_state {
	SMTP_HELLO, /* nothing said yet, or all forgotten by STARTTLS */
	SMTP_READY,
	SMTP_MAIL,
	SMTP_RCPT,
	SMTP_DATA,
	SMTP_AUTH,
	SMTP_END    /* over: close it once the output is written */
};

/* Whose answer is awaited. */
enum smtp_waiting {
	SMTP_WAIT_NONE,
	SMTP_WAIT_TLS,
	SMTP_WAIT_AUTH,
	SMTP_WAIT_SENDER,
	SMTP_WAIT_RCPT,
	SMTP_WAIT_QUEUED
};

enum smtp_auth {
	SMTP_AUTH_OK,
	SMTP_AUTH_BAD,
	SMTP_AUTH_TEMPORARY,
	SMTP_AUTH_NOT_ALLOWED,
	SMTP_AUTH_MALFORMED,
	SMTP_AUTH_NO_MECH
};

/* Things worth a line in the log. */
enum smtp_event {
	SMTP_EV_RCPT_REFUSED,   /* address; code and text */
	SMTP_EV_SENDER_REFUSED,
	SMTP_EV_BODY_REFUSED,
	SMTP_EV_BAD_COMMAND,
	SMTP_EV_ACCEPTED,
	SMTP_EV_TOO_MANY
};

struct smtp_calls {
	/* May TLS be offered now; which mechanisms, "PLAIN LOGIN" or "". */
	bool (*has_tls)(void *arg);
	struct str (*mechs)(void *arg);
	/* Start it once the output is written; answer: on_tls. */
	void (*start_tls)(void *arg);
	/* Answers: on_auth_ask, on_auth_done.  Responses are decoded. */
	void (*auth_begin)(void *arg, struct str mech, bool has_initial,
	    struct str initial);
	void (*auth_say)(void *arg, struct str response);
	void (*auth_cancel)(void *arg);
	/* May this log-in use this sender?  Answer: on_sender. */
	void (*check_sender)(void *arg, struct str login, struct str address);
	/* Answer: on_rcpt. */
	void (*check_rcpt)(void *arg, struct str address, bool may_relay);
	/* A message begins; false: not now (451).  After true, exactly one of
	 * end (answer: on_queued) and cancel follows; on_queued may come
	 * earlier with a refusal. */
	bool (*open)(void *arg, const struct smtp_tx *tx);
	/* Once, before the first body; tx->missing and headless are set.  It
	 * may answer with on_queued: a refusal. */
	void (*prefix)(void *arg, const struct smtp_tx *tx);
	/* Decoded text, LF line ends. */
	void (*body)(void *arg, struct str octets);
	void (*end)(void *arg);
	void (*cancel)(void *arg);
	void (*event)(void *arg, enum smtp_event what, struct str address,
	    unsigned code, struct str text);
};

struct smtp_session {
	const struct smtp_policy *policy;
	const struct smtp_calls *calls;
	void *arg;
	struct smtp_client client;
	enum smtp_state state;
	enum smtp_waiting waiting;
	struct buf out;          /* replies; the owner writes and resets it */
	struct buf *work;        /* the owner's, of SMTP_STEP + 16 octets;
	                          * used only within a call */
	struct line line;        /* the command line as far as it came */
	struct smtp_tx tx;
	struct crlf_in body;     /* in DATA */
	struct header_scan head; /* in DATA */
	struct buf kept;         /* the header while it is not known yet what
	                          * it lacks (tx.missing) */
	uint64_t received;       /* octets of the body on the wire */
	bool tls;
	bool esmtp;              /* EHLO or LHLO, not HELO */
	bool stopping;           /* 421 after the present transaction */
	bool open;               /* open was called, end or cancel not yet */
	bool prefixed;           /* the prefix was sent */
	bool mail_refused;       /* pipelined RCPT and DATA are no errors */
	uint32_t errors;         /* commands refused as nonsense */
	uint32_t refused;        /* recipients refused */
	uint32_t auth_failures;
	uint32_t messages;       /* accepted */
	unsigned verdict;        /* why the body is refused, before its end: a
	                          * code, or 0 */
	char verdict_text[512];
	char helo[256];          /* as said; "" before */
	char login[ACCOUNT_MAX + 1]; /* account, "" without */
};

void smtp_session_init(struct smtp_session *s,
    const struct smtp_policy *policy, const struct smtp_client *client,
    const struct smtp_calls *calls, void *arg, struct buf *work);
/* Cancels what is under way (upcalls: cancel, auth_cancel). */
void smtp_session_clear(struct smtp_session *s);
/* The greeting. */
void smtp_session_start(struct smtp_session *s);

/*
 * Takes octets off the front, as many as it can use now; returns how many.
 * It stops early while an answer is awaited, at the end, and when there is
 * much output to be written first: call it again then.
 */
size_t smtp_session_feed(struct smtp_session *s, struct str in);

/* Answers. */
void smtp_session_on_tls(struct smtp_session *s);
void smtp_session_on_auth_ask(struct smtp_session *s, struct str challenge);
void smtp_session_on_auth_done(struct smtp_session *s, enum smtp_auth result,
    struct str account, struct str text);
/* code 250: yes; else the refusal. */
void smtp_session_on_sender(
    struct smtp_session *s, unsigned code, struct str text);
void smtp_session_on_rcpt(
    struct smtp_session *s, unsigned code, struct str text);
void smtp_session_on_queued(
    struct smtp_session *s, unsigned code, struct str text);

/* The owner's deadline passed, or its service ends: 421 and over (stop: after
 * the present transaction). */
void smtp_session_timeout(struct smtp_session *s);
void smtp_session_stop(struct smtp_session *s);

/* Has no transaction and is not in the middle of anything. */
bool smtp_session_is_idle(const struct smtp_session *s);
/* Protocol name for the Received field (RFC 3848, RFC 6531). */
const char *smtp_session_protocol(const struct smtp_session *s);

#endif
