#include "tests/unit/smtpd/rig.h"

#include <stdlib.h>

static bool
rig_has_tls(void *arg)
{
	struct rig *r = arg;

	return !r->no_tls;
}

static struct str
rig_mechs(void *arg)
{
	(void)arg;
	return STR("PLAIN LOGIN");
}

static void
rig_start_tls(void *arg)
{
	(void)arg;
}

/* Gives the answer that is due. */
static void
answer(struct rig *r)
{
	enum rig_due due = r->due;
	struct str text = str_c(r->text);

	r->due = DUE_NONE;
	switch (due) {
	case DUE_NONE:
		return;
	case DUE_ASK:
		smtp_session_on_auth_ask(&r->s, text);
		return;
	case DUE_LOGIN:
		smtp_session_on_auth_done(
		    &r->s, r->auth, STR("user@local.test"), text);
		return;
	case DUE_SENDER:
		smtp_session_on_sender(&r->s, r->code, text);
		return;
	case DUE_RCPT:
		smtp_session_on_rcpt(&r->s, r->code, text);
		return;
	case DUE_EARLY:
	case DUE_QUEUED:
		r->is_open = false;
		if (due == DUE_EARLY)
			r->cancels++;
		smtp_session_on_queued(&r->s, r->code, text);
		return;
	}
}

static void
set_due(struct rig *r, enum rig_due due, unsigned code, const char *text)
{
	if (r->due != DUE_NONE)
		abort(); /* one question at a time */
	r->due = due;
	r->code = code;
	r->text = text;
	if (!r->later)
		answer(r);
}

static void
judge_password(struct rig *r, struct str response)
{
	r->auth = str_eq(response, STR("\0user\0secret")) ? SMTP_AUTH_OK
	                                                  : SMTP_AUTH_BAD;
	set_due(r, DUE_LOGIN, 0, "");
}

static void
rig_auth_begin(void *arg, struct str mech, bool has_initial, struct str initial)
{
	struct rig *r = arg;

	if (str_ieq(mech, STR("LOGIN")))
		set_due(r, DUE_ASK, 0, "User Name");
	else if (has_initial)
		judge_password(r, initial);
	else
		set_due(r, DUE_ASK, 0, "");
}

static void
rig_auth_say(void *arg, struct str response)
{
	struct rig *r = arg;

	if (str_eq(response, STR("user"))) {
		set_due(r, DUE_ASK, 0, "Password");
	} else if (str_eq(response, STR("secret"))) {
		r->auth = SMTP_AUTH_OK;
		set_due(r, DUE_LOGIN, 0, "");
	} else {
		judge_password(r, response);
	}
}

static void
rig_auth_cancel(void *arg)
{
	struct rig *r = arg;

	r->due = DUE_NONE;
}

static void
rig_check_sender(void *arg, struct str login, struct str address)
{
	struct rig *r = arg;

	if (str_eq(login, address))
		set_due(r, DUE_SENDER, 250, "");
	else
		set_due(r, DUE_SENDER, 553, "5.7.1 not your address");
}

static void
rig_check_rcpt(void *arg, struct str address, bool may_relay)
{
	static const struct {
		const char *address;
		unsigned code;
		const char *text;
	} known[] = {
		{ "user@local.test", 250, "" },
		{ "alias@local.test", 250, "" },
		{ "postmaster", 250, "" },
		{ "refuse@local.test", 250, "" },
		{ "late@local.test", 250, "" },
		{ "full@local.test", 452, "4.2.2 the mailbox is full" },
		{ "temp@local.test", 451, "4.3.0 not now" },
	};
	struct rig *r = arg;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (str_eq(address, str_c(known[i].address))) {
			set_due(r, DUE_RCPT, known[i].code, known[i].text);
			return;
		}
	}
	if (str_ends(address, STR("@local.test")))
		set_due(r, DUE_RCPT, 550, "5.1.1 no such mailbox");
	else if (may_relay)
		set_due(r, DUE_RCPT, 250, "");
	else
		set_due(r, DUE_RCPT, 554, "5.7.1 relaying denied");
}

static bool
rig_open(void *arg, const struct smtp_tx *tx)
{
	struct rig *r = arg;
	const struct smtp_rcpt *rcpt;

	if (r->is_open)
		abort(); /* two messages at once */
	if (r->no_queue)
		return false;
	r->opens++;
	r->is_open = true;
	r->refuse_early = r->refuse_late = false;
	buf_reset(&r->now);
	buf_addf(&r->now, "<%.*s>", STR_ARG(tx->sender));
	STAILQ_FOREACH(rcpt, &tx->rcpts, entry) {
		buf_addf(&r->now, " <%.*s>", STR_ARG(rcpt->address));
		if (rcpt->notify != 0)
			buf_addf(&r->now, " notify=%u", rcpt->notify);
		if (rcpt->orcpt.n != 0)
			buf_addf(&r->now, " orcpt=%.*s", STR_ARG(rcpt->orcpt));
		if (str_eq(rcpt->address, STR("refuse@local.test")))
			r->refuse_early = true;
		if (str_eq(rcpt->address, STR("late@local.test")))
			r->refuse_late = true;
	}
	if (tx->envid.n != 0)
		buf_addf(&r->now, " envid=%.*s", STR_ARG(tx->envid));
	if (tx->flags != 0)
		buf_addf(&r->now, " flags=%u", tx->flags);
	return true;
}

static void
rig_prefix(void *arg, const struct smtp_tx *tx)
{
	struct rig *r = arg;

	if (!r->is_open)
		abort();
	r->prefixes++;
	buf_addf(&r->now, " with=%s", smtp_session_protocol(&r->s));
	if (tx->missing != 0)
		buf_addf(&r->now, " missing=%u", tx->missing);
	if (tx->headless)
		buf_add_c(&r->now, " headless");
	buf_add_c(&r->now, " | ");
}

static void
rig_body(void *arg, struct str octets)
{
	struct rig *r = arg;

	if (!r->is_open)
		abort();
	buf_add(&r->now, octets);
	if (r->refuse_early) {
		r->refuse_early = false;
		/* In the middle of a body nothing waits for it. */
		r->is_open = false;
		r->cancels++;
		smtp_session_on_queued(
		    &r->s, 452, STR("4.3.1 the queue is full"));
	}
}

static void
rig_end(void *arg)
{
	struct rig *r = arg;

	if (!r->is_open)
		abort();
	r->ends++;
	if (r->refuse_late) {
		set_due(r, DUE_QUEUED, 451, "4.3.0 no disk");
		return;
	}
	buf_add(&r->taken, buf_str(&r->now));
	buf_add_char(&r->taken, '\n');
	set_due(r, DUE_QUEUED, 250, "2.0.0 queued as 1");
}

static void
rig_cancel(void *arg)
{
	struct rig *r = arg;

	if (!r->is_open)
		abort();
	r->is_open = false;
	r->cancels++;
	if (r->due == DUE_QUEUED)
		r->due = DUE_NONE;
}

static void
rig_event(void *arg, enum smtp_event what, struct str address, unsigned code,
    struct str text)
{
	(void)arg;
	(void)what;
	(void)address;
	(void)code;
	(void)text;
}

static const struct smtp_calls rig_calls = {
	.has_tls = rig_has_tls,
	.mechs = rig_mechs,
	.start_tls = rig_start_tls,
	.auth_begin = rig_auth_begin,
	.auth_say = rig_auth_say,
	.auth_cancel = rig_auth_cancel,
	.check_sender = rig_check_sender,
	.check_rcpt = rig_check_rcpt,
	.open = rig_open,
	.prefix = rig_prefix,
	.body = rig_body,
	.end = rig_end,
	.cancel = rig_cancel,
	.event = rig_event,
};

static void
hear(struct rig *r)
{
	buf_add(&r->said, buf_str(&r->s.out));
	buf_reset(&r->s.out);
}

void
rig_init(struct rig *r, enum smtp_kind kind)
{
	*r = (struct rig){ 0 };
	r->policy = (struct smtp_policy){ .kind = kind,
		.hostname = STR("mx.test"), .size_max = 100000, .rcpt_max = 5,
		.messages_max = 3, .hops_max = 50, .errors_max = 5,
		.require_tls = true, .from_must_match = true };
	r->client = (struct smtp_client){ .address = STR("192.0.2.9"),
		.tls = kind == SMTP_SUBMISSIONS };
	buf_init(&r->work, SMTP_STEP + 64);
	buf_init(&r->said, BUF_NO_MAX);
	buf_init(&r->taken, BUF_NO_MAX);
	buf_init(&r->now, BUF_NO_MAX);
}

void
rig_start(struct rig *r)
{
	smtp_session_init(&r->s, &r->policy, &r->client, &rig_calls, r,
	    &r->work);
	smtp_session_start(&r->s);
	hear(r);
}

void
rig_clear(struct rig *r)
{
	smtp_session_clear(&r->s);
	if (r->is_open)
		abort(); /* a message was left open */
	buf_clear(&r->work);
	buf_clear(&r->said);
	buf_clear(&r->taken);
	buf_clear(&r->now);
}

void
rig_feed(struct rig *r, struct str in)
{
	for (;;) {
		size_t used = smtp_session_feed(&r->s, in);

		str_take(&in, used);
		hear(r);
		if (r->due != DUE_NONE) {
			answer(r);
			hear(r);
		} else if (in.n == 0) {
			return;
		} else if (used == 0 && r->s.waiting != SMTP_WAIT_NONE) {
			abort(); /* waits for what nobody was asked */
		}
	}
}
