/*
 * exact -- a copy of octets in memory of exactly their size, so that the
 * sanitizer sees a read past their end.
 */
#ifndef POSTERN_TESTS_EXACT_H
#define POSTERN_TESTS_EXACT_H

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/str.h"

static inline struct str
exact(struct str s)
{
	char *p = xmalloc(s.n != 0 ? s.n : 1);

	if (s.n != 0)
		memcpy(p, s.p, s.n);
	return str_n(p, s.n);
}

static inline void
exact_free(struct str s)
{
	union {
		const char *from;
		void *to;
	} p = { .from = s.p };

	free(p.to);
}

#define ck_str(have, want)                                                     \
	ck_assert_msg(str_eq((have), (want)), "have \"%.*s\" want \"%.*s\"",   \
	    STR_ARG(have), STR_ARG(want))

#endif
