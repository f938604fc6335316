/*
 * pop3d -- the door for POP3: TLS and log-in; then a pump between the client
 * and the account's worker.  Many clients a process.
 */
#ifndef POSTERN_POP3D_POP3D_H
#define POSTERN_POP3D_POP3D_H

#include "base/list.h"
#include "front/keys.h"
#include "front/listen.h"
#include "front/login.h"
#include "pop3d/door.h"
#include "proc/proc.h"

struct client;
TAILQ_HEAD(clients, client);

/* Whether passwords may be said without TLS (the key plaintext_login). */
enum plaintext_login { PLAINTEXT_LOOPBACK, PLAINTEXT_YES, PLAINTEXT_NO };

enum { LISTENERS_MAX = 64 };

struct pop3d {
	struct proc proc;
	struct {
		int fd;
		char service[LISTEN_SERVICE_MAX];
	} given[LISTENERS_MAX]; /* given_n of them, until there is a listen */
	size_t given_n;
	struct listen *listen;
	struct keys keys;
	struct logins logins;
	struct clients clients;
	struct timer stop;      /* how long sessions are waited for */
	struct door_conf conf;
	char host[256];
	enum plaintext_login plaintext;
	int64_t login_ms, tls_ms;
};

extern const struct proc_desc pop3d_proc;
void pop3d_init(struct pop3d *d);

/* client.c: one connection; fd is taken over. */
void client_new(struct pop3d *d, int fd, const struct listen_client *who);
/* An orderly stop: told so if it has not logged in. */
void client_stop(struct client *c);
struct client *client_next(struct client *c);

#endif
