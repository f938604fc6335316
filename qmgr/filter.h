/*
 * filter -- which messages a command is about: the FILTER words of
 * postern(8).  All that is given has to hold; of several ids any.
 * Owns nothing: patterns are views of the words.
 */
#ifndef POSTERN_QMGR_FILTER_H
#define POSTERN_QMGR_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qmgr/message.h"

enum { FILTER_IDS_MAX = 64 };

/* Bits of --status. */
enum { FILTER_ACTIVE = 1, FILTER_DEFERRED = 2, FILTER_HOLD = 4 };

struct filter {
	uint64_t ids[FILTER_IDS_MAX];
	size_t nids;
	bool all, given;       /* --all; any word at all */
	struct str from, to, domain, login, reason; /* p NULL: not given */
	unsigned status;       /* 0: any */
	int64_t age_least, age_most;    /* ms, -1: any */
	int64_t size_least, size_most;  /* octets, -1: any */
	uint64_t limit;        /* messages, UINT64_MAX: all */
	uint64_t matched;
};

/* NULL, or what is wrong with the words. */
const char *filter_parse(
    struct filter *f, const struct str *words, size_t n);
/* now: queue time.  Does not count. */
bool filter_matches(const struct filter *f, const struct message *m,
    int64_t now);
/* A recipient that the words on recipients are about; never a DONE one. */
bool filter_rcpt_matches(const struct filter *f, const struct rcpt *r);
/* FILTER_ACTIVE, _DEFERRED or _HOLD. */
unsigned message_status(const struct message *m);
/* "*" any octets, "?" any one; without regard to case. */
bool glob_matches(struct str pattern, struct str s);

#endif
