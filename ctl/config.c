#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "conf/keys.h"
#include "conf/parse.h"
#include "ctl/ctl.h"

static void
problem_rows(const struct conf *c)
{
	const struct conf_problem *p;
	struct buf row;

	buf_init(&row, BUF_NO_MAX);
	for (size_t i = 0; (p = conf_problem(c, i)) != NULL; i++) {
		json_open(&row);
		json_str(&row, "file", p->file);
		json_u64(&row, "line", p->line);
		json_u64(&row, "col", p->col);
		json_c(&row, "severity", p->warning ? "warning" : "error");
		json_str(&row, "text", p->text);
		json_str(&row, "fix", p->fix);
		json_close(&row);
		puts(buf_cstr(&row));
		buf_reset(&row);
	}
	buf_clear(&row);
}

int
cmd_config_check(struct ctl *c, const struct cmd *cmd, size_t argc,
    char *argv[])
{
	struct conf *conf;

	if (argc > 1)
		return usage(cmd);
	if (argc == 1)
		c->config = argv[0];
	conf = ctl_conf(c);
	conf_check(conf, CONF_CHECK_FILES);
	if (c->json)
		problem_rows(conf);
	else
		conf_problems_print(conf, stderr);
	if (!conf_ok(conf))
		return CTL_CONFIG;
	say(c, "%.*s is right%s", STR_ARG(conf_file(conf, 0)),
	    conf_problem(conf, 0) != NULL ? ", with warnings" : "");
	return 0;
}

int
cmd_config_show(struct ctl *c, const struct cmd *cmd, size_t argc,
    char *argv[])
{
	struct conf *conf = ctl_conf(c);
	bool all = argc == 1 && strcmp(argv[0], "--all") == 0;
	struct buf text;

	if (argc > 1 || (argc == 1 && !all))
		return usage(cmd);
	conf_check(conf, 0);
	if (!conf_ok(conf)) {
		conf_problems_print(conf, stderr);
		return CTL_CONFIG;
	}
	buf_init(&text, BUF_NO_MAX);
	conf_show(conf, all, &text);
	if (c->json) {
		struct buf row;

		buf_init(&row, BUF_NO_MAX);
		json_open(&row);
		json_str(&row, "config", buf_str(&text));
		json_close(&row);
		puts(buf_cstr(&row));
		buf_clear(&row);
	} else {
		fputs(buf_cstr(&text), stdout);
	}
	buf_clear(&text);
	return 0;
}

/* "queue.lifetime", "domain example.org.quota", "hostname": what stands
 * before the last dot names the section. */
static const struct conf_section *
find_section(struct conf *conf, struct str name)
{
	const struct conf_section *s = NULL;
	const struct conf_kind *k;
	struct str word = name;
	struct str kind = str_take_word(&word);
	char copy[64];

	if (name.n == 0)
		return conf_root(conf);
	k = conf_kind_find(kind, NULL, word);
	if (k == NULL || !str_copy(copy, sizeof(copy), kind))
		return NULL;
	if (k->name != NULL)
		return conf_daemon(conf, k->name);
	if (!k->many)
		return conf_one(conf_root(conf), copy);
	while ((s = conf_next(conf_root(conf), copy, s)) != NULL)
		if (str_ieq(conf_word(s, 0), word))
			return s;
	return NULL;
}

int
cmd_config_get(struct ctl *c, const struct cmd *cmd, size_t argc,
    char *argv[])
{
	struct conf *conf = ctl_conf(c);
	const struct conf_section *s;
	const struct conf_kind *k;
	struct str key, in;
	struct buf text;
	size_t dot;

	if (argc != 1)
		return usage(cmd);
	conf_check(conf, 0);
	if (!conf_ok(conf)) {
		conf_problems_print(conf, stderr);
		return CTL_CONFIG;
	}
	dot = str_rfind(str_c(argv[0]), '.');
	key = dot < strlen(argv[0]) ? str_c(argv[0] + dot + 1) :
	    str_c(argv[0]);
	in = dot < strlen(argv[0]) ? str_n(argv[0], dot) : STR("");
	s = find_section(conf, in);
	k = s == NULL ? NULL : conf_section_kind(s);
	if (k == NULL || conf_key_find(k, key) == NULL)
		return fail(CTL_NO_SUCH, "postern explain all",
		    "no key %s", argv[0]);
	buf_init(&text, BUF_NO_MAX);
	conf_show_key(s, key.p, &text);
	if (c->json) {
		struct buf row;

		buf_init(&row, BUF_NO_MAX);
		json_open(&row);
		json_c(&row, "key", argv[0]);
		json_str(&row, "value", buf_str(&text));
		json_bool(&row, "set", conf_is_set(s, key.p));
		json_close(&row);
		puts(buf_cstr(&row));
		buf_clear(&row);
	} else {
		puts(buf_cstr(&text));
	}
	buf_clear(&text);
	return 0;
}
