#include "conf/keys.h"

static const struct conf_key imap_section_keys[] = {
	{ "special_folders", CONF_BOOL, 0, "yes", 0, 0, NULL, 0,
	    "Sent, Drafts, Trash, Junk and Archive exist from the start." },
	{ "idle_timeout", CONF_TIME, 0, "30min", 60000, 0, NULL, 0,
	    "Silence after which a connection is closed (RFC 9051: at least "
	    "30 minutes)." },
};

static const struct conf_key pop3_section_keys[] = {
	{ "idle_timeout", CONF_TIME, 0, "10min", 60000, 0, NULL, 0,
	    "Silence after which a connection is closed (RFC 1939: at least "
	    "10 minutes)." },
};

static const char *const plaintext_choices[] = { "loopback", "yes", "no",
	NULL };

/* What imapd and pop3d share at the door. */
#define FRONT_KEYS                                                             \
	{ "per_client", CONF_NUMBER, 0, "50", 1, 100000, NULL, 0,              \
	    "Connections of one address (IPv6: of one /64) at the same "       \
	    "time." },                                                         \
	{ "login_timeout", CONF_TIME, 0, "60s", 1000, 600000, NULL, 0,         \
	    "Most from the connection to a successful log-in." },              \
	{ "tls_timeout", CONF_TIME, 0, "10s", 1000, 600000, NULL, 0,           \
	    "Most for a whole TLS handshake." },                               \
	{ "plaintext_login", CONF_CHOICE, 0, "loopback", 0, 0,                 \
	    plaintext_choices, 0,                                              \
	    "Whether passwords are accepted over a connection that is not "    \
	    "encrypted: never, always, or from this machine only." },          \
	{ "errors", CONF_NUMBER, 0, "5", 1, 10000, NULL, 0,                    \
	    "Refused commands before log-in after which the connection is "    \
	    "closed." },                                                       \
	{ "line", CONF_SIZE, 0, "8KiB", 1024, 65536, NULL, 0,                  \
	    "Longest command line before log-in." }

static const struct conf_key imapd_keys[] = {
	FRONT_KEYS,
	{ "literal", CONF_SIZE, 0, "4KiB", 256, 65536, NULL, 0,
	    "Largest literal before log-in." },
};

static const struct conf_key pop3d_keys[] = { FRONT_KEYS };

static const struct conf_key imap_keys[] = {
	{ "processes", CONF_NUMBER, 0, "500", 1, 100000, NULL, SEE_MASTER,
	    "Most workers at the same time; further accounts cannot log in." },
	{ "per_user", CONF_NUMBER, 0, "30", 1, 10000, NULL, 0,
	    "Connections of one account at the same time." },
	{ "idle", CONF_TIME, 0, "30s", 0, 0, NULL, 0,
	    "A worker without connections ends after this." },
	{ "line", CONF_SIZE, 0, "64KiB", 8192, 1048576, NULL, 0,
	    "Longest command line after log-in." },
	{ "literal", CONF_SIZE, 0, "64KiB", 4096, 16777216, NULL, 0,
	    "Largest literal that is not a message." },
	{ "message", CONF_SIZE, 0, "50MiB", 65536, 0, NULL, 0,
	    "Largest message that a client may store (APPEND)." },
	{ "errors", CONF_NUMBER, 0, "20", 1, 10000, NULL, 0,
	    "Refused commands in a row after which the connection is "
	    "closed." },
	{ "step", CONF_TIME, 0, "10ms", 1, 1000, NULL, 0,
	    "How long one command works before others get a turn." },
	{ "search_time", CONF_TIME, 0, "60s", 1000, 3600000, NULL, 0,
	    "Most that one SEARCH may take." },
};

static const struct conf_key pop3_keys[] = {
	{ "processes", CONF_NUMBER, 0, "200", 1, 100000, NULL, SEE_MASTER,
	    "Most workers at the same time; further accounts cannot log in." },
	{ "per_user", CONF_NUMBER, 0, "3", 1, 10000, NULL, 0,
	    "Connections of one account at the same time." },
	{ "idle", CONF_TIME, 0, "10s", 0, 0, NULL, 0,
	    "A worker without connections ends after this." },
	{ "errors", CONF_NUMBER, 0, "20", 1, 10000, NULL, 0,
	    "Refused commands in a row after which the connection is "
	    "closed." },
};

static const struct conf_kind kinds[] = {
	{ "imap", NULL, NULL, "", false, false, false,
	    CONF_KEYS(imap_section_keys), SEE_IMAPD | SEE_IMAP,
	    "Reading mail over IMAP." },
	{ "pop3", NULL, NULL, "", false, false, false,
	    CONF_KEYS(pop3_section_keys), SEE_POP3D | SEE_POP3,
	    "Reading mail over POP3." },
	{ "daemon", "imapd", NULL, "NAME", false, false, false,
	    CONF_KEYS(imapd_keys), SEE_IMAPD,
	    "The door for IMAP: TLS and log-in." },
	{ "daemon", "imap", NULL, "NAME", false, false, false,
	    CONF_KEYS(imap_keys), SEE_IMAP,
	    "Serves one account's IMAP connections." },
	{ "daemon", "pop3d", NULL, "NAME", false, false, false,
	    CONF_KEYS(pop3d_keys), SEE_POP3D,
	    "The door for POP3: TLS and log-in." },
	{ "daemon", "pop3", NULL, "NAME", false, false, false,
	    CONF_KEYS(pop3_keys), SEE_POP3,
	    "Serves one account's POP3 connections." },
};

const struct conf_kinds conf_kinds_reader = { CONF_KEYS(kinds) };
