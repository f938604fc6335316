/*
 * smtpd -- one process of the SMTP and LMTP server: its clients, and its
 * links to the daemons that know addresses, passwords, keys and the queue.
 */
#ifndef POSTERN_SMTPD_SMTPD_H
#define POSTERN_SMTPD_SMTPD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "front/keys.h"
#include "front/listen.h"
#include "front/login.h"
#include "proc/proc.h"
#include "smtpd/names.h"
#include "smtpd/nets.h"
#include "smtpd/queue.h"
#include "smtpd/router.h"
#include "smtpd/session.h"

struct conn;
TAILQ_HEAD(conns, conn);

enum { SMTP_KINDS = SMTP_LOCAL + 1 };

/* Waits, in milliseconds. */
struct smtpd_waits {
	int64_t command; /* for a command */
	int64_t data;    /* for the next octets of a message */
	int64_t tls;     /* for a whole handshake */
	int64_t login;   /* from the connection to a log-in, where needed */
	int64_t greeting; /* before the greeting on port 25, 0: none */
	uint64_t min_rate; /* octets a second of a message, 0: any */
};

struct smtpd {
	struct proc proc;
	struct smtp_policy policies[SMTP_KINDS];
	struct smtpd_waits waits;
	struct nets relay;    /* may send anywhere */
	struct listen *listen;
	struct keys keys;
	struct logins logins;
	struct router router;
	struct names names;
	struct queue queue;
	struct buf work;      /* for the sessions, one at a time */
	struct buf prefix;    /* trace fields of the message at hand */
	struct conns conns;
	uint64_t unique;      /* counts Message-IDs made here */
};

/* Before proc_start returns the descriptors come; then the rest is set up. */
extern const struct proc_desc smtpd_proc;
void smtpd_prepare(struct smtpd *d);
void smtpd_init(struct smtpd *d);

/* The policies and waits, from the configuration. */
void smtpd_load_options(struct smtpd *d);
/* "submission" -> SMTP_SUBMISSION; false: no such kind. */
bool smtpd_kind(struct str service, enum smtp_kind *out);

#endif
