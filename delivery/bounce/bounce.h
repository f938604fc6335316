/*
 * bounce -- the engine: a job of qmgr names recipients to report on; the
 * report goes back to qmgr as a new mail to the sender, from <>.  A report of
 * failure or success settles those recipients: qmgr writes both in one record.
 * A warning settles nobody; its job's results say that it is out.
 */
#ifndef POSTERN_BOUNCE_BOUNCE_H
#define POSTERN_BOUNCE_BOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "delivery/bounce/dsn.h"
#include "event/loop.h"
#include "msg/agent.h"
#include "proc/link.h"

struct bounce_conf {
	char hostname[256];
	bool full;             /* whole originals unless RET=HDRS */
	uint64_t full_max;     /* octets of them */
	struct str admin;      /* stays the caller's, as do the words */
	struct dsn_words words[DSN_LAST + 1];
};

struct bounce {
	struct loop *loop;
	struct bounce_conf conf;
	struct agent agent;
	struct map open;       /* submissions under way: cookie -> agent_job */
	uint64_t last;         /* cookie */
};

void bounce_init(struct bounce *b, struct loop *l,
    const struct bounce_conf *conf);
void bounce_clear(struct bounce *b);
/* A fresh link end to qmgr. */
void bounce_qmgr(struct bounce *b, int fd);

#endif
