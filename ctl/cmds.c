#include "ctl/ctl.h"

static const struct column domain_cols[] = {
	{ "domain", "DOMAIN", COL_TEXT },
	{ "accounts", "ACCOUNTS", COL_COUNT },
	{ "aliases", "ALIASES", COL_COUNT },
	{ "catch_all", "CATCH-ALL", COL_TEXT },
	{ "source", "SOURCE", COL_TEXT },
	{ NULL, NULL, COL_TEXT },
};
static const struct column account_cols[] = {
	{ "account", "ACCOUNT", COL_TEXT },
	{ "quota", "QUOTA", COL_LIMIT },
	{ "full", "FULL", COL_TEXT },
	{ "locked", "LOCKED", COL_TEXT },
	{ "uid", "UID", COL_COUNT },
	{ "path", "MAILBOX", COL_TEXT },
	{ NULL, NULL, COL_TEXT },
};
static const struct column account_show_cols[] = {
	{ "account", "ACCOUNT", COL_TEXT },
	{ "quota", "QUOTA", COL_LIMIT },
	{ "full", "FULL", COL_TEXT },
	{ "locked", "LOCKED", COL_TEXT },
	{ "uid", "UID", COL_COUNT },
	{ "path", "MAILBOX", COL_TEXT },
	{ "created", "CREATED", COL_TIME },
	{ "aliases", "ALIASES", COL_LIST },
	{ NULL, NULL, COL_TEXT },
};
static const struct column alias_cols[] = {
	{ "alias", "ALIAS", COL_TEXT },
	{ "to", "TO", COL_LIST },
	{ "source", "SOURCE", COL_TEXT },
	{ NULL, NULL, COL_TEXT },
};
static const struct column expand_cols[] = {
	{ "address", "ADDRESS", COL_TEXT },
	{ "kind", "KIND", COL_TEXT },
	{ "account", "ACCOUNT", COL_TEXT },
	{ "next_hop", "NEXT HOP", COL_TEXT },
	{ "code", "CODE", COL_COUNT },
	{ "text", "TEXT", COL_TEXT },
	{ NULL, NULL, COL_TEXT },
};
static const struct column test_cols[] = {
	{ "step", "STEP", COL_COUNT },
	{ "address", "ADDRESS", COL_TEXT },
	{ "rule", "RULE", COL_TEXT },
	{ "result", "RESULT", COL_TEXT },
	{ "kind", "KIND", COL_TEXT },
	{ "text", "TEXT", COL_TEXT },
	{ NULL, NULL, COL_TEXT },
};
static const struct column created_cols[] = {
	{ "account", "ACCOUNT", COL_TEXT },
	{ NULL, NULL, COL_TEXT },
};
static const struct column queue_cols[] = {
	{ "id", "ID", COL_TEXT },
	{ "status", "STATUS", COL_TEXT },
	{ "accepted", "ACCEPTED", COL_TIME },
	{ "size", "SIZE", COL_SIZE },
	{ "attempts", "TRIES", COL_COUNT },
	{ "sender", "FROM", COL_SENDER },
	{ "recipients", "TO", COL_SOME },
	{ "reason", "REASON", COL_TEXT },
	{ NULL, NULL, COL_TEXT },
};
static const struct column summary_cols[] = {
	{ "site", "SITE", COL_TEXT },
	{ "messages", "MESSAGES", COL_COUNT },
	{ "recipients", "RECIPIENTS", COL_COUNT },
	{ "deferred", "DEFERRED", COL_COUNT },
	{ "active", "ACTIVE", COL_COUNT },
	{ "hold", "HOLD", COL_COUNT },
	{ "oldest", "OLDEST", COL_TIME },
	{ "reason", "REASON", COL_TEXT },
	{ NULL, NULL, COL_TEXT },
};
static const struct column top_cols[] = {
	{ "site", "SITE", COL_TEXT },
	{ "growth", "GROWTH", COL_COUNT },
	{ "messages", "MESSAGES", COL_COUNT },
	{ "recipients", "RECIPIENTS", COL_COUNT },
	{ "deferred", "DEFERRED", COL_COUNT },
	{ "active", "ACTIVE", COL_COUNT },
	{ "oldest", "OLDEST", COL_TIME },
	{ "reason", "REASON", COL_TEXT },
	{ NULL, NULL, COL_TEXT },
};
static const struct column site_cols[] = {
	{ "site", "SITE", COL_TEXT },
	{ "domains", "DOMAINS", COL_SOME },
	{ "state", "STATE", COL_TEXT },
	{ "window", "WINDOW", COL_COUNT },
	{ "in_flight", "IN FLIGHT", COL_COUNT },
	{ "waiting", "WAITING", COL_COUNT },
	{ "next_probe", "NEXT PROBE", COL_TIME },
	{ "rate", "RATE", COL_COUNT },
	{ "last_reply", "LAST REPLY", COL_TEXT },
	{ NULL, NULL, COL_TEXT },
};
static const struct column check_cols[] = {
	{ "where", "WHERE", COL_TEXT },
	{ "id", "MESSAGE", COL_TEXT },
	{ "text", "PROBLEM", COL_TEXT },
	{ "fix", "REPAIR", COL_TEXT },
	{ NULL, NULL, COL_TEXT },
};
static const struct column changed_cols[] = {
	{ "changed", "CHANGED", COL_COUNT },
	{ NULL, NULL, COL_TEXT },
};
static const struct column tls_cols[] = {
	{ "subject", "SUBJECT", COL_TEXT },
	{ "names", "NAMES", COL_LIST },
	{ "not_after", "VALID TO", COL_TIME },
	{ "source", "SOURCE", COL_TEXT },
	{ "key", "KEY", COL_TEXT },
	{ NULL, NULL, COL_TEXT },
};

#define ROUTERD(noun, verb, args, flags, cols, meaning)                        \
	{ noun, verb, args, ROLE_ROUTERD, (flags) | CMD_OFFLINE, cmd_generic,  \
	    cols, meaning }
#define AUTHD(verb, args, flags, cols, meaning)                                \
	{ "account", verb, args, ROLE_AUTHD, (flags) | CMD_OFFLINE,            \
	    cmd_generic, cols, meaning }
#define OWN(noun, verb, args, run, meaning)                                    \
	{ noun, verb, args, ROLE_MASTER, 0, run, NULL, meaning }
#define SITE(verb, args, meaning)                                              \
	{ "site", verb, args, ROLE_QMGR, 0, cmd_generic, site_cols, meaning }
#define QUEUE(verb, args, flags, cols, meaning)                                \
	{ "queue", verb, args, ROLE_QMGR, (flags) | CMD_FILTER, cmd_queue,     \
	    cols, meaning }

const struct cmd cmds[] = {
	OWN("start", NULL, "[--foreground]", cmd_start,
	    "start the server and wait until it serves"),
	OWN("stop", NULL, "", cmd_stop, "stop it; mail that waits is kept"),
	OWN("status", NULL, "", cmd_status,
	    "what runs, where it listens, what waits"),
	OWN("reload", NULL, "", cmd_reload,
	    "check the configuration and take it over"),
	OWN("try", NULL, "", cmd_try,
	    "a private test server in ./try; nothing leaves this machine"),
	OWN("try", "start", "", cmd_try_start, "the same"),
	OWN("try", "send", "", cmd_try_send,
	    "send a message and read it back over IMAPS and POP3S"),
	OWN("try", "client-settings", "[ACCOUNT]", cmd_try_settings,
	    "what to enter in a mail program"),
	OWN("try", "stop", "", cmd_try_stop, "stop the test server"),
	OWN("config", "check", "[FILE]", cmd_config_check,
	    "find all mistakes of the configuration"),
	OWN("config", "show", "[--all]", cmd_config_show,
	    "the configuration as it is understood"),
	OWN("config", "get", "KEY", cmd_config_get, "the value of one key"),
	OWN("explain", NULL, "KEY|SECTION|all", cmd_explain,
	    "what a key means, its default and its present value"),

	ROUTERD("domain", "list", "", 0, domain_cols, "domains served here"),
	ROUTERD("domain", "add", "DOMAIN [--catch-all A] [--quota SIZE]", 0,
	    NULL, "serve another domain"),
	ROUTERD("domain", "show", "DOMAIN", 0, domain_cols, "one domain"),
	ROUTERD("domain", "remove", "DOMAIN [--force]", CMD_CONFIRM, NULL,
	    "serve it no longer; mailboxes stay"),

	ROUTERD("account", "list", "[DOMAIN] [--like PATTERN]", 0,
	    account_cols, "accounts"),
	AUTHD("add", "ADDRESS [--password-stdin] [--quota SIZE] [--hash]",
	    CMD_PASSWORD, created_cols, "make an account"),
	ROUTERD("account", "show", "ADDRESS", 0, account_show_cols,
	    "one account"),
	{ "account", "remove", "ADDRESS", ROLE_ROUTERD, CMD_OFFLINE |
	    CMD_CONFIRM, cmd_account_remove, NULL,
	    "end an account; its mail stays on disk" },
	AUTHD("password", "ADDRESS [--password-stdin] [--hash]", CMD_PASSWORD,
	    NULL, "set a new password"),
	ROUTERD("account", "quota", "ADDRESS SIZE", 0, NULL,
	    "change the limit of a mailbox"),
	AUTHD("lock", "ADDRESS", 0, NULL,
	    "no more log-ins; mail is still delivered"),
	AUTHD("unlock", "ADDRESS", 0, NULL, "log-ins again"),
	{ "account", "import", "[--replace] FILE|-", ROLE_AUTHD, CMD_OFFLINE,
	    cmd_account_import, NULL,
	    "make accounts of lines ADDRESS<TAB>{SCHEME}HASH" },
	AUTHD("check", "ADDRESS [--password-stdin]", CMD_PASSWORD, NULL,
	    "is this the password? 0 yes, 1 no"),

	ROUTERD("alias", "list", "[DOMAIN]", 0, alias_cols, "aliases"),
	ROUTERD("alias", "add", "ADDRESS TO... [--replace]", 0, NULL,
	    "mail for ADDRESS goes to TO"),
	ROUTERD("alias", "remove", "ADDRESS", 0, NULL, "no more"),
	ROUTERD("alias", "expand", "ADDRESS", 0, expand_cols,
	    "whom mail for ADDRESS reaches in the end"),
	ROUTERD("address", "test", "ADDRESS", 0, test_cols,
	    "what happens to mail for ADDRESS, rule by rule"),

	QUEUE("list", "[FILTER]", 0, queue_cols, "messages that wait"),
	QUEUE("show", "ID...", 0, queue_cols,
	    "a message and what became of each recipient"),
	QUEUE("cat", "ID", 0, NULL, "the text of one message"),
	QUEUE("summary", "[FILTER] [--by WHAT]", 0, summary_cols,
	    "what waits, by site, domain, reason, age, sender, ..."),
	{ "queue", "top", "[--every SECONDS] [--count N]", ROLE_QMGR, 0,
	    cmd_queue_top, top_cols, "the next hops whose mail grows" },
	QUEUE("retry", "FILTER [--dry-run]", CMD_FILTER_NEEDED, changed_cols,
	    "try now"),
	QUEUE("hold", "FILTER [--dry-run]", CMD_FILTER_NEEDED, changed_cols,
	    "do not try until released"),
	QUEUE("release", "FILTER [--dry-run]", CMD_FILTER_NEEDED, changed_cols,
	    "end a hold"),
	QUEUE("bounce", "FILTER [--text T] [--dry-run]",
	    CMD_FILTER_NEEDED | CMD_CONFIRM, changed_cols,
	    "return to the sender"),
	QUEUE("drop", "FILTER [--dry-run]", CMD_FILTER_NEEDED | CMD_CONFIRM,
	    changed_cols,
	    "remove without telling anybody"),
	QUEUE("reroute", "FILTER --via HOP|none|--reset [--tls T] [--dry-run]",
	    CMD_FILTER_NEEDED, changed_cols,
	    "send it to another next hop, or again to the usual one"),
	QUEUE("notify", "FILTER [--dry-run]", CMD_FILTER_NEEDED, changed_cols,
	    "tell the sender now that it is late"),
	{ "queue", "export", "FILTER --into FOLDER|--mbox FILE", ROLE_QMGR,
	    CMD_FILTER, cmd_queue_export, NULL,
	    "copy messages and their envelopes to files" },
	{ "queue", "check", "", ROLE_QMGR, 0, cmd_queue_check, check_cols,
	    "look for damage and contradictions in the whole spool" },

	SITE("list", "", "where mail goes: what each site is doing"),
	SITE("show", "SITE|DOMAIN", "one site, with all its domains"),
	SITE("pause", "SITE|DOMAIN [--for TIME]", "send nothing there"),
	SITE("resume", "SITE|DOMAIN", "end a pause"),
	SITE("rate", "SITE|DOMAIN N|none [--for TIME]",
	    "at most N messages a minute"),

	{ "events", "show", "[--follow] [--limit N] [--like TEXT]",
	    ROLE_EVENTD, 0, cmd_events, NULL, "what happened" },
	{ "tls", "list", "", ROLE_KEYD, 0, cmd_generic, tls_cols,
	    "certificates in use" },
	OWN("completion", NULL, "bash", cmd_completion,
	    "completion for the shell"),
	OWN("version", NULL, "", cmd_version, "this program's version"),
	OWN("help", NULL, "[NOUN [VERB]]", cmd_help, "all commands, or these"),
	{ NULL, NULL, NULL, ROLE_MASTER, 0, NULL, NULL, NULL },
};
