/*
 * str -- a view of octets that somebody else owns.
 * Owns nothing: a view is valid exactly as long as what it points into.
 * Passed by value.  May contain NUL; p may be NULL only when n is 0.
 */
#ifndef POSTERN_BASE_STR_H
#define POSTERN_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n; /* octets */
};

/* STR("x") at run time, STR_INIT("x") for static tables. */
#define STR_INIT(lit) { (lit), sizeof(lit) - 1 }
#define STR(lit) ((struct str)STR_INIT(lit))
#define STR_NONE ((struct str){ NULL, 0 })
/* For printf: "%.*s", STR_ARG(s). */
#define STR_ARG(s) (int)(s).n, (s).n != 0 ? (s).p : ""

/* A view of a NUL-ended string, without the NUL; NULL gives the empty view. */
struct str str_c(const char *cstr);
struct str str_n(const void *p, size_t n);

bool str_eq(struct str a, struct str b);
/* ASCII letters compare without case. */
bool str_ieq(struct str a, struct str b);
/* <0, 0, >0 as memcmp; the shorter of two equal prefixes comes first. */
int str_cmp(struct str a, struct str b);
int str_icmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_istarts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_iends(struct str s, struct str suffix);

/* Index of the first or last c, or s.n when there is none. */
size_t str_find(struct str s, char c);
size_t str_rfind(struct str s, char c);
/* Index of the first needle, or s.n. */
size_t str_find_str(struct str s, struct str needle);

/* The part from index from on, and the first n octets; both are cut to s. */
struct str str_from(struct str s, size_t from);
struct str str_first(struct str s, size_t n);
/* Without spaces and tabs at both ends. */
struct str str_trim(struct str s);

/* Takes c (or prefix, without case) off the front; false changes nothing. */
bool str_take_char(struct str *s, char c);
bool str_take_prefix(struct str *s, struct str prefix);
bool str_take_iprefix(struct str *s, struct str prefix);
/* Takes min(n, s->n) octets off the front and returns them. */
struct str str_take(struct str *s, size_t n);
/* Takes everything before the first c, and c itself; all of s without one. */
struct str str_take_until(struct str *s, char c);
/* Takes a possibly empty run of octets for which set[octet] is true. */
struct str str_take_span(struct str *s, const bool set[256]);
/* Takes a possibly empty run without a space, and the spaces after it. */
struct str str_take_word(struct str *s);

/* Copies s and a NUL to out if size suffices and s has no NUL inside. */
bool str_copy(char *out, size_t size, struct str s);
/* A copy at *at, where there is room; *at goes behind it. */
struct str str_put(char **at, struct str s);
/* A fresh NUL-ended copy; the caller frees it. */
char *str_dup(struct str s);

/* ASCII only, whatever the locale. */
char chr_lower(char c);
char chr_upper(char c);
bool chr_is_alpha(char c);
bool chr_is_digit(char c);
bool chr_is_alnum(char c);
bool chr_is_xdigit(char c);
/* Space and tab. */
bool chr_is_wsp(char c);
/* 0..15, or -1. */
int chr_hex(char c);

#endif
