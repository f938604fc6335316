/*
 * pickup -- takes the messages that sendmail(8) left in the drop folder and
 * hands them to qmgr, one after the other.  A file is removed only after
 * qmgr has the message on disk; a crash in between gives a second copy,
 * never a loss.
 */
#ifndef POSTERN_HELPERS_PICKUP_H
#define POSTERN_HELPERS_PICKUP_H

#include "base/buf.h"
#include "event/loop.h"
#include "msg/drop.h"
#include "proc/proc.h"

/* One file of the folder, read and judged. */
struct dropped {
	char name[256];
	uid_t uid;        /* its owner: who sent it */
	struct buf file;
	struct drop drop; /* points into file */
};

struct pickup {
	struct proc proc;
	int folder;           /* spool/drop */
	struct link *qmgr;    /* NULL while it is away */
	struct timer timer;   /* the next look */
	int64_t interval;     /* milliseconds */
	uint64_t size_max;    /* octets of a file */
	struct str hostname;
	struct buf names;     /* still to do in this look, NUL behind each */
	struct buf stuck;     /* taken, yet still there; names as above */
	struct dropped now;   /* the message under way */
	bool busy;
	uint64_t cookie;
	struct str left;      /* of its text, to be sent */
};

extern const struct proc_desc pickup_proc;
/* After proc_start. */
void pickup_init(struct pickup *p);

/* folder.c: what is in the folder, at most FOLDER_LOOK names, to p->names. */
enum { FOLDER_LOOK = 1000 };
void folder_look(struct pickup *p);
/* Reads and judges p->now.name; false: not now, or put aside. */
bool folder_read(struct pickup *p);
/* What was taken; if it stays it is never taken again by this process. */
void folder_remove(struct pickup *p);
/* It will never be taken: to drop/corrupt, with a note; false: it stays. */
bool folder_aside(struct pickup *p, const char *why);

#endif
