#include "conf/keys.h"

/* version, hostname, ...: the top level. */
static const struct conf_key root_keys[] = {
	{ "version", CONF_NUMBER, 0, "1", 1, 1, NULL, SEE_ALL,
	    "Version of the configuration language.  Later releases go on "
	    "reading 1." },
	{ "hostname", CONF_HOST, CONF_NEEDED, "localhost", 0, 0, NULL, SEE_ALL,
	    "The name of this machine as other mail servers know it: in "
	    "greetings, Received lines and delivery reports." },
	{ "admin", CONF_ADDRESS, 0, "postmaster", 0, 0, NULL, SEE_ALL,
	    "Who gets mail for postmaster and reads about problems." },
	{ "role_uid_base", CONF_NUMBER, 0, "62000", 1000, 4294900000, NULL,
	    SEE_MASTER,
	    "Started as root where the system lacks the users of "
	    "sysusers.d/postern.conf, programs run under this uid and the "
	    "ones after it." },
};

static const struct conf_key listen_keys[] = {
	{ "mode", CONF_STRING, 0, "0666", 0, 0, NULL, SEE_MASTER,
	    "Mode of the socket when the address is a path." },
};

static const char *const certificate_choices[] = { "self-signed", "files",
	NULL };
static const char *const tls_min_choices[] = { "1.2", "1.3", NULL };
static const struct conf_key tls_keys[] = {
	{ "certificate", CONF_CHOICE, 0, "self-signed", 0, 0,
	    certificate_choices, 0,
	    "Where the certificate comes from: made by keyd itself, or the "
	    "files that cert and key name." },
	{ "cert", CONF_PATH, 0, "", 0, 0, NULL, 0,
	    "PEM file with the certificate and the ones above it, leaf "
	    "first." },
	{ "key", CONF_PATH, 0, "", 0, 0, NULL, SEE_KEYD,
	    "PEM file with the private key of cert." },
	{ "min_version", CONF_CHOICE, 0, "1.2", 0, 0, tls_min_choices, 0,
	    "Lowest version of TLS that is spoken with clients." },
};

static const struct conf_key paths_keys[] = {
	{ "spool", CONF_PATH, 0, "", 0, 0, NULL, SEE_MASTER,
	    "The queue: its log, large messages, the drop folder." },
	{ "lib", CONF_PATH, 0, "", 0, 0, NULL, SEE_MASTER,
	    "Databases and keys, a folder for each program." },
	{ "run", CONF_PATH, 0, "", 0, 0, NULL, SEE_MASTER,
	    "Sockets, master's pid, the addresses listened on." },
	{ "mail", CONF_PATH, 0, "", 0, 0, NULL, SEE_MASTER,
	    "Mailboxes of virtual accounts: DOMAIN/USER below it." },
	{ "log", CONF_PATH, 0, "", 0, 0, NULL, SEE_MASTER,
	    "Log files." },
};

static const struct conf_key domain_keys[] = {
	{ "catch_all", CONF_ADDRESS, CONF_NO, "no", 0, 0, NULL, 0,
	    "Where mail for addresses of this domain goes that nobody has." },
	{ "plus_addressing", CONF_STRING, CONF_NO, "+", 0, 0, NULL, 0,
	    "Characters that end the account's name in an address: with "
	    "\"+\" bob+shop is bob." },
	{ "quota", CONF_SIZE, CONF_NONE, "none", 65536, 0, NULL, 0,
	    "Most octets in a mailbox of this domain, unless the account "
	    "says otherwise." },
	{ "system_users", CONF_BOOL, 0, "no", 0, 0, NULL, 0,
	    "The users of this machine have mailboxes in this domain." },
};

static const struct conf_key aliases_keys[] = {
	{ "NAME", CONF_ADDRESS, CONF_LIST, "[]", 0, 0, NULL, 0,
	    "Mail for NAME in this domain goes to these addresses." },
};

static const char *const hash_choices[] = { "yescrypt", "sha512crypt",
	"bcrypt", NULL };
static const struct conf_key accounts_keys[] = {
	{ "default_domain", CONF_DOMAIN, CONF_NONE, "none", 0, 0, NULL, 0,
	    "Domain of log-ins and addresses without @; with one domain, "
	    "that one." },
	{ "password_hash", CONF_CHOICE, 0, "yescrypt", 0, 0, hash_choices, 0,
	    "How new passwords are kept." },
	{ "first_uid", CONF_NUMBER, 0, "500", 1, 4294967294, NULL, SEE_ALL,
	    "No mailbox of a user below this uid is opened." },
};

static const struct conf_key quota_keys[] = {
	{ "grace", CONF_TIME, CONF_NONE, "1d", 1000, 0, NULL, 0,
	    "How long mail for a full mailbox waits before it is returned." },
};

static const char *const format_choices[] = { "text", "json", NULL };
static const char *const level_choices[] = { "debug", "info", "warn", "error",
	NULL };
static const struct conf_key log_keys[] = {
	{ "format", CONF_CHOICE, 0, "text", 0, 0, format_choices, 0,
	    "One event a line, as key=value or as JSON." },
	{ "level", CONF_CHOICE, 0, "info", 0, 0, level_choices, SEE_ALL,
	    "Events below this are not written." },
	{ "file", CONF_STRING, 0, "mail.log", 0, 0, NULL, 0,
	    "Name of the file in paths.log." },
	{ "syslog", CONF_BOOL, 0, "no", 0, 0, NULL, 0,
	    "Also write to the system's log." },
	{ "rotate_size", CONF_SIZE, CONF_NONE, "100MiB", 65536, 0, NULL, 0,
	    "A log file that grows over this is renamed and a new one "
	    "begun." },
	{ "rotate_keep", CONF_NUMBER, 0, "10", 1, 1000, NULL, 0,
	    "Renamed log files kept." },
};

static const struct conf_kind kinds[] = {
	{ NULL, NULL, NULL, "", false, false, false, CONF_KEYS(root_keys),
	    SEE_ALL, "The top level of the file." },
	{ "listen", NULL, NULL, "KIND ADDRESS", true, false, true,
	    CONF_KEYS(listen_keys), SEE_FRONTS | SEE_EVENTD,
	    "An address that clients connect to.  KIND is smtp, submission, "
	    "submissions, lmtp, imap, imaps, pop3 or pop3s; ADDRESS is "
	    "host:port, [v6]:port or, for lmtp, a path." },
	{ "tls", NULL, NULL, "", false, false, false, CONF_KEYS(tls_keys),
	    SEE_FRONTS | SEE_KEYD, "Encryption towards clients." },
	{ "paths", NULL, NULL, "", false, false, false, CONF_KEYS(paths_keys),
	    SEE_MASTER, "Where files are kept." },
	{ "domain", NULL, NULL, "DOMAIN", true, false, true,
	    CONF_KEYS(domain_keys), SEE_ROUTERD | SEE_AUTHD | SEE_SMTPD |
	    SEE_QMGR | SEE_BOUNCE,
	    "A domain whose mail is delivered here.  Domains can also be "
	    "added with postern domain add." },
	{ "aliases", NULL, "domain", "", false, true, false,
	    CONF_KEYS(aliases_keys), SEE_ROUTERD,
	    "Addresses of the domain that stand for others." },
	{ "accounts", NULL, NULL, "", false, false, false,
	    CONF_KEYS(accounts_keys), SEE_ROUTERD | SEE_AUTHD | SEE_NSSD |
	    SEE_SMTPD, "People's accounts." },
	{ "quota", NULL, NULL, "", false, false, false, CONF_KEYS(quota_keys),
	    SEE_QMGR | SEE_DELIVER | SEE_ROUTERD, "Full mailboxes." },
	{ "log", NULL, NULL, "", false, false, false, CONF_KEYS(log_keys),
	    SEE_EVENTD, "What is written about what happens." },
};

const struct conf_kinds conf_kinds_main = { CONF_KEYS(kinds) };
