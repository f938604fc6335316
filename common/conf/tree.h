/*
 * tree -- the configuration in memory: sections, their keys, and where each
 * stands in which file.  A value is kept as it was written; the getters
 * convert it, which conf_check has shown to work.
 * Private to common/conf.  Owns: all octets lie in conf.pool.
 */
#ifndef POSTERN_CONF_TREE_H
#define POSTERN_CONF_TREE_H

#include "base/list.h"
#include "base/pool.h"
#include "base/str.h"
#include "conf/keys.h"
#include "conf/parse.h"

/* A place in a file; line 0: nowhere (a default, or from conf_decode). */
struct conf_place {
	uint32_t file; /* index in conf.files */
	uint32_t line, col, width;
};

struct conf_value {
	struct str text;
	struct conf_place at;
};

struct conf_pair {
	TAILQ_ENTRY(conf_pair) entry;
	struct str name;
	const struct conf_key *key; /* never NULL: unknown ones are not kept */
	struct conf_value *values;
	size_t n;
	bool is_default; /* put there by base, not by the file */
	struct conf_place at;
};
TAILQ_HEAD(conf_pairs, conf_pair);
TAILQ_HEAD(conf_sections, conf_section);

struct conf_section {
	TAILQ_ENTRY(conf_section) entry;
	struct str kind;
	const struct conf_kind *def; /* NULL: unknown, its content is skipped */
	struct conf_value *words;
	size_t nwords;
	struct conf_pairs pairs;
	struct conf_sections sections; /* those of the file */
	struct conf_sections absent;   /* those it lacks, for the defaults */
	struct conf_section *parent;
	unsigned see;                  /* what may be asked, SEE_ bits */
	bool bad;                      /* a mistake in it was reported */
	struct conf_place at;
};

struct conf_source {
	struct str name; /* as it was named */
	struct str text;
	struct str dir;  /* "" or what stands before the last /, with it */
};

struct conf_let {
	TAILQ_ENTRY(conf_let) entry;
	struct str name;
	struct conf_value *values;
	size_t n;
	bool used;
	struct conf_place at;
};
TAILQ_HEAD(conf_lets, conf_let);

enum {
	CONF_FILES_MAX = 256,
	CONF_OCTETS_MAX = 4 * 1024 * 1024, /* of one file */
	CONF_DEPTH_MAX = 8,                /* includes, and sections */
	CONF_PROBLEMS_MAX = 1000,          /* kept */
	CONF_VALUES_MAX = 65536            /* elements of one list */
};

struct conf {
	struct pool pool;
	struct conf_section *root;
	struct conf_source files[CONF_FILES_MAX];
	size_t nfiles;
	struct conf_lets lets;
	struct conf_problem *problems;
	struct conf_place *places; /* of the problems */
	size_t nproblems;
	size_t nerrors;
	bool with_base;
};

/* An empty tree; see says what may be asked of it. */
struct conf *conf_new(unsigned see);
struct conf_section *conf_section_new(struct conf *c,
    struct conf_section *parent, struct str kind, const struct conf_kind *def);
void conf_section_words(struct conf *c, struct conf_section *s,
    const struct conf_value *words, size_t n);
struct conf_pair *conf_pair_new(struct conf *c, struct conf_section *s,
    struct str name, const struct conf_key *key,
    const struct conf_value *values, size_t n);
struct conf_pair *conf_pair_find(
    const struct conf_section *s, struct str name);
/* Adds the sections that are missing; once, at the end. */
void conf_complete(struct conf *c);
/* The next section in the order of the file, inner ones after their parent;
 * NULL at the end.  depth follows. */
struct conf_section *conf_walk(struct conf_section *s, unsigned *depth);

/* Adds a problem; fix may be NULL. */
void conf_error(struct conf *c, struct conf_place at, const char *fix,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void conf_warn(struct conf *c, struct conf_place at, const char *fix,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Sorts them by place; called when all are there. */
void conf_problems_sort(struct conf *c);
/* "postern.conf:12" for a text about another place. */
const char *conf_place_text(
    const struct conf *c, struct conf_place at, char out[256]);

/* Cross references and risks; called by conf_check. */
void conf_check_cross(struct conf *c, unsigned what);
/* The words of reports. */
void conf_check_reports(struct conf *c);

#endif
