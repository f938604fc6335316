/*
 * guid -- the identity of a message: 16 octets of a SHA-256, or random ones.
 */
#ifndef POSTERN_STORE_GUID_H
#define POSTERN_STORE_GUID_H

#include <stdint.h>

#include "base/str.h"
#include "store/store.h"

/* From the parts, each with its length; kind tells uses apart. */
void guid_of(const char *kind, struct str a, struct str b, struct str c,
    uint8_t guid[STORE_GUID]);
void guid_random(uint8_t guid[STORE_GUID]);

#endif
