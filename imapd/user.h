/*
 * user -- what all IMAP connections of one account share: the open store and
 * the list of the sessions.
 */
#ifndef POSTERN_IMAPD_USER_H
#define POSTERN_IMAPD_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/str.h"
#include "store/account.h"

struct session;
TAILQ_HEAD(sessions, session);

struct user_conf {
	size_t line, literal;  /* octets, of a command */
	uint64_t message;      /* octets, of an APPEND */
	unsigned errors;       /* refused commands in a row */
	int64_t search_ms;     /* most that one SEARCH may take */
	bool special_folders;  /* Sent and the like exist from the start */
};

struct user {
	struct account *store;
	char *name;            /* user@domain */
	struct user_conf conf;
	struct sessions sessions;
};

/*
 * Opens the mail in dirfd (taken over, also on failure) and makes the first
 * folders if there is none but INBOX.  NULL and errno.
 */
struct user *user_open(int dirfd, struct str name, uint64_t epoch,
    uint64_t quota, const struct user_conf *conf);
/* All sessions must be gone.  NULL is fine. */
void user_close(struct user *u);
/* Another process changed that mailbox: the sessions that have it selected
 * get news of it. */
void user_changed(struct user *u, struct str mailbox);

#endif
