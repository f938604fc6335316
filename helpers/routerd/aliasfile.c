#include "helpers/routerd/aliasfile.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"

struct reader {
	const struct aliasfile_ops *ops;
	void *arg;
	uint32_t line;    /* of the entry's beginning */
	struct str *to;   /* ALIASFILE_TARGETS */
	size_t n;
};

/* A quoted word or everything up to one of the octets in stop. */
static struct str
take_word(struct str *in, const char *stop)
{
	struct str word;
	size_t n = 0;

	*in = str_trim(*in);
	if (str_take_char(in, '"')) {
		while (n < in->n && in->p[n] != '"')
			n += in->p[n] == '\\' && n + 1 < in->n ? 2 : 1;
		word = str_take(in, n);
		str_take_char(in, '"');
		*in = str_trim(*in);
		return word;
	}
	while (n < in->n && strchr(stop, in->p[n]) == NULL)
		n++;
	return str_trim(str_take(in, n));
}

static const char *
refusal(struct str target)
{
	if (str_starts(target, STR("|")))
		return "commands are not run";
	if (str_starts(target, STR("/")))
		return "files are not written";
	if (str_istarts(target, STR(":include:")))
		return "files are not included";
	return NULL;
}

static void
add_target(struct reader *r, struct str target)
{
	const char *why = refusal(target);

	/* sendmail's "do not expand further" */
	str_take_char(&target, '\\');
	if (why == NULL && r->n == ALIASFILE_TARGETS)
		why = "too many targets";
	if (why != NULL)
		r->ops->on_bad(r->arg, r->line, why, target);
	else if (target.n != 0)
		r->to[r->n++] = target;
}

/* One entry with its continuation lines joined. */
static void
read_entry(struct reader *r, struct str entry)
{
	struct str name;

	entry = str_trim(entry);
	if (entry.n == 0)
		return;
	name = take_word(&entry, ":");
	if (!str_take_char(&entry, ':') || name.n == 0) {
		r->ops->on_bad(r->arg, r->line, "no \"name:\"",
		    str_first(entry.n != 0 ? entry : name, 80));
		return;
	}
	r->n = 0;
	for (;;) {
		add_target(r, take_word(&entry, ","));
		if (entry.n == 0)
			break;
		if (!str_take_char(&entry, ',')) {
			r->ops->on_bad(r->arg, r->line,
			    "no comma between targets", str_first(entry, 80));
			break;
		}
	}
	if (r->n != 0)
		r->ops->on_alias(r->arg, name, r->to, r->n);
	else
		r->ops->on_bad(r->arg, r->line, "no target", name);
}

static bool
is_comment(struct str line)
{
	line = str_trim(line);
	return line.n == 0 || line.p[0] == '#';
}

void
aliasfile_read(struct str text, const struct aliasfile_ops *ops, void *arg)
{
	struct reader r = { .ops = ops, .arg = arg };
	struct buf entry;
	uint32_t line = 0;

	r.to = xcalloc(ALIASFILE_TARGETS, sizeof(*r.to));
	buf_init(&entry, ALIASFILE_MAX);
	while (text.n != 0) {
		struct str s = str_take_until(&text, '\n');

		line++;
		if (str_ends(s, STR("\r")))
			s.n--;
		if (is_comment(s))
			continue;
		if (!chr_is_wsp(s.p[0])) {
			read_entry(&r, buf_str(&entry));
			buf_reset(&entry);
			r.line = line;
		}
		buf_add(&entry, s);
	}
	read_entry(&r, buf_str(&entry));
	buf_clear(&entry);
	free(r.to);
}
