/*
 * parse -- reads, checks and encodes the configuration file; for master and
 * postern(8) only.  The language is described in postern.conf(5).
 *
 *	struct conf *c = conf_parse_file(NULL, base);
 *	conf_check(c, CONF_CHECK_FILES);
 *	conf_problems_print(c, stderr);
 *	if (conf_ok(c))
 *		conf_encode(c, STR("smtpd"), &octets);
 *
 * All mistakes of a file are found in one go; none stops the reading.
 * Owns all that came out of the file; free with conf_free.
 */
#ifndef POSTERN_CONF_PARSE_H
#define POSTERN_CONF_PARSE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/str.h"
#include "conf/conf.h"

/*
 * Reads path (NULL: base/postern.conf, or SYSCONFDIR/postern/postern.conf
 * without base) and what it includes.  base (absolute; NULL: none) gives the
 * defaults of paths { } and of dns.local_zones_off.  Never NULL: a file that
 * cannot be read is a problem like any other.
 */
struct conf *conf_parse_file(const char *path, const char *base);
/* The same from memory; name is said in problems.  Includes are refused. */
struct conf *conf_parse_text(struct str text, const char *name,
    const char *base);

enum { CONF_CHECK_FILES = 1 /* the files it names must be there */ };
/* Types, cross references, risks.  Adds to the problems. */
void conf_check(struct conf *c, unsigned what);
/* No errors so far (warnings do not count). */
bool conf_ok(const struct conf *c);

struct conf_problem {
	bool warning;      /* it works, but think about it */
	struct str file;   /* as it was named */
	uint32_t line, col; /* from 1; 0: the file as a whole */
	uint32_t width;    /* columns the mistake takes, at least 1 */
	struct str text;   /* what is wrong */
	struct str fix;    /* what to write instead, or "" */
};
/* Sorted by place; the i-th, NULL at the end. */
const struct conf_problem *conf_problem(const struct conf *c, size_t i);
/* "file:line:col: error: text", the line, a caret, the fix: for at most 20. */
void conf_problems_print(const struct conf *c, FILE *out);

/* What this role ("smtpd", "imap", ...) may see; conf_load reads it.  Only of
 * a tree without errors. */
void conf_encode(const struct conf *c, struct str role, struct buf *out);
/* The other direction; NULL if damaged. */
struct conf *conf_decode(struct str octets);

/* The whole configuration as text that parses to the same: only what differs
 * from the defaults, or all of it. */
void conf_show(const struct conf *c, bool all, struct buf *out);
/* The section's row in the tables (conf/keys.h). */
struct conf_kind;
const struct conf_kind *conf_section_kind(const struct conf_section *s);
/* The value of one key of the section, as it would be written. */
void conf_show_key(
    const struct conf_section *s, const char *key, struct buf *out);

/* The files read, the first being the main one; NULL-data view at the end. */
struct str conf_file(const struct conf *c, size_t i);

/* `listen` words: "127.0.0.1:25" -> host and port; "[::1]:25" without the
 * brackets.  A path gives host = path and port = "". */
bool conf_split_address(struct str address, struct str *host,
    struct str *port);
/* A next hop, as in via of route. */
bool conf_hop_ok(struct str via);

#endif
