/*
 * login -- log-ins of a front's clients, asked of authd.
 * One struct logins a process; one struct login for each log-in under way.
 * When authd goes away, what is under way fails as AUTH_TEMPORARY and is
 * never asked again: a password must not count twice.
 *
 * Callbacks come from the loop, never from inside a login_ call.  on_done is
 * the last one; the login is gone when it returns, as it is after
 * login_cancel.
 */
#ifndef POSTERN_FRONT_LOGIN_H
#define POSTERN_FRONT_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/str.h"
#include "event/loop.h"
#include "msg/auth.h"
#include "proc/link.h"
#include "proc/roles.h"

struct login;

struct login_done {
	enum auth_result result;
	struct str account;  /* canonical user@domain on AUTH_OK */
	struct str text;     /* for people; may be empty */
	int worker;          /* imapd, pop3d on AUTH_OK: the connection to the
	                      * account's worker, taken over by the callee;
	                      * else -1 */
};

struct login_ops {
	/* A challenge of the mechanism (not base64); answer with login_say. */
	void (*on_ask)(void *arg, struct str challenge);
	void (*on_done)(void *arg, const struct login_done *d);
};

struct logins {
	struct loop *loop;
	enum role service;    /* ROLE_SMTPD, ROLE_IMAPD or ROLE_POP3D */
	struct link *authd;   /* NULL while it is away */
	uint64_t next;        /* cookie; never used twice */
	struct map under_way; /* cookie -> struct login */
	char mechs[256];      /* "PLAIN LOGIN" */
};

/* cookie0: where cookies begin, different at each start (proc.epoch). */
void logins_init(struct logins *all, struct loop *loop, enum role service,
    uint64_t cookie0);
void logins_clear(struct logins *all);
/* proc_desc.on_peer for ROLE_AUTHD.  Takes over fd. */
void logins_on_peer(struct logins *all, int fd);
/* proc_desc.on_conn: the worker's connection for a log-in, or closed when
 * nobody waits for it any more.  Takes over fd. */
void logins_on_conn(struct logins *all, const struct msg_conn *c, int fd);

/* The mechanisms offered, with a space between; "" while authd is away. */
struct str logins_mechs(const struct logins *all);
/* Whether this one is among them, without case. */
bool logins_has_mech(const struct logins *all, struct str mech);

/* begin->service is filled in here.  Never NULL. */
struct login *login_begin(struct logins *all, struct msg_auth_begin *begin,
    const struct login_ops *ops, void *arg);
/* The same for a name and a password, as PLAIN (IMAP LOGIN, POP3 PASS). */
struct login *login_begin_plain(struct logins *all, struct str user,
    struct str password, struct str client, bool tls,
    const struct login_ops *ops, void *arg);
/* The answer to on_ask: at most AUTH_DATA_MAX octets. */
void login_say(struct login *l, struct str response);
/* The client gave up or is gone; nothing is called any more.  NULL: no-op. */
void login_cancel(struct login *l);

#endif
