#include "conf/keys.h"

static const struct conf_key relay_keys[] = {
	{ "allow_from", CONF_NETWORK, CONF_LIST, "[]", 0, 0, NULL, 0,
	    "Clients in these networks may send anywhere without "
	    "authentication." },
	{ "require_auth", CONF_BOOL, 0, "yes", 0, 0, NULL, 0,
	    "Everybody outside allow_from must authenticate to send to "
	    "domains that are not ours.  There is no open relay: no is "
	    "refused." },
};

static const char *const route_tls_choices[] = { "none", "may", "encrypt",
	"verify", NULL };
static const struct conf_key route_keys[] = {
	{ "via", CONF_STRING, CONF_NONE, "none", 0, 0, NULL, SEE_ROUTERD |
	    SEE_QMGR,
	    "Next hop: host (its MX is used), host:port, \"[host]:port\" (no "
	    "MX), \"lmtp:[host]:port\" or \"lmtp:/path\" (not when started as "
	    "root); none: the domain's own MX." },
	{ "tls", CONF_CHOICE, 0, "may", 0, 0, route_tls_choices, 0,
	    "none: never; may: if offered; encrypt: must, any certificate; "
	    "verify: must, with a certificate of the host's name." },
	{ "max_connections", CONF_NUMBER, CONF_NONE, "none", 1, 1000, NULL,
	    SEE_QMGR,
	    "Most connections to the site at once, if that is less than "
	    "queue.per_site." },
	{ "rate", CONF_RATE, CONF_NONE, "none", 1, 0, NULL, SEE_QMGR,
	    "Most messages to the site: 100/min, 10/1s." },
};

static const struct conf_key submit_keys[] = {
	{ "require_tls", CONF_BOOL, 0, "yes", 0, 0, NULL, 0,
	    "Passwords are accepted only over an encrypted connection." },
	{ "from_must_match", CONF_BOOL, 0, "yes", 0, 0, NULL, SEE_SMTPD |
	    SEE_ROUTERD,
	    "The sender must be an address of the account that logged in." },
};

static const struct conf_key receive_keys[] = {
	{ "message", CONF_SIZE, 0, "50MiB", 1024, 2147483648, NULL, SEE_SMTPD |
	    SEE_QMGR | SEE_IMAP | SEE_IMAPD | SEE_DELIVER | SEE_PICKUP,
	    "Largest message taken, from anybody." },
	{ "recipients", CONF_NUMBER, 0, "1000", 100, 100000, NULL, 0,
	    "Recipients of one message; more are answered 452." },
	{ "messages", CONF_NUMBER, 0, "1000", 1, 100000, NULL, 0,
	    "Messages in one connection." },
	{ "hops", CONF_NUMBER, 0, "50", 5, 1000, NULL, SEE_SMTPD | SEE_PICKUP,
	    "Received lines at which a message is taken to be looping." },
};

static const struct conf_key smtpd_keys[] = {
	{ "per_client", CONF_NUMBER, 0, "20", 1, 100000, NULL, 0,
	    "Connections of one address (IPv6: of one /64) at the same "
	    "time, unless relay.allow_from has it." },
	{ "command_timeout", CONF_TIME, 0, "5min", 1000, 3600000, NULL, 0,
	    "Wait for a command." },
	{ "data_timeout", CONF_TIME, 0, "3min", 1000, 3600000, NULL, 0,
	    "Wait for the next octets of a message." },
	{ "tls_timeout", CONF_TIME, 0, "10s", 1000, 600000, NULL, 0,
	    "Most for a whole TLS handshake." },
	{ "login_timeout", CONF_TIME, 0, "60s", 1000, 600000, NULL, 0,
	    "Most from the connection to a successful log-in, where one is "
	    "required." },
	{ "min_rate", CONF_SIZE, CONF_NONE, "500B", 1, 0, NULL, 0,
	    "Octets a second that a client must send on average in a "
	    "message." },
	{ "errors", CONF_NUMBER, 0, "20", 1, 10000, NULL, 0,
	    "Refused commands after which the connection is closed." },
	{ "greeting_delay", CONF_TIME, CONF_NONE, "none", 0, 60000, NULL, 0,
	    "Wait before the greeting on port smtp; who speaks first is "
	    "refused." },
};

static const struct conf_key smtp_keys[] = {
	{ "port", CONF_NUMBER, 0, "25", 1, 65535, NULL, 0,
	    "Port for hosts found by MX." },
	{ "connect_timeout", CONF_TIME, 0, "30s", 100, 600000, NULL, 0,
	    "Wait for one address to take a connection." },
	{ "greeting_timeout", CONF_TIME, 0, "5min", 100, 3600000, NULL, 0,
	    "Wait for the greeting (RFC 5321 4.5.3.2)." },
	{ "command_timeout", CONF_TIME, 0, "5min", 100, 3600000, NULL, 0,
	    "Wait for the answer to a command." },
	{ "data_timeout", CONF_TIME, 0, "3min", 100, 3600000, NULL, 0,
	    "Wait for the peer to take octets of the message." },
	{ "dot_timeout", CONF_TIME, 0, "10min", 100, 3600000, NULL, 0,
	    "Wait for the answer after the final dot." },
	{ "tls_timeout", CONF_TIME, 0, "30s", 100, 600000, NULL, 0,
	    "Most for a whole TLS handshake." },
	{ "addresses", CONF_NUMBER, 0, "5", 1, 100, NULL, 0,
	    "Addresses tried in one attempt." },
	{ "reuse", CONF_TIME, CONF_NONE, "5s", 0, 600000, NULL, 0,
	    "How long an idle connection is kept for the next message." },
	{ "messages", CONF_NUMBER, 0, "100", 1, 100000, NULL, 0,
	    "Messages sent over one connection." },
	{ "helo", CONF_HOST, CONF_NONE, "none", 0, 0, NULL, 0,
	    "Name said in EHLO; none means hostname." },
	{ "tls", CONF_CHOICE, 0, "may", 0, 0, route_tls_choices, 0,
	    "Encryption where no route says otherwise." },
};

static const struct conf_kind kinds[] = {
	{ "relay", NULL, NULL, "", false, false, false, CONF_KEYS(relay_keys),
	    SEE_SMTPD, "Who may send through this server." },
	{ "route", NULL, NULL, "DOMAIN", true, false, false,
	    CONF_KEYS(route_keys), SEE_ROUTERD,
	    "Another way for mail to DOMAIN than its MX; \"*.d\" is all below "
	    "d, \"*\" everything that has no route of its own (a smart "
	    "host)." },
	{ "submit", NULL, NULL, "", false, false, false,
	    CONF_KEYS(submit_keys), SEE_SMTPD,
	    "Mail from the accounts of this server (ports 587 and 465)." },
	{ "receive", NULL, NULL, "", false, false, false,
	    CONF_KEYS(receive_keys), SEE_SMTPD,
	    "Mail from other servers, and limits for all mail." },
	{ "daemon", "smtpd", NULL, "NAME", false, false, false,
	    CONF_KEYS(smtpd_keys), SEE_SMTPD, "The SMTP and LMTP server." },
	{ "daemon", "smtp", NULL, "NAME", false, false, false,
	    CONF_KEYS(smtp_keys), SEE_SMTP,
	    "The SMTP and LMTP client that sends mail away." },
};

const struct conf_kinds conf_kinds_smtp = { CONF_KEYS(kinds) };
