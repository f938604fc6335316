/*
 * param -- "value; name=value; ..." of Content-Type and Content-Disposition.
 * Source: RFC 2045 5.1, RFC 2183, RFC 2231 (continuations, charsets).
 * Strings live in the caller's pool.
 */
#ifndef POSTERN_MAIL_PARAM_H
#define POSTERN_MAIL_PARAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"
#include "base/str.h"

enum { PARAM_MAX = 64 }; /* parameters of one field; the rest is not read */

struct param {
	struct str name;  /* as written, "filename*0*" included */
	struct str value; /* quotes, escapes and folds removed */
};
struct params {
	struct param *list; /* count of them */
	size_t count;
};

/* A token (text before the first ";" or "/"), comments skipped.  false:
 * none; *in then begins where it should have been. */
bool param_token(struct str *in, struct str *token);
/* Takes *("; name=value"); never fails, what it cannot read it skips. */
void params_take(struct str *in, struct pool *pool, struct params *out);
/* The value of name as written, or NULL. */
const struct str *params_get(const struct params *p, struct str name);
/*
 * The value of name as UTF-8: RFC 2231 pieces joined and decoded, else the
 * plain one with encoded words decoded.  false: there is none.
 */
bool params_text(const struct params *p, struct pool *pool, struct str name,
    struct str *out);

#endif
