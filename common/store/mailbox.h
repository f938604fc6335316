/*
 * mailbox -- one mailbox, loaded: a row for each message, counters, keywords,
 * and the operations that change them.  Shared by all sessions of a process.
 *
 * Rows stand in the order of their UIDs.  A row that was expunged stays as a
 * tombstone (ROW_GONE), so places in the array do not move while the mailbox
 * is open, except in mailbox_refresh.
 *
 * Every operation takes the mailbox's lock, reads what other processes wrote,
 * judges, appends one frame to the log, and applies it: it happens as a whole
 * or not at all.  Nothing waits for the disk: see account_flush.
 */
#ifndef POSTERN_STORE_MAILBOX_H
#define POSTERN_STORE_MAILBOX_H

#include <stddef.h>

#include "base/str.h"
#include "store/account.h"
#include "store/store.h"

struct mailbox;
struct view;

/* ROW_LOST beside ROW_GONE: nobody removed it, its file was lost, so it does
 * not count as delivered. */
enum { ROW_GONE = 0x8000, ROW_LOST = 0x4000 };

/* One message; the same 48 octets stand in the snapshot. */
struct row {
	uint32_t uid;
	uint32_t size;    /* octets with CRLF line ends; saturates */
	uint64_t modseq;  /* of its last change; of a tombstone: its expunge */
	uint64_t cold_at; /* where its cold record is */
	uint32_t cold_n;  /* octets of it */
	uint32_t date;    /* INTERNALDATE, seconds since 1970 */
	uint32_t saved;   /* when it came into this mailbox */
	uint32_t tag;     /* first octets of its guid */
	uint16_t flags;   /* FLAG_ bits, ROW_GONE, ROW_LOST */
	int16_t zone;     /* of date, minutes east of UTC */
	uint32_t kwset;   /* its set of keywords, 0: none */
};

struct mailbox_status {
	uint32_t uidvalidity, uidnext;
	uint32_t exists;      /* living rows */
	uint32_t unseen;      /* living rows without FLAG_SEEN */
	uint32_t deleted;     /* living rows with FLAG_DELETED */
	uint64_t octets;      /* sum of the sizes of living rows */
	uint64_t highestmodseq;
};

/* The same object for the same name; mailbox_close as often as opened. */
enum store_result mailbox_open(
    struct account *a, struct str name, struct mailbox **out);
void mailbox_close(struct mailbox *m);
struct account *mailbox_account(const struct mailbox *m);
struct str mailbox_name(const struct mailbox *m);

/* What other processes did, cheap when nothing: new frames in the log, mail
 * that other programs put into new/.  STORE_NOT_FOUND: it was deleted. */
enum store_result mailbox_refresh(struct mailbox *m);

/* As of the last operation or refresh. */
const struct mailbox_status *mailbox_status(const struct mailbox *m);
/* The same for a mailbox that need not be open (STATUS). */
enum store_result account_status(
    struct account *a, struct str name, struct mailbox_status *out);

/* Rows 0..count-1, tombstones included; pointers are valid until the next
 * operation.  mailbox_find: place of the first row with at least that uid. */
size_t mailbox_rows(const struct mailbox *m);
const struct row *mailbox_row(const struct mailbox *m, size_t place);
size_t mailbox_find(const struct mailbox *m, uint32_t uid);
/* The living row of that UID, or NULL. */
const struct row *mailbox_get(const struct mailbox *m, uint32_t uid);

/* All keywords this mailbox knows, and those of a row, sorted as first seen;
 * valid until the next operation. */
const struct str *mailbox_keywords(const struct mailbox *m, size_t *count);
const struct str *mailbox_row_keywords(
    const struct mailbox *m, const struct row *row, size_t *count);
bool mailbox_row_has(
    const struct mailbox *m, const struct row *row, struct str keyword);

/* UIDs, ascending. */
struct uids {
	uint32_t *list;
	size_t n, cap;
};
void uids_add(struct uids *u, uint32_t uid);
void uids_clear(struct uids *u);

enum flags_how { FLAGS_ADD, FLAGS_REMOVE, FLAGS_REPLACE };
struct flags_op {
	enum flags_how how;
	uint16_t flags;               /* FLAG_ bits */
	const struct str *keywords;
	size_t nkeywords;
	uint64_t unchanged_since;     /* modseq, UINT64_MAX: no matter */
	struct view *silent;          /* a view that needs no news of it */
};
/*
 * STORE.  UIDs without a living row are passed over.  Those changed after
 * unchanged_since are left alone and added to *modified (may be NULL).
 * Messages that have the flags already get no new modseq.
 */
enum store_result mailbox_flags(struct mailbox *m, const struct uids *uids,
    const struct flags_op *op, struct uids *modified);

/*
 * Removes these messages; with only_deleted those of them that have
 * FLAG_DELETED at that moment.  uids NULL: all.  Views learn of it by sync.
 */
enum store_result mailbox_expunge(
    struct mailbox *m, const struct uids *uids, bool only_deleted);

/*
 * Copies the living messages of uids to another mailbox of the account, flags
 * and dates included.  Fills from and to with the UIDs, place by place (for
 * COPYUID).  move: and expunges them here; a crash in between leaves both.
 */
enum store_result mailbox_copy(struct mailbox *m, const struct uids *uids,
    struct mailbox *target, bool move, struct uids *from, struct uids *to);

#endif
