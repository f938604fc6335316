/*
 * authd -- checks log-ins for all fronts.  Owns secrets.db.
 */
#ifndef POSTERN_AUTHD_AUTHD_H
#define POSTERN_AUTHD_AUTHD_H

#include <stdbool.h>

#include "base/list.h"
#include "base/map.h"
#include "helpers/authd/hasher.h"
#include "helpers/authd/penalty.h"
#include "helpers/authd/router.h"
#include "helpers/authd/sasl.h"
#include "proc/proc.h"

struct records;
struct front;
TAILQ_HEAD(fronts, front);

struct authd {
	struct proc proc;
	int lib;                 /* folder of the database */
	struct records *records;
	struct router router;
	struct hasher *hasher;
	struct penalties penalties;
	struct sasl *sasl;
	enum scheme_new how;     /* new passwords */
	char mechs[256];         /* offered: "PLAIN LOGIN" */
	char dummy[STORED_MAX];  /* checked for accounts that are not there */
	struct fronts fronts;
	struct map opens;        /* cookie -> struct open: workers asked for */
	struct sweep *sweep;
};

extern const struct proc_desc authd_proc;

/* Before confinement, and after it (threads). */
void authd_init(struct authd *d);
void authd_start(struct authd *d);
/* The open transaction is durable after it; -1: a note was written. */
int authd_commit(struct authd *d);

/* front.c: a process that asks about log-ins. */
void front_open(struct authd *d, enum role role, uint32_t instance, int fd);
void front_open_failed(struct authd *d, uint64_t cookie);

/* verbs.c, import.c: postern(8). */
struct control_ask;
void verbs_open(struct authd *d, int fd, uid_t uid, uint32_t rights);
void import_ask(void *arg, struct control_ask *a);
void import_data(void *arg, struct control_ask *a, struct str data);
void import_data_end(void *arg, struct control_ask *a);

/* sweep.c: removes secrets of accounts that are gone. */
void sweep_start(struct authd *d);

#endif
