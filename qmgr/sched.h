/*
 * sched -- whose turn it is.  Pure: no clock, no I/O; the caller gives the
 * time and reports how jobs ended.
 *
 * Fairness: lanes of a kind take turns; within a lane the classes have their
 * parts, eight of ten for messages to a few; within a class the senders take
 * turns (as many bundles as their weight), within a sender the messages.  A
 * message with very many recipients is one bundle a site, of which a job takes
 * a few at a turn.  Lanes with nothing but such messages get every fifth turn
 * while others have work.  So all lists together slow down the other messages
 * by a quarter at most, and a single one waits for one job of theirs.
 *
 * Concurrency of a lane: begins at start, grows by one after a full window of
 * jobs that went well, halves when it is down; below one it is dead, and one
 * message at a time probes it.  A lane that refuses a job for being too much
 * gets as many as it had at that moment, and no more for a while.  One that
 * refuses them one after the other until it has none gets nothing for a while,
 * longer each time; one refusal alone may be about that message.
 *
 * The next attempt of a recipient: sched_wait(), by what was said
 * (mail/reply_kind.h).
 */
#ifndef POSTERN_QMGR_SCHED_H
#define POSTERN_QMGR_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "mail/reply_kind.h"
#include "msg/job.h"
#include "qmgr/lane.h"

enum {
	SLOW_PART = 10, /* of retry_min: the first wait of a slow site */
	OWN_FROM = 3    /* times too much: it may be the message itself */
};

struct sched_options {
	uint32_t start;      /* window of a new site */
	uint32_t most;       /* window of SITE_SMTP */
	uint32_t local;      /* window of SITE_LOCAL */
	int64_t retry_min;   /* ms */
	int64_t retry_max;
};

struct sched {
	struct sched_options o;
	struct sites *sites;
	uint64_t random;     /* state of the jitter */
	TAILQ_HEAD(lane_ring, lane) ring[SITE_KINDS][2]; /* [1]: bulk alone */
	uint64_t nrcpts;     /* recipients of the bundles that wait in flows */
	uint32_t turn[SITE_KINDS]; /* picks since bulk had the last one */
	struct heap later;   /* lanes that wait for their next_us */
};

enum site_change {
	SITE_SAME,
	SITE_DIED, /* what is ready for it has to wait until probe_at */
	SITE_SLOWED, /* likewise, until slow_until */
	SITE_BACK  /* it was dead: what waits may go now */
};

void sched_init(struct sched *s, struct sites *sites,
    const struct sched_options *o, uint64_t seed);

/* --- times (retry.c) ------------------------------------------------------ */

/* Wait before the next attempt after so many: exponential, +-20 %. */
int64_t sched_retry(struct sched *s, unsigned attempts);
/*
 * The same by what was said: a greylist is asked again soon, but never before
 * the time it named; a full mailbox is left alone for three times as long; a
 * site that wants less, until it may have more (and then not all at once).
 * What is too much again and again waits by itself, longer each time.
 * attempts: those that were too much, or else the others.  lane may be NULL.
 */
int64_t sched_wait(struct sched *s, const struct reply_hint *hint,
    unsigned attempts, const struct lane *lane, int64_t now);
/* When a recipient that is refused now may try: not all at once. */
int64_t sched_after(struct sched *s, const struct lane *lane, int64_t now);

/* Jitter: 0..most, in ms. */
int64_t sched_spread(struct sched *s, int64_t most);
/* ms of a time that a server named; retry_max at most. */
int64_t sched_believed(const struct sched *s, uint32_t seconds);

/* --- turns ---------------------------------------------------------------- */

/* The message's bundle for the site, made if there is none. */
struct bundle *sched_bundle(struct message *m, struct site *site);
/* Puts the recipient into it: READY. */
void bundle_add(struct bundle *b, struct rcpt *r);
struct rcpt *bundle_take(struct bundle *b);
/* It must be empty and not queued. */
void bundle_free(struct bundle *b);

/* The bundle is to have its turn; nothing happens when it waits already. */
void sched_add(struct sched *s, struct bundle *b, const struct share *share);
void sched_remove(struct sched *s, struct bundle *b);
/*
 * The bundle whose turn it is among the sites of a kind, not queued any more
 * (sched_add it again if recipients are left), or NULL.  Its lane counts a job
 * more until sched_result, and its site has a reference more.
 */
struct bundle *sched_pick(struct sched *s, enum site_kind kind, int64_t now);
/* Any queued bundle of the lane, not queued any more; NULL: none. */
struct bundle *sched_take(struct sched *s, struct lane *lane);
/* A job to the site, picked while it was in this lane, is over.  The lane may
 * be gone afterwards, unless the site is still in it. */
enum site_change sched_result(struct sched *s, struct site *site,
    struct lane *lane, enum site_state what, int64_t now);
/* A recipient that was too much, slows times before this one: false, if that
 * says nothing of the site, as he is the only one under way. */
bool sched_is_news(const struct lane *lane, unsigned slows);
/* When it asked for less it named a time, in seconds; 0: none.  If it is left
 * alone it may come sooner for that, once; and from the second time on it is for
 * so long (up to retry_max).  Until then the time is the message's alone:
 * sched_wait. */
void sched_named(
    struct sched *s, struct lane *lane, uint32_t wait, int64_t now);
/*
 * The exchangers behind the site, as delivery names them: it shares a lane
 * with all that have the same.  true: it was moved into another lane.
 */
bool sched_hosts(struct sched *s, struct site *site, struct str hosts);
/* When sched_pick may have something again that it has not now; INT64_MAX:
 * not by the time alone. */
int64_t sched_next(const struct sched *s);
/* ms until what is queued there has gone, at the rate that it has; 0: no
 * rate holds it back. */
int64_t sched_backlog(const struct lane *lane, int64_t now);
/* When what comes now would go, behind all that is queued or has a turn; and
 * the turn is given. */
int64_t sched_turn(const struct lane *lane, int64_t now);
void sched_give_turn(struct lane *lane, int64_t now);
/* What the administrator says of it has changed. */
void sched_rules(struct sched *s, struct lane *lane);
/* Jobs that it may have at once. */
uint32_t sched_window(const struct sched *s, const struct lane *lane);
void sched_clear(struct sched *s);
/* Nothing may go there now, not even as a probe. */
bool sched_refuses(const struct lane *lane, int64_t now);
/* Its worker cannot take jobs now, or can again. */
void sched_block(struct sched *s, struct lane *lane, bool blocked);
/* Forget that it is dead (the admin says so). */
void sched_revive(struct sched *s, struct site *site);

#endif
