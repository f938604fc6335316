/*
 * proc -- the life of a program of the suite: started by master with two
 * descriptors (3: link to master, 4: its part of the configuration), handed
 * what it needs, confined, linked with its peers, stopped.
 *
 *	int
 *	main(int argc, char *argv[])
 *	{
 *		struct smtpd d = { 0 };
 *
 *		proc_start(&d.proc, &smtpd_proc, &d, argc, argv);
 *		smtpd_init(&d);
 *		proc_confine(&d.proc);
 *		return proc_run(&d.proc);
 *	}
 */
#ifndef POSTERN_PROC_PROC_H
#define POSTERN_PROC_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"
#include "event/loop.h"
#include "proc/link.h"
#include "proc/roles.h"

struct conf;

struct proc;

struct proc_desc {
	enum role role;
	/* A descriptor from master, before proc_start returns: what is a
	 * GIVE_ value, index counts within it, name as in the configuration
	 * (listeners: "smtp", "submission", ...).  Owned by the callee. */
	void (*on_give)(void *arg, uint32_t what, uint32_t index,
	    struct str name, int fd);
	/* A fresh link end to a peer; key is the uid for deliver workers.
	 * A peer that restarted arrives again: the old link ends by itself. */
	void (*on_peer)(void *arg, enum role peer, uint32_t instance,
	    uint64_t key, int fd);
	/* A control connection (ctl) that master checked: speak control. */
	void (*on_control)(void *arg, int fd, uid_t uid, uint32_t rights);
	/* A client's connection for a front or a worker (MECHANISMS 6). */
	void (*on_conn)(void *arg, const struct msg_conn *c, int fd);
	/* A mailbox changed elsewhere (workers). */
	void (*on_changed)(void *arg, struct str account, struct str mailbox);
	/* authd: the worker asked for with this cookie could not be had. */
	void (*on_open_failed)(void *arg, uint64_t cookie);
	/* EXIT_OK: nothing is on its way to this worker; it may end. */
	void (*on_exit_ok)(void *arg);
	/* Orderly stop: finish what is under way, then proc_stop().  With NULL
	 * the process ends at once.  Master waits 10 s, then kills. */
	void (*on_stop)(void *arg);
};

struct proc {
	const struct proc_desc *desc;
	void *arg;
	struct loop *loop;
	struct link *master;
	struct conf *conf;   /* what the role may know */
	uint32_t instance;   /* 0.. among those of the role */
	uint64_t epoch;      /* random at each start of the suite */
	uint32_t fences;     /* FENCE_ bits, from master's table */
	bool as_root;        /* master is root: clients' root folders are empty */
	bool stopping;
};

void proc_start(struct proc *p, const struct proc_desc *desc, void *arg,
    int argc, char *argv[]);
/* Gives up what the role does not need; fatal if that fails. */
void proc_confine(struct proc *p);
/* A folder or file that stays readable (gconv for iconv); before confine. */
void proc_allow_read(int fd);
/* Landlock for a worker once it has its folder: only below dirfd. */
void proc_confine_to(struct proc *p, int dirfd);
int proc_run(struct proc *p);
/* Ends the loop with status 0 once all links are flushed. */
void proc_stop(struct proc *p);

/* authd: connect front's client (cookie) with the account's worker. */
void proc_open_worker(struct proc *p, const struct msg_open *open,
    uint64_t cookie);
/* qmgr: a deliver worker for this owner; on_peer(ROLE_DELIVER, key) follows. */
void proc_open_deliver(struct proc *p, uid_t uid, gid_t gid, uint32_t root);
void proc_changed(struct proc *p, struct str account, struct str mailbox);
void proc_exit_request(struct proc *p);

#endif
