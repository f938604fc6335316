/*
 * lex -- cuts a configuration file into tokens with their places.
 * Owns nothing: tokens point into the text, but for strings with escapes,
 * which lie in the pool.  Columns count characters, not octets.
 */
#ifndef POSTERN_CONF_LEX_H
#define POSTERN_CONF_LEX_H

#include "base/pool.h"
#include "base/str.h"
#include "conf/tree.h"

enum lex_kind {
	LEX_END,
	LEX_WORD,   /* up to a space or one of = { } [ ] , */
	LEX_STRING, /* "..." without the quotes */
	LEX_EQUALS,
	LEX_OPEN,   /* { */
	LEX_CLOSE,
	LEX_LIST,   /* [ */
	LEX_LIST_END,
	LEX_COMMA,
	LEX_BAD     /* text says what is wrong */
};

struct lex_token {
	enum lex_kind kind;
	struct str text;
	struct conf_place at;
	bool first; /* on its line */
};

struct lex {
	struct pool *pool;
	struct str text;
	uint32_t file;
	size_t at;
	uint32_t line, col; /* of text.p[at] */
	bool first;
	struct lex_token ahead;
	bool has_ahead;
};

void lex_init(struct lex *l, struct pool *pool, struct str text, uint32_t file);
/* Takes the next token.  LEX_END again and again at the end. */
struct lex_token lex_take(struct lex *l);
/* The same without taking it. */
struct lex_token lex_peek(struct lex *l);
/* Takes a word that may have brackets: the address of `listen`. */
struct lex_token lex_take_address(struct lex *l);
/* Forgets the rest of the line that at is in. */
void lex_skip_line(struct lex *l, uint32_t line);

#endif
