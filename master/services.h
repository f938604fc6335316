/*
 * services -- the table of programs: who runs, as whom, with what in hand,
 * linked with whom.  ARCHITECTURE.md shows the same table; a test compares
 * what each process really holds with it.
 */
#ifndef POSTERN_MASTER_SERVICES_H
#define POSTERN_MASTER_SERVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/roles.h"

enum service_count {
	SERVICE_ONE,      /* exactly one */
	SERVICE_MANY,     /* daemon NAME { processes } */
	SERVICE_ON_DEMAND /* one per owner or account, when asked for */
};

enum {
	SERVICE_OFFLINE = 1, /* runs in `master --offline` too */
	SERVICE_ROOTLESS = 2, /* chroot to the empty folder */
	SERVICE_CONTROL = 4, /* postern(8) may talk to it */
	SERVICE_LAST = 8     /* stopped after the others (queue, log) */
};

struct service {
	enum role role;
	const char *folder; /* of the program in the build tree */
	const char *user;   /* "postern-" and this; NULL: the mailbox's */
	enum service_count count;
	uint32_t flags;  /* SERVICE_ */
	uint32_t fences; /* FENCE_ */
	uint32_t gives;  /* bits 1 << GIVE_: what it is handed at the start */
};

/* Two roles that may talk.  channels: 2 adds the blocking one of keyd. */
struct service_pair {
	enum role a, b;
	uint32_t channels;
};

extern const struct service services[];
extern const size_t services_count;
extern const struct service_pair service_pairs[];
extern const size_t service_pairs_count;

const struct service *service_of(enum role r);

#endif
