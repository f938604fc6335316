/*
 * envelope -- what the SMTP envelope says of a message and of a recipient,
 * as it travels in SUBMIT and JOB and stands in the queue log.
 * Source: RFC 5321 3.3, RFC 3461 (DSN), RFC 6531 (SMTPUTF8).
 */
#ifndef POSTERN_MSG_ENVELOPE_H
#define POSTERN_MSG_ENVELOPE_H

#include "base/str.h"
#include "base/wire.h"

enum {
	ADDRESS_MAX = 512,  /* octets of local@domain, UTF-8 included */
	ENVID_MAX = 100,    /* RFC 3461 4.4, xtext decoded */
	ORCPT_MAX = 600,    /* "type;address", xtext decoded */
	REPLY_TEXT_MAX = 1024,
	NEXT_HOP_MAX = 600, /* octets of a next hop, see route.h */
	REMOTE_MAX = 300    /* "mx.example.org [192.0.2.1]" */
};

/* Message flags. */
enum {
	ENV_8BIT = 1,      /* BODY=8BITMIME, or 8-bit octets were seen */
	ENV_UTF8 = 2,      /* SMTPUTF8 */
	ENV_RET_FULL = 4,  /* RET=FULL */
	ENV_RET_HDRS = 8,  /* RET=HDRS */
	ENV_LOCAL = 16,    /* authenticated or from this machine */
	ENV_DSN = 32       /* made by bounce */
};

struct envelope {
	uint32_t flags;     /* ENV_ */
	uint64_t size;      /* octets of prefix and body (LF line ends) */
	struct str sender;  /* "" for <> */
	struct str envid;   /* "" if none */
	struct str login;   /* account that authenticated, or "" */
	struct str client;  /* "192.0.2.1", "unix:1000" or "" */
};

/* NOTIFY, RFC 3461 4.1; 0 means not given: FAILURE and DELAY. */
enum { NOTIFY_NEVER = 1, NOTIFY_SUCCESS = 2, NOTIFY_FAILURE = 4,
	NOTIFY_DELAY = 8 };

struct env_rcpt {
	uint32_t notify;     /* NOTIFY_ */
	struct str address;
	struct str orcpt;    /* "rfc822;bob@example.org" or "" */
};
extern const struct wire envelope_wire, env_rcpt_wire;

#endif
