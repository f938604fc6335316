#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "conf/keys.h"
#include "ctl/ctl.h"

static const char head[] =
"usage: postern [--base DIR] [--config FILE] [--json] [--quiet] [--yes]\n"
"               [--timeout TIME] COMMAND\n"
"\n";
static const char about_filters[] =
"\n"
"  FILTER    ID..., - (ids on stdin), --all, --from A, --to A, --domain D,\n"
"            --client C, --login L, --status active,deferred,hold,\n"
"            --reason TEXT, --age +2h, --since T, --until T, --size +1MiB,\n"
"            --limit N\n";
static const char tail[] =
"  --json    rows as JSON, one a line      --yes  do not ask\n"
"The manual: man postern; the configuration: man postern.conf\n";

static void
print_cmd(const struct cmd *k)
{
	char line[128];

	snprintf(line, sizeof(line), "%s%s%s%s%s", k->noun,
	    k->verb != NULL ? " " : "", k->verb != NULL ? k->verb : "",
	    k->args[0] != '\0' ? " " : "", k->args);
	if (strlen(line) > 38)
		printf("  %s\n  %-38s  %s\n", line, "", k->meaning);
	else
		printf("  %-38s  %s\n", line, k->meaning);
}

static bool
is_asked(const struct cmd *k, const char *noun, const char *verb)
{
	return (noun == NULL || strcmp(k->noun, noun) == 0) &&
	    (verb == NULL || (k->verb != NULL && strcmp(k->verb, verb) == 0));
}

static bool
is_without_verb(const char *noun)
{
	for (const struct cmd *k = cmds; k->noun != NULL; k++)
		if (strcmp(k->noun, noun) == 0 && k->verb == NULL)
			return true;
	return false;
}

/* cmd is NULL for --help: then the words are those of any command. */
int
cmd_help(struct ctl *c, const struct cmd *cmd, size_t argc, char *argv[])
{
	const char *noun = argc > 0 ? argv[0] : NULL;
	const char *verb = argc > 1 ? argv[1] : NULL;
	const char *last = NULL;
	bool filters = false;

	(void)c;
	if (cmd == NULL && noun != NULL && is_without_verb(noun))
		verb = NULL;
	for (const struct cmd *k = cmds; k->noun != NULL; k++) {
		if (!is_asked(k, noun, verb))
			continue;
		if (last == NULL)
			fputs(head, stdout);
		else if (strcmp(last, k->noun) != 0 &&
		    (k->verb != NULL || strcmp(k->noun, "completion") == 0))
			putchar('\n');
		last = k->noun;
		filters = filters || strstr(k->args, "FILTER") != NULL;
		print_cmd(k);
	}
	if (last == NULL)
		return unknown_command(noun, verb);
	if (filters)
		fputs(about_filters, stdout);
	if (noun == NULL)
		fputs(tail, stdout);
	return 0;
}

int
cmd_version(struct ctl *c, const struct cmd *cmd, size_t argc, char *argv[])
{
	struct buf row;

	(void)cmd;
	(void)argc;
	(void)argv;
	if (!c->json) {
		puts("Postern " POSTERN_VERSION);
		return 0;
	}
	buf_init(&row, BUF_NO_MAX);
	json_open(&row);
	json_c(&row, "version", POSTERN_VERSION);
	json_close(&row);
	puts(buf_cstr(&row));
	buf_clear(&row);
	return 0;
}

static void
words_of(const char *noun)
{
	const char *last = "";

	for (const struct cmd *k = cmds; k->noun != NULL; k++) {
		if (noun == NULL && strcmp(last, k->noun) != 0)
			printf("%s ", k->noun);
		else if (noun != NULL && k->verb != NULL &&
		    strcmp(k->noun, noun) == 0)
			printf("%s ", k->verb);
		last = k->noun;
	}
}

/* Each "--option" of all usage lines of a noun's verbs, and of FILTER. */
static void
options_of(const char *noun)
{
	static const char filter[] = "--all --from --to --domain --client "
	    "--login --status --reason --age --since --until --size --limit ";
	bool filters = false;

	for (const struct cmd *k = cmds; k->noun != NULL; k++) {
		struct str rest = str_c(k->args), word;

		if (strcmp(k->noun, noun) != 0)
			continue;
		filters = filters || (k->flags & CMD_FILTER) != 0;
		while ((word = str_take_word(&rest)).n != 0) {
			size_t at = str_find_str(word, STR("--")), n = at;

			while (n < word.n && (word.p[n] == '-' ||
			    chr_is_alpha(word.p[n])))
				n++;
			if (n != at)
				printf("%.*s ", (int)(n - at), word.p + at);
		}
	}
	if (filters)
		fputs(filter, stdout);
}

static void
config_words(void)
{
	const struct conf_kind *k;

	for (size_t i = 0; (k = conf_kind_at(i)) != NULL; i++) {
		if (k->kind != NULL)
			printf("%s ", k->name != NULL ? k->name : k->kind);
		for (size_t n = 0; n < k->nkeys; n++)
			if (k->kind != NULL)
				printf("%s.%s ", k->name != NULL ? k->name :
				    k->kind, k->keys[n].name);
			else
				printf("%s ", k->keys[n].name);
	}
}

int
cmd_completion(struct ctl *c, const struct cmd *cmd, size_t argc,
    char *argv[])
{
	const char *last = "";

	(void)c;
	if (argc != 1 || strcmp(argv[0], "bash") != 0)
		return usage(cmd);
	puts("# bash completion for postern(8), made by: postern completion "
	     "bash");
	puts("_postern() {\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} noun= verb= i w top=()\n"
	     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	     "\t\tcase ${COMP_WORDS[i]} in\n"
	     "\t\t--base|--config|--timeout) top+=(\"${COMP_WORDS[i]}\" "
	     "\"${COMP_WORDS[++i]}\") ;;\n"
	     "\t\t-*) ;;\n"
	     "\t\t*) if [ -z \"$noun\" ]; then noun=${COMP_WORDS[i]}; "
	     "elif [ -z \"$verb\" ]; then verb=${COMP_WORDS[i]}; fi ;;\n"
	     "\t\tesac\n"
	     "\tdone\n"
	     "\tcase $noun in");
	fputs("\t\"\") w=\"", stdout);
	words_of(NULL);
	puts("--base --config --json --quiet --yes --timeout\" ;;");
	for (const struct cmd *k = cmds; k->noun != NULL; k++) {
		if (k->verb == NULL || strcmp(last, k->noun) == 0)
			continue;
		last = k->noun;
		printf("\t%s) w=\"", k->noun);
		words_of(k->noun);
		fputs("\"; [ -n \"$verb\" ] && w=\"", stdout);
		options_of(k->noun);
		puts("\" ;;");
	}
	fputs("\texplain) w=\"all ", stdout);
	config_words();
	/* Ids of messages, so many as one can look at. */
	puts("\" ;;\n"
	     "\tesac\n"
	     "\tcase $noun:$verb:$cur in\n"
	     "\tqueue::*|queue:*:-*) ;;\n"
	     "\tqueue:*) w=$(\"${COMP_WORDS[0]}\" \"${top[@]}\" --quiet --timeout "
	     "2s queue list --limit 100 2>/dev/null | cut -f1) ;;\n"
	     "\tesac\n"
	     "\tCOMPREPLY=($(compgen -W \"$w\" -- \"$cur\"))\n"
	     "}\n"
	     "complete -o default -F _postern postern");
	return 0;
}
