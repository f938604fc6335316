/* verbs_domain -- domain list, show, add, remove. */
#include "base/json.h"
#include "helpers/routerd/name.h"
#include "helpers/routerd/verbs.h"

#include <stdlib.h>

static void
put_domain(struct control_ask *a, const struct domain *m, bool all)
{
	struct buf *row = control_row(a);

	json_c(row, "domain", m->name);
	json_u64(row, "accounts", m->accounts);
	json_u64(row, "aliases", m->aliases);
	json_c(row, "catch_all", m->catch_all != NULL ? m->catch_all : "");
	json_c(row, "source", source_name(m->source));
	if (all) {
		json_c(row, "plus_addressing", m->plus);
		json_u64(row, "quota", m->quota);
		json_bool(row, "system_users", m->system_users);
	}
	control_row_end(a);
}

void
verb_domain_list(void *arg, struct control_ask *a)
{
	struct routerd *d = arg;
	size_t n;
	struct domain **all = directory_domains(&d->dir, &n);

	for (size_t i = 0; i < n; i++)
		put_domain(a, all[i], false);
	free(all);
	control_end(a, 0, "", "");
}

/* The domain of the first word; NULL: answered. */
static struct domain *
named(struct routerd *d, struct control_ask *a)
{
	struct domain *m = NULL;
	struct buf name;

	buf_init(&name, BUF_NO_MAX);
	if (name_domain(&name, a->words[0]))
		m = directory_domain(&d->dir, buf_str(&name));
	buf_clear(&name);
	if (m == NULL)
		control_endf(a, 2, "no such domain: %.*s",
		    STR_ARG(str_first(a->words[0], 200)));
	return m;
}

void
verb_domain_show(void *arg, struct control_ask *a)
{
	struct domain *m = named(arg, a);

	if (m == NULL)
		return;
	put_domain(a, m, true);
	control_end(a, 0, "", "");
}

static void
add(struct routerd *d, struct control_ask *a, struct str catch_all,
    uint64_t quota)
{
	struct buf name, to;

	buf_init(&name, BUF_NO_MAX);
	buf_init(&to, BUF_NO_MAX);
	if (!name_domain(&name, a->words[0]))
		control_endf(a, 65, "%.*s is no domain name",
		    STR_ARG(str_first(a->words[0], 200)));
	else if (directory_domain(&d->dir, buf_str(&name)) != NULL)
		control_endf(a, 73, "%.*s is there already",
		    STR_ARG(buf_str(&name)));
	else if (catch_all.n != 0 &&
	    !name_address(&to, catch_all, buf_str(&name)))
		control_endf(a, 65, "%.*s is no address", STR_ARG(catch_all));
	else
		verb_end_change(d, a, directory_put_domain(&d->dir,
		    buf_str(&name), buf_str(&to), quota));
	buf_clear(&name);
	buf_clear(&to);
}

void
verb_domain_add(void *arg, struct control_ask *a)
{
	struct str catch_all = STR_NONE, word;
	uint64_t quota = 0;

	control_option(a, "--catch-all", &catch_all);
	if (control_option(a, "--quota", &word) && !control_size(a, word, &quota))
		return;
	if (control_words_ok(a, 1, 1))
		add(arg, a, catch_all, quota);
}

void
verb_domain_remove(void *arg, struct control_ask *a)
{
	struct routerd *d = arg;
	bool force = control_flag(a, "--force");
	struct domain *m;

	if (!control_words_ok(a, 1, 1) || (m = named(d, a)) == NULL)
		return;
	if (m->source == SOURCE_CONFIG) {
		control_endf(a, 78, "%s is in postern.conf", m->name);
		return;
	}
	if (m->accounts != 0 && !force) {
		control_endf(a, 75, "%s has %llu accounts", m->name,
		    (unsigned long long)m->accounts);
		return;
	}
	verb_end_change(d, a, directory_del_domain(&d->dir, m));
}
