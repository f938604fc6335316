#include <string.h>

#include "ctl/generic.h"
#include "ctl/password.h"

bool
words_add(struct words *w, const char *word)
{
	if (w->n == CONTROL_WORDS_MAX)
		return false;
	w->word[w->n++] = str_c(word);
	return true;
}

bool
take_flag(size_t *argc, char *argv[], const char *flag)
{
	size_t n = 0;

	for (size_t i = 0; i < *argc; i++)
		if (strcmp(argv[i], flag) != 0)
			argv[n++] = argv[i];
	if (n == *argc)
		return false;
	*argc = n;
	return true;
}

const char *
take_option(size_t *argc, char *argv[], const char *option)
{
	const char *value;

	for (size_t i = 0; i + 1 < *argc; i++) {
		if (strcmp(argv[i], option) != 0)
			continue;
		value = argv[i + 1];
		*argc -= 2;
		memmove(&argv[i], &argv[i + 2],
		    (*argc - i) * sizeof(argv[0]));
		return value;
	}
	return NULL;
}

/* How many arguments without "--" the usage line demands. */
static size_t
args_needed(const struct cmd *cmd)
{
	struct str rest = str_c(cmd->args), word;
	size_t n = 0;
	bool optional = false;

	while ((word = str_take_word(&rest)).n > 0) {
		if (word.p[0] == '[')
			optional = true;
		n += !optional;
		if (word.p[word.n - 1] == ']')
			optional = false;
	}
	return n;
}

static int
check_args(const struct cmd *cmd, size_t argc, char *argv[])
{
	size_t plain = 0;

	for (size_t i = 0; i < argc; i++)
		plain += strncmp(argv[i], "--", 2) != 0;
	if (plain < args_needed(cmd))
		return usage(cmd);
	if (cmd->args[0] == '\0' && plain > 0)
		return usage(cmd);
	return 0;
}

void
table_over(struct ctl *c, const struct cmd *cmd, struct table *t, int code)
{
	bool lists = strcmp(cmd->verb, "list") == 0 ||
	    strcmp(cmd->verb, "show") == 0;

	table_end(t);
	if (code == 0 && lists && t->rows == 0 && !c->json)
		say(c, "nothing matches");
}

int
ask_rows(struct ctl *c, const struct cmd *cmd, struct ask *a)
{
	struct table t;
	int code;

	table_init(&t, c, cmd->columns);
	a->target = cmd->target;
	a->on_rows = table_rows;
	a->arg = &t;
	a->offline = (cmd->flags & CMD_OFFLINE) != 0;
	code = ask(c, a);
	table_over(c, cmd, &t, code);
	return code;
}

static int
ask_password(struct ctl *c, const struct cmd *cmd, struct ask *a,
    bool from_stdin)
{
	struct buf password;
	int code;

	buf_init(&password, PASSWORD_MAX);
	code = password_read(c, cmd, from_stdin, &password);
	if (code == 0) {
		a->has_data = true;
		a->fd = -1;
		a->data = buf_str(&password);
		code = ask_rows(c, cmd, a);
	}
	buf_clear_secret(&password);
	return code;
}

int
cmd_generic(struct ctl *c, const struct cmd *cmd, size_t argc, char *argv[])
{
	struct words w = { .n = 0 };
	struct ask a = { .words = w.word, .fd = -1 };
	bool from_stdin = (cmd->flags & CMD_PASSWORD) != 0 &&
	    take_flag(&argc, argv, "--password-stdin");
	int code;

	if ((code = check_args(cmd, argc, argv)) != 0)
		return code;
	words_add(&w, cmd->noun);
	words_add(&w, cmd->verb);
	for (size_t i = 0; i < argc; i++)
		if (!words_add(&w, argv[i]))
			return fail(CTL_USAGE, NULL, "too many arguments");
	a.nwords = w.n;
	if ((cmd->flags & CMD_CONFIRM) != 0 &&
	    (code = confirm(c, cmd->meaning)) != 0)
		return code;
	if ((cmd->flags & CMD_PASSWORD) != 0)
		return ask_password(c, cmd, &a, from_stdin);
	code = ask_rows(c, cmd, &a);
	return code == CTL_USAGE ? usage(cmd) : code;
}

/* First the directory entry, so that nobody logs in or gets mail; then the
 * secret, which is worth nothing by then. */
int
cmd_account_remove(struct ctl *c, const struct cmd *cmd, size_t argc,
    char *argv[])
{
	struct str words[] = { STR("account"), STR("remove"), STR_NONE };
	struct ask a = { .words = words, .nwords = 3, .fd = -1 };
	struct cmd to_authd = *cmd;
	int code;

	if (argc != 1)
		return usage(cmd);
	if ((code = confirm(c, cmd->meaning)) != 0)
		return code;
	words[2] = str_c(argv[0]);
	if ((code = ask_rows(c, cmd, &a)) != 0)
		return code;
	words[1] = STR("forget");
	to_authd.target = ROLE_AUTHD;
	return ask_rows(c, &to_authd, &a);
}
