#include "tests/unit/qmgr/drop_rig.h"

#include <stdio.h>
#include <string.h>

struct str
drop_token(uint32_t number)
{
	static char room[TOKEN];

	memset(room, 0, sizeof(room));
	snprintf(room, sizeof(room), "token %u", number);
	return str_n(room, TOKEN);
}

uint64_t
drop_known(const struct rig *r, uint32_t number)
{
	return tokens_get(&r->q.tokens, drop_token(number));
}

struct message *
drop_accept(struct rig *r, uint32_t number, const char *body)
{
	static const char prefix[] = "Received: here\n";
	const struct envelope env = { .sender = STR("a@example.org"),
		.client = STR("unix:1000"), .login = STR("unix:1000") };
	const struct rcpt_init init = { .address = STR("b@example.net") };
	struct message *m =
	    message_new(queue_new_id(&r->q, 1000), &env, &init, 1, 1);
	struct buf text;

	m->prefix = sizeof(prefix) - 1;
	m->body = strlen(body);
	m->accepted = r->q.now;
	m->accepted_wall = 1000 + r->q.now;
	buf_init(&text, BUF_NO_MAX);
	buf_add_c(&text, prefix);
	buf_add_c(&text, body);
	queue_accept_dropped(&r->q, m, buf_str(&text), drop_token(number));
	buf_clear(&text);
	return m;
}

void
drop_dump(const struct rig *r, struct buf *out)
{
	buf_addf(out, "%zu files:", r->q.tokens.ids.n);
	for (uint32_t i = 0; i < DROP_FILES; i++)
		buf_addf(out, " %llu", (unsigned long long)drop_known(r, i));
}
