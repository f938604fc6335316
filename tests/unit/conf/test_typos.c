/*
 * Every key of the tables, misspelt in every way that fingers know: each is
 * reported, at its place, and nearly always with the word that was meant.
 */
#include <stdio.h>

#include "conf/keys.h"
#include "conf/parse.h"
#include "tests/unit/unit.h"

enum { WORD = 64 };

/* The way-th misspelling of word; false when there are no more. */
static bool
misspell(const char *word, size_t way, char out[WORD])
{
	size_t n = strlen(word), at = way / 4;
	const char *rest = word + at;

	if (at >= n)
		return false;
	switch (way % 4) {
	case 0: /* a letter lost */
		snprintf(out, WORD, "%.*s%s", (int)at, word, rest + 1);
		break;
	case 1: /* twice */
		snprintf(out, WORD, "%.*s%c%s", (int)at, word, *rest, rest);
		break;
	case 2: /* another */
		snprintf(out, WORD, "%.*s%c%s", (int)at, word,
		    *rest == 'x' ? 'y' : 'x', rest + 1);
		break;
	default: /* two the wrong way round */
		if (rest[1] == '\0' || rest[1] == rest[0])
			snprintf(out, WORD, "%sx", word);
		else
			snprintf(out, WORD, "%.*s%c%c%s", (int)at, word,
			    rest[1], rest[0], rest + 2);
	}
	return true;
}

static const char *
sample(const struct conf_key *key)
{
	static const char *const samples[] = { [CONF_BOOL] = "yes",
		[CONF_NUMBER] = "5", [CONF_SIZE] = "5MiB",
		[CONF_TIME] = "5min", [CONF_PERCENT] = "5%",
		[CONF_RATE] = "5/min", [CONF_STRING] = "text",
		[CONF_HOST] = "a.example", [CONF_DOMAIN] = "a.example",
		[CONF_ADDRESS] = "a@b.example",
		[CONF_NETWORK] = "192.0.2.0/24",
		[CONF_IPPORT] = "192.0.2.1:53", [CONF_PATH] = "/x" };

	return key->type == CONF_CHOICE ? key->choices[0] :
	    samples[key->type];
}

static const char *
word_for(const struct conf_kind *k)
{
	if (k->name != NULL)
		return strcmp(k->name, "*") == 0 ? "dnsd" : k->name;
	if (strcmp(k->kind, "listen") == 0)
		return "smtp 127.0.0.1:25";
	return k->words[0] != '\0' ? "a.example" : "";
}

/* A file whose third line, column 2 or 1, has the word as a key. */
static void
write_file(const struct conf_kind *k, const struct conf_key *key,
    const char *word, char *out, size_t size)
{
	if (k->kind == NULL)
		snprintf(out, size, "# x\n# y\n%s = %s\n%s", word, sample(key),
		    strcmp(key->name, "hostname") == 0 ? "" :
		    "hostname = a.example\n");
	else
		snprintf(out, size, "hostname = a.example\n%s %s {\n\t%s = %s"
		    "\n}\n", k->kind, word_for(k), word, sample(key));
}

struct tally {
	size_t tried, reported, placed, right;
};

static void
try_one(const struct conf_kind *k, const struct conf_key *key,
    const char *word, struct tally *t)
{
	const struct conf_problem *p;
	char text[512];
	struct conf *c;

	write_file(k, key, word, text, sizeof(text));
	c = conf_parse_text(str_c(text), "typo.conf", "/base");
	t->tried++;
	t->reported += !conf_ok(c);
	for (size_t i = 0; (p = conf_problem(c, i)) != NULL; i++)
		if (p->line == 3 && p->col == (k->kind == NULL ? 1 : 2)) {
			t->placed++;
			t->right += str_eq(p->fix, str_c(key->name));
			break;
		}
	conf_free(c);
}

START_TEST(every_key)
{
	const struct conf_kind *k;
	const struct conf_key *key;
	struct tally t = { 0 };
	char word[WORD];

	for (size_t i = 0; (k = conf_kind_at(i)) != NULL; i++) {
		if (k->free_keys || k->parent != NULL)
			continue;
		for (size_t n = 0; (key = conf_key_at(k, n)) != NULL; n++)
			for (size_t w = 0; misspell(key->name, w, word); w++)
				if (conf_key_find(k, str_c(word)) == NULL)
					try_one(k, key, word, &t);
	}
	printf("%zu typos: %zu reported, %zu at their place, %zu with the "
	    "right word\n", t.tried, t.reported, t.placed, t.right);
	ck_assert_uint_gt(t.tried, 4000);
	ck_assert_uint_eq(t.reported, t.tried);
	ck_assert_uint_eq(t.placed, t.tried);
	ck_assert_uint_ge(t.right * 100, t.tried * 98);
}
END_TEST

/* The same for the names of sections and daemons. */
START_TEST(every_section)
{
	const struct conf_kind *k;
	const struct conf_problem *p;
	size_t tried = 0, right = 0;
	char word[WORD], text[512];

	for (size_t i = 0; (k = conf_kind_at(i)) != NULL; i++) {
		const char *name = k->name != NULL ? k->name : k->kind;

		if (k->kind == NULL || k->parent != NULL || name[0] == '*')
			continue;
		for (size_t w = 0; misspell(name, w, word); w++) {
			struct conf *c;

			if (conf_kind_find(str_c(word), NULL, STR("")) != NULL ||
			    conf_kind_find(STR("daemon"), NULL, str_c(word)) !=
			    NULL)
				continue;
			snprintf(text, sizeof(text), "hostname = a.example\n"
			    "%s%s %s { }\n", k->name != NULL ? "daemon " : "",
			    word, k->name != NULL ? "" : word_for(k));
			c = conf_parse_text(str_c(text), "t", "/base");
			tried++;
			ck_assert_msg(!conf_ok(c), "%s", text);
			p = conf_problem(c, 0);
			ck_assert_uint_eq(p->line, 2);
			ck_assert_uint_eq(p->col, k->name != NULL ? 8 : 1);
			right += str_eq(p->fix, str_c(name));
			conf_free(c);
		}
	}
	printf("%zu names: %zu with the right word\n", tried, right);
	ck_assert_uint_ge(right * 100, tried * 90);
}
END_TEST

static TCase *
all(void)
{
	TCase *tc = tcase_create("typos");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, every_key);
	tcase_add_test(tc, every_section);
	return tc;
}

UNIT_MAIN("conf typos", all)
