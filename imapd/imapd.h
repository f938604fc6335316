/*
 * imapd -- the door for IMAP: TLS and log-in; then a pump between the client
 * and the account's worker.  Many clients a process.
 */
#ifndef POSTERN_IMAPD_IMAPD_H
#define POSTERN_IMAPD_IMAPD_H

#include "base/list.h"
#include "front/keys.h"
#include "front/listen.h"
#include "front/login.h"
#include "imapd/prelogin.h"
#include "proc/proc.h"

struct client;
TAILQ_HEAD(clients, client);

/* Whether passwords may be said without TLS (the key plaintext_login). */
enum plaintext_login { PLAINTEXT_LOOPBACK, PLAINTEXT_YES, PLAINTEXT_NO };

enum { LISTENERS_MAX = 64 };

struct imapd {
	struct proc proc;
	struct {
		int fd;
		char service[LISTEN_SERVICE_MAX];
	} given[LISTENERS_MAX];  /* given_n: until there is a listen */
	size_t given_n;
	struct listen *listen;
	struct keys keys;
	struct logins logins;
	struct clients clients;
	struct timer stop;       /* how long running pumps are waited for */
	struct prelogin_conf conf;
	enum plaintext_login plaintext;
	int64_t login_ms, tls_ms;
};

extern const struct proc_desc imapd_proc;
void imapd_init(struct imapd *d);

/* client.c: one connection; taken over. */
void client_new(struct imapd *d, int fd, const struct listen_client *who);
/* Ends it: with a word while it has not logged in. */
void client_stop(struct client *c);
/* The next one. */
struct client *client_next(struct client *c);

#endif
