/*
 * names -- asks dnsd (msg/dns.h).  A question outlives the link: when dnsd
 * comes back it is asked again; without it the answer is DNS_TEMPORARY after
 * a while.
 */
#ifndef POSTERN_SMTP_NAMES_H
#define POSTERN_SMTP_NAMES_H

#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "event/loop.h"
#include "msg/dns.h"
#include "proc/link.h"

enum { NAMES_WAIT_MS = 30000 };

struct name_ask;
/* records: count of struct dns_record by dns_record_wire; valid now only. */
typedef void names_fn(struct name_ask *ask, const struct msg_dns_is *is,
    struct str records);

/* Embedded in what waits. */
struct name_ask {
	TAILQ_ENTRY(name_ask) entry;
	struct names *names; /* NULL: nothing is under way */
	uint64_t cookie;
	enum dns_kind kind;
	char name[256];
	names_fn *on_answer;
	void *arg;
	struct timer timer;
};

struct names {
	struct loop *loop;
	struct link *link; /* to dnsd, or NULL */
	struct map by_cookie;
	TAILQ_HEAD(, name_ask) asks;
	uint64_t last;     /* cookie */
};

void names_init(struct names *n, struct loop *l);
void names_clear(struct names *n);
/* A fresh link end to dnsd. */
void names_peer(struct names *n, int fd);

/* on_answer comes once, later, unless it is forgotten before. */
void names_ask(struct names *n, struct name_ask *ask, enum dns_kind kind,
    struct str name, names_fn *on_answer, void *arg);
void names_forget(struct name_ask *ask);

#endif
