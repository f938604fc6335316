/*
 * eventd -- what happens, from every program: to the log file, to who
 * follows, to the counters.  Holds the log folder and nothing else.
 */
#ifndef POSTERN_HELPERS_EVENTD_EVENTD_H
#define POSTERN_HELPERS_EVENTD_EVENTD_H

#include "base/list.h"
#include "base/map.h"
#include "helpers/eventd/line.h"
#include "helpers/eventd/logfile.h"
#include "proc/proc.h"

enum { RECENT_MAX = 8192 }; /* lines kept in memory */

struct recent {
	int64_t ms;
	enum note_level level;
	char *text;
};

/* A postern(8) that asked for events and goes on listening. */
struct follower {
	TAILQ_ENTRY(follower) entry;
	struct eventd *d;
	struct link *link;
	char *like;    /* NULL: all */
	bool follows;
};

struct eventd {
	struct proc proc;
	int log_dir;
	bool json, syslog;
	enum note_level least;
	struct logfile file;
	struct timer end;
	struct deferred flush;
	struct map counters;       /* "smtpd.accepted" -> uint64_t * */
	struct recent recent[RECENT_MAX];
	uint64_t seen;             /* lines ever; recent[seen % max] is next */
	TAILQ_HEAD(, follower) followers;
};

extern const struct proc_desc eventd_proc;

void eventd_init(struct eventd *d);
/* control.c: a connection of postern(8). */
void eventd_control(struct eventd *d, int fd);
void eventd_publish(struct eventd *d, const struct line *l);

#endif
