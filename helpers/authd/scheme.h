/*
 * scheme -- stored passwords in the forms that other mail servers and
 * shadow(5) have: "{SCHEME}hash", or what crypt(3) makes ("$y$...").
 * Slow on purpose: only in a hash thread.  Safe in several threads.
 */
#ifndef POSTERN_AUTHD_SCHEME_H
#define POSTERN_AUTHD_SCHEME_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

enum { STORED_MAX = 1024, PASSWORD_MAX = 1024 };

/* How new passwords are kept (accounts.password_hash, in that order). */
enum scheme_new { SCHEME_YESCRYPT, SCHEME_SHA512CRYPT, SCHEME_BCRYPT };

/* A form that scheme_check understands. */
bool scheme_is_known(struct str stored);
/* Whether this is the password; takes as long for a wrong one. */
bool scheme_check(struct str stored, struct str password);
/* Adds "{CRYPT}..." for a new password; false for one that cannot be kept
 * (empty, too long, with a NUL inside). */
bool scheme_make(enum scheme_new how, struct str password, struct buf *out);

#endif
