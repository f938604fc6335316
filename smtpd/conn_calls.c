#include "smtpd/conn_int.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "proc/note.h"
#include "smtpd/trace.h"

static bool
call_has_tls(void *arg)
{
	struct conn *c = arg;

	return keys_ready(&c->d->keys);
}

static struct str
call_mechs(void *arg)
{
	struct conn *c = arg;

	return logins_mechs(&c->d->logins);
}

static void
call_start_tls(void *arg)
{
	struct conn *c = arg;

	c->tls_wanted = true;
}

static void
note_login(const struct conn *c, const struct login_done *done)
{
	bool ok = done->result == AUTH_OK;

	note(ok ? NOTE_INFO : NOTE_WARN, ok ? "login" : "login-failed");
	note_c("client", c->client.text);
	note_str("service", c->client.service);
	if (ok)
		note_str("account", done->account);
	else
		note_str("reason", done->text);
	note_end();
}

static void
on_ask(void *arg, struct str challenge)
{
	struct conn *c = arg;

	smtp_session_on_auth_ask(&c->session, challenge);
	deferred_call(&c->pump);
}

static void
on_done(void *arg, const struct login_done *done)
{
	static const enum smtp_auth results[] = {
		[AUTH_OK] = SMTP_AUTH_OK,
		[AUTH_BAD] = SMTP_AUTH_BAD,
		[AUTH_TEMPORARY] = SMTP_AUTH_TEMPORARY,
		[AUTH_NOT_ALLOWED] = SMTP_AUTH_NOT_ALLOWED,
		[AUTH_MALFORMED] = SMTP_AUTH_MALFORMED,
		[AUTH_NO_MECH] = SMTP_AUTH_NO_MECH,
	};
	struct conn *c = arg;

	c->login = NULL;
	note_login(c, done);
	if (done->worker != -1)
		close(done->worker); /* not for this role */
	smtp_session_on_auth_done(&c->session, results[done->result],
	    done->account, done->text);
	deferred_call(&c->pump);
}

static const struct login_ops login_ops = { .on_ask = on_ask,
	.on_done = on_done };

static void
call_auth_begin(
    void *arg, struct str mech, bool has_initial, struct str initial)
{
	struct conn *c = arg;
	struct msg_auth_begin b = {
		.tls = c->session.tls,
		.has_initial = has_initial,
		.mech = mech,
		.client = str_c(c->client.text),
		.initial = initial,
	};

	c->login = login_begin(&c->d->logins, &b, &login_ops, c);
}

static void
call_auth_say(void *arg, struct str response)
{
	struct conn *c = arg;

	login_say(c->login, response);
}

static void
call_auth_cancel(void *arg)
{
	struct conn *c = arg;

	login_cancel(c->login);
	c->login = NULL;
}

/* What routerd says of a sender or recipient, as a reply. */
static unsigned
verdict(const struct msg_route_is *is, struct str *text)
{
	*text = is->text;
	switch ((enum route_kind)is->kind) {
	case ROUTE_LOCAL:
		if (is->full == 0)
			return 250;
		*text = STR("4.2.2 the mailbox is full");
		return 452;
	case ROUTE_REMOTE:
	case ROUTE_LIST:
		return 250;
	case ROUTE_REJECT:
		if (text->n == 0)
			*text = STR("5.7.1 refused");
		return is->code >= 500 && is->code < 600 ? is->code : 550;
	case ROUTE_TEMPORARY:
		break;
	}
	if (text->n == 0)
		*text = STR("4.3.0 not now, try again");
	return is->code >= 400 && is->code < 500 ? is->code : 451;
}

static void
on_sender(void *arg, const struct msg_route_is *is)
{
	struct conn *c = arg;
	struct str text;
	unsigned code = verdict(is, &text);

	/* A full mailbox may send. */
	if (is->kind == ROUTE_LOCAL)
		code = 250;
	smtp_session_on_sender(&c->session, code, text);
	deferred_call(&c->pump);
}

/*
 * A program on this host may not send as somebody else's mailbox; addresses
 * that are nobody's here, and lists, are free.
 */
static void
on_local_sender(void *arg, const struct msg_route_is *is)
{
	struct conn *c = arg;

	if (is->kind == ROUTE_TEMPORARY)
		smtp_session_on_sender(
		    &c->session, 451, STR("4.3.0 not now, try again"));
	else if (is->kind == ROUTE_LOCAL && is->uid != c->client.uid)
		smtp_session_on_sender(&c->session, 553,
		    STR("5.7.1 the sender is somebody else's mailbox"));
	else
		smtp_session_on_sender(&c->session, 250, STR_NONE);
	deferred_call(&c->pump);
}

/* Root and the owner of this instance speak for everybody. */
static bool
is_owner(const struct conn *c)
{
	return c->session.policy->kind == SMTP_LOCAL &&
	    (c->client.uid == 0 || c->client.uid == getuid());
}

static void
call_check_sender(void *arg, struct str login, struct str address)
{
	struct conn *c = arg;

	bool local = c->session.policy->kind == SMTP_LOCAL;

	if (is_owner(c)) {
		smtp_session_on_sender(&c->session, 250, STR_NONE);
		return;
	}
	c->ask.type = local ? MSG_ROUTE : MSG_ROUTE_MAY_SEND;
	c->ask.q = (struct msg_route){ .address = address, .login = login,
		.may_relay = local };
	c->ask.on_answer = local ? on_local_sender : on_sender;
	c->ask.arg = c;
	router_ask(&c->d->router, &c->ask);
}

static void
on_rcpt(void *arg, const struct msg_route_is *is)
{
	struct conn *c = arg;
	struct str text;
	unsigned code = verdict(is, &text);

	/* The rest of a list is for qmgr. */
	smtp_session_on_rcpt(&c->session, code, text);
	deferred_call(&c->pump);
}

static void
call_check_rcpt(void *arg, struct str address, bool may_relay)
{
	struct conn *c = arg;

	c->ask.type = MSG_ROUTE;
	c->ask.q = (struct msg_route){ .address = address,
		.login = str_c(c->session.login),
		.may_relay = may_relay };
	c->ask.on_answer = on_rcpt;
	c->ask.arg = c;
	router_ask(&c->d->router, &c->ask);
}

/* Who does not hear the 250 leaves a file of that token instead. */
static void
keep_token(struct conn *c)
{
	const struct str token = c->session.tx.token;

	c->unheard = token.n == TOKEN;
	if (c->unheard)
		memcpy(c->token, token.p, TOKEN);
}

void
conn_calls_heard(struct conn *c)
{
	if (c->unheard)
		queue_gone(&c->d->queue, str_n(c->token, TOKEN));
	c->unheard = false;
}

static void
on_queued(void *arg, const struct msg_submit_done *done)
{
	struct conn *c = arg;

	if (done->code == 250) {
		note(NOTE_INFO, "accepted");
		note_id("id", done->id);
		note_c("client", c->client.text);
		note_str("service", c->client.service);
		if (c->session.login[0] != '\0')
			note_c("account", c->session.login);
		note_str("from", c->session.tx.sender);
		if (c->session.tx.nrcpts == 1)
			note_str("to",
			    STAILQ_FIRST(&c->session.tx.rcpts)->address);
		note_u64("recipients", c->session.tx.nrcpts);
		note_u64("size", c->session.body.size);
		note_end();
		keep_token(c);
	}
	smtp_session_on_queued(&c->session, done->code, done->text);
	deferred_call(&c->pump);
}

/* Nothing is sent before the first octets of the message: one frame group
 * wakes qmgr, not two. */
static bool
call_open(void *arg, const struct smtp_tx *tx)
{
	struct conn *c = arg;

	(void)tx;
	return c->d->queue.link != NULL;
}

/* false: qmgr went away since DATA. */
static bool
open_message(struct conn *c, const struct smtp_tx *tx)
{
	const struct smtp_rcpt *r;
	struct msg_submit head = {
		.flags = tx->flags,
		.size_hint = tx->size_hint,
		.sender = tx->sender,
		.envid = tx->envid,
		.token = tx->token,
		.login = str_c(c->session.login),
		.client = str_c(c->client.text),
	};

	c->msg.on_done = on_queued;
	c->msg.arg = c;
	if (!queue_open(&c->d->queue, &c->msg, &head))
		return false;
	STAILQ_FOREACH(r, &tx->rcpts, entry) {
		struct env_rcpt rcpt = { .notify = r->notify,
			.address = r->address, .orcpt = r->orcpt };

		queue_rcpt(&c->msg, &rcpt);
	}
	return true;
}

/* A number that no other process of this host and time has. */
static uint64_t
unique(struct smtpd *d)
{
	return d->proc.epoch + ((uint64_t)d->proc.instance << 48) + ++d->unique;
}

static void
send_prefix(struct conn *c, const struct smtp_tx *tx)
{
	struct trace t = {
		.helo = str_c(c->session.helo),
		.ptr = str_c(c->ptr),
		.client = str_c(c->client.text),
		.hostname = c->session.policy->hostname,
		.protocol = smtp_session_protocol(&c->session),
		.tls = stream_tls_text(c->stream),
		.unique = unique(c->d),
	};
	struct msg_submit_prefix prefix;
	struct buf *b = &c->d->prefix;

	date_now(&t.now);
	buf_reset(b);
	trace_write(b, &t, tx, &prefix.id_at);
	prefix.text = buf_str(b);
	queue_prefix(&c->msg, &prefix);
}

static void
call_prefix(void *arg, const struct smtp_tx *tx)
{
	struct conn *c = arg;

	if (open_message(c, tx))
		send_prefix(c, tx);
	else
		smtp_session_on_queued(&c->session, 451,
		    STR("4.3.0 the queue went away, try again"));
}

static void
call_body(void *arg, struct str octets)
{
	struct conn *c = arg;

	queue_body(&c->msg, octets);
}

static void
call_end(void *arg)
{
	struct conn *c = arg;

	queue_end(&c->msg);
}

static void
call_cancel(void *arg)
{
	struct conn *c = arg;

	queue_cancel(&c->msg);
}

static void
call_event(void *arg, enum smtp_event what, struct str address, unsigned code,
    struct str text)
{
	static const struct {
		const char *name; /* NULL: not for the log */
		enum note_level level;
	} names[] = {
		[SMTP_EV_RCPT_REFUSED] = { "recipient-refused", NOTE_INFO },
		[SMTP_EV_SENDER_REFUSED] = { "sender-refused", NOTE_INFO },
		[SMTP_EV_BODY_REFUSED] = { "message-refused", NOTE_INFO },
		[SMTP_EV_BAD_COMMAND] = { "bad-command", NOTE_DEBUG },
		[SMTP_EV_ACCEPTED] = { NULL, NOTE_INFO },
		[SMTP_EV_TOO_MANY] = { "too-many-errors", NOTE_WARN },
	};
	struct conn *c = arg;

	if (names[what].name == NULL)
		return;
	note(names[what].level, names[what].name);
	note_c("client", c->client.text);
	note_str("service", c->client.service);
	if (address.n != 0)
		note_str("address", address);
	if (code != 0)
		note_u64("code", code);
	if (text.n != 0)
		note_str("text", text);
	note_end();
}

const struct smtp_calls conn_calls = {
	.has_tls = call_has_tls,
	.mechs = call_mechs,
	.start_tls = call_start_tls,
	.auth_begin = call_auth_begin,
	.auth_say = call_auth_say,
	.auth_cancel = call_auth_cancel,
	.check_sender = call_check_sender,
	.check_rcpt = call_check_rcpt,
	.open = call_open,
	.prefix = call_prefix,
	.body = call_body,
	.end = call_end,
	.cancel = call_cancel,
	.event = call_event,
};

void
conn_calls_cancel(struct conn *c)
{
	router_cancel(&c->ask);
	names_cancel(&c->name);
	queue_cancel(&c->msg);
	login_cancel(c->login);
	c->login = NULL;
}
