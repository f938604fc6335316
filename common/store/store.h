/*
 * store -- words that all of common/store shares.  A mailbox is a Maildir with
 * an index of its own below ix/; FORMAT.md describes it octet by octet.
 *
 *	account.h   the mailboxes of one user: list, create, quota, flush
 *	mailbox.h   one mailbox, loaded: rows, flags, expunge, copy
 *	message.h   one message: its octets and what is known about it
 *	append.h    a new message, streamed
 *	view.h      one session's picture of a mailbox: sequence numbers, news
 *	batch.h     deliveries to many accounts, made durable together
 *
 * Nothing here opens a file by an absolute path, and nothing trusts what it
 * reads from disk.  Several processes may have the same mailbox open.
 *
 * Durability: a change is seen by all processes when its call returns, and
 * survives a power cut once account_flush returned 0.  A caller may gather
 * many changes and flush once; it answers its client after that.
 */
#ifndef POSTERN_STORE_STORE_H
#define POSTERN_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

enum store_result {
	STORE_OK,
	STORE_NOT_FOUND,  /* no such mailbox or message; it may be gone now */
	STORE_EXISTS,     /* the name is taken */
	STORE_BAD_NAME,   /* not UTF-8, too long, empty level, ... */
	STORE_NOT_ALLOWED, /* INBOX cannot be deleted, and the like */
	STORE_OVER_QUOTA,
	STORE_TOO_MANY,   /* a cap of the format */
	STORE_ERROR       /* the disk: errno says what; nothing was changed */
};

/* Flags that every mailbox has.  The rest are keywords. */
enum {
	FLAG_SEEN = 1,
	FLAG_ANSWERED = 2,
	FLAG_FLAGGED = 4,
	FLAG_DELETED = 8,
	FLAG_DRAFT = 16,
	FLAGS_SYSTEM = 31
};

enum {
	STORE_GUID = 16,           /* octets */
	STORE_NAME_MAX = 200,      /* octets of a mailbox name as it stands on
	                            * disk; UTF-8 names may be shorter */
	STORE_KEYWORD_MAX = 255,   /* octets of a keyword */
	STORE_KEYWORDS_MAX = 4096, /* keywords of one mailbox */
	STORE_ROW_KEYWORDS_MAX = 128, /* keywords of one message */
	STORE_ROWS_MAX = 16 * 1024 * 1024
};

/* Between the levels of a mailbox name. */
#define STORE_SEPARATOR '/'

/* How a process uses the store; the same for all its accounts. */
struct store_conf {
	uint64_t epoch; /* of this start of the suite, from master; tools: random */
	bool shared;    /* other programs read or write the Maildirs too */
	bool from_disk; /* what is in the kernel's memory alone is not believed */
};

#endif
