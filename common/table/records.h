/*
 * records -- keys and values on disk with transactions: a B-tree of Berkeley
 * DB in an environment of this process alone.  What was committed survives
 * any crash; what was not, never shows.
 * The process stays in the folder (fchdir), as Berkeley DB names its files
 * relative to it: one at a time in a process.
 */
#ifndef POSTERN_TABLE_RECORDS_H
#define POSTERN_TABLE_RECORDS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

struct records;

enum { RECORDS_ERROR = 256 };

/* Opens or makes FILE in the folder, after recovery of what a crash left.
 * NULL: error has the words.  dirfd stays the caller's. */
struct records *records_open(
    int dirfd, const char *file, char error[RECORDS_ERROR]);
void records_close(struct records *r);

/* Adds the value to out: 1 found, 0 absent, -1 failure. */
int records_get(struct records *r, struct str key, struct buf *out);
/* Both are part of the open transaction, which they begin if there is none.
 * 0, or -1: then nothing of the transaction remains. */
int records_put(struct records *r, struct str key, struct str value);
/* No error if it is absent. */
int records_del(struct records *r, struct str key);
bool records_is_open(const struct records *r); /* a transaction is */
/* Durable on 0.  -1: nothing of the transaction remains. */
int records_commit(struct records *r);
void records_abort(struct records *r);

/* All records whose key begins with prefix, in the keys' order; take returns
 * false to stop.  0, or -1 on failure. */
int records_walk(struct records *r, struct str prefix,
    bool (*take)(void *arg, struct str key, struct str value), void *arg);
/* The same beginning at key, whatever the keys are. */
int records_from(struct records *r, struct str key,
    bool (*take)(void *arg, struct str key, struct str value), void *arg);
/* Words for the last failure. */
const char *records_error(const struct records *r);

#endif
