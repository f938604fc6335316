/*
 * routerd -- the process that knows every address.  Owns directory.db.
 */
#ifndef POSTERN_ROUTERD_ROUTERD_H
#define POSTERN_ROUTERD_ROUTERD_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/list.h"
#include "helpers/routerd/directory.h"
#include "helpers/routerd/resolve.h"
#include "helpers/routerd/users.h"
#include "proc/proc.h"

struct control_ask;
struct peer;
struct question;
struct done;
TAILQ_HEAD(peers, peer);
TAILQ_HEAD(questions, question);
TAILQ_HEAD(dones, done);

struct routerd {
	struct proc proc;
	struct directory dir;
	struct resolver resolver;
	struct route_rule *routes;
	struct users users;
	struct peers peers;
	struct questions waiting; /* for nssd */
	struct dones dones;       /* answers that wait for the commit */
	struct deferred commit;
	uint64_t told;            /* version of dir that peers know of */
	int lib;                  /* folder of the database */
	int aliases_dir;          /* folder of the aliases file, -1 */
	int aliases_fd;           /* as master opened it, -1 */
	char *aliases_name;       /* within the folder */
	struct stat aliases_stat;
	struct timer look;        /* has the aliases file changed? */
};

extern const struct proc_desc routerd_proc;

void routerd_init(struct routerd *d);
/* Everything changed so far is on disk when this returns (or the process
 * ends); what waited for it is answered. */
void routerd_commit(struct routerd *d);
/* The same at the end of the loop's round. */
void routerd_commit_later(struct routerd *d);
/* Reads the aliases file again; number of aliases in it, or -1. */
int64_t routerd_read_aliases(struct routerd *d);

/* serve.c */
void serve_peer(struct routerd *d, enum role role, int fd);
/* Puts the questions again that waited for a system user. */
void serve_waiting(struct routerd *d);
void serve_dones(struct routerd *d);
/* Tells who remembers answers that they may be wrong by now. */
void serve_changed(struct routerd *d);

/* change.c: changes that authd and postern(8) ask for.  Exit code of
 * sysexits; text and fix are for people. */
struct change {
	uint32_t exit;
	char account[ACCOUNT_MAX + 1]; /* canonical */
	char text[256];
	char fix[256];
};
void change_add_account(struct routerd *d, const struct msg_route_add *m,
    struct change *c);
void change_lock(struct routerd *d, struct str account, bool locked,
    struct change *c);

/* verbs_*.c */
void verbs_open(struct routerd *d, int fd, uid_t uid, uint32_t rights);
/* NULL after it answered 67. */
struct account *verbs_account(
    struct routerd *d, struct control_ask *a, struct str name);

#endif
