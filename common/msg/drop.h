/*
 * drop -- a message that sendmail(8) left in spool/drop while the server was
 * down, and pickup(8) takes from there.  One file:
 *
 *	"PSTDROP1"             8 octets
 *	head                   struct drop_head by its wire table, length (u32)
 *	                       in front
 *	u32                    number of recipients, 1..DROP_RCPTS_MAX
 *	recipients             struct env_rcpt, each with its length in front
 *	u64                    octets of text
 *	text                   header and body, LF line ends
 *	"END\n"                4 octets
 *	u32                    crc32c over all before it
 *
 * Numbers are little-endian.  Its name is 32 hexadecimal digits (0-9, a-f) of
 * random octets, never used again, with a dot in front until all of it is on
 * disk: by that name it is taken once.  A file without its end is still being
 * written, or was cut by a crash before sendmail said that all is well; a
 * whole one with a dot was left by a crash.
 */
#ifndef POSTERN_MSG_DROP_H
#define POSTERN_MSG_DROP_H

#include "base/buf.h"
#include "base/str.h"
#include "msg/envelope.h"
#include "msg/submit.h"

enum {
	DROP_RCPTS_MAX = 10000,
	DROP_FLAGS = ENV_8BIT | ENV_UTF8 | ENV_RET_FULL | ENV_RET_HDRS
};
/* Octets of a file beyond its text, at most. */
#define DROP_OVERHEAD (DROP_RCPTS_MAX * 2048ul)

/* A file's name and the token that it stands for. */
enum { DROP_NAME = 2 * TOKEN };
void drop_name(char name[DROP_NAME + 1], struct str token);
/* The token in room; empty: not such a name. */
struct str drop_token(struct str name, char room[TOKEN]);

struct drop_head {
	uint32_t flags;    /* of DROP_FLAGS */
	struct str sender; /* "" for <> */
	struct str envid;
};
extern const struct wire drop_head_wire;

/* Writes a whole file into out. */
void drop_write(struct buf *out, const struct drop_head *head,
    const struct env_rcpt *rcpts, size_t nrcpts, struct str text);

enum drop_result {
	DROP_OK,
	DROP_CUT,    /* ends too early */
	DROP_DAMAGED /* or it never was one */
};
/* What a file holds.  Views point into it. */
struct drop {
	struct drop_head head;
	uint32_t nrcpts;
	struct str rcpts; /* for drop_next */
	struct str text;
};
enum drop_result drop_read(struct str file, struct drop *out);
/* Takes the next recipient; false at the end. */
bool drop_next(struct drop *d, struct env_rcpt *rcpt);

#endif
