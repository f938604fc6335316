#include "pop3d/door.h"

#include "base/base64.h"
#include "pop3d/capa.h"

enum {
	OUT_MAX = 65536,
	OUT_HIGH = 16384, /* answers waiting at which no more is read */
	SASL_LINE_MAX = 4 * (AUTH_DATA_MAX + 2) / 3 + 4
};

typedef enum door_event door_fn(struct door *d, struct str args);

/* What the dispatcher checks before a handler is called. */
enum { CLEAR_ONLY = 1, PASSWORD = 2, NO_ARGS = 4, ARGS = 8, AFTER_USER = 16 };

static door_fn cmd_capa, cmd_user, cmd_pass, cmd_auth, cmd_stls, cmd_utf8,
    cmd_quit;

/* clang-format off */
static const struct {
	struct str verb;
	door_fn *run;
	unsigned flags;
} cmds[] = {
	/* verb               handler   flags */
	{ STR_INIT("CAPA"), cmd_capa, NO_ARGS },
	{ STR_INIT("USER"), cmd_user, ARGS | PASSWORD },
	{ STR_INIT("PASS"), cmd_pass, ARGS | PASSWORD | AFTER_USER },
	{ STR_INIT("AUTH"), cmd_auth, PASSWORD },
	{ STR_INIT("STLS"), cmd_stls, NO_ARGS | CLEAR_ONLY },
	{ STR_INIT("UTF8"), cmd_utf8, NO_ARGS },
	{ STR_INIT("QUIT"), cmd_quit, NO_ARGS },
};
/* clang-format on */

void
door_init(struct door *d, const struct door_conf *conf)
{
	*d = (struct door){ .conf = conf, .fresh = true };
	line_init(&d->line, conf->line);
	d->line.lf_ends = true;
	buf_init(&d->out, OUT_MAX);
	buf_init(&d->user, DOOR_USER_MAX);
	buf_init(&d->secret, AUTH_DATA_MAX + 2);
}

void
door_clear(struct door *d)
{
	line_clear(&d->line);
	buf_clear_secret(&d->out);
	buf_clear(&d->user);
	buf_clear_secret(&d->secret);
}

void
door_set_mechs(struct door *d, struct str mechs)
{
	if (!str_copy(d->mechs, sizeof(d->mechs), mechs))
		d->mechs[0] = '\0';
}

static bool
may_log_in(const struct door *d)
{
	return d->tls || d->plain_ok;
}

static void
ok(struct door *d, const char *text)
{
	buf_addf(&d->out, "+OK %s\r\n", text);
}

void
door_greet(struct door *d)
{
	buf_addf(&d->out, "+OK %s Postern ready\r\n", d->conf->host);
}

void
door_bye(struct door *d, const char *text)
{
	buf_addf(&d->out, "-ERR %s\r\n", text);
	d->state = DOOR_ENDED;
}

/* A reply that counts against the client. */
static enum door_event
refuse(struct door *d, const char *text)
{
	if (++d->errors > d->conf->errors) {
		buf_addf(&d->out, "-ERR %s; too many errors\r\n", text);
		d->state = DOOR_ENDED;
		return DOOR_BYE;
	}
	buf_addf(&d->out, "-ERR %s\r\n", text);
	return DOOR_MORE;
}

static enum door_event
cmd_capa(struct door *d, struct str args)
{
	struct capa c = { .before = true, .stls = d->can_tls && !d->tls,
		.login = may_log_in(d), .mechs = str_c(d->mechs) };

	(void)args;
	capa_put(&d->out, &c);
	return DOOR_MORE;
}

static enum door_event
cmd_user(struct door *d, struct str args)
{
	buf_reset(&d->user);
	if (!buf_add(&d->user, args))
		return refuse(d, "[AUTH] The name is too long");
	/* The same answer whoever it is (RFC 1939 13). */
	ok(d, "Now the password");
	return DOOR_MORE;
}

/* The password is all behind the one space, spaces included. */
static enum door_event
cmd_pass(struct door *d, struct str args)
{
	buf_clear_secret(&d->secret);
	if (!buf_add(&d->secret, args))
		return refuse(d, "[AUTH] The password is too long");
	d->state = DOOR_WAITS_OWNER;
	return DOOR_LOGIN;
}

static enum door_event
bad_base64(struct door *d)
{
	d->state = DOOR_COMMANDS;
	return refuse(d, "That is no base64");
}

/* The old form without an argument lists what there is. */
static enum door_event
list_mechs(struct door *d)
{
	struct str rest = str_c(d->mechs);

	ok(d, "Mechanisms follow");
	while (rest.n != 0) {
		struct str mech = str_take_word(&rest);

		buf_addf(&d->out, "%.*s\r\n", STR_ARG(mech));
	}
	buf_add(&d->out, STR(".\r\n"));
	return DOOR_MORE;
}

/* AUTH mechanism [initial-response], "=" for an empty one (RFC 5034 4) */
static enum door_event
cmd_auth(struct door *d, struct str args)
{
	struct str mech = str_take_word(&args);

	if (mech.n == 0)
		return list_mechs(d);
	buf_clear_secret(&d->secret);
	d->has_initial = args.n != 0;
	if (!str_copy(d->mech, sizeof(d->mech), mech))
		return refuse(d, "No such mechanism");
	if (d->has_initial && !str_eq(args, STR("=")) &&
	    !base64_decode(&d->secret, args))
		return bad_base64(d);
	d->state = DOOR_WAITS_OWNER;
	return DOOR_AUTH;
}

static enum door_event
cmd_stls(struct door *d, struct str args)
{
	(void)args;
	if (!d->can_tls)
		return refuse(d, "[SYS/TEMP] No certificate at the moment");
	ok(d, "Begin TLS");
	d->state = DOOR_WAITS_OWNER;
	return DOOR_STLS;
}

/* Names are taken as UTF-8, and messages given as they are, in any case. */
static enum door_event
cmd_utf8(struct door *d, struct str args)
{
	(void)args;
	ok(d, "UTF-8 it is");
	return DOOR_MORE;
}

static enum door_event
cmd_quit(struct door *d, struct str args)
{
	(void)args;
	ok(d, "Goodbye");
	d->state = DOOR_ENDED;
	return DOOR_BYE;
}

/* Somebody speaks HTTP to us, or has been made to. */
static bool
is_http(struct str line)
{
	static const struct str verbs[] = { STR_INIT("GET /"),
		STR_INIT("POST /"), STR_INIT("PUT /"), STR_INIT("HEAD /"),
		STR_INIT("OPTIONS "), STR_INIT("CONNECT ") };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (str_starts(line, verbs[i]))
			return true;
	return false;
}

static enum door_event
dispatch(struct door *d, struct str verb, struct str args)
{
	for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++) {
		unsigned flags = cmds[i].flags;

		if (!str_ieq(verb, cmds[i].verb))
			continue;
		if ((flags & NO_ARGS) != 0 && args.n != 0)
			return refuse(d, "No argument is wanted");
		if ((flags & CLEAR_ONLY) != 0 && d->tls)
			return refuse(d, "TLS is on already");
		if ((flags & PASSWORD) != 0 && !may_log_in(d))
			return refuse(d, "Begin TLS first");
		if ((flags & AFTER_USER) != 0 && buf_len(&d->user) == 0)
			return refuse(d, "USER comes first");
		if ((flags & ARGS) != 0 && args.n == 0)
			return refuse(d, "An argument is missing");
		return cmds[i].run(d, args);
	}
	return refuse(d, "Not a command before the log-in");
}

/* command = keyword *(SP argument) */
static enum door_event
on_command(struct door *d, struct str line)
{
	size_t space = str_find(line, ' ');

	if (d->fresh && is_http(line)) {
		door_bye(d, "This is no web server");
		return DOOR_BYE;
	}
	d->fresh = false;
	return dispatch(d, str_first(line, space), str_from(line, space + 1));
}

/* A line of the client within AUTH; "*" gives up. */
static enum door_event
on_response(struct door *d, struct str line)
{
	bool given_up = str_eq(line, STR("*"));

	line_set_max(&d->line, d->conf->line);
	buf_clear_secret(&d->secret);
	if (!given_up && base64_decode(&d->secret, line)) {
		d->state = DOOR_WAITS_OWNER;
		return DOOR_SAY;
	}
	d->state = DOOR_COMMANDS;
	if (refuse(d, given_up ? "Given up" : "That is no base64") ==
	    DOOR_BYE)
		return DOOR_BYE;
	return DOOR_CANCEL;
}

static enum door_event
feed_line(struct door *d, struct str *in)
{
	struct str line;

	switch (line_feed(&d->line, in, &line)) {
	case LINE_MORE:
		return DOOR_MORE;
	case LINE_OK:
		return d->state == DOOR_WAITS_CLIENT ? on_response(d, line) :
		    on_command(d, line);
	case LINE_LONG:
	case LINE_BARE:
		if (d->state == DOOR_WAITS_CLIENT)
			break;
		return refuse(d, "Line too long, or with a NUL or a lone CR");
	case LINE_ENDLESS:
		break;
	}
	door_bye(d, "That is no command line");
	return DOOR_BYE;
}

enum door_event
door_feed(struct door *d, struct str *in)
{
	enum door_event e = DOOR_MORE;

	while (e == DOOR_MORE && in->n != 0 && buf_len(&d->out) < OUT_HIGH &&
	    (d->state == DOOR_COMMANDS || d->state == DOOR_WAITS_CLIENT))
		e = feed_line(d, in);
	return e;
}

void
door_tls_on(struct door *d)
{
	/* All that was learnt in the clear is forgotten (RFC 2595 4). */
	d->tls = d->fresh = true;
	d->errors = 0;
	buf_reset(&d->user);
	d->state = DOOR_COMMANDS;
}

void
door_challenge(struct door *d, struct str octets)
{
	buf_add(&d->out, STR("+ "));
	base64_encode(&d->out, octets);
	buf_add(&d->out, STR("\r\n"));
	if (d->conf->line < SASL_LINE_MAX)
		line_set_max(&d->line, SASL_LINE_MAX);
	d->state = DOOR_WAITS_CLIENT;
}

/* RFC 3206 codes: a client asks for the password again only after [AUTH]. */
static const char *const refusals[] = {
	[AUTH_OK] = "[SYS/TEMP] ",
	[AUTH_BAD] = "[AUTH] ",
	[AUTH_TEMPORARY] = "[SYS/TEMP] ",
	[AUTH_NOT_ALLOWED] = "[SYS/PERM] ",
	[AUTH_MALFORMED] = "",
	[AUTH_NO_MECH] = "",
};

enum door_event
door_refused(struct door *d, enum auth_result why, struct str text)
{
	struct buf words;
	enum door_event e;

	buf_init(&words, 512);
	buf_add_c(&words, refusals[why]);
	if (text.n == 0)
		text = STR("Log-in failed");
	for (size_t i = 0; i < text.n; i++)
		buf_add_char(&words,
		    text.p[i] < ' ' || text.p[i] > '~' ? '?' : text.p[i]);
	d->state = DOOR_COMMANDS;
	buf_reset(&d->user);
	buf_clear_secret(&d->secret);
	e = refuse(d, buf_cstr(&words));
	buf_clear(&words);
	return e;
}
