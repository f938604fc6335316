/*
 * rig -- a session of smtpd with a small world around it: some mailboxes, one
 * account, a queue that remembers what it took.  Answers come at once or
 * only after the call, as the test wants it.
 *
 * The world: at local.test there are user, alias and postmaster; full is over
 * quota, temp cannot be looked up, refuse makes the queue refuse early and
 * late at the end; other domains need the right to relay.  user@local.test
 * has the password "secret" and may send as itself only.
 */
#ifndef POSTERN_TESTS_SMTPD_RIG_H
#define POSTERN_TESTS_SMTPD_RIG_H

#include "base/buf.h"
#include "smtpd/session.h"

/* An answer that is due. */
enum rig_due { DUE_NONE, DUE_ASK, DUE_LOGIN, DUE_SENDER, DUE_RCPT, DUE_EARLY,
	DUE_QUEUED };

struct rig {
	struct smtp_policy policy;
	struct smtp_client client;
	struct smtp_session s;
	struct buf work;
	struct buf said;      /* all that the session ever said */
	struct buf taken;     /* "from: ... to: ..." and text of each message */
	struct buf now;       /* the message that is open */
	bool later;           /* answers come after the call */
	bool no_tls, no_queue;
	enum rig_due due;
	unsigned code;        /* of the due answer */
	const char *text;
	enum smtp_auth auth;
	unsigned opens, ends, cancels; /* opens = ends + cancels + open */
	unsigned prefixes;
	bool is_open;
	bool refuse_early, refuse_late;
};

void rig_init(struct rig *r, enum smtp_kind kind);
void rig_start(struct rig *r);
void rig_clear(struct rig *r);
/* Feeds everything, with the answers that become due. */
void rig_feed(struct rig *r, struct str in);

#endif
