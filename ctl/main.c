#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/num.h"
#include "conf/parse.h"
#include "conf/suggest.h"
#include "ctl/ask.h"
#include "ctl/ctl.h"

void
say(const struct ctl *c, const char *fmt, ...)
{
	va_list ap;

	if (c->quiet)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int
fail(int code, const char *fix, const char *fmt, ...)
{
	va_list ap;

	out_check();
	fputs("postern: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (fix != NULL && fix[0] != '\0')
		fprintf(stderr, "fix: %s\n", fix);
	return code;
}

void
out_check(void)
{
	const int before = errno; /* of what has set the error flag */
	const bool flushed = fflush(stdout) == 0;
	const int error = flushed ? before : errno;

	if (flushed && !ferror(stdout))
		return;
	/* Who has closed a pipe knows. */
	if (error != EPIPE)
		fprintf(stderr, "postern: standard output: %s\n",
		    strerror(error));
	exit(CTL_IO);
}

int
usage(const struct cmd *cmd)
{
	fprintf(stderr, "usage: postern %s%s%s%s%s\n", cmd->noun,
	    cmd->verb != NULL ? " " : "", cmd->verb != NULL ? cmd->verb : "",
	    cmd->args[0] != '\0' ? " " : "", cmd->args);
	return CTL_USAGE;
}

int
confirm(const struct ctl *c, const char *what)
{
	char answer[16] = "";

	if (c->yes)
		return 0;
	if (!isatty(STDIN_FILENO))
		return fail(CTL_USAGE, NULL, "%s: needs --yes in scripts",
		    what);
	fprintf(stderr, "%s: go on? [y/N] ", what);
	if (fgets(answer, sizeof(answer), stdin) == NULL)
		fputc('\n', stderr);
	if (answer[0] == 'y' || answer[0] == 'Y')
		return 0;
	return fail(CTL_FOUND, NULL, "nothing done");
}

struct conf *
ctl_conf(struct ctl *c)
{
	if (c->conf == NULL)
		c->conf = conf_parse_file(c->config, c->base);
	return c->conf;
}

const char *
ctl_path(struct ctl *c, const char *which)
{
	return conf_str(conf_one(conf_root(ctl_conf(c)), "paths"), which).p;
}

void
ctl_program(const struct ctl *c, const char *folder, const char *name,
    char out[PATH_MAX])
{
	int n = c->build_tree ?
	    snprintf(out, PATH_MAX, "%s/../%s/%s", c->dir, folder, name) :
	    snprintf(out, PATH_MAX, "%s/%s", POSTERN_LIBEXECDIR, name);

	if (n >= PATH_MAX)
		exit(fail(CTL_CONFIG, NULL, "%s: too long a path", c->dir));
}

static void
find_self(struct ctl *c)
{
	char status[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", c->dir, sizeof(c->dir) - 1);

	if (n <= 0)
		fatal_errno("/proc/self/exe");
	c->dir[n] = '\0';
	*strrchr(c->dir, '/') = '\0';
	snprintf(status, sizeof(status), "%s/../config.status", c->dir);
	c->build_tree = access(status, F_OK) == 0;
}

/* "--option=value" is two words; nothing behind "--" is touched. */
static char **
split_words(int *argc, char *argv[])
{
	char **out = xcalloc((size_t)*argc * 2 + 1, sizeof(*out));
	bool ended = false;
	int n = 0;

	for (int i = 0; i < *argc; i++) {
		const size_t name = strspn(argv[i],
		    "-abcdefghijklmnopqrstuvwxyz");

		ended = ended || strcmp(argv[i], "--") == 0;
		out[n++] = argv[i];
		if (ended || strncmp(argv[i], "--", 2) != 0 ||
		    argv[i][name] != '=')
			continue;
		argv[i][name] = '\0';
		out[n++] = argv[i] + name + 1;
	}
	*argc = n;
	return out;
}

/* The value of an option that needs one. */
static const char *
option_value(int *argc, char *argv[], int *i, const char *name)
{
	if (*i + 1 >= *argc) {
		fail(0, NULL, "%s needs a value", name);
		exit(CTL_USAGE);
	}
	return argv[++*i];
}

/* "30s"; ends the program when it is none. */
static int64_t
timeout_value(const char *text)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "min", 60000 },
		{ "h", 3600000 } };
	struct str v = str_c(text);
	uint32_t n;

	if (num_take_u32(&v, &n) && n != 0 && n <= 100000)
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (str_eq(v, str_c(units[i].unit)))
				return n * units[i].ms;
	exit(fail(CTL_USAGE, "write 5s, 30s or 2min", "--timeout: \"%s\" is no "
	    "time", text));
}

static const char *
real_base(const char *base)
{
	char *path = realpath(base, NULL);

	if (path == NULL)
		exit(fail(CTL_NO_INPUT, NULL, "%s: %s", base,
		    strerror(errno)));
	return path;
}

/* Options of all commands may stand anywhere before "--". */
static void
take_options(struct ctl *c, int *argc, char *argv[])
{
	int n = 1;

	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			while (i < *argc)
				argv[n++] = argv[i++];
			break;
		}
		if (strcmp(argv[i], "--base") == 0)
			c->base = option_value(argc, argv, &i, "--base");
		else if (strcmp(argv[i], "--config") == 0)
			c->config = option_value(argc, argv, &i, "--config");
		else if (strcmp(argv[i], "--timeout") == 0)
			c->timeout = timeout_value(
			    option_value(argc, argv, &i, "--timeout"));
		else if (strcmp(argv[i], "--json") == 0)
			c->json = true;
		else if (strcmp(argv[i], "--quiet") == 0)
			c->quiet = true;
		else if (strcmp(argv[i], "--yes") == 0)
			c->yes = true;
		else if (strcmp(argv[i], "--help") == 0 ||
		    (n == 1 && strcmp(argv[i], "-h") == 0))
			c->help = true;
		else
			argv[n++] = argv[i];
	}
	argv[n] = NULL;
	*argc = n;
	if (c->base != NULL)
		c->base = real_base(c->base);
}

int
unknown_command(const char *noun, const char *verb)
{
	struct suggest s;
	bool known = false;

	for (const struct cmd *k = cmds; k->noun != NULL; k++)
		known = known || strcmp(k->noun, noun) == 0;
	suggest_init(&s, str_c(known && verb != NULL ? verb : noun));
	for (const struct cmd *k = cmds; k->noun != NULL; k++) {
		if (!known)
			suggest_add(&s, k->noun);
		else if (strcmp(k->noun, noun) == 0 && k->verb != NULL)
			suggest_add(&s, k->verb);
	}
	if (!known || verb == NULL) {
		if (known) {
			for (const struct cmd *k = cmds; k->noun != NULL; k++)
				if (strcmp(k->noun, noun) == 0)
					usage(k);
			return CTL_USAGE;
		}
		fail(0, NULL, "unknown command \"%s\"%s%s%s", noun,
		    s.best != NULL ? "; did you mean \"" : "",
		    s.best != NULL ? s.best : "", s.best != NULL ? "\"?" : "");
	} else {
		fail(0, NULL, "%s has no verb \"%s\"%s%s%s", noun, verb,
		    s.best != NULL ? "; did you mean \"" : "",
		    s.best != NULL ? s.best : "", s.best != NULL ? "\"?" : "");
	}
	fprintf(stderr, "fix: postern help%s%s\n", known ? " " : "",
	    known ? noun : "");
	return CTL_USAGE;
}

static int
dispatch(struct ctl *c, int argc, char *argv[])
{
	const char *noun = argc > 1 ? argv[1] : "help";
	const char *verb = argc > 2 ? argv[2] : NULL;
	const struct cmd *alone = NULL;

	if (c->help)
		return cmd_help(c, NULL, (size_t)argc - 1, argv + 1);
	if (strcmp(noun, "--version") == 0)
		noun = "version";
	for (const struct cmd *k = cmds; k->noun != NULL; k++) {
		if (strcmp(k->noun, noun) != 0)
			continue;
		if (k->verb == NULL)
			alone = k;
		else if (verb != NULL && strcmp(k->verb, verb) == 0)
			return k->run(c, k, (size_t)argc - 3, argv + 3);
	}
	if (alone == NULL)
		return unknown_command(noun, verb);
	return alone->run(c, alone, (size_t)(argc > 2 ? argc - 2 : 0),
	    argv + (argc > 2 ? 2 : argc));
}

int
main(int argc, char *argv[])
{
	static struct ctl c;
	int code;

	fatal_name("postern");
	signal(SIGPIPE, SIG_IGN);
	c.out_tty = isatty(STDOUT_FILENO) == 1;
	find_self(&c);
	argv = split_words(&argc, argv);
	take_options(&c, &argc, argv);
	code = dispatch(&c, argc, argv);
	offline_stop(&c);
	conf_free(c.conf);
	free(argv);
	out_check();
	return code;
}
