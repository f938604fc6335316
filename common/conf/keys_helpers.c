#include "conf/keys.h"

static const char *const dnssec_choices[] = { "auto", "yes", "no", NULL };
static const struct conf_key dns_keys[] = {
	{ "servers", CONF_IPPORT, CONF_LIST, "[]", 0, 0, NULL, 0,
	    "Name servers to ask; with none, those of /etc/resolv.conf." },
	{ "dnssec", CONF_CHOICE, 0, "auto", 0, 0, dnssec_choices, 0,
	    "Check signatures; auto: if the servers pass them on." },
	{ "local_zones_off", CONF_DOMAIN, CONF_LIST, "[]", 0, 0, NULL, 0,
	    "Names such as test. that are normally answered here and shall "
	    "be asked of the servers." },
	{ "timeout", CONF_TIME, 0, "20s", 100, 600000, NULL, 0,
	    "Most for one name." },
	{ "cache", CONF_SIZE, 0, "16MiB", 65536, 0, NULL, 0,
	    "Memory for answers." },
	{ "outstanding", CONF_NUMBER, 0, "1024", 16, 100000, NULL, 0,
	    "Questions under way at the same time." },
};

static const struct conf_key authd_keys[] = {
	{ "mechanisms", CONF_STRING, CONF_LIST, "[PLAIN, LOGIN]", 0, 0, NULL,
	    0, "SASL mechanisms that are offered." },
	{ "parallel_hashes", CONF_NUMBER, 0, "2", 1, 64, NULL, 0,
	    "Passwords checked at the same time." },
	{ "waiting", CONF_NUMBER, 0, "100", 1, 100000, NULL, 0,
	    "Log-ins that may wait for that; more fail as temporary." },
	{ "failures", CONF_RATE, CONF_NONE, "10/10min", 1, 0, NULL, 0,
	    "Wrong passwords of one account from one network after which "
	    "answers become slow." },
	{ "delay_max", CONF_TIME, 0, "60s", 0, 600000, NULL, 0,
	    "Longest such delay." },
};

static const struct conf_key routerd_keys[] = {
	{ "depth", CONF_NUMBER, 0, "10", 1, 100, NULL, 0,
	    "Aliases that lead to aliases." },
	{ "expansions", CONF_NUMBER, 0, "200000", 1, 1000000, NULL, SEE_ROUTERD
	    | SEE_QMGR, "Addresses that one address may become." },
	{ "aliases_file", CONF_PATH, CONF_NONE, "none", 0, 0, NULL, 0,
	    "A file like /etc/aliases, for the domain of system users." },
};

static const struct conf_key keyd_keys[] = {
	{ "reread", CONF_TIME, 0, "60s", 1000, 3600000, NULL, 0,
	    "Time between two looks whether certificate files changed." },
};

static const struct conf_key nssd_keys[] = {
	{ "cache", CONF_TIME, CONF_NONE, "30s", 0, 3600000, NULL, 0,
	    "How long an answer about a system user is kept." },
};

static const struct conf_key master_keys[] = {
	{ "stop_timeout", CONF_TIME, 0, "10s", 100, 600000, NULL, 0,
	    "Wait for a program to stop before it is killed." },
	{ "restart_max", CONF_TIME, 0, "60s", 100, 3600000, NULL, 0,
	    "Longest wait before a failing program is started again." },
};

/* Every daemon has these. */
static const struct conf_key daemon_keys[] = {
	{ "processes", CONF_NUMBER, 0, "1", 1, 1024, NULL, 0,
	    "How many run." },
	{ "clients", CONF_NUMBER, 0, "1000", 1, 1000000, NULL, 0,
	    "Connections in one process." },
	{ "memory", CONF_SIZE, CONF_NONE, "1GiB", 16777216, 0, NULL,
	    SEE_MASTER, "Most memory of one process." },
	{ "files", CONF_NUMBER, 0, "8192", 64, 1048576, NULL, SEE_MASTER,
	    "Open files of one process." },
};

static const struct conf_kind kinds[] = {
	{ "dns", NULL, NULL, "", false, false, false, CONF_KEYS(dns_keys),
	    SEE_DNSD, "Looking up names." },
	{ "daemon", "routerd", NULL, "NAME", false, false, false,
	    CONF_KEYS(routerd_keys), SEE_ROUTERD, "Knows every address." },
	{ "daemon", "authd", NULL, "NAME", false, false, false,
	    CONF_KEYS(authd_keys), SEE_AUTHD, "Checks log-ins." },
	{ "daemon", "keyd", NULL, "NAME", false, false, false,
	    CONF_KEYS(keyd_keys), SEE_KEYD, "Keeps private keys." },
	{ "daemon", "dnsd", NULL, "NAME", false, false, false, NULL, 0,
	    SEE_DNSD, "Looks up names." },
	{ "daemon", "nssd", NULL, "NAME", false, false, false,
	    CONF_KEYS(nssd_keys), SEE_NSSD, "Looks up system users." },
	{ "daemon", "eventd", NULL, "NAME", false, false, false, NULL, 0,
	    SEE_EVENTD, "Writes the log." },
	{ "daemon", "master", NULL, "NAME", false, false, false,
	    CONF_KEYS(master_keys), SEE_MASTER, "Starts all the others." },
	{ "daemon", "*", NULL, "NAME", false, false, false,
	    CONF_KEYS(daemon_keys), SEE_ALL, "Any daemon." },
};

const struct conf_kinds conf_kinds_helpers = { CONF_KEYS(kinds) };
