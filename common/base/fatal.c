#include "base/fatal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *program_name = "postern";
static void (*on_fatal)(const char *);

void
fatal_name(const char *program)
{
	program_name = program;
}

void
fatal_hook(void (*hook)(const char *text))
{
	on_fatal = hook;
}

static _Noreturn void die(int error, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static _Noreturn void
die(int error, const char *fmt, va_list ap)
{
	char text[1024];
	size_t n;

	vsnprintf(text, sizeof(text), fmt, ap);
	n = strlen(text);
	if (error != 0)
		snprintf(text + n, sizeof(text) - n, ": %s", strerror(error));
	fprintf(stderr, "%s: fatal: %s\n", program_name, text);
	if (on_fatal != NULL)
		on_fatal(text);
	exit(70);
}

void
fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	die(0, fmt, ap);
}

void
fatal_errno(const char *fmt, ...)
{
	va_list ap;
	int error = errno;

	va_start(ap, fmt);
	die(error, fmt, ap);
}

void *
xmalloc(size_t size)
{
	void *p = malloc(size != 0 ? size : 1);

	if (p == NULL)
		fatal("out of memory (%zu octets)", size);
	return p;
}

void *
xcalloc(size_t count, size_t size)
{
	void *p = calloc(count != 0 ? count : 1, size != 0 ? size : 1);

	if (p == NULL)
		fatal("out of memory (%zu x %zu octets)", count, size);
	return p;
}

void *
xreallocarray(void *p, size_t count, size_t size)
{
	void *q = reallocarray(p, count != 0 ? count : 1, size);

	if (q == NULL)
		fatal("out of memory (%zu x %zu octets)", count, size);
	return q;
}

char *
xstrdup(const char *s)
{
	char *copy = strdup(s);

	if (copy == NULL)
		fatal("out of memory");
	return copy;
}
