/*
 * rules -- what the administrator says of sites: pauses and rates ordered by
 * postern(8), kept in the file spool/sites, and the limits of `route` in the
 * configuration.  A rule names a domain, which stands for the lane that its
 * site is in, or a lane by its exchangers.  Pure but for rules_load.
 */
#ifndef POSTERN_QMGR_RULES_H
#define POSTERN_QMGR_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "msg/job.h"
#include "qmgr/lane.h"

enum { RULES_MAX = 10000, RULE_NAME_MAX = HOSTS_MAX };

struct rule {
	TAILQ_ENTRY(rule) entry;
	int64_t paused_until; /* queue clock, LANE_EVER, or 0: not */
	int64_t gap_us;       /* between two jobs; 0: no rate */
	int64_t rate_until;   /* queue clock or LANE_EVER */
	bool known;           /* rules_know found a lane of that name */
	size_t n;
	char name[];          /* lower case, no final dot */
};

/* Of the configuration. */
struct rule_limit {
	struct str hop;       /* next hop, or a pattern of them; borrowed */
	uint32_t most;        /* connections; 0: as all */
	int64_t gap_us;
};

struct rules {
	TAILQ_HEAD(, rule) all;
	struct map by_name;
	size_t n;
	struct rule_limit *limits;
	size_t nlimits;
};

void rules_init(struct rules *rs);
void rules_clear(struct rules *rs);
void rules_limit(struct rules *rs, const struct rule_limit *limit);

/* As the names of rules are written, in room; empty when it can be no site:
 * none, too long, a pattern, an address. */
struct str rules_name(struct str name, char room[RULE_NAME_MAX]);
/* Marks those that name this lane, or one of its sites. */
void rules_know(struct rules *rs, const struct lane *lane);
/* NULL: there is none. */
struct rule *rules_find(const struct rules *rs, struct str name);
/* Made if there is none; NULL: no name, or there are too many. */
struct rule *rules_get(struct rules *rs, struct str name);
/* Forgets those that say nothing (any more); whether there were such. */
bool rules_sweep(struct rules *rs, int64_t now);
/* Sets the lane's members by all that is said of it.  Orders of postern(8) go
 * before limits of the configuration, the strictest of each first. */
void rules_apply(const struct rules *rs, struct lane *lane);

/* The file: lines of text, "end" last. */
void rules_text(const struct rules *rs, struct buf *out);
/* false: it is damaged; what was read up to there counts. */
bool rules_parse(struct rules *rs, struct str text);
/* Reads file "sites" below dirfd; -1 and errno (EINVAL: damaged).  None is
 * fine. */
int rules_load(struct rules *rs, int dirfd);
/* Writes it so that the former or the new one is there after a crash. */
int rules_save(int dirfd, struct str text);

#endif
