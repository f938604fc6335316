#include "helpers/routerd/verbs.h"

#include "base/json.h"
#include "table/records.h"

const char *
source_name(enum source s)
{
	switch (s) {
	case SOURCE_DIRECTORY:
		return "directory";
	case SOURCE_CONFIG:
		return "config";
	case SOURCE_FILE:
		return "file";
	}
	return "";
}

struct str
verb_address(struct routerd *d, struct control_ask *a, struct pool *pool,
    struct str word)
{
	struct str address = resolve_name(&d->resolver, pool, word);

	if (address.n == 0)
		control_endf(a, 65, "%.*s %s", STR_ARG(str_first(word, 200)),
		    str_find(word, '@') == word.n &&
		            resolver_default_domain(&d->resolver).n == 0
		        ? "needs a domain: accounts.default_domain is not set"
		        : "is no address");
	return address;
}

void
verb_end_change(struct routerd *d, struct control_ask *a, int r)
{
	if (r == -1) {
		control_endf(a, 74, "directory.db: %s",
		    records_error(d->dir.records));
		return;
	}
	routerd_commit(d);
	control_end(a, 0, "", "");
}

static void
server_info(void *arg, struct control_ask *a)
{
	struct routerd *d = arg;
	struct buf *row = control_row(a);

	json_u64(row, "accounts", d->dir.accounts.n);
	json_u64(row, "domains", d->dir.domains.n);
	json_u64(row, "aliases", d->dir.aliases.n + d->dir.others.n);
	control_row_end(a);
	control_end(a, 0, "", "");
}

/* clang-format off */
static const struct control_verb verbs[] = {
	/* noun      verb      words    data   handler */
	{ "domain",  "list",   0,  0, false, verb_domain_list, NULL, NULL },
	{ "domain",  "show",   1,  1, false, verb_domain_show, NULL, NULL },
	{ "domain",  "add",    1,  5, false, verb_domain_add, NULL, NULL },
	{ "domain",  "remove", 1,  2, false, verb_domain_remove, NULL, NULL },
	{ "account", "list",   0,  3, false, verb_account_list, NULL, NULL },
	{ "account", "show",   1,  1, false, verb_account_show, NULL, NULL },
	{ "account", "quota",  2,  2, false, verb_account_quota, NULL, NULL },
	{ "account", "remove", 1,  1, false, verb_account_remove, NULL, NULL },
	{ "alias",   "list",   0,  1, false, verb_alias_list, NULL, NULL },
	{ "alias",   "add",    2, 62, false, verb_alias_add, NULL, NULL },
	{ "alias",   "remove", 1,  1, false, verb_alias_remove, NULL, NULL },
	{ "alias",   "expand", 1,  1, false, verb_alias_expand, NULL, NULL },
	{ "alias",   "reload", 0,  0, false, verb_alias_reload, NULL, NULL },
	{ "address", "test",   1,  1, false, verb_address_test, NULL, NULL },
	{ "server",  "info",   0,  0, false, server_info, NULL, NULL },
};
/* clang-format on */

void
verbs_open(struct routerd *d, int fd, uid_t uid, uint32_t rights)
{
	control_open(d->proc.loop, fd, uid, rights, verbs,
	    sizeof(verbs) / sizeof(verbs[0]), d);
}
