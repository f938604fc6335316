/*
 * inner -- struct account and struct mailbox, for the files of common/store
 * that together make them.  Not for others.
 */
#ifndef POSTERN_STORE_INNER_H
#define POSTERN_STORE_INNER_H

#include "base/list.h"
#include "store/account.h"
#include "store/append.h"
#include "store/boxindex.h"
#include "store/boxlog.h"
#include "store/coldfiles.h"
#include "store/mailbox.h"
#include "store/maildir.h"
#include "store/message.h"
#include "store/syncset.h"
#include "store/view.h"

TAILQ_HEAD(mailboxes, mailbox);

struct account {
	int dir;                /* the Maildir */
	int ix;                 /* its ix: settings and their lock stand there */
	struct store_conf conf;
	uint64_t quota;
	struct usage usage;     /* of all mailboxes, as of usage_at */
	int64_t usage_at;       /* clock_mono_ms, 0: never */
	struct mailboxes open;
	struct mailboxes gone;  /* deleted while somebody had them open */
	struct syncset sync;
	int flush_error;        /* errno of a flush that failed, or 0 */
	TAILQ_HEAD(freshes, fresh) fresh; /* not flushed yet: fresh.c */
	struct folder *folders; /* of account_folders */
	size_t nfolders, folders_cap;
	struct pool names;      /* their names */
	struct buf changed;     /* name of account_changed */
};

/* When a directory changed last; 0 is never equal to a real one. */
struct stamp {
	int64_t mtime, ctime; /* nanoseconds */
};

struct mailbox {
	TAILQ_ENTRY(mailbox) entry;
	struct account *account;
	char *name;             /* UTF-8 */
	unsigned refs;
	struct maildir md;
	struct boxlog log;
	struct boxindex x;
	struct boxindex previous; /* rows that a caller may still hold, until
	                         * the next operation */
	struct coldfiles cold;
	uint32_t snap_gen;      /* the newest snapshot known, 0: none */
	uint32_t meta_gen;      /* its meta file, 0: none */
	uint64_t meta_size;
	uint64_t replayed;      /* octets of log since that snapshot */
	struct stamp fresh_at;  /* new/ when it was read last */
	struct stamp cur_at;    /* cur/, in a shared store */
	TAILQ_HEAD(, view) views;
	bool deleted;           /* its files are gone or replaced */
	bool retired;           /* and it is in account.gone */
	uint32_t dirty_gen;     /* log that waits for account_flush, 0: none */
	bool notice;            /* for account_changed */
	bool lost;              /* a row's file was missed: look after it */
	uint32_t doubt;         /* rows below came before this start of the
	                         * suite, and no snapshot is newer; or 0 */
	int64_t look_at;        /* clock_mono_ms when cur/ is to be read, 0 */
	struct mailbox_status status; /* of mailbox_status */
	struct boxlog_mark flushing; /* of account_flush */
	struct buf frame;       /* being made */
	struct frame_state after;
	uint32_t nops;
};

struct view {
	TAILQ_ENTRY(view) entry;
	struct mailbox *m;
	void (*on_news)(void *arg);
	void *arg;
	uint32_t exists;   /* as the session was told */
	uint32_t last_uid; /* rows above are news */
	uint32_t nkeywords; /* as the session was told */
	struct uids gone;  /* expunged and not told, ascending */
	struct uids changed; /* any order, repeats; sorted by view_sync */
	struct uids told;  /* lists of the last view_sync */
	struct view_gone *told_gone;
	size_t told_gone_cap;
};

/* The directory name of a mailbox: "." for INBOX, ".Work.2024".  false: no
 * name that a mailbox can have. */
bool mailbox_dir_name(struct str name, struct buf *out);
/* The inverse; false: no mailbox's directory. */
bool mailbox_name_of_dir(struct str dir, struct buf *out);
/* "inbox" becomes "INBOX", also as the first level. */
struct str mailbox_canonical(struct str name, struct buf *space);

/* A UIDVALIDITY that no mailbox of the account has had; written down when
 * keep.  0 and errno on failure. */
uint32_t account_new_uidvalidity(struct account *a, bool keep);

/* usage.c: that many octets more do not pass the quota. */
bool account_fits(struct account *a, uint64_t octets);

/* load.c: the index from disk, with files that it lacks.  Under no lock. */
enum store_result mailbox_load(struct mailbox *m);
/* The same again, with the lock; STORE_NOT_FOUND: it is deleted, or another
 * mailbox by now. */
enum store_result mailbox_reload(struct mailbox *m);

/* commit.c: every operation is
 *	mailbox_begin, ops into m->frame (mailbox_op after each), mailbox_commit
 * or mailbox_cancel.  mailbox_begin takes the lock, reads what is new, and
 * reserves.  A commit of no ops writes nothing. */
enum store_result mailbox_begin(struct mailbox *m, uint32_t nuids);
struct buf *mailbox_frame(struct mailbox *m);
void mailbox_op(struct mailbox *m);
enum store_result mailbox_commit(struct mailbox *m);
/* Commits what is there and goes on: for more than one frame holds. */
enum store_result mailbox_next(struct mailbox *m);
void mailbox_cancel(struct mailbox *m);
/* Reads new frames; with or without the lock. */
enum store_result mailbox_read(struct mailbox *m);
/* News of one row for all views. */
void mailbox_news(void *arg, enum boxindex_news what, uint32_t uid);
/* The keyword's id in m, with a KEYWORD op if it is new; 0: too many. */
uint32_t mailbox_keyword(struct mailbox *m, struct str name);
/* The account has something to sync and a notice to give. */
void mailbox_touched(struct mailbox *m);

/* flags.c: expunges a row whose file is not there, or not whole, and what is
 * left of the file; it does not count as delivered any more. */
enum store_result mailbox_lose(struct mailbox *m, uint32_t uid);
/* Takes a row that goes out of the counters. */
void mailbox_count_gone(struct frame_state *s, const struct row *row);

/* seen.c: whether a message of that guid came to the mailbox after about
 * that time, be it expunged since.  A power cut may keep a row and take its
 * file: of a living row the file is read, so SEEN_SAME is whole. */
enum seen {
	SEEN_NOT,
	SEEN_SAME,
	SEEN_OTHER,  /* other octets */
	SEEN_BROKEN, /* *uid is a row for mailbox_lose */
	SEEN_ERROR   /* errno: the file could not be read */
};
struct sought {
	const uint8_t *guid;
	int64_t since;       /* seconds since 1970 */
	uint64_t head;       /* octets that stand before the text */
	uint64_t size;       /* of the text */
	uint32_t crc;        /* likewise */
};
enum seen mailbox_seen(
    struct mailbox *m, const struct sought *sought, uint32_t *uid);

/* recheck.c: after mailbox_load: drops rows that came through a power cut
 * without their file, or with a part of it. */
enum store_result mailbox_recheck(struct mailbox *m);

/* fresh.c: messages that came and are not flushed.  When the flush fails,
 * nobody was told of them, and what their files will read like is unknown:
 * their rows go.  As well as it can; errno stays. */
void account_add_fresh(struct mailbox *m, const uint32_t *uids, size_t n);
void account_forget_fresh(struct account *a);
void account_lose_fresh(struct account *a);

/* seen.c: the file of a living row has the octets it came with. */
enum whole { WHOLE, WHOLE_NOT, WHOLE_ERROR /* it cannot be told */ };
enum whole mailbox_is_whole(struct mailbox *m, const struct row *row);

/* message.c: the row came through a power cut, the text did not. */
struct stat;
bool message_is_lost(const struct stat *st, const struct cold *cold);

/* scan.c: gives rows to files that have none, those in new/, and with all
 * those in cur/ too; then rows without a file (or text) are expunged.  An operation of
 * its own, under no lock. */
enum store_result mailbox_scan(struct mailbox *m, bool all);
struct stamp stamp_of(int dirfd);
bool stamp_same(struct stamp a, struct stamp b);

/* append.c: an APPEND op for a message whose file is there; its uid. */
struct newcomer {
	struct cold cold;
	struct append_info info;
	uint32_t size;            /* with CRLF line ends */
	int64_t saved;
};
uint32_t mailbox_add(struct mailbox *m, const struct newcomer *n);

/* merge.c: a snapshot of what is loaded; failure does no harm. */
void mailbox_merge(struct mailbox *m);
bool mailbox_wants_merge(const struct mailbox *m);
/* Somebody else made one since ours: 1; 0; -1 and errno. */
int mailbox_other_snapshot(const struct mailbox *m);

/* view.c */
void view_hear(struct view *v, enum boxindex_news what, uint32_t uid);

#endif
