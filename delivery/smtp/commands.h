/*
 * commands -- the lines MAIL and RCPT with the parameters that the server
 * knows.  Pure.  Source: RFC 5321 4.1.1, RFC 1870, RFC 6152, RFC 6531 3.4,
 * RFC 3461 4.
 */
#ifndef POSTERN_SMTP_COMMANDS_H
#define POSTERN_SMTP_COMMANDS_H

#include "base/buf.h"
#include "delivery/smtp/client.h"

/* can: EHLO_ bits of the server. */
void command_mail(
    struct buf *out, const struct client_mail *mail, unsigned can);
void command_rcpt(struct buf *out, const struct client_rcpt *rcpt,
    uint32_t flags, unsigned can);
/* The address can stand between < and > without harm. */
bool command_safe(struct str address);

#endif
