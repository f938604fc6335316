/*
 * maildir -- the folders of one Maildir, and the names of the files in them:
 *
 *	1763860000.d41d8cd98f00b204e9800998ecf8427e.postern,S=2345:2,
 *
 * seconds, guid, a mark that the file is ours, octets; flags behind ":2,"
 * are read when a file is found, and never changed by us.
 */
#ifndef POSTERN_STORE_MAILDIR_H
#define POSTERN_STORE_MAILDIR_H

#include "base/buf.h"
#include "base/str.h"
#include "store/store.h"

enum { MAILDIR_NAME = 256 };

struct maildir {
	int dir, cur, fresh; /* the folder itself, cur/ and new/ */
};

/* dir is taken over; make: what is missing.  *made tells if anything was.
 * -1 and errno, then dir is closed. */
int maildir_open(struct maildir *md, int dir, bool make, bool *made);
void maildir_close(struct maildir *md);
/* The directory ix, made when it is missing.  -1 and errno. */
int maildir_index(const struct maildir *md);

/* The base name of a message of ours. */
void maildir_base(char out[MAILDIR_NAME], int64_t seconds,
    const uint8_t guid[STORE_GUID], uint64_t size);
/* "base:2," */
void maildir_cur_name(char out[MAILDIR_NAME], struct str base);
/* The part before ":2,", and the flags behind it. */
struct str maildir_split(struct str name, uint16_t *flags);
/* One of our names: its guid and size. */
bool maildir_is_ours(
    struct str base, uint8_t guid[STORE_GUID], uint64_t *size);
/* A name that a message may have: no slash, no leading dot, not too long. */
bool maildir_name_ok(struct str name);

/*
 * Opens the message of that base name for reading: in cur/ without flags, in
 * new/, else by a look through cur/.  -1 and errno.
 */
int maildir_open_message(const struct maildir *md, struct str base);
/* Removes it, wherever it is.  0 also when it is not there. */
int maildir_remove(const struct maildir *md, struct str base);
/* The name it has in cur/ now.  false: not there (ENOENT), or errno says why
 * nobody knows. */
bool maildir_find(
    const struct maildir *md, struct str base, char out[MAILDIR_NAME]);

#endif
