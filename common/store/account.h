/*
 * account -- one user's mailboxes: the Maildir itself is INBOX, the others
 * are Maildir++ folders beside cur/.  Names are UTF-8 with "/" between their
 * levels; "INBOX" in any case is INBOX.
 * Owns its descriptors, and the mailboxes that are open in this process:
 * one account once per process.
 */
#ifndef POSTERN_STORE_ACCOUNT_H
#define POSTERN_STORE_ACCOUNT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"
#include "store/store.h"

struct account;
struct mailbox;

/* Special uses (RFC 6154) as bits. */
enum {
	USE_ALL = 1,
	USE_ARCHIVE = 2,
	USE_DRAFTS = 4,
	USE_FLAGGED = 8,
	USE_JUNK = 16,
	USE_SENT = 32,
	USE_TRASH = 64,
	USES = 127
};
/* "\\Sent" for USE_SENT; the bit for "\\sent" in any case, 0: none. */
const char *use_name(unsigned use);
unsigned use_of(struct str name);

/* One line of LIST. */
struct folder {
	struct str name;  /* UTF-8 */
	unsigned use;     /* USE_ bits */
	bool exists;      /* it can be selected; else only a parent of others,
	                   * or a subscribed name without a mailbox */
	bool subscribed;
	bool children;    /* others exist below it */
};

/*
 * The folder at path below rootfd, made if it is missing; symbolic links and
 * ".." are refused.  A descriptor, or -1 and errno.
 */
int account_folder(int rootfd, struct str path);

/* dirfd is taken over, also on failure: NULL and errno.  Makes what is
 * missing of the Maildir. */
struct account *account_open(int dirfd, const struct store_conf *conf);
/* Closes its open mailboxes too.  NULL is fine. */
void account_close(struct account *a);
/* Octets that all messages together may have, 0: any number. */
void account_set_quota(struct account *a, uint64_t octets);

struct usage {
	uint64_t octets;   /* as messages are sent, CRLF line ends */
	uint64_t messages;
	uint64_t limit;    /* octets, 0: none */
};
enum store_result account_usage(struct account *a, struct usage *out);

/* All mailboxes, their parents and subscribed names, sorted by name, INBOX
 * first; valid until the next call with a.  NULL and errno on failure. */
const struct folder *account_folders(struct account *a, size_t *count);
/* The one of that name, or NULL. */
const struct folder *account_find(struct account *a, struct str name);

/* Each is durable when it returns. */
enum store_result account_create(
    struct account *a, struct str name, unsigned use);
enum store_result account_delete(struct account *a, struct str name);
/* With all below it.  Of INBOX: its messages move, INBOX stays. */
enum store_result account_rename(
    struct account *a, struct str from, struct str to);
/* Names without a mailbox may be subscribed (RFC 3501 6.3.6). */
enum store_result account_subscribe(
    struct account *a, struct str name, bool subscribed);
/* Replaces its special uses. */
enum store_result account_set_use(
    struct account *a, struct str name, unsigned use);

/*
 * Makes all changes so far durable.  -1 and errno: nothing is known about
 * them any more; the process must end without answering for them.
 */
int account_flush(struct account *a);
/* Something waits for account_flush. */
bool account_is_dirty(const struct account *a);
/*
 * Takes the names of the mailboxes changed by this process since the last
 * call, for notices to other processes: one each call, false when none is
 * left.  name is valid until the next call with a.
 */
bool account_changed(struct account *a, struct str *name);

#endif
