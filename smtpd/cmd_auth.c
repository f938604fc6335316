#include "smtpd/session_int.h"

#include "base/base64.h"

/* The words of a list "PLAIN LOGIN", without case. */
static bool
is_offered(struct str mechs, struct str mech)
{
	while (mechs.n != 0)
		if (str_ieq(str_take_word(&mechs), mech))
			return true;
	return false;
}

static void
refuse(struct smtp_session *s, unsigned code, const char *text)
{
	smtp_goto(s, SMTP_READY);
	smtp_reply_c(s, code, text);
	smtp_count_error(s);
}

/* AUTH mechanism [initial-response], RFC 4954 section 4. */
void
cmd_auth(struct smtp_session *s, struct str arg)
{
	struct str mech = str_take_word(&arg), initial = arg;
	struct buf secret;

	if (s->policy->kind != SMTP_SUBMISSION &&
	    s->policy->kind != SMTP_SUBMISSIONS) {
		refuse(s, 502, "5.5.1 no authentication on this port");
		return;
	}
	if (s->login[0] != '\0') {
		refuse(s, 503, "5.5.1 authenticated already");
		return;
	}
	if (!is_offered(s->calls->mechs(s->arg), mech)) {
		refuse(s, 504, "5.5.4 no such mechanism");
		return;
	}
	buf_init(&secret, SMTP_AUTH_LINE_MAX);
	if (!str_eq(initial, STR("=")) && !base64_decode(&secret, initial)) {
		buf_clear_secret(&secret);
		refuse(s, 501, "5.5.2 not base64");
		return;
	}
	smtp_goto(s, SMTP_AUTH);
	s->waiting = SMTP_WAIT_AUTH;
	s->calls->auth_begin(s->arg, mech, initial.n != 0, buf_str(&secret));
	buf_clear_secret(&secret);
}

/* A response of the client, or "*" that gives up. */
void
smtp_auth_line(struct smtp_session *s, struct str line)
{
	struct buf secret;

	if (str_eq(line, STR("*"))) {
		s->calls->auth_cancel(s->arg);
		refuse(s, 501, "5.7.0 given up");
		return;
	}
	buf_init(&secret, SMTP_AUTH_LINE_MAX);
	if (!base64_decode(&secret, line)) {
		buf_clear_secret(&secret);
		s->calls->auth_cancel(s->arg);
		refuse(s, 501, "5.5.2 not base64");
		return;
	}
	s->waiting = SMTP_WAIT_AUTH;
	s->calls->auth_say(s->arg, buf_str(&secret));
	buf_clear_secret(&secret);
}

void
smtp_session_on_auth_ask(struct smtp_session *s, struct str challenge)
{
	if (s->waiting != SMTP_WAIT_AUTH)
		return;
	s->waiting = SMTP_WAIT_NONE;
	buf_add(&s->out, STR("334 "));
	base64_encode(&s->out, challenge);
	buf_add(&s->out, STR("\r\n"));
}

static void
count_failure(struct smtp_session *s)
{
	if (++s->auth_failures >= SMTP_AUTH_FAILURES_MAX)
		smtp_hang_up(s, 421, "4.7.0 too many failed log-ins; goodbye");
}

void
smtp_session_on_auth_done(struct smtp_session *s, enum smtp_auth result,
    struct str account, struct str text)
{
	/* One answer for a wrong name and a wrong password. */
	static const struct {
		unsigned code;
		const char *text;
	} says[] = {
		[SMTP_AUTH_OK] = { 235, "2.7.0 welcome" },
		[SMTP_AUTH_BAD] = { 535, "5.7.8 wrong user name or password" },
		[SMTP_AUTH_TEMPORARY] = { 454, "4.7.0 not now, try later" },
		[SMTP_AUTH_NOT_ALLOWED] = { 535, "5.7.8 not allowed" },
		[SMTP_AUTH_MALFORMED] = { 501, "5.5.2 malformed response" },
		[SMTP_AUTH_NO_MECH] = { 504, "5.5.4 no such mechanism" },
	};

	(void)text;
	if (s->waiting != SMTP_WAIT_AUTH)
		return;
	s->waiting = SMTP_WAIT_NONE;
	if (result == SMTP_AUTH_OK &&
	    !str_copy(s->login, sizeof(s->login), account))
		result = SMTP_AUTH_TEMPORARY;
	smtp_goto(s, SMTP_READY);
	smtp_reply_c(s, says[result].code, says[result].text);
	if (result == SMTP_AUTH_BAD || result == SMTP_AUTH_NOT_ALLOWED)
		count_failure(s);
	else if (result != SMTP_AUTH_OK && result != SMTP_AUTH_TEMPORARY)
		smtp_count_error(s);
}
