/*
 * appending -- APPEND: a message on its way from the client into a mailbox.
 * Source: RFC 3501 6.3.11, RFC 4315 3 (APPENDUID).
 */
#ifndef POSTERN_IMAPD_APPENDING_H
#define POSTERN_IMAPD_APPENDING_H

#include <stdint.h>

#include "imapd/session.h"

enum appending_result {
	APPENDING_NOT_YET, /* the literal is the mailbox's name or the date */
	APPENDING_GO,      /* its octets go to appending_octets */
	APPENDING_REFUSED  /* s->result and s->text say why */
};
/* args: what stands behind APPEND, up to and with the literal's "{n}". */
enum appending_result appending_begin(
    struct session *s, struct str args, uint64_t size);
void appending_octets(struct session *s, struct str octets);
/* The command is complete. */
enum cmd_result appending_end(struct session *s);
void appending_free(struct appending *a);

#endif
