/* LIST and LSUB.  RFC 3501 6.3.8 and 6.3.9, RFC 5258 (LIST-EXTENDED),
 * RFC 5819 (RETURN STATUS), RFC 6154 (special uses), RFC 3348 (CHILDREN). */
#include <stdlib.h>

#include "base/fatal.h"
#include "imapd/commands.h"
#include "imapd/lex.h"
#include "imapd/match.h"
#include "mail/mutf7.h"

enum { PATTERNS_MAX = 64 };

/* Selection and return options. */
enum {
	SELECT_SUBSCRIBED = 1,
	SELECT_SPECIAL = 2,
	SELECT_RECURSIVE = 4,
	RETURN_SUBSCRIBED = 8,
	RETURN_STATUS = 16,
	EXTENDED = 32, /* any of the syntax of RFC 5258 was used */
	LSUB = 64
};

struct list {
	struct str reference;
	struct str *patterns;  /* pattern_n of them, modified UTF-7 */
	size_t pattern_n;
	unsigned options;
	unsigned status;       /* items */
	struct str *names;     /* what is listed, for STATUS to follow */
	size_t name_n, at;
};

static bool
take_option(struct str *in, const char *word, unsigned bit, unsigned *options)
{
	if (!lex_word(in, str_c(word)))
		return false;
	*options |= bit;
	return true;
}

/* list-select-opts = "(" [option *(SP option)] ")" */
static bool
take_selection(struct str *in, struct list *l)
{
	if (!str_take_char(in, '('))
		return true;
	l->options |= EXTENDED;
	while (!str_take_char(in, ')')) {
		if (!take_option(in, "SUBSCRIBED", SELECT_SUBSCRIBED |
			RETURN_SUBSCRIBED, &l->options) &&
		    !take_option(in, "SPECIAL-USE", SELECT_SPECIAL,
			&l->options) &&
		    !take_option(in, "RECURSIVEMATCH", SELECT_RECURSIVE,
			&l->options) &&
		    !take_option(in, "REMOTE", 0, &l->options))
			return false;
		if (!lex_sp(in) && (in->n == 0 || in->p[0] != ')'))
			return false;
	}
	return lex_sp(in);
}

static bool
take_return(struct session *s, struct str *in, struct list *l)
{
	if (in->n == 0)
		return true;
	if (!str_take_iprefix(in, STR(" RETURN (")))
		return false;
	l->options |= EXTENDED;
	while (!str_take_char(in, ')')) {
		if (lex_word(in, STR("STATUS"))) {
			l->options |= RETURN_STATUS;
			if (!lex_sp(in) ||
			    !status_items_take(s, in, &l->status))
				return false;
		} else if (!take_option(in, "SUBSCRIBED", RETURN_SUBSCRIBED,
			       &l->options) &&
		    !take_option(in, "CHILDREN", 0, &l->options) &&
		    !take_option(in, "SPECIAL-USE", 0, &l->options)) {
			return false;
		}
		if (!lex_sp(in) && (in->n == 0 || in->p[0] != ')'))
			return false;
	}
	return in->n == 0;
}

/* mbox-or-pat = list-mailbox / "(" list-mailbox *(SP list-mailbox) ")" */
static bool
take_patterns(struct session *s, struct str *in, struct list *l)
{
	bool many = str_take_char(in, '(');

	l->patterns =
	    pool_alloc(&s->pool, PATTERNS_MAX * sizeof(l->patterns[0]));
	do {
		struct buf whole;
		struct str pattern;

		if (l->pattern_n == PATTERNS_MAX ||
		    !lex_list_mailbox(in, &s->pool, &pattern))
			return false;
		buf_init(&whole, BUF_NO_MAX);
		buf_add(&whole, l->reference);
		buf_add(&whole, pattern);
		l->patterns[l->pattern_n++] =
		    pool_str(&s->pool, buf_str(&whole));
		buf_clear(&whole);
	} while (many && lex_sp(in));
	if (!many)
		return true;
	l->options |= EXTENDED;
	return str_take_char(in, ')');
}

static bool
take_args(struct session *s, struct str in, struct list *l)
{
	bool lsub = (l->options & LSUB) != 0;

	return (lsub || take_selection(&in, l)) &&
	    lex_astring(&in, &s->pool, &l->reference) && lex_sp(&in) &&
	    take_patterns(s, &in, l) &&
	    (lsub ? in.n == 0 : take_return(s, &in, l));
}

/* Names are compared as they stand on the wire: in modified UTF-7 a name has
 * one form only. */
static bool
matches(const struct list *l, struct str name)
{
	struct buf wire;
	bool found = false;

	buf_init(&wire, BUF_NO_MAX);
	if (mutf7_encode(&wire, name))
		for (size_t i = 0; !found && i < l->pattern_n; i++)
			found = match_mailbox(
			    l->patterns[i], buf_str(&wire), STORE_SEPARATOR);
	buf_clear(&wire);
	return found;
}

static void
put_attribute(struct buf *out, bool *any, const char *name)
{
	if (*any)
		buf_add_char(out, ' ');
	*any = true;
	buf_add_c(out, name);
}

/* selectable false: listed for the sake of others. */
static void
put_folder(struct session *s, const struct list *l, const struct folder *f,
    bool selectable)
{
	bool any = false;
	bool extended = (l->options & EXTENDED) != 0;

	buf_addf(&s->out, "* %s (", (l->options & LSUB) != 0 ? "LSUB" : "LIST");
	if (!selectable)
		put_attribute(&s->out, &any,
		    extended && !f->exists && !f->children ?
		    "\\NonExistent" : "\\Noselect");
	if ((l->options & LSUB) == 0)
		put_attribute(&s->out, &any,
		    f->children ? "\\HasChildren" : "\\HasNoChildren");
	if ((l->options & RETURN_SUBSCRIBED) != 0 && f->subscribed)
		put_attribute(&s->out, &any, "\\Subscribed");
	for (unsigned use = 1; use < USES; use <<= 1)
		if ((f->use & use) != 0)
			put_attribute(&s->out, &any, use_name(use));
	buf_add_c(&s->out, ") \"/\" ");
	session_put_mailbox(s, f->name);
	buf_add_c(&s->out, "\r\n");
}

static bool
is_below(struct str name, struct str parent)
{
	return name.n > parent.n && str_starts(name, parent) &&
	    name.p[parent.n] == STORE_SEPARATOR;
}

/* A subscribed mailbox lies somewhere below folders[i]. */
static bool
has_subscribed_below(const struct folder *folders, size_t count, size_t i)
{
	for (size_t k = 0; k < count; k++)
		if (folders[k].subscribed &&
		    is_below(folders[k].name, folders[i].name))
			return true;
	return false;
}

/* 0: not listed, 1: as it is, 2: only for those below it. */
static int
wants(const struct list *l, const struct folder *folders, size_t count,
    size_t i)
{
	const struct folder *f = &folders[i];
	bool subscribed = (l->options & (LSUB | SELECT_SUBSCRIBED)) != 0;

	if ((l->options & SELECT_SPECIAL) != 0 && f->use == 0)
		return 0;
	if (!subscribed)
		return f->exists ? 1 : f->children ? 2 : 0;
	if (f->subscribed)
		return f->exists || (l->options & LSUB) != 0 ? 1 : 2;
	/* "%" on a parent of subscribed ones (RFC 3501 6.3.9). */
	if ((l->options & (LSUB | SELECT_RECURSIVE)) != 0 &&
	    has_subscribed_below(folders, count, i))
		return 2;
	return 0;
}

/* A "*" shows those below themselves. */
static bool
has_star(const struct list *l)
{
	for (size_t i = 0; i < l->pattern_n; i++)
		if (str_find(l->patterns[i], '*') != l->patterns[i].n)
			return true;
	return false;
}

static void
put_all(struct session *s, struct list *l)
{
	size_t count;
	const struct folder *folders =
	    account_folders(s->user->store, &count);
	bool star = has_star(l);

	if (folders == NULL)
		return;
	l->names = pool_alloc(&s->pool, (count + 1) * sizeof(l->names[0]));
	for (size_t i = 0; i < count; i++) {
		int how = wants(l, folders, count, i);

		if (how == 0 || !matches(l, folders[i].name) ||
		    (how == 2 && star && (l->options & LSUB) != 0))
			continue;
		put_folder(s, l, &folders[i], how == 1);
		if (how == 1 && folders[i].exists)
			l->names[l->name_n++] =
			    pool_str(&s->pool, folders[i].name);
	}
}

/* STATUS of one mailbox a step: each may have to be read from disk. */
static enum cmd_result
step_status(struct session *s, void *state)
{
	struct list *l = state;

	if (l->at == l->name_n)
		return CMD_OK;
	status_put(s, l->names[l->at++], l->status);
	return CMD_MORE;
}

static enum cmd_result
list(struct session *s, struct str args, unsigned options)
{
	struct list *l = pool_alloc(&s->pool, sizeof(*l));

	l->options = options;
	if (!take_args(s, args, l))
		return CMD_BAD;
	if (l->pattern_n == 1 && l->patterns[0].n == 0 &&
	    (l->options & EXTENDED) == 0) {
		/* The question for the delimiter. */
		buf_addf(&s->out, "* %s (\\Noselect) \"/\" \"\"\r\n",
		    options == LSUB ? "LSUB" : "LIST");
		return CMD_OK;
	}
	put_all(s, l);
	if ((l->options & RETURN_STATUS) != 0)
		return session_steps(s, step_status, l, NULL);
	return CMD_OK;
}

enum cmd_result
cmd_list(struct session *s, struct str args)
{
	return list(s, args, 0);
}

enum cmd_result
cmd_lsub(struct session *s, struct str args)
{
	return list(s, args, LSUB);
}
