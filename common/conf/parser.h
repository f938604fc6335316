/*
 * parser -- the state of reading a configuration, shared by parse*.c.
 * Private to common/conf.
 */
#ifndef POSTERN_CONF_PARSER_H
#define POSTERN_CONF_PARSER_H

#include "conf/lex.h"
#include "conf/tree.h"

/* A file being read; includes make a stack of them. */
struct reader {
	struct lex lex;
	bool included;
};

struct parser {
	struct conf *c;
	struct reader stack[CONF_DEPTH_MAX];
	size_t depth;             /* readers in use */
	struct conf_section *in;  /* open section */
	unsigned nesting;
	bool from_memory;         /* includes are refused */
	struct conf_value *list;  /* the value being read */
	size_t n, cap;
};

/* The file being read. */
static inline struct lex *
parser_lex(struct parser *p)
{
	return &p->stack[p->depth - 1].lex;
}

/* A word or a string. */
bool parser_is_scalar(struct lex_token t);
/* Adds to p->list. */
void parser_add_value(
    struct parser *p, struct str text, struct conf_place at);
/* The value behind = of name, into p->list.  False: reported, skip it. */
bool parser_take_value(struct parser *p, struct lex_token name, bool *list);
/* Behind the word let. */
void parser_let(struct parser *p);
/* Behind name =. */
void parser_key(struct parser *p, struct lex_token name);
/* Behind a word without =: a section's head, or a mistake. */
void parser_section(struct parser *p, struct lex_token kind);

#endif
