/*
 * resolve -- from a next hop to the addresses to try, in order.
 * Source: RFC 5321 5.1 (MX, implicit MX, loops), RFC 7505 (null MX).
 */
#ifndef POSTERN_SMTP_RESOLVE_H
#define POSTERN_SMTP_RESOLVE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/buf.h"
#include "delivery/smtp/hop.h"
#include "delivery/smtp/names.h"
#include "msg/job.h"

enum {
	TARGET_ADDRESS = 112,     /* octets for target_address */
	TARGET_TEXT = 400,        /* octets for target_text */
	RESOLVE_HOSTS_MAX = 10,   /* mail exchangers looked at */
	RESOLVE_TARGETS_MAX = 32  /* addresses */
};

struct target {
	char host[256];          /* for certificates and people */
	uint32_t preference;
	socklen_t length;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} at;
};

/* Why there is nowhere to go. */
struct resolve_failure {
	enum job_status status;
	unsigned code;
	const char *enhanced;
	char text[400];
};

struct resolve {
	struct names *names;
	const char *self;        /* our host name */
	struct hop hop;
	char domain[256];
	uint16_t port;
	struct name_ask mx;
	struct {
		struct name_ask ask;
		char name[256];
		uint32_t preference;
	} hosts[RESOLVE_HOSTS_MAX];
	size_t nhosts;
	size_t open;             /* hosts whose addresses are awaited */
	bool temporary;          /* a look-up failed */
	bool implicit;           /* no MX: the domain's own addresses */
	struct target targets[RESOLVE_TARGETS_MAX];
	size_t ntargets;
	void (*on_done)(void *arg, const struct resolve_failure *failure);
	void *arg;
};

/*
 * Begins; on_done comes once, perhaps before this returns: with NULL when
 * there are targets.
 */
void resolve_start(struct resolve *r, struct names *names, const char *self,
    const struct hop *hop, uint16_t default_port,
    void (*on_done)(void *arg, const struct resolve_failure *failure),
    void *arg);
void resolve_cancel(struct resolve *r);

/* The hosts found by MX: names in lower case, sorted, with commas between them,
 * and ":port" behind them if it is not the usual one; nothing when no MX were
 * asked for.  Same text, same servers. */
void resolve_hosts(const struct resolve *r, struct buf *out);

/* "192.0.2.1", "2001:db8::1" or the path. */
void target_address(const struct target *t, char out[TARGET_ADDRESS]);
/* "mx.example.org [192.0.2.1]", as logs and reports name it. */
void target_text(const struct target *t, char out[TARGET_TEXT]);

#endif
