#include "base/fill.h"
#include "conf/suggest.h"
#include "conf/tree.h"

const char *const conf_report_kinds[] = { "failed", "delayed", "delivered",
	"relayed", "expanded", NULL };
const char *const conf_report_names[] = { "hostname", "admin", "sender", "id",
	"until", "attached", NULL };

/* The word is in the list; else *best is the most like it, or NULL. */
static bool
is_one_of(const char *const *list, struct str word, const char **best)
{
	struct suggest s;

	suggest_init(&s, word);
	for (; *list != NULL; list++) {
		if (str_eq(word, str_c(*list)))
			return true;
		suggest_add(&s, *list);
	}
	*best = s.best;
	return false;
}

static void
check_text(struct conf *c, const struct conf_value *v)
{
	struct str text = v->text, piece;
	const char *best;
	bool is_name;

	while (fill_take(&text, &piece, &is_name))
		if (is_name && !is_one_of(conf_report_names, piece, &best))
			conf_error(c, v->at, best, "unknown name {%.*s}; there "
			    "are hostname, admin, sender, id, until, attached "
			    "({{ is a brace)",
			    STR_ARG(str_first(piece, 40)));
	if (text.n > 0)
		conf_error(c, v->at, "{{ is a brace", "a { without its }");
}

void
conf_check_reports(struct conf *c)
{
	const struct conf_section *r = NULL;
	const struct conf_pair *p;
	const char *best;

	while ((r = conf_next(c->root, "report", r)) != NULL) {
		if (!is_one_of(conf_report_kinds, conf_word(r, 0), &best))
			conf_error(c, r->words[0].at, best,
			    "unknown report \"%.*s\"; there are failed, "
			    "delayed, delivered, relayed, expanded",
			    STR_ARG(str_first(conf_word(r, 0), 40)));
		TAILQ_FOREACH(p, &r->pairs, entry)
			for (size_t i = 0; i < p->n; i++)
				check_text(c, &p->values[i]);
	}
}
