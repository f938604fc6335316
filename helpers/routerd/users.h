/*
 * users -- system users as nssd knows them, kept for a few seconds.
 * Owns the link to nssd.
 */
#ifndef POSTERN_ROUTERD_USERS_H
#define POSTERN_ROUTERD_USERS_H

#include "base/map.h"
#include "helpers/routerd/resolve.h"
#include "proc/link.h"

struct users {
	struct loop *loop;
	struct link *nssd;
	struct map known;       /* name -> struct known */
	uint64_t next;          /* cookie */
	void (*on_known)(void *arg); /* something asked for is known now */
	void *arg;
};

void users_init(struct users *u, struct loop *loop,
    void (*on_known)(void *arg), void *arg);
/* proc_desc.on_peer for ROLE_NSSD. */
void users_on_peer(struct users *u, int fd);
/* What is known; asks nssd when nothing is.  arg is a struct users. */
struct user users_get(void *arg, struct str name);

#endif
