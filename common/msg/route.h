/*
 * route -- what is this address?  Asked of routerd by smtpd at RCPT, by qmgr
 * before delivery, by authd at log-in.  One ROUTE question, one ROUTE_IS
 * answer per cookie; window 256.
 */
#ifndef POSTERN_MSG_ROUTE_H
#define POSTERN_MSG_ROUTE_H

#include "msg/envelope.h"
#include "proc/roles.h"

enum {
	MSG_ROUTE = 300,   /* struct msg_route */
	MSG_ROUTE_IS,      /* struct msg_route_is, tail: list for ROUTE_LIST */
	MSG_ROUTE_ACCOUNT, /* authd: struct msg_route: the account by name */
	MSG_ROUTE_FULL,    /* qmgr: struct msg_route_full, no answer */
	MSG_ROUTE_MAY_SEND /* smtpd: may login use sender? answered by ROUTE_IS
	                    * with ROUTE_LOCAL (yes) or ROUTE_REJECT */
};

struct msg_route {
	struct str address;  /* local@domain as given; "postmaster" alone is
	                      * legal; log-in name for ROUTE_ACCOUNT */
	struct str login;    /* ROUTE_MAY_SEND */
	uint32_t may_relay;  /* smtpd: the client may send anywhere */
	uint32_t depth;      /* qmgr: expansions so far, 0..10 */
};

enum route_kind {
	ROUTE_REJECT,    /* code and text say why: 550 5.1.1, 554 5.7.1 */
	ROUTE_TEMPORARY, /* 451 */
	ROUTE_LOCAL,     /* a mailbox */
	ROUTE_REMOTE,    /* next_hop */
	ROUTE_LIST       /* tail: wire_str list of further addresses */
};

/* How TLS is wanted towards a next hop. */
enum route_tls { ROUTE_TLS_NONE, ROUTE_TLS_MAY, ROUTE_TLS_ENCRYPT,
	ROUTE_TLS_VERIFY };

struct msg_route_is {
	uint32_t kind;       /* enum route_kind */
	uint32_t code;       /* SMTP code for REJECT and TEMPORARY */
	struct str text;     /* "5.1.1 no such mailbox" */
	/* ROUTE_LOCAL */
	struct str account;  /* canonical user@domain */
	struct str path;     /* below the mail root: "example.org/bob" */
	struct str mailbox;  /* subaddress ("" = INBOX) */
	uint32_t root;       /* enum mail_root */
	uint32_t uid, gid;
	uint64_t quota;      /* octets, 0: none */
	uint32_t full;       /* 1: over quota, smtpd answers 452 4.2.2 */
	/* ROUTE_REMOTE */
	struct str next_hop; /* as in job.h */
	uint32_t tls;        /* enum route_tls */
	/* ROUTE_LIST */
	uint32_t more;       /* 1: another ROUTE_IS with more of the list comes */
};

struct msg_route_full {
	struct str account;
	uint32_t full;
};

extern const struct wire msg_route_wire, msg_route_is_wire, msg_route_full_wire;

#endif
