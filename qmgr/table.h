/*
 * table -- all messages of the queue: by id, and in the order of acceptance.
 * Owns them.  A cursor stands between two of them and stays valid whatever is
 * added or removed.
 */
#ifndef POSTERN_QMGR_TABLE_H
#define POSTERN_QMGR_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "qmgr/message.h"

struct table_cursor {
	LIST_ENTRY(table_cursor) entry;
	struct message *at; /* the next one, or NULL at the end */
	uint64_t until;     /* ids above are not walked to */
};

struct table {
	struct message **slots; /* open addressing; cap is a power of two */
	size_t cap, n;
	struct message_list all;
	LIST_HEAD(, table_cursor) cursors;
};

void table_init(struct table *t);
/* The messages must be gone. */
void table_clear(struct table *t);
/* Its id must be new. */
void table_add(struct table *t, struct message *m);
void table_remove(struct table *t, struct message *m);
struct message *table_find(const struct table *t, uint64_t id);

/* Over all messages that are there now. */
void cursor_open(struct table_cursor *c, struct table *t);
struct message *cursor_next(struct table_cursor *c);
void cursor_close(struct table_cursor *c);

#endif
