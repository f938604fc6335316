#include "smtpd/session_int.h"

#include <string.h>

enum { OUT_STEP = 16384 }; /* octets of replies after which they go out */

void
smtp_session_init(struct smtp_session *s, const struct smtp_policy *policy,
    const struct smtp_client *client, const struct smtp_calls *calls,
    void *arg, struct buf *work)
{
	*s = (struct smtp_session){ .policy = policy, .calls = calls,
		.arg = arg, .client = *client, .work = work };
	s->tls = client->tls;
	buf_init(&s->out, BUF_NO_MAX);
	buf_init(&s->kept, BUF_NO_MAX);
	line_init(&s->line, SMTP_LINE_MAX);
	smtp_tx_init(&s->tx);
	if (!str_copy(s->login, sizeof(s->login), client->login))
		s->login[0] = '\0';
}

void
smtp_session_clear(struct smtp_session *s)
{
	if (s->state == SMTP_AUTH)
		s->calls->auth_cancel(s->arg);
	s->state = SMTP_END;
	smtp_tx_end(s);
	line_clear(&s->line);
	buf_clear(&s->out);
}

void
smtp_session_start(struct smtp_session *s)
{
	const char *name = s->policy->kind == SMTP_LMTP ? "LMTP" : "ESMTP";

	if (s->client.early) {
		smtp_hang_up(s, 554,
		    "5.5.0 this server speaks first; goodbye");
		return;
	}
	buf_addf(&s->out, "220 %.*s %s\r\n", STR_ARG(s->policy->hostname),
	    name);
}

void
smtp_goto(struct smtp_session *s, enum smtp_state to)
{
	if (s->state != SMTP_END)
		s->state = to;
}

void
smtp_tx_end(struct smtp_session *s)
{
	if (s->open) {
		s->open = false;
		s->calls->cancel(s->arg);
	}
	if (s->waiting == SMTP_WAIT_SENDER || s->waiting == SMTP_WAIT_RCPT ||
	    s->waiting == SMTP_WAIT_QUEUED)
		s->waiting = SMTP_WAIT_NONE;
	s->verdict = 0;
	s->prefixed = false;
	s->mail_refused = false;
	buf_clear(&s->kept);
	smtp_tx_clear(&s->tx);
	if (s->state == SMTP_MAIL || s->state == SMTP_RCPT ||
	    s->state == SMTP_DATA)
		smtp_goto(s, SMTP_READY);
}

void
smtp_hang_up(struct smtp_session *s, unsigned code, const char *text)
{
	if (s->state == SMTP_END)
		return;
	if (s->state == SMTP_AUTH)
		s->calls->auth_cancel(s->arg);
	smtp_reply_c(s, code, text);
	smtp_tx_end(s);
	s->waiting = SMTP_WAIT_NONE;
	s->state = SMTP_END;
}

void
smtp_count_error(struct smtp_session *s)
{
	s->errors++;
	s->calls->event(s->arg, SMTP_EV_BAD_COMMAND, STR_NONE, 0, STR_NONE);
	if (s->errors < s->policy->errors_max)
		return;
	s->calls->event(s->arg, SMTP_EV_TOO_MANY, STR_NONE, 421,
	    STR("too many errors"));
	smtp_hang_up(s, 421, "4.7.0 too many errors; goodbye");
}

static void
nonsense(struct smtp_session *s, unsigned code, const char *text)
{
	smtp_reply_c(s, code, text);
	smtp_count_error(s);
}

/* Why the command may not come now; RFC 5321 4.1.4. */
static const char *
order_text(const struct smtp_session *s, const struct smtp_cmd *cmd)
{
	if (s->state == SMTP_HELLO)
		return s->policy->kind == SMTP_LMTP
		    ? "5.5.1 say LHLO first" : "5.5.1 say EHLO first";
	if ((cmd->states & IN_ANY) == IN(RCPT))
		return s->state == SMTP_MAIL ? "5.5.1 no valid recipients"
		                             : "5.5.1 MAIL and RCPT first";
	if ((cmd->states & IN(MAIL)) != 0)
		return "5.5.1 MAIL first";
	return "5.5.1 not during a mail transaction";
}

/* A command in the wrong state: what a pipelining client sent before it knew
 * that MAIL or RCPT was refused is not held against it. */
static void
out_of_order(struct smtp_session *s, const struct smtp_cmd *cmd)
{
	const char *text = order_text(s, cmd);

	if ((cmd->flags & PIPELINED) != 0 &&
	    (s->mail_refused || s->state == SMTP_MAIL))
		smtp_reply_c(s, 503, text);
	else
		nonsense(s, 503, text);
}

static bool
is_for_accounts(const struct smtp_session *s)
{
	return s->policy->kind == SMTP_SUBMISSION ||
	    s->policy->kind == SMTP_SUBMISSIONS;
}

/* All the columns of the table but the verb; true: the handler may act. */
static bool
permitted(struct smtp_session *s, const struct smtp_cmd *cmd, struct str arg)
{
	bool lmtp = s->policy->kind == SMTP_LMTP;

	if ((cmd->flags & (lmtp ? SMTP_ONLY : LMTP_ONLY)) != 0) {
		nonsense(s, 500, lmtp ? "5.5.1 this is LMTP: say LHLO"
		                      : "5.5.1 this is not LMTP");
		return false;
	}
	if ((cmd->states & (1u << s->state)) == 0) {
		out_of_order(s, cmd);
		return false;
	}
	if ((cmd->flags & NO_ARG) != 0 && arg.n != 0) {
		nonsense(s, 501, "5.5.4 no argument is allowed here");
		return false;
	}
	if ((cmd->flags & CLEAR_ONLY) != 0 && s->tls) {
		nonsense(s, 503, "5.5.1 TLS is active already");
		return false;
	}
	if ((cmd->flags & NEEDS_TLS) != 0 && s->policy->require_tls && !s->tls) {
		smtp_reply_c(s, 538, "5.7.11 encryption is required first");
		return false;
	}
	if ((cmd->flags & NEEDS_LOGIN) != 0 && is_for_accounts(s) &&
	    s->login[0] == '\0') {
		smtp_reply_c(s, 530, s->policy->require_tls && !s->tls
		    ? "5.7.0 STARTTLS and authentication are required"
		    : "5.7.0 authentication is required");
		s->mail_refused = true;
		return false;
	}
	return true;
}

static void
run_command(struct smtp_session *s, struct str line)
{
	struct str arg = str_trim(line), verb = str_take_word(&arg);
	const struct smtp_cmd *cmd = smtp_cmd_find(verb);

	if (line.n + 2 > SMTP_LINE_MAX && !str_ieq(verb, STR("AUTH"))) {
		nonsense(s, 500, "5.5.2 the line is too long");
	} else if (cmd == NULL) {
		nonsense(s, 500, "5.5.1 unknown command");
	} else if ((cmd->flags & HANGS_UP) != 0) {
		s->calls->event(s->arg, SMTP_EV_BAD_COMMAND, STR_NONE, 0, verb);
		smtp_hang_up(s, 421, "4.7.0 this is a mail server; goodbye");
	} else if (permitted(s, cmd, arg)) {
		cmd->handler(s, arg);
	}
}

/* A line that is not one: too long, or with a bare CR or LF or a NUL. */
static void
bad_line(struct smtp_session *s, enum line_result r)
{
	if (s->state == SMTP_AUTH) {
		s->calls->auth_cancel(s->arg);
		smtp_goto(s, SMTP_READY);
	}
	if (r == LINE_ENDLESS)
		smtp_hang_up(s, 500, "5.5.2 the line does not end; goodbye");
	else if (r == LINE_LONG)
		nonsense(s, 500, "5.5.2 the line is too long");
	else
		nonsense(s, 500,
		    "5.5.2 a line ends with CRLF and holds no CR, LF or NUL");
}

static void
feed_line(struct smtp_session *s, struct str *in)
{
	bool may_auth = is_for_accounts(s) && s->login[0] == '\0';
	struct str line;
	enum line_result r;

	if (!line_is_open(&s->line))
		line_set_max(&s->line,
		    may_auth ? SMTP_AUTH_LINE_MAX : SMTP_LINE_MAX);
	r = line_feed(&s->line, in, &line);
	if (r == LINE_MORE)
		return;
	if (r != LINE_OK)
		bad_line(s, r);
	else if (s->state == SMTP_AUTH)
		smtp_auth_line(s, line);
	else
		run_command(s, line);
}

size_t
smtp_session_feed(struct smtp_session *s, struct str in)
{
	struct str rest = in;

	while (rest.n != 0 && s->state != SMTP_END &&
	    buf_len(&s->out) < OUT_STEP) {
		if (s->waiting == SMTP_WAIT_TLS) {
			/* Plaintext behind STARTTLS is never executed. */
			s->calls->event(s->arg, SMTP_EV_BAD_COMMAND, STR_NONE,
			    0, STR("octets behind STARTTLS"));
			s->state = SMTP_END;
			break;
		}
		if (s->waiting != SMTP_WAIT_NONE)
			break;
		if (s->state == SMTP_DATA)
			str_take(&rest, smtp_data_feed(s, rest));
		else
			feed_line(s, &rest);
	}
	return s->state == SMTP_END ? in.n : in.n - rest.n;
}

/* RFC 3207 4.2: everything learnt before is forgotten. */
void
smtp_session_on_tls(struct smtp_session *s)
{
	if (s->waiting != SMTP_WAIT_TLS)
		return;
	s->waiting = SMTP_WAIT_NONE;
	smtp_tx_end(s);
	s->tls = true;
	s->esmtp = false;
	s->helo[0] = s->login[0] = '\0';
	smtp_goto(s, SMTP_HELLO);
}

void
smtp_session_timeout(struct smtp_session *s)
{
	if (s->waiting == SMTP_WAIT_TLS)
		s->state = SMTP_END;
	smtp_hang_up(s, 421, "4.4.2 no command in time; goodbye");
}

bool
smtp_session_is_idle(const struct smtp_session *s)
{
	return s->waiting == SMTP_WAIT_NONE &&
	    (s->state == SMTP_HELLO || s->state == SMTP_READY);
}

void
smtp_session_stop(struct smtp_session *s)
{
	s->stopping = true;
	if (smtp_session_is_idle(s))
		smtp_hang_up(s, 421, "4.3.2 this server is going down");
}

const char *
smtp_session_protocol(const struct smtp_session *s)
{
	/* [SMTP, ESMTP, LMTP][SMTPUTF8][TLS][log-in] */
	static const char *const names[3][2][2][2] = {
		{ { { "SMTP", "SMTPA" }, { "SMTPS", "SMTPSA" } },
		    { { "SMTP", "SMTPA" }, { "SMTPS", "SMTPSA" } } },
		{ { { "ESMTP", "ESMTPA" }, { "ESMTPS", "ESMTPSA" } },
		    { { "UTF8SMTP", "UTF8SMTPA" },
		        { "UTF8SMTPS", "UTF8SMTPSA" } } },
		{ { { "LMTP", "LMTPA" }, { "LMTPS", "LMTPSA" } },
		    { { "UTF8LMTP", "UTF8LMTPA" },
		        { "UTF8LMTPS", "UTF8LMTPSA" } } }
	};
	int form = s->policy->kind == SMTP_LMTP ? 2 : s->esmtp ? 1 : 0;

	return names[form][(s->tx.flags & ENV_UTF8) != 0][s->tls]
	    [is_for_accounts(s) && s->login[0] != '\0'];
}
