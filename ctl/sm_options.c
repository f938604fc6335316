#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "ctl/sendmail.h"
#include "mail/xtext.h"

/* One letter and what follows it. */
struct option_row {
	char letter;
	enum { ALONE, VALUE, ATTACHED /* only without a space, may lack */ } form;
	void (*take)(struct sm *s, const char *value); /* NULL: ignored */
};

static _Noreturn void __attribute__((format(printf, 1, 2)))
usage(const char *fmt, ...)
{
	va_list ap;

	fputs("sendmail: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs(" (see man 8 sendmail)\n", stderr);
	exit(EX_USAGE);
}

static void
take_mode(struct sm *s, const char *value)
{
	static const struct {
		char letter;
		enum sm_mode mode;
	} modes[] = { { 'm', SM_DELIVER }, { 's', SM_SMTP }, { 'p', SM_QUEUE },
		{ 'i', SM_ALIASES }, { 'v', SM_VERIFY }, { 'd', SM_DAEMON },
		{ 'D', SM_DAEMON }, { 'h', SM_NOTHING }, { 'H', SM_NOTHING },
		{ 'l', SM_NOTHING } };

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (value[0] == modes[i].letter && value[1] == '\0') {
			s->mode = modes[i].mode;
			return;
		}
	usage("unknown option -b%s", value);
}

static void
take_errors(struct sm *s, const char *value)
{
	static const struct {
		char letter;
		enum sm_errors errors;
	} kinds[] = { { 'p', SM_PRINT }, { 'q', SM_QUIET }, { 'm', SM_MAIL },
		{ 'w', SM_PRINT }, { 'e', SM_MAIL_OK } };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (value[0] == kinds[i].letter && value[1] == '\0') {
			s->errors = kinds[i].errors;
			return;
		}
	usage("unknown option -oe%s", value);
}

/* -oX: old one-letter options; those that only tune are ignored. */
static void
take_old(struct sm *s, const char *value)
{
	if (value[0] == 'i' && value[1] == '\0')
		s->ignore_dots = true;
	else if (value[0] == 'e')
		take_errors(s, value + 1);
	else if (value[0] == '\0' || strchr("d78mXAsTQPhLo", value[0]) == NULL)
		usage("unknown option -o%s", value);
}

/* -O name=value */
static void
take_long(struct sm *s, const char *value)
{
	if (strncasecmp(value, "smtputf8", 8) == 0)
		s->head.flags |= ENV_UTF8;
	else if (strncasecmp(value, "requiretls", 10) == 0)
		usage("%s: not offered by this server", value);
}

static void
take_body(struct sm *s, const char *value)
{
	if (strcasecmp(value, "8BITMIME") == 0)
		s->head.flags |= ENV_8BIT;
	else if (strcasecmp(value, "7BIT") != 0)
		usage("-B takes 7BIT or 8BITMIME, not %s", value);
}

static void
take_notify(struct sm *s, const char *value)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} names[] = { { "never", NOTIFY_NEVER }, { "success", NOTIFY_SUCCESS },
		{ "failure", NOTIFY_FAILURE }, { "delay", NOTIFY_DELAY } };
	struct str rest = str_c(value);

	while (rest.n > 0) {
		struct str word = str_take_until(&rest, ',');
		size_t i = 0;

		while (i < 4 && !str_ieq(word, str_c(names[i].name)))
			i++;
		if (i == 4)
			usage("-N takes never, success, failure, delay, not %s",
			    value);
		s->notify |= names[i].bit;
	}
	if ((s->notify & NOTIFY_NEVER) != 0 && s->notify != NOTIFY_NEVER)
		usage("-N %s: never stands alone", value);
}

static void
take_return(struct sm *s, const char *value)
{
	if (strcasecmp(value, "full") == 0)
		s->head.flags |= ENV_RET_FULL;
	else if (strcasecmp(value, "hdrs") == 0)
		s->head.flags |= ENV_RET_HDRS;
	else
		usage("-R takes full or hdrs, not %s", value);
}

static void
take_envid(struct sm *s, const char *value)
{
	if (!xtext_can(str_c(value), false, ENVID_MAX))
		usage("-V takes printable ASCII, at most %d characters as "
		      "xtext", ENVID_MAX);
	s->head.envid = str_c(value);
}

static void
take_sender(struct sm *s, const char *value)
{
	s->sender = value;
}

static void
take_name(struct sm *s, const char *value)
{
	s->name = value;
}

static void
take_config(struct sm *s, const char *value)
{
	s->config = value;
}

static void
take_dots(struct sm *s, const char *value)
{
	(void)value;
	s->ignore_dots = true;
}

static void
take_header(struct sm *s, const char *value)
{
	(void)value;
	s->from_header = true;
}

static void
take_verbose(struct sm *s, const char *value)
{
	(void)value;
	s->verbose = true;
}

/* -q, -qI id, -qR domain, -qS sender; -q30m is a matter of daemons. */
static void
take_retry(struct sm *s, const char *value)
{
	if (value[0] != '\0' && strchr("IRS", value[0]) == NULL) {
		if (s->mode == SM_DELIVER)
			s->mode = SM_NOTHING;
		return;
	}
	if (s->mode == SM_DELIVER)
		s->mode = SM_RETRY;
	s->retry = value;
}

static const struct option_row rows[] = {
	{ 'A', VALUE, NULL },       { 'B', VALUE, take_body },
	{ 'b', VALUE, take_mode },  { 'C', VALUE, take_config },
	{ 'd', ATTACHED, NULL },    { 'e', VALUE, take_errors },
	{ 'F', VALUE, take_name },  { 'f', VALUE, take_sender },
	{ 'r', VALUE, take_sender }, { 'G', ALONE, NULL },
	{ 'h', VALUE, NULL },       { 'i', ALONE, take_dots },
	{ 'L', VALUE, NULL },       { 'm', ALONE, NULL },
	{ 'N', VALUE, take_notify }, { 'n', ALONE, NULL },
	{ 'O', VALUE, take_long },  { 'o', VALUE, take_old },
	{ 'p', VALUE, NULL },       { 'q', ATTACHED, take_retry },
	{ 'R', VALUE, take_return }, { 't', ALONE, take_header },
	{ 'U', ALONE, NULL },       { 'V', VALUE, take_envid },
	{ 'v', ALONE, take_verbose }, { 'X', VALUE, NULL },
};

static const struct option_row *
find(char letter)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].letter == letter)
			return &rows[i];
	return NULL;
}

/* "-ti" is "-t -i"; the letter with a value is the last. *i moves on when
 * the value is the next argument. */
static void
take_letters(struct sm *s, int argc, char *argv[], int *i)
{
	const char *p = argv[*i] + 1;

	for (; *p != '\0'; p++) {
		const struct option_row *row = find(*p);
		const char *value = p + 1;
		char text[3] = { '-', *p, '\0' };

		if (row == NULL)
			usage("unknown option %s", text);
		if (row->form == ALONE) {
			if (row->take != NULL)
				row->take(s, "");
			continue;
		}
		if (*value == '\0' && row->form == VALUE) {
			if (*i + 1 >= argc)
				usage("%s needs a value", text);
			value = argv[++*i];
		}
		if (row->take != NULL)
			row->take(s, value);
		/* "-qI id" as two words. */
		if (*p == 'q' && s->retry != NULL && s->retry[0] != '\0' &&
		    s->retry[1] == '\0' && *i + 1 < argc) {
			char *joined = NULL;

			if (asprintf(&joined, "%s%s", s->retry,
			    argv[++*i]) != -1)
				s->retry = joined;
		}
		return;
	}
}

static bool
take_word(struct sm *s, int argc, char *argv[], int *i)
{
	if (strcmp(argv[*i], "--json") == 0) {
		s->json = true;
	} else if (strcmp(argv[*i], "--base") == 0 && *i + 1 < argc) {
		s->base = realpath(argv[++*i], NULL);
		if (s->base == NULL)
			usage("--base %s: no such folder", argv[*i]);
	} else {
		return false;
	}
	return true;
}

int
sm_options(struct sm *s, int argc, char *argv[])
{
	char copy[256];
	const char *name;
	int i;

	snprintf(copy, sizeof(copy), "%s", argc > 0 ? argv[0] : "sendmail");
	name = basename(copy);
	if (strcmp(name, "mailq") == 0)
		s->mode = SM_QUEUE;
	else if (strcmp(name, "newaliases") == 0)
		s->mode = SM_ALIASES;
	else if (strcmp(name, "hoststat") == 0 ||
	    strcmp(name, "purgestat") == 0)
		s->mode = SM_NOTHING;
	for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
		if (strcmp(argv[i], "--") == 0)
			return i + 1;
		if (take_word(s, argc, argv, &i))
			continue;
		if (argv[i][1] == '-')
			usage("unknown option %s", argv[i]);
		take_letters(s, argc, argv, &i);
	}
	return i;
}
