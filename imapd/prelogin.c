#include "imapd/prelogin.h"

#include "base/base64.h"
#include "imapd/capability.h"
#include "imapd/lex.h"

enum {
	OUT_MAX = 65536,
	OUT_HIGH = 16384, /* answers waiting at which no more is read */
	SASL_LINE_MAX = 4 * (AUTH_DATA_MAX + 2) / 3 + 2,
	ID_PAIRS_MAX = 30
};

typedef enum prelogin_event prelogin_fn(struct prelogin *p, struct str args);

enum { CLEAR_ONLY = 1, PASSWORD = 2, ARGS = 4 };

static prelogin_fn cmd_capability, cmd_noop, cmd_logout, cmd_id, cmd_starttls,
    cmd_login, cmd_authenticate;

/* clang-format off */
static const struct {
	struct str verb;
	prelogin_fn *run;
	unsigned flags;
} cmds[] = {
	/* verb                       handler           flags */
	{ STR_INIT("CAPABILITY"),   cmd_capability,   0 },
	{ STR_INIT("NOOP"),         cmd_noop,         0 },
	{ STR_INIT("LOGOUT"),       cmd_logout,       0 },
	{ STR_INIT("ID"),           cmd_id,           ARGS },
	{ STR_INIT("STARTTLS"),     cmd_starttls,     CLEAR_ONLY },
	{ STR_INIT("LOGIN"),        cmd_login,        PASSWORD | ARGS },
	{ STR_INIT("AUTHENTICATE"), cmd_authenticate, PASSWORD | ARGS },
};
/* clang-format on */

void
prelogin_init(struct prelogin *p, const struct prelogin_conf *conf)
{
	*p = (struct prelogin){ .conf = conf, .first = true };
	reader_init(&p->reader, conf->line, conf->literal);
	line_init(&p->sasl, SASL_LINE_MAX);
	buf_init(&p->out, OUT_MAX);
	buf_init(&p->tag, conf->line);
	buf_init(&p->response, AUTH_DATA_MAX + 2);
}

void
prelogin_clear(struct prelogin *p)
{
	reader_clear(&p->reader);
	line_clear(&p->sasl);
	buf_clear(&p->out);
	buf_clear(&p->tag);
	buf_clear_secret(&p->response);
	pool_clear(&p->pool);
}

void
prelogin_set_mechs(struct prelogin *p, struct str mechs)
{
	if (!str_copy(p->mechs, sizeof(p->mechs), mechs))
		p->mechs[0] = '\0';
}

static bool
may_log_in(const struct prelogin *p)
{
	return p->tls || p->plain_ok;
}

static void
put_capability(struct prelogin *p)
{
	buf_add_c(&p->out, "CAPABILITY ");
	capability_before(&p->out, p->can_tls && !p->tls, may_log_in(p),
	    str_c(p->mechs));
}

void
prelogin_greet(struct prelogin *p)
{
	buf_add_c(&p->out, "* OK [");
	put_capability(p);
	buf_addf(&p->out, "] %s Postern ready\r\n", p->conf->host);
}

void
prelogin_bye(struct prelogin *p, const char *why)
{
	buf_addf(&p->out, "* BYE %s\r\n", why);
	p->state = PRELOGIN_ENDED;
}

static void
reply(struct prelogin *p, const char *text)
{
	buf_add(&p->out, buf_str(&p->tag));
	buf_addf(&p->out, " %s\r\n", text);
}

/* A reply that counts against the client. */
static enum prelogin_event
refuse(struct prelogin *p, const char *text)
{
	if (buf_len(&p->tag) == 0)
		buf_add_char(&p->tag, '*');
	reply(p, text);
	if (++p->errors < p->conf->errors)
		return PRELOGIN_MORE;
	prelogin_bye(p, "Too many errors");
	return PRELOGIN_BYE;
}

static enum prelogin_event
cmd_capability(struct prelogin *p, struct str args)
{
	(void)args;
	buf_add_c(&p->out, "* ");
	put_capability(p);
	buf_add_c(&p->out, "\r\n");
	reply(p, "OK Done");
	return PRELOGIN_MORE;
}

static enum prelogin_event
cmd_noop(struct prelogin *p, struct str args)
{
	(void)args;
	reply(p, "OK Done");
	return PRELOGIN_MORE;
}

static enum prelogin_event
cmd_logout(struct prelogin *p, struct str args)
{
	(void)args;
	prelogin_bye(p, "Goodbye");
	reply(p, "OK Done");
	return PRELOGIN_BYE;
}

/* id_params_list = "(" #(string SPACE nstring) ")" / nil: what clients say of
 * themselves decides nothing (RFC 2971 3). */
static enum prelogin_event
cmd_id(struct prelogin *p, struct str args)
{
	struct str text;
	bool nil;

	if (!lex_word(&args, STR("NIL"))) {
		unsigned pairs = 0;

		if (!str_take_char(&args, '('))
			return refuse(p, "BAD ID wants a list or NIL");
		while (args.n != 0 && args.p[0] != ')') {
			if (pairs++ == ID_PAIRS_MAX ||
			    !lex_string(&args, &p->pool, &text) ||
			    !lex_sp(&args) ||
			    !lex_nstring(&args, &p->pool, &text, &nil))
				return refuse(p, "BAD Syntax of ID");
			lex_sp(&args);
		}
		if (!str_take_char(&args, ')'))
			return refuse(p, "BAD Syntax of ID");
	}
	if (args.n != 0)
		return refuse(p, "BAD Syntax of ID");
	capability_id(&p->out);
	reply(p, "OK Done");
	return PRELOGIN_MORE;
}

static enum prelogin_event
cmd_starttls(struct prelogin *p, struct str args)
{
	(void)args;
	if (!p->can_tls) {
		reply(p, "NO [UNAVAILABLE] No certificate at the moment");
		return PRELOGIN_MORE;
	}
	reply(p, "OK Begin TLS");
	p->state = PRELOGIN_WAITS_OWNER;
	return PRELOGIN_STARTTLS;
}

/* login = "LOGIN" SP userid SP password */
static enum prelogin_event
cmd_login(struct prelogin *p, struct str args)
{
	if (!lex_astring(&args, &p->pool, &p->user) || !lex_sp(&args) ||
	    !lex_astring(&args, &p->pool, &p->password) || args.n != 0)
		return refuse(p, "BAD LOGIN wants a name and a password");
	p->state = PRELOGIN_WAITS_OWNER;
	return PRELOGIN_LOGIN;
}

static enum prelogin_event
bad_base64(struct prelogin *p)
{
	p->state = PRELOGIN_COMMANDS;
	return refuse(p, "BAD That is no base64");
}

/* authenticate = "AUTHENTICATE" SP auth-type [SP (base64 / "=")] */
static enum prelogin_event
cmd_authenticate(struct prelogin *p, struct str args)
{
	buf_reset(&p->response);
	p->has_initial = false;
	if (!lex_atom(&args, &p->mech))
		return refuse(p, "BAD AUTHENTICATE wants a mechanism");
	if (lex_sp(&args)) {
		p->has_initial = true;
		if (!str_eq(args, STR("=")) &&
		    (args.n == 0 || !base64_decode(&p->response, args)))
			return bad_base64(p);
	} else if (args.n != 0) {
		return refuse(p, "BAD Syntax of AUTHENTICATE");
	}
	p->state = PRELOGIN_WAITS_OWNER;
	return PRELOGIN_AUTH;
}

/* Somebody speaks HTTP to us, or has been made to (I13). */
static bool
is_http(struct str line)
{
	return str_starts(line, STR("GET /")) ||
	    str_starts(line, STR("POST /")) || str_starts(line, STR("PUT /")) ||
	    str_starts(line, STR("HEAD /")) ||
	    str_starts(line, STR("OPTIONS ")) ||
	    str_starts(line, STR("CONNECT "));
}

static enum prelogin_event
dispatch(struct prelogin *p, struct str verb, struct str args, bool has_args)
{
	for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++) {
		if (!str_ieq(verb, cmds[i].verb))
			continue;
		if (has_args != ((cmds[i].flags & ARGS) != 0))
			return refuse(p, "BAD Wrong number of arguments");
		if ((cmds[i].flags & CLEAR_ONLY) != 0 && p->tls)
			return refuse(p, "BAD TLS is on already");
		if ((cmds[i].flags & PASSWORD) != 0 && !may_log_in(p))
			return refuse(
			    p, "NO [PRIVACYREQUIRED] Begin TLS first");
		return cmds[i].run(p, args);
	}
	return refuse(p, "BAD Not a command before the log-in");
}

static enum prelogin_event
on_command(struct prelogin *p)
{
	struct str in = reader_text(&p->reader), tag, verb;
	bool has_args;

	if (p->first && is_http(in)) {
		prelogin_bye(p, "This is no web server");
		return PRELOGIN_BYE;
	}
	p->first = false;
	pool_clear(&p->pool);
	buf_reset(&p->tag);
	if (!lex_tag(&in, &tag) || tag.n > 255 || !lex_sp(&in) ||
	    !lex_atom(&in, &verb))
		return refuse(p, "BAD A command begins with a tag and a name");
	buf_add(&p->tag, tag);
	has_args = lex_sp(&in);
	if (!has_args && in.n != 0)
		return refuse(p, "BAD Syntax");
	return dispatch(p, verb, in, has_args);
}

/* Takes the tag of a command that is not looked at further. */
static void
note_tag(struct prelogin *p)
{
	struct str in = reader_text(&p->reader), tag;

	buf_reset(&p->tag);
	if (lex_tag(&in, &tag) && tag.n <= 255)
		buf_add(&p->tag, tag);
}

/* Over the cap: refused before its octets; those that come unasked cannot be
 * told from commands any more. */
static enum prelogin_event
on_literal(struct prelogin *p)
{
	bool sync = p->reader.sync;

	if (reader_fits(&p->reader)) {
		if (sync)
			buf_add_c(&p->out, "+ Go on\r\n");
		reader_keep(&p->reader);
		return PRELOGIN_MORE;
	}
	note_tag(p);
	if (!sync) {
		prelogin_bye(p, "[TOOBIG] Literal too large");
		return PRELOGIN_BYE;
	}
	reader_refuse(&p->reader);
	return refuse(p, "BAD [TOOBIG] Literal too large");
}

static enum prelogin_event
feed_commands(struct prelogin *p, struct str *in)
{
	switch (reader_feed(&p->reader, in)) {
	case READER_MORE:
	case READER_STREAM: /* never asked for here */
		return PRELOGIN_MORE;
	case READER_COMMAND:
		return on_command(p);
	case READER_LITERAL:
		return on_literal(p);
	case READER_LONG:
		note_tag(p);
		return refuse(p, "BAD Line too long");
	case READER_BARE:
		prelogin_bye(p, "Lines end with CRLF and hold no NUL");
		return PRELOGIN_BYE;
	case READER_ENDLESS:
		break;
	}
	prelogin_bye(p, "[TOOBIG] Too much");
	return PRELOGIN_BYE;
}

/* A line of the client within AUTHENTICATE; "*" gives up. */
static enum prelogin_event
feed_sasl(struct prelogin *p, struct str *in)
{
	struct str line;

	switch (line_feed(&p->sasl, in, &line)) {
	case LINE_MORE:
		return PRELOGIN_MORE;
	case LINE_OK:
		break;
	case LINE_LONG:
	case LINE_BARE:
	case LINE_ENDLESS:
		prelogin_bye(p, "Not a line of AUTHENTICATE");
		return PRELOGIN_BYE;
	}
	if (str_eq(line, STR("*"))) {
		p->state = PRELOGIN_COMMANDS;
		return refuse(p, "BAD Given up") == PRELOGIN_BYE ?
		    PRELOGIN_BYE : PRELOGIN_CANCEL;
	}
	buf_reset(&p->response);
	p->state = PRELOGIN_WAITS_OWNER;
	if (base64_decode(&p->response, line))
		return PRELOGIN_SAY;
	return bad_base64(p) == PRELOGIN_BYE ? PRELOGIN_BYE : PRELOGIN_CANCEL;
}

enum prelogin_event
prelogin_feed(struct prelogin *p, struct str *in)
{
	enum prelogin_event e = PRELOGIN_MORE;

	while (e == PRELOGIN_MORE && in->n != 0 &&
	    buf_len(&p->out) < OUT_HIGH) {
		if (p->state == PRELOGIN_COMMANDS)
			e = feed_commands(p, in);
		else if (p->state == PRELOGIN_WAITS_CLIENT)
			e = feed_sasl(p, in);
		else
			return PRELOGIN_MORE;
	}
	return e;
}

void
prelogin_tls_on(struct prelogin *p)
{
	/* All that was learnt in the clear is forgotten. */
	p->tls = true;
	p->first = true;
	p->errors = 0;
	p->state = PRELOGIN_COMMANDS;
}

void
prelogin_challenge(struct prelogin *p, struct str octets)
{
	buf_add_c(&p->out, "+ ");
	base64_encode(&p->out, octets);
	buf_add_c(&p->out, "\r\n");
	p->state = PRELOGIN_WAITS_CLIENT;
}

/* The text is authd's, for people; it is not trusted to be one line. */
static const char *const refusals[] = {
	[AUTH_OK] = "NO [UNAVAILABLE] ",
	[AUTH_BAD] = "NO [AUTHENTICATIONFAILED] ",
	[AUTH_TEMPORARY] = "NO [UNAVAILABLE] ",
	[AUTH_NOT_ALLOWED] = "NO [CONTACTADMIN] ",
	[AUTH_MALFORMED] = "BAD ",
	[AUTH_NO_MECH] = "NO [CANNOT] ",
};

enum prelogin_event
prelogin_refused(struct prelogin *p, enum auth_result why, struct str text)
{
	struct buf line;
	enum prelogin_event e;

	buf_init(&line, 512);
	buf_add_c(&line, refusals[why]);
	if (text.n == 0)
		text = STR("Log-in failed");
	for (size_t i = 0; i < text.n; i++)
		buf_add_char(&line, text.p[i] < ' ' || text.p[i] > '~' ?
		    '?' : text.p[i]);
	p->state = PRELOGIN_COMMANDS;
	e = refuse(p, buf_cstr(&line));
	buf_clear(&line);
	return e;
}
