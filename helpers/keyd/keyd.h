/*
 * keyd -- holds the private keys of certificates and signs digests with them
 * for the fronts.  It parses nothing of the network's but those digests.
 */
#ifndef POSTERN_KEYD_KEYD_H
#define POSTERN_KEYD_KEYD_H

#include <stdbool.h>

#include "base/list.h"
#include "base/str.h"
#include "event/loop.h"
#include "helpers/keyd/pair.h"
#include "helpers/keyd/source.h"
#include "proc/proc.h"

struct front;
TAILQ_HEAD(fronts, front);

struct keyd {
	struct proc proc;
	struct source source;  /* where the pair comes from */
	struct pair *now;      /* in use; NULL: none could be read */
	struct pair *before;   /* the one replaced: handshakes end with it */
	struct timer look;
	struct fronts fronts;
	char refused[PAIR_ERROR]; /* the last complaint: said once */
};

extern const struct proc_desc keyd_proc;

/* Reads the files for the first time: before confinement. */
void keyd_init(struct keyd *k);
/* Looks whether the source has another pair; true when it is used now. */
bool keyd_reread(struct keyd *k);

/* serve.c: the links to fronts, and postern(8). */
void serve_front(struct keyd *k, uint64_t channel, int fd);
void serve_control(struct keyd *k, int fd, uid_t uid, uint32_t rights);
/* Every front gets the certificates again. */
void serve_changed(struct keyd *k);

#endif
