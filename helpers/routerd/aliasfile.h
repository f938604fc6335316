/*
 * aliasfile -- reads text in the form of /etc/aliases:
 *	name: target, target
 *		, target			a line that begins with space goes on
 *	# comment
 * Targets that are commands, files or :include: are refused.
 * Source: aliases(5) of sendmail.  Pure; cannot fail, only complain.
 */
#ifndef POSTERN_ROUTERD_ALIASFILE_H
#define POSTERN_ROUTERD_ALIASFILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { ALIASFILE_TARGETS = 1000, ALIASFILE_MAX = 16 << 20 };

struct aliasfile_ops {
	/* One alias; the views hold during the call.  n is at least 1. */
	void (*on_alias)(void *arg, struct str name, const struct str *to,
	    size_t n);
	/* Something that is left out, and why. */
	void (*on_bad)(void *arg, uint32_t line, const char *why,
	    struct str what);
};

void aliasfile_read(
    struct str text, const struct aliasfile_ops *ops, void *arg);

#endif
