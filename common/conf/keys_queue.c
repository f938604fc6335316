#include "conf/keys.h"

static const struct conf_key queue_keys[] = {
	{ "lifetime", CONF_TIME, 0, "5d", 1000, 0, NULL, 0,
	    "A message that could not be delivered for so long is "
	    "returned." },
	{ "dsn_lifetime", CONF_TIME, 0, "2d", 1000, 0, NULL, 0,
	    "The same for delivery reports, which are then dropped." },
	{ "warn_sender_after", CONF_TIME, CONF_NONE, "4h", 1000, 0, NULL, 0,
	    "When the sender is told that a message is late." },
	{ "retry_min", CONF_TIME, 0, "5min", 10, 0, NULL, 0,
	    "First wait after a temporary failure; it doubles." },
	{ "retry_max", CONF_TIME, 0, "70min", 10, 0, NULL, 0,
	    "Longest wait between two attempts." },
	{ "min_free_disk", CONF_PERCENT, CONF_NONE, "2%", 0, 50, NULL, 0,
	    "Part of the disk and of its inodes that must be free to take "
	    "new mail; with less it is refused with 452, and postern status "
	    "tells why, until an eighth more than this is free." },
	{ "min_free", CONF_SIZE, CONF_NONE, "256MiB", 0, 0, NULL, 0,
	    "Octets that must be free to take new mail, as min_free_disk." },
	{ "memory", CONF_SIZE, 0, "256MiB", 8388608, 0, NULL, 0,
	    "Memory for the bodies of messages, and for the recipients of "
	    "those that have more than one; without room new mail gets 452, "
	    "and long lists wait." },
	{ "inline_body", CONF_SIZE, 0, "256KiB", 4096, 4194304, NULL, 0,
	    "Messages over this are files of their own in spool/large." },
	{ "segment", CONF_SIZE, 0, "64MiB", 1048576, 1073741824, NULL, 0,
	    "Size of a file of the queue log." },
	{ "messages", CONF_NUMBER, 0, "1000000", 100, 100000000, NULL, 0,
	    "Most messages in the queue; more are answered 452." },
	{ "per_site", CONF_NUMBER, 0, "20", 1, 1000, NULL, 0,
	    "Connections to one site at the same time." },
	{ "per_message", CONF_NUMBER, 0, "100", 1, 10000, NULL, 0,
	    "Recipients handed to an agent in one job." },
	{ "local_jobs", CONF_NUMBER, 0, "100", 1, 100000, NULL, 0,
	    "Jobs that one deliver worker has at the same time." },
	{ "dsn_full", CONF_BOOL, 0, "no", 0, 0, NULL, SEE_QMGR | SEE_BOUNCE,
	    "Return the whole message in delivery reports unless the sender "
	    "asks for the header." },
	{ "dsn_size", CONF_SIZE, 0, "64KiB", 1024, 0, NULL, SEE_BOUNCE,
	    "Most octets of the original in a delivery report.  Of a header "
	    "that is larger some fields are left out; the report says which." },
};

static const struct conf_key deliver_keys[] = {
	{ "processes", CONF_NUMBER, 0, "100", 1, 100000, NULL, SEE_MASTER,
	    "Most workers at the same time; mail for further owners waits." },
	{ "batch", CONF_NUMBER, 0, "64", 1, 1000, NULL, 0,
	    "Messages made durable together." },
	{ "idle", CONF_TIME, 0, "60s", 100, 0, NULL, 0,
	    "A worker without work ends after this." },
	{ "slow_sync", CONF_TIME, 0, "20ms", 1, 60000, NULL, 0,
	    "When syncing the file system takes longer, messages are synced "
	    "one by one as long as that is faster." },
};

static const struct conf_key maildir_keys[] = {
	{ "shared", CONF_BOOL, 0, "no", 0, 0, NULL, 0,
	    "Other programs read or write the Maildirs too." },
	{ "plus_folders", CONF_BOOL, 0, "no", 0, 0, NULL, 0,
	    "Mail for user+name goes to the folder name where it exists." },
};

static const struct conf_key pickup_keys[] = {
	{ "interval", CONF_TIME, 0, "5s", 100, 600000, NULL, 0,
	    "Time between two looks at the drop folder." },
};

static const struct conf_key report_keys[] = {
	{ "subject", CONF_STRING, CONF_NONE, "none", 0, 0, NULL, 0,
	    "Its subject; none: that of Postern." },
	{ "text", CONF_STRING, CONF_LIST, "[]", 0, 0, NULL, 0,
	    "The paragraphs before the recipients; empty: those of "
	    "Postern." },
	{ "end", CONF_STRING, CONF_LIST, "[]", 0, 0, NULL, 0,
	    "The paragraphs behind them; empty: those of Postern." },
};

static const struct conf_kind kinds[] = {
	{ "report", NULL, NULL, "KIND", true, false, false,
	    CONF_KEYS(report_keys), SEE_BOUNCE,
	    "What delivery reports say: failed, delayed, delivered, relayed or "
	    "expanded.  {hostname}, {admin}, {sender}, {id}, {until} and "
	    "{attached} stand for what they name, {told} for whether there "
	    "will be a report should it fail until then." },
	{ "queue", NULL, NULL, "", false, false, false, CONF_KEYS(queue_keys),
	    SEE_QMGR, "Messages that wait." },
	{ "maildir", NULL, NULL, "", false, false, false,
	    CONF_KEYS(maildir_keys), SEE_DELIVER | SEE_IMAP | SEE_POP3,
	    "How mailboxes are kept." },
	{ "daemon", "qmgr", NULL, "NAME", false, false, false, NULL, 0,
	    SEE_QMGR, "The queue manager." },
	{ "daemon", "bounce", NULL, "NAME", false, false, false, NULL, 0,
	    SEE_BOUNCE, "Writes delivery reports." },
	{ "daemon", "deliver", NULL, "NAME", false, false, false,
	    CONF_KEYS(deliver_keys), SEE_DELIVER,
	    "Puts mail into mailboxes, one process for each owner." },
	{ "daemon", "pickup", NULL, "NAME", false, false, false,
	    CONF_KEYS(pickup_keys), SEE_PICKUP,
	    "Takes what sendmail(8) left while the server was down." },
};

const struct conf_kinds conf_kinds_queue = { CONF_KEYS(kinds) };
