/*
 * lex -- the tokens of IMAP commands.  Source: RFC 3501 section 9, RFC 7888
 * (non-synchronising literals).
 * Each function takes one production off the front of *in; on failure *in
 * and the results stay as they were.  Octets of literals stand in the text
 * behind their "{n}" CRLF, as the reader gathered them.  NUL is in no token.
 * Results point into the text, or into the pool when something had to be
 * unescaped.
 */
#ifndef POSTERN_IMAPD_LEX_H
#define POSTERN_IMAPD_LEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/str.h"

/* Exactly one space. */
bool lex_sp(struct str *in);
/* tag = 1*<any ASTRING-CHAR except "+"> */
bool lex_tag(struct str *in, struct str *out);
/* atom = 1*ATOM-CHAR */
bool lex_atom(struct str *in, struct str *out);
/* number = 1*DIGIT, below 2^32; nz-number also not 0, no leading 0 */
bool lex_number(struct str *in, uint32_t *out);
bool lex_nz_number(struct str *in, uint32_t *out);
bool lex_number64(struct str *in, uint64_t *out);
/* string = quoted / literal */
bool lex_string(struct str *in, struct pool *pool, struct str *out);
/* astring = 1*ASTRING-CHAR / string */
bool lex_astring(struct str *in, struct pool *pool, struct str *out);
/* nstring = string / "NIL"; *nil tells which */
bool lex_nstring(
    struct str *in, struct pool *pool, struct str *out, bool *nil);
/* list-mailbox = 1*list-char / string */
bool lex_list_mailbox(struct str *in, struct pool *pool, struct str *out);
/* flag, with its backslash; "\*" is none */
bool lex_flag(struct str *in, struct str *out);
/* "{" number64 ["+"] "}" at the very end of line; *sync: without "+".
 * The number saturates. */
bool lex_literal_end(struct str line, uint64_t *size, bool *sync);
/* A word without case, not followed by another atom character. */
bool lex_word(struct str *in, struct str word);

#endif
