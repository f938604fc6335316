#include "smtpd/session_int.h"

static void cmd_ehlo(struct smtp_session *s, struct str arg);
static void cmd_helo(struct smtp_session *s, struct str arg);
static void cmd_starttls(struct smtp_session *s, struct str arg);
static void cmd_rset(struct smtp_session *s, struct str arg);
static void cmd_noop(struct smtp_session *s, struct str arg);
static void cmd_vrfy(struct smtp_session *s, struct str arg);
static void cmd_help(struct smtp_session *s, struct str arg);
static void cmd_quit(struct smtp_session *s, struct str arg);
static void cmd_lacking(struct smtp_session *s, struct str arg);

/* Every rule of RFC 5321 4.1.4 (order) is a column.  The verbs at the end are
 * HTTP's: a browser that was lured here must not go on. */
/* clang-format off */
static const struct smtp_cmd cmds[] = {
	/* verb               handler       allowed in          flags */
	{ STR_INIT("EHLO"),   cmd_ehlo,     IN_ANY,             SMTP_ONLY,
	    "EHLO your.host.name" },
	{ STR_INIT("LHLO"),   cmd_ehlo,     IN_ANY,             LMTP_ONLY,
	    "LHLO your.host.name" },
	{ STR_INIT("HELO"),   cmd_helo,     IN_ANY,             SMTP_ONLY,
	    NULL },
	{ STR_INIT("MAIL"),   cmd_mail,     IN(READY),          NEEDS_LOGIN,
	    "MAIL FROM:<address> [parameters]" },
	{ STR_INIT("RCPT"),   cmd_rcpt,     IN(MAIL) | IN(RCPT), PIPELINED,
	    "RCPT TO:<address> [parameters]" },
	{ STR_INIT("DATA"),   cmd_data,     IN(RCPT),  PIPELINED | NO_ARG,
	    "DATA" },
	{ STR_INIT("RSET"),   cmd_rset,     IN_ANY,             NO_ARG,
	    "RSET" },
	{ STR_INIT("NOOP"),   cmd_noop,     IN_ANY,             0, "NOOP" },
	{ STR_INIT("QUIT"),   cmd_quit,     IN_ANY,             NO_ARG,
	    "QUIT" },
	{ STR_INIT("STARTTLS"), cmd_starttls, IN(READY), CLEAR_ONLY | NO_ARG,
	    "STARTTLS" },
	{ STR_INIT("AUTH"),   cmd_auth,     IN(READY),          NEEDS_TLS,
	    "AUTH mechanism [response]" },
	{ STR_INIT("VRFY"),   cmd_vrfy,     IN_ANY,             0,
	    "VRFY address" },
	{ STR_INIT("HELP"),   cmd_help,     IN_ANY,             0,
	    "HELP [command]" },
	{ STR_INIT("EXPN"),   cmd_lacking,  IN_ANY,             0, NULL },
	{ STR_INIT("ETRN"),   cmd_lacking,  IN_ANY,             0, NULL },
	{ STR_INIT("TURN"),   cmd_lacking,  IN_ANY,             0, NULL },
	{ STR_INIT("GET"),    NULL,         0,                  HANGS_UP, NULL },
	{ STR_INIT("HEAD"),   NULL,         0,                  HANGS_UP, NULL },
	{ STR_INIT("POST"),   NULL,         0,                  HANGS_UP, NULL },
	{ STR_INIT("PUT"),    NULL,         0,                  HANGS_UP, NULL },
	{ STR_INIT("DELETE"), NULL,         0,                  HANGS_UP, NULL },
	{ STR_INIT("OPTIONS"), NULL,        0,                  HANGS_UP, NULL },
	{ STR_INIT("CONNECT"), NULL,        0,                  HANGS_UP, NULL },
	{ STR_INIT("TRACE"),  NULL,         0,                  HANGS_UP, NULL },
	{ STR_INIT("PATCH"),  NULL,         0,                  HANGS_UP, NULL },
	{ STR_INIT("PRI"),    NULL,         0,                  HANGS_UP, NULL },
};
/* clang-format on */

const struct smtp_cmd *
smtp_cmd_at(size_t i)
{
	return i < sizeof(cmds) / sizeof(cmds[0]) ? &cmds[i] : NULL;
}

const struct smtp_cmd *
smtp_cmd_find(struct str verb)
{
	const struct smtp_cmd *c;

	for (size_t i = 0; (c = smtp_cmd_at(i)) != NULL; i++)
		if (str_ieq(verb, c->verb))
			return c;
	return NULL;
}

/* A name that can stand in a Received field as it is.  Stricter than what
 * clients send is not useful: names with "_" and bare words are common. */
static bool
is_name(struct str arg)
{
	if (arg.n == 0 || arg.n > 255)
		return false;
	for (size_t i = 0; i < arg.n; i++) {
		char c = arg.p[i];

		if (!chr_is_alnum(c) && strchr(".-_:[]", c) == NULL &&
		    (unsigned char)c < 0x80)
			return false;
		if (c == '\0')
			return false;
	}
	return true;
}

/* EHLO, HELO and LHLO end a transaction as RSET does. */
static bool
hello(struct smtp_session *s, struct str arg)
{
	struct str name = str_take_word(&arg);

	if (!is_name(name) || arg.n != 0) {
		smtp_reply_c(s, 501, "5.5.4 a host name must follow");
		smtp_count_error(s);
		return false;
	}
	smtp_tx_end(s);
	smtp_goto(s, SMTP_READY);
	(void)str_copy(s->helo, sizeof(s->helo), name);
	return true;
}

static bool
offers_tls(const struct smtp_session *s)
{
	return !s->tls && s->policy->kind != SMTP_SUBMISSIONS &&
	    s->policy->kind != SMTP_LOCAL && s->calls->has_tls(s->arg);
}

static bool
offers_auth(const struct smtp_session *s)
{
	return (s->policy->kind == SMTP_SUBMISSION ||
	           s->policy->kind == SMTP_SUBMISSIONS) &&
	    (s->tls || !s->policy->require_tls) && s->login[0] == '\0' &&
	    s->calls->mechs(s->arg).n != 0;
}

static void
cmd_ehlo(struct smtp_session *s, struct str arg)
{
	if (!hello(s, arg))
		return;
	s->esmtp = true;
	smtp_reply_more(s, 250, s->policy->hostname);
	smtp_reply_more(s, 250, STR("PIPELINING"));
	buf_addf(&s->out, "250-SIZE %llu\r\n",
	    (unsigned long long)s->policy->size_max);
	if (offers_tls(s))
		smtp_reply_more(s, 250, STR("STARTTLS"));
	if (offers_auth(s))
		buf_addf(&s->out, "250-AUTH %.*s\r\n",
		    STR_ARG(s->calls->mechs(s->arg)));
	smtp_reply_more(s, 250, STR("8BITMIME"));
	smtp_reply_more(s, 250, STR("SMTPUTF8"));
	smtp_reply_more(s, 250, STR("ENHANCEDSTATUSCODES"));
	smtp_reply_more(s, 250, STR("DSN"));
	if (s->policy->kind == SMTP_LOCAL)
		smtp_reply_more(s, 250, STR("XDROP"));
	smtp_reply_c(s, 250, "HELP");
}

static void
cmd_helo(struct smtp_session *s, struct str arg)
{
	if (!hello(s, arg))
		return;
	s->esmtp = false;
	smtp_reply(s, 250, s->policy->hostname);
}

static void
cmd_starttls(struct smtp_session *s, struct str arg)
{
	(void)arg;
	if (!offers_tls(s)) {
		smtp_reply_c(s, 454, "4.7.0 TLS is not available");
		return;
	}
	smtp_reply_c(s, 220, "2.0.0 go ahead");
	s->waiting = SMTP_WAIT_TLS;
	s->calls->start_tls(s->arg);
}

static void
cmd_rset(struct smtp_session *s, struct str arg)
{
	(void)arg;
	smtp_tx_end(s);
	smtp_reply_c(s, 250, "2.0.0 ok");
}

static void
cmd_noop(struct smtp_session *s, struct str arg)
{
	(void)arg;
	smtp_reply_c(s, 250, "2.0.0 ok");
}

/* RFC 5321 7.3: whether a mailbox exists is said only at RCPT. */
static void
cmd_vrfy(struct smtp_session *s, struct str arg)
{
	if (arg.n == 0) {
		smtp_reply_c(s, 501, "5.5.4 an address must follow");
		smtp_count_error(s);
		return;
	}
	smtp_reply_c(s, 252, "2.5.2 send to it and see");
}

static void
cmd_help(struct smtp_session *s, struct str arg)
{
	const struct smtp_cmd *c;
	unsigned other = s->policy->kind == SMTP_LMTP ? SMTP_ONLY : LMTP_ONLY;

	(void)arg;
	for (size_t i = 0; (c = smtp_cmd_at(i)) != NULL; i++)
		if (c->help != NULL && (c->flags & other) == 0)
			smtp_reply_more(s, 214, str_c(c->help));
	smtp_reply_c(s, 214, "2.0.0 end of HELP");
}

static void
cmd_quit(struct smtp_session *s, struct str arg)
{
	(void)arg;
	smtp_hang_up(s, 221, "2.0.0 goodbye");
}

static void
cmd_lacking(struct smtp_session *s, struct str arg)
{
	(void)arg;
	smtp_reply_c(s, 502, "5.5.1 not implemented");
	smtp_count_error(s);
}
