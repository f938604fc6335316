/*
 * password -- reads one from a person or a script, or makes one up.
 */
#ifndef POSTERN_CTL_PASSWORD_H
#define POSTERN_CTL_PASSWORD_H

#include "base/buf.h"
#include "ctl/ctl.h"

enum { PASSWORD_MAX = 1024, PHRASE_MAX = 64 };

/* From stdin (its first line) or, at a terminal, by asking without an echo;
 * there an empty answer to `account add` makes one up and shows it.  0, or
 * the exit code after having said why. */
int password_read(const struct ctl *c, const struct cmd *cmd, bool from_stdin,
    struct buf *out);
/* "tulip-cabin-49-river": 38 bits. */
void phrase_make(char out[PHRASE_MAX]);

#endif
