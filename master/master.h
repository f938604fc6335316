/*
 * master -- the state of the one process that is root: configuration,
 * children, sockets, folders.
 */
#ifndef POSTERN_MASTER_MASTER_H
#define POSTERN_MASTER_MASTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/list.h"
#include "event/loop.h"
#include "master/services.h"
#include "proc/link.h"

struct conf;

enum child_state {
	CHILD_STARTING, /* exec'ed, not yet confined */
	CHILD_READY,
	CHILD_STOPPING, /* told to stop */
	CHILD_WAITING   /* not running: until its restart timer */
};

struct child {
	TAILQ_ENTRY(child) entry;
	struct master *m;
	const struct service *service;
	uint32_t instance;
	enum child_state state;
	pid_t pid; /* 0 in CHILD_WAITING */
	struct link *link;
	struct timer timer;   /* restart, or the kill after a stop */
	int64_t since;        /* wall clock, milliseconds */
	int64_t mono_since;
	uint64_t restarts;
	int64_t backoff;      /* milliseconds for the next restart, 0: none */
	bool retire;          /* ends for good once gone (reload) */
	bool lost;            /* it ended by itself */
	/* workers */
	uid_t uid;
	gid_t gid;
	uint32_t root;
	uint64_t key;         /* the owner as it was asked for */
	char *account;        /* imap and pop3; NULL for deliver */
	bool exiting;         /* EXIT_OK was sent */
};

struct listener {
	char *kind;    /* "smtp" */
	char *address; /* as configured */
	char *bound;   /* as it is: with the real port */
	int fd;
	uint32_t index;
	bool wanted;   /* by the newest configuration */
};

enum { LISTENERS_MAX = 256 };

struct master {
	struct loop *loop;
	struct conf *conf;
	const char *base;      /* NULL: the system's folders */
	const char *conf_path; /* NULL: the default */
	bool foreground, offline, as_root, stopping;
	uint64_t epoch;
	int64_t since;
	int libexec;           /* folder of the programs, or the build tree */
	bool build_tree;
	uid_t mail_uid;
	gid_t mail_gid;
	int spool, lib, run, mail, log, drop, empty, rootdir; /* folder fds */
	struct listener listeners[LISTENERS_MAX];
	size_t nlisteners;
	int control_fd, submit_fd, pid_fd;
	struct watch control_watch;
	TAILQ_HEAD(, child) children;
	int64_t full_told;     /* when too many workers were noted, or 0 */
	struct link *eventd;   /* for our own notes */
	struct link *stopper;  /* ctl that waits for the end */
};

/* config.c: reads and checks; NULL and words on stderr if it is wrong. */
struct conf *config_read(struct master *m, struct buf *problems);
/* A child's part of it in a sealed memfd. */
int config_for(struct master *m, enum role role);
/* SIGHUP and `server reload`: text says what happened. 0 or an exit code. */
int config_reload(struct master *m, struct buf *text);
/* How many children of a service shall run. */
uint32_t config_processes(const struct master *m, const struct service *s);

/* folders.c: the first level below the base, with owner and mode. */
void folders_open(struct master *m);
/* The folder lib/ROLE of a role. */
int folders_lib(struct master *m, const struct service *s);
uid_t role_uid(struct master *m, const struct service *s, gid_t *gid);

/* listen.c */
void listen_open(struct master *m);
/* Opens what the new configuration adds; closes what it dropped. */
void listen_update(struct master *m);
void listen_write(struct master *m);

/* child.c */
struct child *child_new(struct master *m, const struct service *s,
    uint32_t instance);
void child_free(struct child *c);
void child_start(struct child *c);
void child_stop(struct child *c);
struct child *child_find(struct master *m, enum role r, uint32_t instance);
void children_start(struct master *m);
void children_stop(struct master *m);
void children_reap(struct master *m);
/* All that has to run is ready. */
bool children_ready(struct master *m);

/* spawn.c: the new process, or -1 and errno.  fds: 3 and 4 of the child. */
pid_t spawn_program(struct master *m, const struct child *c, int link_fd,
    int conf_fd);

/* workers.c: rules of what children ask for. */
extern const struct link_ops child_link_ops;
/* Links of a child that just started with everyone it may talk to. */
void peers_link(struct child *c);

/* control.c */
void control_open(struct master *m);
void control_stopped(struct master *m);

#endif
