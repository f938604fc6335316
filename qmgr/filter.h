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

enum { FILTER_IDS_MAX = 1024 };

/* Bits of --status. */
enum { FILTER_ACTIVE = 1, FILTER_DEFERRED = 2, FILTER_HOLD = 4 };

struct filter {
	uint64_t ids[FILTER_IDS_MAX];
	size_t nids;
	bool all, given;       /* --all; any word at all */
	unsigned seen;         /* options, a bit each */
	struct str from, to, domain, client, login, reason; /* p NULL: any */
	unsigned status;       /* 0: any */
	int64_t since, until;  /* of acceptance, ms of the calendar */
	int64_t age_least, age_most;    /* ms, -1: any */
	int64_t size_least, size_most;  /* octets, -1: any */
	uint64_t limit;        /* messages, UINT64_MAX: all */
	uint64_t matched;
	size_t nmissing;       /* of the ids, not in the queue */
	uint64_t missing;      /* the first of these */
};

/* What is wrong with the words, and how to write them ("" when plain). */
enum { FILTER_TEXT = 160 };
struct filter_wrong {
	char text[FILTER_TEXT];
	const char *fix;
};
/* false: *w says why. */
bool filter_parse(struct filter *f, const struct str *words, size_t n,
    struct filter_wrong *w);
/* now: queue time.  Does not count. */
bool filter_matches(const struct filter *f, const struct message *m,
    int64_t now);
/* An id that is not in the queue. */
void filter_missed(struct filter *f, uint64_t id);
/* When all was walked to: 0, or 2 and why, when something was named that is
 * not there. */
unsigned filter_verdict(const struct filter *f, char text[FILTER_TEXT]);
/* A recipient that the words on recipients are about; never a DONE one. */
bool filter_rcpt_matches(
    const struct filter *f, const struct rcpt *r, int64_t now);
/* An agent has some of it. */
bool message_is_out(const struct message *m);
/* FILTER_ACTIVE, _DEFERRED or _HOLD; of one that was put on hold while it is
 * out, both. */
unsigned message_status(const struct message *m);
/* "*" any octets, "?" any one; without regard to case. */
bool glob_matches(struct str pattern, struct str s);

#endif
