#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "conf/keys.h"
#include "conf/parse.h"
#include "conf/suggest.h"
#include "ctl/ctl.h"

static const char *const types[] = {
	[CONF_BOOL] = "yes or no",
	[CONF_NUMBER] = "a number",
	[CONF_SIZE] = "a size: B KiB MiB GiB TiB",
	[CONF_TIME] = "a time: ms s min h d w",
	[CONF_PERCENT] = "a percentage",
	[CONF_RATE] = "a rate such as 60/min",
	[CONF_CHOICE] = "one of",
	[CONF_STRING] = "a text",
	[CONF_HOST] = "a host name",
	[CONF_DOMAIN] = "a domain",
	[CONF_ADDRESS] = "a mail address",
	[CONF_NETWORK] = "a network such as 192.0.2.0/24",
	[CONF_IPPORT] = "an IP address with a port",
	[CONF_PATH] = "a path",
};

/* "daemon smtpd" */
static void
section_name(const struct conf_kind *k, struct buf *out)
{
	if (k->kind == NULL)
		return;
	if (k->parent != NULL)
		buf_addf(out, "%s ", k->parent);
	buf_add_c(out, k->kind);
	if (k->name != NULL)
		buf_addf(out, " %s", k->name);
}

static void
type_text(const struct conf_key *key, struct buf *out)
{
	buf_addf(out, "%s%s", key->flags & CONF_LIST ? "a list, each " : "",
	    types[key->type]);
	for (size_t i = 0; key->choices != NULL && key->choices[i] != NULL;
	    i++)
		buf_addf(out, "%s %s", i > 0 ? "," : "", key->choices[i]);
	if ((key->flags & CONF_NONE) != 0)
		buf_add_c(out, ", or none");
	if ((key->flags & CONF_NO) != 0)
		buf_add_c(out, ", or no");
	if ((key->flags & CONF_NEEDED) != 0)
		buf_add_c(out, "; must be set");
}

/* The value that is in force, where there is one section of this kind. */
static void
now_text(struct ctl *c, const struct conf_kind *k, const struct conf_key *key,
    struct buf *out)
{
	const struct conf_section *root = conf_root(ctl_conf(c));
	const struct conf_section *s = root;

	if (k->many || k->free_keys || k->parent != NULL ||
	    (k->name != NULL && strcmp(k->name, "*") == 0))
		return;
	if (k->name != NULL)
		s = conf_daemon(ctl_conf(c), k->name);
	else if (k->kind != NULL)
		s = conf_one(root, k->kind);
	conf_show_key(s, key->name, out);
}

static void
seen_by(unsigned see, struct buf *out)
{
	if (see == SEE_ALL) {
		buf_add_c(out, "all");
		return;
	}
	for (unsigned bit = 1; bit < SEE_ALL; bit <<= 1)
		if ((see & bit) != 0)
			buf_addf(out, "%s%s", buf_len(out) > 0 ? ", " : "",
			    conf_see_name(bit));
}

static void
explain_key(struct ctl *c, const struct conf_kind *k,
    const struct conf_key *key)
{
	struct buf section, type, now, see, row;

	buf_init(&section, BUF_NO_MAX);
	buf_init(&type, BUF_NO_MAX);
	buf_init(&now, BUF_NO_MAX);
	buf_init(&see, BUF_NO_MAX);
	buf_init(&row, BUF_NO_MAX);
	section_name(k, &section);
	type_text(key, &type);
	now_text(c, k, key, &now);
	seen_by(conf_key_see(k, key), &see);
	if (c->json) {
		json_open(&row);
		json_str(&row, "section", buf_str(&section));
		json_c(&row, "key", key->name);
		json_str(&row, "type", buf_str(&type));
		json_c(&row, "default", key->def);
		json_str(&row, "now", buf_str(&now));
		json_str(&row, "used_by", buf_str(&see));
		json_c(&row, "meaning", key->meaning);
		json_close(&row);
		puts(buf_cstr(&row));
	} else {
		printf("%s%s%s\n    %s\n    type     %s\n", buf_cstr(&section),
		    buf_len(&section) > 0 ? ": " : "", key->name, key->meaning,
		    buf_cstr(&type));
		if (key->def[0] != '\0')
			printf("    default  %s\n", key->def);
		if (buf_len(&now) > 0 &&
		    !str_eq(buf_str(&now), str_c(key->def)))
			printf("    now      %s\n", buf_cstr(&now));
		printf("    used by  %s\n", buf_cstr(&see));
	}
	buf_clear(&section);
	buf_clear(&type);
	buf_clear(&now);
	buf_clear(&see);
	buf_clear(&row);
}

static void
explain_section(struct ctl *c, const struct conf_kind *k)
{
	struct buf name;

	if (!c->json) {
		buf_init(&name, BUF_NO_MAX);
		section_name(k, &name);
		printf("%s%s%s\n    %s\n\n", buf_cstr(&name),
		    k->words[0] != '\0' && k->name == NULL ? " " : "",
		    k->name == NULL ? k->words : "", k->meaning);
		buf_clear(&name);
	}
	for (size_t i = 0; i < k->nkeys; i++)
		explain_key(c, k, &k->keys[i]);
}

/* "queue", "daemon smtpd", "queue.lifetime", "lifetime", "smtpd.clients". */
static bool
names_section(const struct conf_kind *k, struct str word)
{
	if (k->kind == NULL)
		return false;
	if (k->name != NULL) {
		(void)str_take_prefix(&word, STR("daemon "));
		return str_eq(str_c(k->name), word);
	}
	return str_eq(str_c(k->kind), word);
}

static int
explain_unknown(const char *word)
{
	const struct conf_kind *k;
	struct suggest s;

	suggest_init(&s, str_c(word));
	for (size_t i = 0; (k = conf_kind_at(i)) != NULL; i++) {
		if (k->kind != NULL)
			suggest_add(&s, k->name != NULL ? k->name : k->kind);
		for (size_t n = 0; n < k->nkeys; n++)
			suggest_add(&s, k->keys[n].name);
	}
	return fail(CTL_NO_SUCH, "postern explain all", "no key or section "
	    "\"%s\"%s%s%s", word, s.best != NULL ? "; did you mean \"" : "",
	    s.best != NULL ? s.best : "", s.best != NULL ? "\"?" : "");
}

int
cmd_explain(struct ctl *c, const struct cmd *cmd, size_t argc, char *argv[])
{
	const struct conf_kind *k;
	struct str word, section;
	bool all, found = false;
	size_t dot;

	if (argc < 1 || argc > 2)
		return usage(cmd);
	word = str_c(argv[argc - 1]); /* `explain daemon smtpd` too */
	all = str_eq(word, STR("all"));
	dot = str_rfind(word, '.');
	section = dot < word.n ? str_first(word, dot) : STR("");
	for (size_t i = 0; (k = conf_kind_at(i)) != NULL; i++) {
		if (all || (dot == word.n && names_section(k, word))) {
			explain_section(c, k);
			found = true;
			continue;
		}
		if (dot < word.n && !names_section(k, section))
			continue;
		for (size_t n = 0; n < k->nkeys; n++)
			if (str_eq(str_c(k->keys[n].name), dot < word.n ?
			    str_from(word, dot + 1) : word)) {
				explain_key(c, k, &k->keys[n]);
				found = true;
			}
	}
	return found ? 0 : explain_unknown(argv[argc - 1]);
}
