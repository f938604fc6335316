/*
 * resolve -- what is this address?  The rules, as a pure function over the
 * directory, the configuration and what is known of system users.
 *
 * For an address of ours, the first that fits:
 *	alias, account, system user; the same for the part before "+ext";
 *	postmaster: the admin, or the oldest account when admin names nobody;
 *	the domain's catch-all; else 550 5.1.1
 * For any other: the most specific route, else the domain's MX, if the client
 * may relay; else 554 5.7.1.
 * Aliases are followed to their ends here: a list holds only addresses that
 * are no aliases, each once, and loops are cut.
 */
#ifndef POSTERN_ROUTERD_RESOLVE_H
#define POSTERN_ROUTERD_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pool.h"
#include "base/str.h"
#include "helpers/routerd/directory.h"
#include "msg/route.h"

/* A user of this machine, as nssd says. */
enum user_state { USER_NO, USER_YES, USER_ASK, USER_TEMPORARY };
struct user {
	enum user_state state;
	uint32_t uid, gid;
	struct str home; /* absolute */
};

/* route "D" { } of the configuration. */
struct route_rule {
	struct str domain; /* "example.org", "*.example.org" or "*" */
	struct str via;    /* "": the domain's own MX */
	uint32_t tls;      /* enum route_tls */
};

struct resolver {
	struct directory *dir;
	struct str hostname;       /* of this machine */
	struct str default_domain; /* accounts.default_domain or "" */
	struct str admin;          /* canonical, or "" */
	const struct route_rule *routes;
	size_t nroutes;
	uint32_t depth;            /* aliases that lead to aliases */
	size_t expansions;         /* most addresses of one list */
	/* What is known of a system user, without waiting: USER_ASK means
	 * that the question has to be put again when it is known. */
	struct user (*user)(void *arg, struct str name);
	void *arg;
	/* For `address test`: each step.  NULL: not wanted. */
	void (*step)(void *arg, struct str address, const char *rule,
	    struct str result);
	void *step_arg;
};

struct resolved {
	struct msg_route_is is; /* its texts live in the pool */
	bool ask;               /* a system user is not known yet: again later */
	bool is_live;           /* it depends on who the system's users are */
	struct str *list;       /* ROUTE_LIST: the ends, in the pool */
	size_t n;
};

/* The only domain or the one configured; "" when there is no such. */
struct str resolver_default_domain(const struct resolver *r);
/* Answers MSG_ROUTE. */
void resolve(const struct resolver *r, struct pool *pool,
    const struct msg_route *q, struct resolved *out);
/* Answers MSG_ROUTE_ACCOUNT: a log-in name. */
void resolve_account(const struct resolver *r, struct pool *pool,
    struct str name, struct resolved *out);
/* Answers MSG_ROUTE_MAY_SEND. */
void resolve_may_send(const struct resolver *r, struct pool *pool,
    struct str login, struct str sender, struct resolved *out);
/* The account that a name of a verb means, or NULL. */
struct account *resolve_find(
    const struct resolver *r, struct pool *pool, struct str name);
/* Canonical form in the pool, the default domain added; "" if it is none. */
struct str resolve_name(
    const struct resolver *r, struct pool *pool, struct str address);

#endif
