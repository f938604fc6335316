/* drop_rig -- messages that come from the drop folder, for rig.h. */
#ifndef POSTERN_TESTS_QMGR_DROP_RIG_H
#define POSTERN_TESTS_QMGR_DROP_RIG_H

#include "tests/unit/qmgr/rig.h"

enum { DROP_FILES = 64 }; /* that a dump shows */

/* The token of the file of this number, until the next call. */
struct str drop_token(uint32_t number);
/* The id under which it is known, or 0. */
uint64_t drop_known(const struct rig *r, uint32_t number);
/* A message of one recipient from this file. */
struct message *drop_accept(struct rig *r, uint32_t number, const char *body);
/* What is known of the files; added to out. */
void drop_dump(const struct rig *r, struct buf *out);

#endif
