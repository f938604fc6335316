/*
 * names -- the names of client addresses, asked of dnsd (msg/dns.h).
 * Only for the log and the Received field: a name may always be missing.
 */
#ifndef POSTERN_SMTPD_NAMES_H
#define POSTERN_SMTPD_NAMES_H

#include <stdint.h>

#include "base/map.h"
#include "event/loop.h"
#include "msg/dns.h"
#include "proc/link.h"

enum { NAMES_MAX = 1024 }; /* questions under way; more are not asked */

struct names {
	struct loop *loop;
	struct link *link;    /* NULL while dnsd is away */
	uint64_t next;        /* cookie */
	struct map under_way; /* cookie -> struct names_ask */
};

/* Embedded in the asker. */
struct names_ask {
	struct names *names;  /* NULL: nothing is asked */
	uint64_t cookie;
	char *name;           /* where the answer is put, if there is one */
	size_t size;          /* octets of room there, with the NUL */
};

void names_init(struct names *n, struct loop *loop, uint64_t cookie0);
void names_clear(struct names *n);
/* proc_desc.on_peer for ROLE_DNSD.  Takes over fd. */
void names_on_peer(struct names *n, int fd);

/* address: "192.0.2.1".  name and size are set. */
void names_ask(struct names *n, struct names_ask *ask, struct str address);
void names_cancel(struct names_ask *ask);

#endif
