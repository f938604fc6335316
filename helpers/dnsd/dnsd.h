/*
 * dnsd -- the engine of the DNS helper: peers ask by msg/dns.h, the resolver
 * looks up, one answer a cookie.
 */
#ifndef POSTERN_DNSD_DNSD_H
#define POSTERN_DNSD_DNSD_H

#include "base/list.h"
#include "event/loop.h"
#include "helpers/dnsd/query.h"
#include "helpers/dnsd/resolver.h"

enum { DNSD_PEER_MAX = 256 }; /* questions under way for one peer */

struct dnsd_peer;

struct dnsd {
	struct loop *loop;
	struct resolver *resolver;
	int64_t most_ms;          /* for one name */
	size_t most;              /* questions under way in all */
	size_t open;
	TAILQ_HEAD(, dnsd_peer) peers;
	TAILQ_HEAD(, query) done; /* answered, freed at the end of the round */
	struct deferred reap;
};

void dnsd_init(struct dnsd *d, struct loop *l, struct resolver *r,
    int64_t most_ms, size_t most);
/* A link end to a peer; fd is taken over. */
void dnsd_peer(struct dnsd *d, int fd);
void dnsd_clear(struct dnsd *d);

/* Takes the addresses of "nameserver" lines, in libunbound's form, into
 * servers (each of 64 octets); number. */
size_t dnsd_resolv_conf(struct str text, char (*servers)[64], size_t most);
/* "192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.1" -> "192.0.2.1@53". */
bool dnsd_server(struct str in, char out[64]);

#endif
