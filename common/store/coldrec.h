/*
 * coldrec -- the cold record of a message as octets, and how it is made from
 * the message.  Pure.  It stands inside the APPEND frame first, and in the
 * meta file once a snapshot was written.
 */
#ifndef POSTERN_STORE_COLDREC_H
#define POSTERN_STORE_COLDREC_H

#include "mail/bodystructure_text.h"
#include "mail/envelope_text.h"
#include "store/message.h"

enum { COLDREC_MAX = 65536, COLDREC_LEAST = 72, COLDREC_NAME_MAX = 240 };

/* Octets of envelope and structure together, whatever the message is. */
enum { COLDREC_TEXT_MAX = ENVELOPE_MAX + BODYSTRUCTURE_MAX };

/* Finds out what a cold record holds (guid and name are the caller's); the
 * strings are added to space, which has room for COLDREC_TEXT_MAX: a string
 * for which there is none is left out, and empty. */
void coldrec_study(struct cold *out, struct buf *space, struct str text);
/* Adds the record; what is too long for COLDREC_MAX is left out. */
void coldrec_put(struct buf *out, const struct cold *c);
/* The length of the record that in begins with, 0: it is none. */
size_t coldrec_length(struct str in);
/* Views point into in.  Envelope or structure are empty if left out. */
bool coldrec_take(struct str in, struct cold *out);

/* First octets of a guid, for rows. */
uint32_t coldrec_tag(const uint8_t guid[STORE_GUID]);

#endif
