/*
 * roles -- the programs of the suite and what master says to them.
 * The table of who is linked with whom is master/services.c.
 */
#ifndef POSTERN_PROC_ROLES_H
#define POSTERN_PROC_ROLES_H

#include "base/str.h"
#include "base/wire.h"

enum role {
	ROLE_MASTER,
	ROLE_EVENTD,
	ROLE_ROUTERD,
	ROLE_AUTHD,
	ROLE_KEYD,
	ROLE_DNSD,
	ROLE_NSSD,
	ROLE_QMGR,
	ROLE_SMTP,    /* outbound client */
	ROLE_BOUNCE,
	ROLE_DELIVER, /* one per owner uid, started on demand */
	ROLE_SMTPD,
	ROLE_PICKUP,
	ROLE_IMAPD,
	ROLE_IMAP,    /* worker: one per account, started on demand */
	ROLE_POP3D,
	ROLE_POP3,    /* worker */
	ROLE_COUNT
};
/* "smtpd"; never NULL for a role below ROLE_COUNT. */
const char *role_name(enum role r);

/* What master gives (GIVE frames). */
enum give {
	GIVE_LISTENER = 1, /* name: smtp submission submissions lmtp imap ... ,
	                    * "local" for submit.sock; index counts all */
	GIVE_SPOOL,        /* qmgr: the spool folder */
	GIVE_LIB,          /* the role's folder below lib (its databases) */
	GIVE_LOG,          /* eventd: the log folder */
	GIVE_DROP,         /* pickup: spool/drop */
	GIVE_MAIL_ROOT,    /* deliver and workers: where OPEN paths begin */
	GIVE_EMPTY,        /* an empty folder to chroot to; root only */
	GIVE_KEY_FILES,    /* keyd: folders of certificate and key files, name
	                    * is the path in the configuration */
	GIVE_FILE          /* a file opened for reading; name is its path */
};

/* Where an account's path begins. */
enum mail_root { MAIL_ROOT_VIRTUAL, MAIL_ROOT_SYSTEM };

/* Fences a role gets (master/services.c). */
enum {
	FENCE_SOCKETS = 1, /* may call socket and connect for IPv4 and IPv6 */
	FENCE_FILES = 2,   /* may open, write and rename below its folders */
	FENCE_UNIX = 4     /* may connect to Unix sockets */
};

enum {
	ACCOUNT_MAX = 320, /* octets of user@domain */
	PATH_OPEN_MAX = 512,
	GIVE_NAME_MAX = 1024,
	MAILBOX_NAME_MAX = 1024
};

/* master <-> child, frame types */
enum {
	MSG_GIVE = 1,   /* M>C, 1 fd: msg_give */
	MSG_GO,         /* M>C: msg_go; all GIVEs are through */
	MSG_PEER,       /* M>C, 1 fd: msg_peer */
	MSG_STOP,       /* M>C */
	MSG_CONTROL,    /* M>C, 1 fd: msg_control_open */
	MSG_CONN,       /* M>C, 1 fd: msg_conn: to front and to worker */
	MSG_CHANGED,    /* both: msg_changed */
	MSG_EXIT_REQ,   /* worker>M */
	MSG_EXIT_OK,    /* M>worker */
	MSG_OPEN,       /* authd>M: msg_open, cookie of the front */
	MSG_OPEN_DELIVER, /* qmgr>M: msg_open_deliver */
	MSG_OPEN_FAILED,  /* M>authd: cookie: no worker could be linked */
	MSG_READY       /* C>M: confined and running */
};

struct msg_give {
	uint32_t what;  /* enum give */
	uint32_t index;
	struct str name;
};
extern const struct wire msg_give_wire;

struct msg_go {
	uint64_t epoch;
	uint32_t instance;
	uint32_t fences; /* FENCE_ bits */
};
extern const struct wire msg_go_wire;

struct msg_peer {
	uint32_t role;
	uint32_t instance;
	uint64_t key; /* owner uid for deliver workers; channel for keyd:
	               * 0 messages in the loop, 1 blocking SIGN */
};
extern const struct wire msg_peer_wire;

enum {
	CONTROL_ADMIN = 1, /* uid 0 or the suite's own user */
	CONTROL_OWN = 2    /* who asks about what is his own; set by targets */
};
struct msg_control_open {
	uint32_t uid;
	uint32_t rights; /* CONTROL_ bits */
};
extern const struct wire msg_control_open_wire;

/* Who owns a mailbox and where it is: from routerd, carried unread. */
struct msg_open {
	uint32_t front;    /* enum role: ROLE_IMAPD or ROLE_POP3D */
	uint32_t instance; /* of the front */
	uint32_t uid, gid;
	uint32_t root;     /* enum mail_root */
	uint64_t quota;    /* octets, 0: none */
	struct str account; /* user@domain, canonical */
	struct str path;    /* relative, below the root */
};
extern const struct wire msg_open_wire;

/* To the front: cookie, one end.  To the worker: the rest, the other end. */
struct msg_conn {
	uint64_t cookie;
	uint32_t root;
	uint64_t quota;
	struct str account;
	struct str path;
};
extern const struct wire msg_conn_wire;

struct msg_open_deliver {
	uint32_t uid, gid;
	uint32_t root;
};
extern const struct wire msg_open_deliver_wire;

struct msg_changed {
	struct str account;
	struct str mailbox; /* name in UTF-8; "" = the list of mailboxes */
};
extern const struct wire msg_changed_wire;

#endif
