/*
 * advice -- what a person can do about a delivery that failed, by its
 * enhanced status code (RFC 3463).
 */
#ifndef POSTERN_BOUNCE_ADVICE_H
#define POSTERN_BOUNCE_ADVICE_H

#include <stdbool.h>

#include "base/str.h"

/* A sentence or two; never NULL.  is_remote: another server said so. */
const char *advice_for(struct str status, bool is_remote);

#endif
