#include "conf/keys.h"

static const struct conf_kinds *const files[] = { &conf_kinds_main,
	&conf_kinds_smtp, &conf_kinds_queue, &conf_kinds_reader,
	&conf_kinds_helpers };

/* In the order of the SEE_ bits. */
static const char *const roles[] = { "eventd", "routerd", "authd", "keyd",
	"dnsd", "nssd", "qmgr", "smtp", "bounce", "deliver", "smtpd", "pickup",
	"imapd", "imap", "pop3d", "pop3", "master" };
enum { NROLES = sizeof(roles) / sizeof(roles[0]) };

const struct conf_kind *
conf_kind_at(size_t i)
{
	for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++) {
		if (i < files[f]->n)
			return &files[f]->kinds[i];
		i -= files[f]->n;
	}
	return NULL;
}

static bool
same(const char *a, struct str b)
{
	return str_eq(str_c(a), b);
}

const struct conf_kind *
conf_kind_find(
    struct str kind, const struct conf_kind *parent, struct str name)
{
	struct str in = str_c(parent != NULL ? parent->kind : NULL);
	const struct conf_kind *k;

	/* The top level has no name, and is in nothing: `"" { }` is not it. */
	for (size_t i = 0; (k = conf_kind_at(i)) != NULL; i++)
		if ((parent == NULL || k->kind != NULL) &&
		    same(k->kind, kind) && same(k->parent, in) &&
		    (k->name == NULL || same(k->name, name)))
			return k;
	return NULL;
}

/* The keys that a daemon has besides its own. */
static const struct conf_kind *
shared(const struct conf_kind *kind)
{
	if (kind->name == NULL || strcmp(kind->name, "*") == 0)
		return NULL;
	return conf_kind_find(str_c(kind->kind), NULL, STR("*"));
}

static const struct conf_key *
find_own(const struct conf_kind *kind, struct str name)
{
	if (kind->free_keys)
		return &kind->keys[0];
	for (size_t i = 0; i < kind->nkeys; i++)
		if (same(kind->keys[i].name, name))
			return &kind->keys[i];
	return NULL;
}

const struct conf_key *
conf_key_find(const struct conf_kind *kind, struct str name)
{
	const struct conf_key *key = find_own(kind, name);
	const struct conf_kind *all;

	if (key == NULL && (all = shared(kind)) != NULL)
		key = find_own(all, name);
	return key;
}

const struct conf_key *
conf_key_at(const struct conf_kind *kind, size_t i)
{
	const struct conf_kind *all;

	if (i < kind->nkeys)
		return &kind->keys[i];
	if ((all = shared(kind)) == NULL)
		return NULL;
	i -= kind->nkeys;
	/* A row of its own hides the one of all daemons. */
	for (size_t n = 0; n < all->nkeys; n++)
		if (find_own(kind, str_c(all->keys[n].name)) == NULL &&
		    i-- == 0)
			return &all->keys[n];
	return NULL;
}

unsigned
conf_see(struct str role)
{
	for (unsigned i = 0; i < NROLES; i++)
		if (same(roles[i], role))
			return 1u << i;
	return 0;
}

const char *
conf_see_name(unsigned bit)
{
	for (unsigned i = 0; i < NROLES; i++)
		if ((bit & 1u << i) != 0)
			return roles[i];
	return NULL;
}

unsigned
conf_key_see(const struct conf_kind *kind, const struct conf_key *key)
{
	return key->see != 0 ? key->see : kind->see;
}
