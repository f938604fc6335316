/*
 * fatal -- the end of a process whose own invariant is broken, and memory
 * that cannot run out: without memory nothing sensible can be done, so the
 * process ends and master starts a new one.
 */
#ifndef POSTERN_BASE_FATAL_H
#define POSTERN_BASE_FATAL_H

#include <stddef.h>

/* Says why on stderr ("PROGRAM: fatal: ...") and exits with status 70. */
_Noreturn void fatal(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
/* The same with ": strerror(errno)" behind it. */
_Noreturn void fatal_errno(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
/* The name that fatal() puts in front; kept, not copied. */
void fatal_name(const char *program);
/* Called with the text before the exit, so that it reaches the log. */
void fatal_hook(void (*hook)(const char *text));

/* As malloc, calloc, reallocarray and strdup, but never NULL. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xreallocarray(void *p, size_t count, size_t size);
char *xstrdup(const char *s);

#endif
