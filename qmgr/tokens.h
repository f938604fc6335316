/*
 * tokens -- which files of the drop folder were accepted, or messages that may
 * become one, by their tokens (msg/submit.h), until it is said that they are
 * gone: who comes with one again hears the id that it got.
 */
#ifndef POSTERN_QMGR_TOKENS_H
#define POSTERN_QMGR_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/map.h"
#include "msg/submit.h"

/* Known at once, at most: pickup has some thousand files at a time that are
 * accepted and not yet gone. */
enum { TOKENS_MAX = 10000 };

/* Zeroed it is empty. */
struct tokens {
	struct map ids; /* TOKEN octets -> uint64_t, allocated */
};

void tokens_clear(struct tokens *t);
/* The message's id; 0: unknown. */
uint64_t tokens_get(const struct tokens *t, struct str token);
void tokens_set(struct tokens *t, struct str token, uint64_t id);
/* false: it was unknown. */
bool tokens_del(struct tokens *t, struct str token);

/* All of them with their ids, as FORMAT.md has it in a state's head. */
void tokens_put(const struct tokens *t, struct buf *out);
/* Adds what was put; false: malformed. */
bool tokens_take(struct tokens *t, struct str *in);

#endif
