#include "smtpd/session_int.h"

#include "mail/addr.h"
#include "mail/esmtp.h"
#include "mail/utf8.h"
#include "msg/drop.h"

/* RFC 3463 X.1.3 is about a recipient, X.1.7 about a sender. */
struct addr_words {
	const char *syntax, *too_long;
};
static const struct addr_words of_sender = {
	"5.1.7 the sender is not an address", "5.1.7 the sender is too long"
};
static const struct addr_words of_rcpt = {
	"5.1.3 the recipient is not an address",
	"5.1.3 the recipient is too long"
};

static const unsigned can = ESMTP_CAN_SIZE | ESMTP_CAN_8BITMIME |
    ESMTP_CAN_SMTPUTF8 | ESMTP_CAN_DSN | ESMTP_CAN_AUTH;

/* Our sendmail names the file that it would leave. */
static unsigned
offered(const struct smtp_session *s)
{
	if (!s->esmtp)
		return 0;
	return s->policy->kind == SMTP_LOCAL ? can | ESMTP_CAN_XDROP : can;
}

static bool
take_token(struct smtp_tx *tx, struct str name)
{
	char token[TOKEN];

	tx->token = pool_str(&tx->pool, drop_token(name, token));
	return name.n == 0 || tx->token.n != 0;
}

static void
bad_addr(struct smtp_session *s, enum addr_result r,
    const struct addr_words *words)
{
	switch (r) {
	case ADDR_OK:
		return;
	case ADDR_NEEDS_UTF8:
		smtp_reply_c(s, 553, "5.6.7 the address needs SMTPUTF8");
		return;
	case ADDR_LOCAL_LONG:
	case ADDR_DOMAIN_LONG:
		smtp_reply_c(s, 501, words->too_long);
		break;
	case ADDR_SYNTAX:
		smtp_reply_c(s, 501, words->syntax);
		break;
	}
	smtp_count_error(s);
}

static void
bad_params(struct smtp_session *s, enum esmtp_result r)
{
	smtp_reply_c(s, esmtp_code(r), esmtp_text(r));
	smtp_count_error(s);
}

static bool
is_ascii(const struct addr *a)
{
	return utf8_is_ascii(a->local) && utf8_is_ascii(a->domain);
}

/* "FROM:" or "TO:" and, leniently, spaces behind it. */
static bool
take_keyword(struct smtp_session *s, struct str *arg, struct str keyword,
    const char *usage)
{
	if (!str_take_iprefix(arg, keyword)) {
		smtp_reply_c(s, 501, usage);
		smtp_count_error(s);
		return false;
	}
	while (str_take_char(arg, ' '))
		;
	return true;
}

/* The form that the queue and routerd know, in the transaction's pool. */
static bool
canonical(struct smtp_session *s, const struct addr *a, struct str *out)
{
	buf_reset(s->work);
	if (!addr_canonical(s->work, a) || buf_len(s->work) > ADDRESS_MAX)
		return false;
	*out = pool_str(&s->tx.pool, buf_str(s->work));
	return true;
}

static uint32_t
mail_flags(const struct smtp_session *s, const struct esmtp_mail *m)
{
	uint32_t flags = 0;

	if (m->body == ESMTP_8BITMIME)
		flags |= ENV_8BIT;
	if (m->smtputf8)
		flags |= ENV_UTF8;
	if (m->ret == ESMTP_RET_FULL)
		flags |= ENV_RET_FULL;
	if (m->ret == ESMTP_RET_HDRS)
		flags |= ENV_RET_HDRS;
	if (s->client.trusted || s->login[0] != '\0')
		flags |= ENV_LOCAL;
	return flags;
}

/* Judges the arguments of MAIL into tx, which is empty; false: refused. */
static bool
judge_mail(struct smtp_session *s, struct str arg)
{
	struct smtp_tx *tx = &s->tx;
	struct esmtp_mail m;
	enum esmtp_result e;
	enum addr_result a;
	struct addr sender;

	if (!take_keyword(s, &arg, STR("FROM:"),
	        "5.5.4 usage: MAIL FROM:<address>"))
		return false;
	a = addr_take(&arg, ADDR_NULL | ADDR_UTF8, &sender);
	if (a != ADDR_OK) {
		bad_addr(s, a, &of_sender);
		return false;
	}
	e = esmtp_mail_parse(arg, offered(s), &tx->pool, &m);
	if (e == ESMTP_OK && !take_token(tx, m.drop))
		e = ESMTP_VALUE;
	if (e != ESMTP_OK) {
		bad_params(s, e);
		return false;
	}
	if (!m.smtputf8 && !is_ascii(&sender)) {
		bad_addr(s, ADDR_NEEDS_UTF8, &of_sender);
		return false;
	}
	if (m.has_size && m.size > s->policy->size_max) {
		smtp_reply_c(s, 552, "5.3.4 the message is too large");
		return false;
	}
	if (!canonical(s, &sender, &tx->sender)) {
		bad_addr(s, ADDR_DOMAIN_LONG, &of_sender);
		return false;
	}
	tx->flags = mail_flags(s, &m);
	tx->size_hint = m.has_size ? m.size : 0;
	tx->envid = m.envid;
	return true;
}

/* One client must not keep a connection for ever. */
static bool
had_enough(struct smtp_session *s)
{
	if (s->client.trusted || s->login[0] != '\0' ||
	    s->messages < s->policy->messages_max)
		return false;
	smtp_hang_up(s, 421, "4.7.0 enough messages for one connection");
	return true;
}

void
cmd_mail(struct smtp_session *s, struct str arg)
{
	if (had_enough(s))
		return;
	s->mail_refused = false;
	if (!judge_mail(s, arg)) {
		smtp_tx_clear(&s->tx);
		s->mail_refused = true;
		return;
	}
	smtp_goto(s, SMTP_MAIL);
	if (s->policy->from_must_match && s->login[0] != '\0' &&
	    s->tx.sender.n != 0) {
		s->waiting = SMTP_WAIT_SENDER;
		s->calls->check_sender(s->arg, str_c(s->login), s->tx.sender);
		return;
	}
	smtp_reply_c(s, 250, "2.1.0 ok");
}

void
smtp_session_on_sender(struct smtp_session *s, unsigned code, struct str text)
{
	if (s->waiting != SMTP_WAIT_SENDER)
		return;
	s->waiting = SMTP_WAIT_NONE;
	if (code == 250) {
		smtp_reply_c(s, 250, "2.1.0 ok");
		return;
	}
	s->calls->event(s->arg, SMTP_EV_SENDER_REFUSED, s->tx.sender, code,
	    text);
	smtp_reply(s, code, text);
	smtp_tx_end(s);
	s->mail_refused = true;
}

/* Judges the arguments of RCPT; true: tx.asked is complete. */
static bool
judge_rcpt(struct smtp_session *s, struct str arg)
{
	unsigned utf8 = (s->tx.flags & ENV_UTF8) != 0 ? ADDR_UTF8 : 0;
	struct esmtp_rcpt r;
	enum esmtp_result e;
	enum addr_result a;
	struct smtp_rcpt *rcpt;
	struct str address;
	struct addr to;

	if (!take_keyword(s, &arg, STR("TO:"), "5.5.4 usage: RCPT TO:<address>"))
		return false;
	a = addr_take(&arg, ADDR_POSTMASTER | utf8, &to);
	if (a != ADDR_OK) {
		bad_addr(s, a, &of_rcpt);
		return false;
	}
	e = esmtp_rcpt_parse(arg, offered(s), &s->tx.pool, &r);
	if (e != ESMTP_OK) {
		bad_params(s, e);
		return false;
	}
	if (s->tx.nrcpts >= s->policy->rcpt_max) {
		smtp_reply_c(s, 452, "4.5.3 too many recipients");
		return false;
	}
	if (!canonical(s, &to, &address)) {
		bad_addr(s, ADDR_DOMAIN_LONG, &of_rcpt);
		return false;
	}
	/* <Postmaster> without a domain, in any case (RFC 5321 4.5.1). */
	rcpt = smtp_tx_ask(&s->tx,
	    to.domain.n != 0 ? address : STR("postmaster"));
	rcpt->notify = r.notify;
	rcpt->orcpt = r.orcpt;
	return true;
}

void
cmd_rcpt(struct smtp_session *s, struct str arg)
{
	bool may_relay = s->policy->kind != SMTP_LMTP &&
	    (s->client.trusted || s->login[0] != '\0');

	if (!judge_rcpt(s, arg))
		return;
	s->waiting = SMTP_WAIT_RCPT;
	s->calls->check_rcpt(s->arg, s->tx.asked->address, may_relay);
}

void
smtp_session_on_rcpt(struct smtp_session *s, unsigned code, struct str text)
{
	if (s->waiting != SMTP_WAIT_RCPT)
		return;
	s->waiting = SMTP_WAIT_NONE;
	if (code == 250) {
		smtp_tx_answer(&s->tx, true);
		smtp_goto(s, SMTP_RCPT);
		smtp_reply_c(s, 250, "2.1.5 ok");
		return;
	}
	s->calls->event(s->arg, SMTP_EV_RCPT_REFUSED, s->tx.asked->address,
	    code, text);
	smtp_tx_answer(&s->tx, false);
	smtp_reply(s, code, text);
	/* Guessing at addresses is cut short; our own users may mistype. */
	if (code >= 500 && ++s->refused >= SMTP_REFUSED_MAX &&
	    !s->client.trusted) {
		s->calls->event(s->arg, SMTP_EV_TOO_MANY, STR_NONE, 421,
		    STR("too many unknown recipients"));
		smtp_hang_up(s, 421, "4.7.0 too many unknown recipients");
	}
}
