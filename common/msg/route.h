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
	MSG_ROUTE_MAY_SEND, /* smtpd: may login use sender? answered by
	                     * ROUTE_IS with ROUTE_LOCAL (yes) or
	                     * ROUTE_REJECT */
	MSG_ROUTE_ADD,     /* authd: struct msg_route_add */
	MSG_ROUTE_LOCK,    /* authd: struct msg_route_lock */
	MSG_ROUTE_DONE,    /* struct msg_route_done: answers ADD and LOCK once
	                    * the change is on disk */
	MSG_ROUTE_CHANGED  /* to smtpd and qmgr, empty: answers of before with
	                    * keep may be wrong by now */
};

/* ROUTE_ADD flags */
enum {
	ROUTE_ADD_CHECK = 1,   /* only say what would come of it */
	ROUTE_ADD_REPLACE = 2, /* an account that exists is fine and stays */
	ROUTE_ADD_OWNER = 4    /* uid, gid and path are given */
};
#define ROUTE_QUOTA_DOMAIN UINT64_MAX /* as the domain says */

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
	uint32_t locked;     /* 1: may not log in (ROUTE_ACCOUNT) */
	/* ROUTE_REMOTE */
	struct str next_hop; /* as in job.h */
	uint32_t tls;        /* enum route_tls */
	/* ROUTE_LIST */
	uint32_t more;       /* 1: another ROUTE_IS with more of the list comes */
	uint32_t keep;       /* 1: holds until MSG_ROUTE_CHANGED or the link's
	                      * end, for every login */
};

struct msg_route_full {
	struct str account;
	uint32_t full;
};

struct msg_route_add {
	struct str account;  /* as given; without @ in the default domain */
	uint32_t flags;      /* ROUTE_ADD_ */
	uint64_t quota;      /* octets, 0 none, ROUTE_QUOTA_DOMAIN */
	uint32_t uid, gid;
	struct str path;     /* below the root, for ROUTE_ADD_OWNER */
};

struct msg_route_lock {
	struct str account;
	uint32_t locked;
};

struct msg_route_done {
	uint32_t exit;       /* of sysexits: 0, 65, 67, 73, 74 */
	struct str account;  /* canonical, when there is one */
	struct str text;     /* for people */
	struct str fix;
};

extern const struct wire msg_route_wire, msg_route_is_wire,
    msg_route_full_wire, msg_route_add_wire, msg_route_lock_wire,
    msg_route_done_wire;

#endif
