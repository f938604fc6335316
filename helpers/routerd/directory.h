/*
 * directory -- domains, accounts (no secrets) and aliases: all in memory,
 * every change in the database too.  Names are canonical (name.h).
 * A change shows at once and is durable after directory_commit; if that
 * fails the process has to end, for memory then says more than the disk.
 */
#ifndef POSTERN_ROUTERD_DIRECTORY_H
#define POSTERN_ROUTERD_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/str.h"

struct records;

enum source { SOURCE_DIRECTORY, SOURCE_CONFIG, SOURCE_FILE };

struct domain {
	char *name;
	enum source source;
	char *catch_all;     /* canonical address; NULL: none */
	char *plus;          /* characters that end an account's name; "" */
	uint64_t quota;      /* octets, 0: none */
	bool system_users;
	uint64_t accounts, aliases; /* how many are in it */
};

struct account {
	char *name;          /* user@domain */
	char *path;          /* below the root; NULL: made from the name */
	uint64_t quota;      /* octets, 0 none, ROUTE_QUOTA_DOMAIN */
	uint64_t created_ms; /* wall clock */
	uint32_t root;       /* enum mail_root */
	uint32_t uid, gid;   /* MAIL_ROOT_SYSTEM only */
	bool locked;         /* no log-in; mail is still taken */
	bool full;           /* said by qmgr; not kept on disk */
};

struct alias {
	char *name;
	enum source source;
	char **to;           /* canonical addresses */
	size_t n;
};

struct directory {
	struct records *records; /* NULL: nothing is kept (tests) */
	struct map domains;      /* name -> struct domain */
	struct map accounts;     /* name -> struct account */
	struct map aliases;      /* of the directory */
	struct map others;       /* aliases of the configuration and file */
	struct account *oldest;  /* the first that was added; NULL: none */
	uint64_t version;        /* counts changes */
};

void directory_init(struct directory *d);
/* Reads everything; takes over records.  -1: error text by records_error, or
 * a damaged record. */
int directory_load(struct directory *d, struct records *records);
void directory_clear(struct directory *d);

struct domain *directory_domain(const struct directory *d, struct str name);
struct account *directory_account(const struct directory *d, struct str name);
/* The directory's comes before the others. */
struct alias *directory_alias(const struct directory *d, struct str name);

/* Changes.  0, or -1 when the database failed (records_error).  The caller
 * has checked that names are free or there. */
int directory_put_domain(struct directory *d, struct str name,
    struct str catch_all, uint64_t quota);
int directory_del_domain(struct directory *d, struct domain *domain);
/* Copies what a has. */
int directory_put_account(struct directory *d, const struct account *a);
/* Writes back what was changed in a. */
int directory_save_account(struct directory *d, const struct account *a);
int directory_del_account(struct directory *d, struct account *a);
int directory_put_alias(struct directory *d, struct str name,
    const struct str *to, size_t n);
int directory_del_alias(struct directory *d, struct alias *a);
int directory_commit(struct directory *d);
bool directory_is_changed(const struct directory *d);

/* What is not in the database.  A domain or alias that the configuration has
 * too hides the database's. */
struct domain *directory_add_config_domain(struct directory *d,
    struct str name);
void directory_add_other_alias(struct directory *d, enum source source,
    struct str name, const struct str *to, size_t n);
/* Forgets the aliases of this source. */
void directory_drop_others(struct directory *d, enum source source);

/* Octets that a's mailbox may have: its own limit or its domain's; 0 none. */
uint64_t directory_quota(const struct directory *d, const struct account *a);
/* Fresh array of all values of a map sorted by name; the caller frees it. */
struct account **directory_accounts(const struct directory *d, size_t *n);
struct domain **directory_domains(const struct directory *d, size_t *n);
struct alias **directory_aliases(const struct directory *d, size_t *n);

#endif
