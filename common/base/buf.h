/*
 * buf -- octets that grow at the end and are taken from the front, with a
 * hard maximum.  Owns its memory.  Amortised constant cost at both ends.
 * Invariant: at <= n <= cap, n - at <= max.
 */
#ifndef POSTERN_BASE_BUF_H
#define POSTERN_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct buf {
	char *p;
	size_t at;     /* first octet not yet taken */
	size_t n;      /* end of the octets */
	size_t cap;    /* octets allocated */
	size_t max;    /* most octets held at once */
	bool overflow; /* an add did not fit; stays set until buf_reset */
};

#define BUF_NO_MAX SIZE_MAX

/* Nothing is allocated yet. */
void buf_init(struct buf *b, size_t max);
/* Frees the memory; the buffer may be used again. */
void buf_clear(struct buf *b);
/* The same for secrets: the memory is zeroed first. */
void buf_clear_secret(struct buf *b);
/* Empties it and keeps the memory. */
void buf_reset(struct buf *b);

/* The octets held; valid until the next change. */
struct str buf_str(const struct buf *b);
size_t buf_len(const struct buf *b);

/* Each adds all or nothing: false (and overflow) when max would be passed. */
bool buf_add(struct buf *b, struct str s);
bool buf_add_c(struct buf *b, const char *cstr);
bool buf_add_char(struct buf *b, char c);
bool buf_add_u64(struct buf *b, uint64_t v);
bool buf_addf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
bool buf_vaddf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* Room for size octets at the end, or NULL; buf_commit says how many count. */
char *buf_reserve(struct buf *b, size_t size);
void buf_commit(struct buf *b, size_t size);

/* Removes octets from the front, or from the end down to length n. */
void buf_drop(struct buf *b, size_t n);
void buf_cut(struct buf *b, size_t n);
/* The octets as a NUL-ended string (the NUL does not count); never NULL. */
const char *buf_cstr(struct buf *b);
/* Gives the memory away as a NUL-ended string; b is empty afterwards. */
char *buf_release(struct buf *b);

#endif
