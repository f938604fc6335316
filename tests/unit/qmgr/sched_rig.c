#include "tests/unit/qmgr/sched_rig.h"

#include <check.h>
#include <stdlib.h>

#include "base/fatal.h"

struct sched sched;
struct sites sites;
int64_t now;
struct message *made[20000];
size_t nmade;

void
rig_setup(void)
{
	static const struct sched_options o = { 5, 20, 100, 300000, 4200000 };

	sites_init(&sites);
	sched_init(&sched, &sites, &o, 42);
	now = 1000;
	nmade = 0;
}

void
rig_teardown(void)
{
	for (size_t i = 0; i < nmade; i++) {
		struct bundle *b;

		while ((b = LIST_FIRST(&made[i]->bundles)) != NULL) {
			sched_remove(&sched, b);
			while (bundle_take(b) != NULL)
				;
			bundle_free(b);
		}
		message_free(made[i]);
	}
	sites_clear(&sites);
	sched_clear(&sched);
}

struct message *
message_for(struct site *site, uint32_t n)
{
	const struct envelope env = { 0 };
	struct rcpt_init *inits = xcalloc(n, sizeof(*inits));
	struct message *m;
	static uint64_t id;

	for (uint32_t i = 0; i < n; i++)
		inits[i] = (struct rcpt_init){ .index = i,
			.address = STR("x@y") };
	m = message_new(++id, &env, inits, n, n);
	free(inits);
	for (uint32_t i = 0; i < n; i++)
		bundle_add(sched_bundle(m, site), &m->rcpts[i]);
	made[nmade++] = m;
	return m;
}

void
add(struct site *site, struct message *m, uint64_t sender)
{
	const struct share share = { sender, 1, CLASS_SINGLE };

	sched_add(&sched, sched_bundle(m, site), &share);
}

void
add_as(struct site *site, struct message *m, uint64_t sender,
    enum sched_class class)
{
	const struct share share = { sender, 1, class };

	sched_add(&sched, sched_bundle(m, site), &share);
}

/* A job of up to 100 recipients; the rest has to wait for its turn. */
struct message *
start_one(uint64_t sender)
{
	struct bundle *b = sched_pick(&sched, SITE_SMTP, now);
	const bool is_bulk = b != NULL && b->n > 64;
	const struct share share = { sender, 1,
		is_bulk ? CLASS_BULK : CLASS_SINGLE };
	struct message *m;

	if (b == NULL)
		return NULL;
	m = b->m;
	for (int i = 0; i < JOB_RCPTS && bundle_take(b) != NULL; i++)
		;
	if (b->n != 0)
		sched_add(&sched, b, &share);
	else
		bundle_free(b);
	return m;
}

struct site *
site(const char *name)
{
	return site_smtp(&sites, str_c(name), 1);
}

enum site_change
result(struct site *s, enum site_state what)
{
	return sched_result(&sched, s, s->lane, what, now);
}

uint32_t
fill(struct site *s)
{
	uint32_t n = 0;

	while (start_one(1) != NULL)
		n++;
	(void)s;
	return n;
}
