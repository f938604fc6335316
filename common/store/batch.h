/*
 * batch -- deliveries to any number of accounts below one mail root, written
 * and then made durable together.
 *
 *	batch_add ... batch_add, batch_commit, then look at the results
 *
 * A delivery is known by its guid, made from the spool, the message and the
 * account: a repeat gives no second copy.  Owns a bounded cache of open
 * accounts.
 */
#ifndef POSTERN_STORE_BATCH_H
#define POSTERN_STORE_BATCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"
#include "store/store.h"

struct batch;

struct batch_conf {
	struct store_conf store;
	int rootfd;            /* the mail root; stays the caller's */
	int64_t slow_sync_ms;  /* as in syncpick.h */
	size_t accounts;       /* kept open, at most; 0: 256 */
};

/* SHA-256(spool, queue id, account)[0..15]. */
void batch_guid(struct str spool_uuid, uint64_t id, struct str account,
    uint8_t guid[STORE_GUID]);

enum delivery_result {
	DELIVERY_OK,
	DELIVERY_REPEATED,   /* it was there already */
	DELIVERY_OVER_QUOTA,
	DELIVERY_LOOP,       /* set by the caller */
	DELIVERY_BAD_PATH,   /* the account's folder cannot be opened */
	DELIVERY_ERROR       /* disk; errno in error */
};

/* One message for one mailbox.  What it points to stays the caller's and
 * unchanged until batch_commit. */
struct delivery {
	struct str path;      /* of the account below the root */
	struct str account;   /* user@domain */
	struct str mailbox;   /* UTF-8; "" or one that does not exist: INBOX */
	uint64_t quota;       /* octets, 0: none */
	uint8_t guid[STORE_GUID];
	int64_t accepted;     /* seconds since 1970 */
	bool maybe_repeated;  /* an earlier attempt may have succeeded */
	struct str head;      /* goes before the text: LF line ends */
	uint64_t size;        /* octets of the text */
	/* Reads text: number of octets, 0 at the end, -1 and errno. */
	ssize_t (*read)(void *arg, uint64_t at, char *out, size_t n);
	void *arg;
	struct str text;      /* instead of read: it is in memory */

	enum delivery_result result;
	int error;            /* errno of DELIVERY_ERROR */
	uint32_t uid;
	char where[256];      /* the mailbox it went to: "INBOX" */
	struct delivery *next; /* the batch's own */
};

struct batch *batch_new(const struct batch_conf *conf);
void batch_free(struct batch *b);
/* Writes its file; its result may be decided already. */
void batch_add(struct batch *b, struct delivery *d);
/* Deliveries added and not yet committed. */
size_t batch_count(const struct batch *b);
/* As many mailboxes have work as are kept open: batch_commit, or the next may
 * find no descriptor. */
bool batch_is_full(const struct batch *b);
/*
 * Index frames, then one flush for all.  0: every delivery's result holds.
 * -1 and errno: the flush failed; nothing is known, nothing may be answered,
 * and the process must end.
 */
int batch_commit(struct batch *b);

#endif
