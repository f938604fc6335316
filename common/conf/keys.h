/*
 * keys -- what the configuration file may say, as tables (keys_*.c): a row
 * for each section and each key.  They are the one source for the parser's
 * checks, the getters' defaults, `postern explain`, shell completion and
 * postern.conf(5) (tests/lint/options compares).
 *
 * To add a key: one row in the file of its section, and its lines in
 * postern.conf.5.
 */
#ifndef POSTERN_CONF_KEYS_H
#define POSTERN_CONF_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum conf_type {
	CONF_BOOL,    /* yes, no */
	CONF_NUMBER,  /* 12 */
	CONF_SIZE,    /* 50MiB: B KiB MiB GiB TiB */
	CONF_TIME,    /* 5min: ms s min h d w */
	CONF_PERCENT, /* 2% */
	CONF_RATE,    /* 60/min: /s /min /h /d */
	CONF_CHOICE,  /* one of choices */
	CONF_STRING,  /* any text without controls */
	CONF_HOST,    /* a host name */
	CONF_DOMAIN,  /* a mail domain */
	CONF_ADDRESS, /* local@domain; local alone means the default domain */
	CONF_NETWORK, /* 192.0.2.0/24, 2001:db8::/32, or one address */
	CONF_IPPORT,  /* 127.0.0.1:53, "[::1]:53" */
	CONF_PATH     /* made absolute: relative to the file that says it */
};

/* Flags of a key. */
enum {
	CONF_LIST = 1,  /* [a, b]; a single value is a list of one */
	CONF_NONE = 2,  /* "none" is allowed and gives 0 (or "") */
	CONF_NO = 4,    /* "no" is allowed and gives "" */
	CONF_NEEDED = 8 /* the file must set it */
};

/* Who may see a section or key; master and postern(8) see all. */
enum {
	SEE_EVENTD = 1 << 0, SEE_ROUTERD = 1 << 1, SEE_AUTHD = 1 << 2,
	SEE_KEYD = 1 << 3, SEE_DNSD = 1 << 4, SEE_NSSD = 1 << 5,
	SEE_QMGR = 1 << 6, SEE_SMTP = 1 << 7, SEE_BOUNCE = 1 << 8,
	SEE_DELIVER = 1 << 9, SEE_SMTPD = 1 << 10, SEE_PICKUP = 1 << 11,
	SEE_IMAPD = 1 << 12, SEE_IMAP = 1 << 13, SEE_POP3D = 1 << 14,
	SEE_POP3 = 1 << 15, SEE_MASTER = 1 << 16,
	SEE_ALL = (1 << 17) - 1,
	SEE_FRONTS = SEE_SMTPD | SEE_IMAPD | SEE_POP3D
};

struct conf_key {
	const char *name;
	enum conf_type type;
	unsigned flags;            /* CONF_LIST, ... */
	const char *def;           /* as it would be written; lists "[a, b]" */
	uint64_t min, max;         /* in the getter's unit; max 0: no bound */
	const char *const *choices; /* CONF_CHOICE, ends with NULL */
	unsigned see;              /* SEE_ bits; 0: as its section */
	const char *meaning;       /* a sentence or two */
};

/* A section: `kind word... { }`. */
struct conf_kind {
	const char *kind;
	const char *name;   /* daemon: the first word; else NULL */
	const char *parent; /* kind it stands in, NULL: top level */
	const char *words;  /* "KIND ADDRESS": what follows the kind, "" none */
	bool many;          /* may occur more than once */
	bool free_keys;     /* keys are names chosen by the admin (aliases);
	                     * keys[0] says what their values are */
	bool bare;          /* may stand without { } (listen) */
	const struct conf_key *keys;
	size_t nkeys;
	unsigned see;
	const char *meaning;
};
/* The last members of a row: CONF_KEYS(table), see, meaning. */
#define CONF_KEYS(table) (table), sizeof(table) / sizeof((table)[0])

/* One file's sections. */
struct conf_kinds {
	const struct conf_kind *kinds;
	size_t n;
};
extern const struct conf_kinds conf_kinds_main, conf_kinds_smtp,
    conf_kinds_queue, conf_kinds_reader, conf_kinds_helpers;

/* All sections: i = 0..; NULL at the end. */
const struct conf_kind *conf_kind_at(size_t i);
/* The section of this kind below parent (NULL: top level; kind NULL: the top
 * level itself); name only matters for kinds that have rows by name. */
const struct conf_kind *conf_kind_find(
    struct str kind, const struct conf_kind *parent, struct str name);
/* The row, or NULL.  A daemon's section also has the keys of all daemons. */
const struct conf_key *conf_key_find(
    const struct conf_kind *kind, struct str name);
/* The i-th row of the section, those of all daemons included; or NULL. */
const struct conf_key *conf_key_at(const struct conf_kind *kind, size_t i);
/* "smtpd" -> SEE_SMTPD; 0 when there is no such role. */
unsigned conf_see(struct str role);
/* The lowest role bit's name: SEE_SMTPD -> "smtpd". */
const char *conf_see_name(unsigned bit);
/* Who sees the key in the end. */
unsigned conf_key_see(const struct conf_kind *kind, const struct conf_key *key);

#endif
