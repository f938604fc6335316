/*
 * pickup -- takes the messages that sendmail(8) left in the drop folder and
 * hands them to qmgr, one after the other.  A file is removed only after
 * qmgr has the message on disk.  Should a crash in between, or a power cut
 * that brings the file back, have it submitted again, qmgr knows it by its
 * token (msg/submit.h) until it was told that the file is gone for good.
 * What smtpd would have refused goes back to its sender in a report, which
 * takes the message's place.
 */
#ifndef POSTERN_HELPERS_PICKUP_H
#define POSTERN_HELPERS_PICKUP_H

#include "base/buf.h"
#include "base/map.h"
#include "event/loop.h"
#include "msg/drop.h"
#include "msg/submit.h"
#include "proc/proc.h"

/* One file of the folder, read and judged. */
struct dropped {
	char name[256];
	uid_t uid;        /* its owner: who sent it */
	struct buf file;
	struct drop drop; /* points into file */
	char why[128];    /* "550 5.6.0 ...": it goes back; "": it does not */
	struct buf report; /* with it, if it does */
	bool kept;        /* with it: it may not have all, or not arrive */
	struct str text;  /* of these what qmgr gets */
};

struct pickup {
	struct proc proc;
	int folder;           /* spool/drop */
	struct link *qmgr;    /* NULL while it is away */
	struct timer timer;   /* the next look */
	int64_t interval;     /* milliseconds */
	uint64_t size_max;    /* octets of a message */
	unsigned hops_max;    /* Received fields */
	struct str hostname;
	struct buf names;     /* still to do in this look, NUL behind each */
	long at;              /* of the folder, where the next look begins */
	struct map stuck;     /* names of what is taken, yet still there */
	struct map kept;      /* of what is taken, and is to be put aside */
	struct map odd;       /* of what is not to be taken, and stays */
	struct buf gone;      /* tokens of what was removed, not yet told */
	struct map unsure;    /* tokens whose removal may not be on disk */
	struct dropped now;   /* the message under way */
	bool busy;
	uint64_t cookie;
	struct str left;      /* of its text, to be sent */
};

extern const struct proc_desc pickup_proc;
/* After proc_start. */
void pickup_init(struct pickup *p);

/* folder.c: what is in the folder, at most FOLDER_LOOK names, to p->names;
 * what was behind those is seen by the next look. */
enum { FOLDER_LOOK = 1000 };
void folder_look(struct pickup *p);
/* Reads and judges p->now.name; false: not now, or put aside.  p->now.why
 * says whether it goes back. */
bool folder_read(struct pickup *p);
/* The token of a file, in room; empty: not one of sendmail's names, and so
 * it may be taken twice. */
struct str folder_token(const char *name, char room[TOKEN]);
/* The same of the report that takes its place: what qmgr knows by this one is
 * not the message, which may have become one that is taken. */
struct str folder_token_back(const char *name, char room[TOKEN]);
/* What was taken: its tokens to p->gone.  If it stays it is never taken again
 * by this process. */
void folder_remove(struct pickup *p);
/* The same of what may not be back as a whole: it is put aside, now or by a
 * later look, and never removed. */
void folder_keep(struct pickup *p);
/* Those of these tokens whose files are not there, to p->gone. */
void folder_compare(struct pickup *p, struct str tokens);
/* All of p->gone, with what was unsure: it will stay gone, and the caller says
 * so and empties it.  Nothing: there is none, or the disk does not say so; then
 * it is in p->unsure until the first removal whose flush succeeds. */
struct str folder_gone(struct pickup *p);
/* It will never be taken: to drop/corrupt, with a note; false: it stays. */
bool folder_aside(struct pickup *p, const char *why);

/* report.c: the message that brings p->now back to its sender, with all of
 * its text or, if that would be larger than size_max, its header, or nothing
 * of it: to p->now.report.  Sets p->now.kept. */
void report_make(struct pickup *p);

#endif
