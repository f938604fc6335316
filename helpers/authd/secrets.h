/*
 * secrets -- what authd keeps for each account: secrets.db.
 * Names are canonical user@domain, as routerd says them.
 */
#ifndef POSTERN_AUTHD_SECRETS_H
#define POSTERN_AUTHD_SECRETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct records;

struct secret {
	struct str stored;    /* "{SCHEME}hash" */
	uint64_t created_ms, changed_ms; /* wall clock */
};

/* Adds the stored form to out; changed_ms may be NULL.  1, 0 absent, -1. */
int secrets_get(struct records *r, struct str account, struct buf *out,
    uint64_t *changed_ms);
/* Within the open transaction. */
int secrets_put(struct records *r, struct str account, struct str stored);
int secrets_del(struct records *r, struct str account);
/* The next account behind after ("" to begin); false at the end. */
bool secrets_next(struct records *r, struct str after, struct buf *account);

#endif
