/*
 * ctl -- postern(8): what all its commands share.
 */
#ifndef POSTERN_CTL_CTL_H
#define POSTERN_CTL_CTL_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"
#include "proc/roles.h"

/* Exit codes: sysexits where they fit (postern(8) lists them). */
enum {
	CTL_OK = 0, CTL_FOUND = 1, CTL_NO_SUCH = 2, CTL_USAGE = 64,
	CTL_DATA = 65, CTL_NO_INPUT = 66, CTL_NO_ACCOUNT = 67, CTL_DOWN = 69,
	CTL_BUG = 70, CTL_CREATE = 73, CTL_IO = 74, CTL_LATER = 75,
	CTL_DENIED = 77, CTL_CONFIG = 78
};

struct conf;
struct cmd;

struct ctl {
	const char *base;   /* absolute; NULL: the system's folders */
	const char *config; /* NULL: the default */
	bool json, quiet, yes, help;
	int64_t timeout;    /* ms; 0: the default */
	bool hung;          /* who was asked last did not answer in time */
	bool out_tty;       /* stdout is a terminal */
	char dir[PATH_MAX]; /* of this program */
	bool build_tree;
	struct conf *conf;  /* read on demand, problems and all */
	pid_t offline_pid;  /* master --offline, 0: none */
	int offline_fd;     /* closing it ends that master */
};

/* One command: a row of the table in cmds.c. */
enum {
	CMD_OFFLINE = 1,   /* with the server down: through master --offline */
	CMD_PASSWORD = 2,  /* data: a password */
	CMD_CONFIRM = 4,   /* asks at a terminal, needs --yes in scripts */
	CMD_FILTER = 8,    /* takes a FILTER; ids may come from stdin */
	CMD_FILTER_NEEDED = 16
};

struct column {
	const char *field; /* of the row; NULL ends the list */
	const char *head;
	enum { COL_TEXT, COL_SIZE, COL_LIMIT /* a size, 0: none */, COL_TIME,
		COL_COUNT, COL_LIST, COL_SOME /* the first of a list */,
		COL_SENDER /* "" is <> */ } kind;
};

struct cmd {
	const char *noun, *verb; /* verb NULL: a noun alone */
	const char *args;        /* for usage and manual */
	enum role target;        /* ROLE_MASTER with run: not asked */
	unsigned flags;
	int (*run)(struct ctl *c, const struct cmd *cmd, size_t argc,
	    char *argv[]);       /* NULL: the words are passed on */
	const struct column *columns;
	const char *meaning;
};
/* Ends with noun NULL. */
extern const struct cmd cmds[];

/* 64, when it was told what there is instead. */
int unknown_command(const char *noun, const char *verb);

/* Talk on stderr; nothing with --quiet but errors. */
void say(const struct ctl *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* "postern: ..." on stderr and "fix: ..." (fix may be NULL); gives code. */
int fail(int code, const char *fix, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int usage(const struct cmd *cmd);
/* What was written has arrived; or it is said that it has not, and we end. */
void out_check(void);
/* 0: yes at the terminal or by --yes; else it was said why not: CTL_FOUND for
 * a no, CTL_USAGE when there is nobody to ask. */
int confirm(const struct ctl *c, const char *what);

/* The configuration as it is, mistakes or not; never NULL. */
struct conf *ctl_conf(struct ctl *c);
/* paths.run and so on. */
const char *ctl_path(struct ctl *c, const char *which);
/* A program of the suite: beside us in the build tree, or installed. */
void ctl_program(const struct ctl *c, const char *folder, const char *name,
    char out[PATH_MAX]);

/* Commands with a function of their own. */
typedef int cmd_fn(struct ctl *, const struct cmd *, size_t, char *[]);
cmd_fn cmd_start, cmd_stop, cmd_status, cmd_reload;         /* server.c */
cmd_fn cmd_config_check, cmd_config_show, cmd_config_get;   /* config.c */
cmd_fn cmd_explain;                                         /* explain.c */
cmd_fn cmd_account_remove, cmd_generic;                     /* generic.c */
cmd_fn cmd_queue;                                           /* queue.c */
cmd_fn cmd_queue_export;                                    /* export.c */
cmd_fn cmd_queue_top;                                       /* queue_top.c */
cmd_fn cmd_queue_check;                                     /* queue_check.c */
cmd_fn cmd_events;                                          /* events.c */
cmd_fn cmd_account_import;                                  /* import.c */
cmd_fn cmd_try, cmd_try_start, cmd_try_send, cmd_try_stop,
    cmd_try_settings;                                       /* try.c */
cmd_fn cmd_help, cmd_version, cmd_completion;               /* help.c */

#endif
