#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "ctl/table.h"

enum { SHOWN_MAX = 20 }; /* bad lines named to a person; --json names all */

/* What authd says while it takes the lines. */
struct progress {
	const struct ctl *c;
	const char *path;
	bool shows;     /* stderr is a terminal: one line that moves on */
	long long done, failed;
	int shown;
};

static void
on_row(void *arg, const json_t *row)
{
	struct progress *p = arg;
	const json_t *line = json_object_get(row, "line");

	if (line != NULL) {
		if (p->shown++ >= SHOWN_MAX)
			return;
		fprintf(stderr, "%s%s:%lld: %s\n", p->shows ? "\r" : "",
		    p->path, (long long)json_integer_value(line),
		    json_string_value(json_object_get(row, "error")));
		return;
	}
	p->done = json_integer_value(json_object_get(row, "done"));
	p->failed = json_integer_value(json_object_get(row, "failed"));
	if (p->shows && !p->c->quiet)
		fprintf(stderr, "\r%lld accounts", p->done);
}

static void
on_rows(void *arg, struct str rows)
{
	(void)table_each(rows, on_row, arg);
}

static int
ask_import(struct ctl *c, struct ask *a, const char *path)
{
	struct progress p = { .c = c, .path = path,
		.shows = isatty(STDERR_FILENO) == 1 };
	struct table raw;
	int code;

	table_init(&raw, c, NULL);
	a->on_rows = c->json ? table_rows : on_rows;
	a->arg = c->json ? (void *)&raw : (void *)&p;
	code = ask(c, a);
	if (!c->json && (code == 0 || code == CTL_DATA))
		say(c, "%s%lld accounts imported, %lld lines failed%s",
		    p.shows ? "\r" : "", p.done, p.failed,
		    p.shown > SHOWN_MAX ? " (the first 20 are named; --json "
		                          "names all)" : "");
	return code;
}

int
cmd_account_import(struct ctl *c, const struct cmd *cmd, size_t argc,
    char *argv[])
{
	struct str words[] = { STR("account"), STR("import"),
		STR("--replace") };
	struct ask a = { .target = cmd->target, .words = words, .nwords = 2,
		.has_data = true, .fd = STDIN_FILENO, .offline = true };
	const char *path;
	int code;

	if (argc > 1 && strcmp(argv[0], "--replace") == 0) {
		a.nwords = 3;
		argc--;
		argv++;
	}
	if (argc != 1 || strncmp(argv[0], "--", 2) == 0)
		return usage(cmd);
	path = argv[0];
	if (strcmp(path, "-") == 0)
		return ask_import(c, &a, "stdin");
	a.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (a.fd == -1)
		return fail(CTL_NO_INPUT, NULL, "%s: %s", path,
		    strerror(errno));
	code = ask_import(c, &a, path);
	close(a.fd);
	return code;
}
