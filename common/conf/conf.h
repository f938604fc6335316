/*
 * conf -- the configuration as a tree of sections, checked against the tables
 * of keys (conf/keys_*.c).  Master parses and checks the file; every other
 * program gets the sections and keys of its role in a sealed memfd and reads
 * them with the getters here.
 *
 * A getter of a key that no table has, or of another type, is a bug: fatal.
 * A key that the file does not set gives its table's default.
 */
#ifndef POSTERN_CONF_CONF_H
#define POSTERN_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct conf;
struct conf_section;

/* The tree that conf_encode wrote into fd; fatal if it is damaged. */
struct conf *conf_load(int fd);
void conf_free(struct conf *c);

/* The file's top level. */
const struct conf_section *conf_root(const struct conf *c);
/* The next section of this kind inside parent, after (NULL: the first);
 * NULL at the end.  kind: "domain", "listen", "route", "daemon", ... */
const struct conf_section *conf_next(const struct conf_section *parent,
    const char *kind, const struct conf_section *after);
/* The one section of this kind; when the file has none, an empty one that
 * gives the defaults.  Never NULL. */
const struct conf_section *conf_one(
    const struct conf_section *parent, const char *kind);
/* `daemon NAME { }` of the top level, with defaults when absent. */
const struct conf_section *conf_daemon(const struct conf *c, const char *name);
/* Words behind the kind: domain "example.org" -> 0: example.org;
 * listen smtp 127.0.0.1:2525 -> 0: smtp, 1: the address.  "" when absent. */
struct str conf_word(const struct conf_section *s, size_t i);

bool conf_bool(const struct conf_section *s, const char *key);
uint64_t conf_u64(const struct conf_section *s, const char *key); /* numbers,
                                                                   * percent */
uint64_t conf_size(const struct conf_section *s, const char *key); /* octets */
int64_t conf_ms(const struct conf_section *s, const char *key);   /* times */
/* n in *per_ms; 0 for "none". */
uint64_t conf_rate(
    const struct conf_section *s, const char *key, int64_t *per_ms);
struct str conf_str(const struct conf_section *s, const char *key);
/* Number of elements, and the i-th. */
size_t conf_list(const struct conf_section *s, const char *key);
struct str conf_item(const struct conf_section *s, const char *key, size_t i);
/* Sections whose keys are names that the admin chose (aliases): the i-th, NUL
 * behind it, so that conf_list(s, name.p) works; "" behind the last. */
struct str conf_name(const struct conf_section *s, size_t i);
/* Index of the value in the key's list of choices. */
unsigned conf_choice(const struct conf_section *s, const char *key);
/* Words of `report KIND`, in the order of enum dsn_action without DSN_NONE,
 * and the names that may stand in its texts; NULL behind the last. */
extern const char *const conf_report_kinds[];
extern const char *const conf_report_names[];
/* The file sets it (not the default). */
bool conf_is_set(const struct conf_section *s, const char *key);

#endif
