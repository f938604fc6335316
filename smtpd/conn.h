/*
 * conn -- one client of smtpd: its stream, its session and what the session
 * waits for.  Ends by itself.
 */
#ifndef POSTERN_SMTPD_CONN_H
#define POSTERN_SMTPD_CONN_H

#include "front/listen.h"
#include "smtpd/smtpd.h"

/* Takes over fd. */
void conn_new(struct smtpd *d, int fd, const struct listen_client *client);
/* qmgr takes octets again, or is gone. */
void conns_on_room(struct smtpd *d);
/* The service ends: each once its present transaction is through. */
void conns_stop(struct smtpd *d);

#endif
