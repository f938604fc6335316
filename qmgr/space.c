/*
 * space -- new mail is refused before the disk is full, never after.  Others
 * may fill it all the same: then the log waits, and the queue is read only.
 */
#include <sys/statvfs.h>

#include "proc/note.h"
#include "qmgr/qmgr.h"

enum {
	LOOK = 1000,           /* ms between two looks, ... */
	LEFT_LEAST = 64 * 1024 /* ... or so many octets of mail, or more */
};

static void
look(void *arg)
{
	struct qmgr *d = arg;
	struct statvfs fs;
	const char *why;

	qmgr_now(d);
	timer_set(&d->space.look, LOOK);
	if (d->q.log.full != 0)
		qlog_again(&d->q.log);
	if (fstatvfs(d->spool.dirfd, &fs) == -1)
		return;
	why = room_missing(&d->o.room, &fs, d->space.why != NULL);
	d->space.left = room_left(&d->o.room, &fs) / 2;
	if (d->space.left < LEFT_LEAST)
		d->space.left = LEFT_LEAST;
	/* Short of room it is looked often: that is no idle log. */
	if (why == NULL && d->q.now - d->space.log_look >= LOOK) {
		d->space.log_look = d->q.now;
		qlog_look(&d->q.log);
	}
	if ((why == NULL) != (d->space.why == NULL)) {
		note(why != NULL ? NOTE_ERROR : NOTE_INFO,
		    why != NULL ? "disk-short" : "disk-enough");
		if (why != NULL)
			note_str("why", str_c(why));
		note_u64("free", fs.f_bavail * fs.f_frsize);
		note_u64("inodes", fs.f_favail);
		note_end();
	}
	if (why == NULL && d->space.why != NULL)
		qmgr_pump(d); /* reports waited for it */
	d->space.why = why;
}

void
space_take(struct qmgr *d, size_t n)
{
	d->space.left -= (int64_t)n;
	if (d->space.left <= 0)
		look(d);
}

bool
space_is_short(const struct qmgr *d)
{
	return d->space.why != NULL || d->q.log.full != 0;
}

const char *
space_why(const struct qmgr *d)
{
	if (d->q.log.full != 0)
		return "the spool's disk is full";
	return d->space.why != NULL ? d->space.why : "";
}

void
space_full(struct qmgr *d, int error)
{
	if (error != 0) {
		note(NOTE_ERROR, "queue-full");
		note_errno(error);
		note_str("text", STR("nothing is accepted, delivered or changed "
		    "until there is room on the spool's disk"));
	} else {
		note(NOTE_INFO, "queue-goes-on");
	}
	note_end();
	if (error == 0)
		qmgr_pump(d);
}

void
space_init(struct qmgr *d)
{
	timer_init(&d->space.look, d->proc.loop, look, d);
	look(d);
}
