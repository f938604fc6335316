#include "qmgr/tokens.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "base/wire.h"

void
tokens_clear(struct tokens *t)
{
	size_t pos = 0;
	void *id;

	while ((id = map_next(&t->ids, &pos, NULL)) != NULL)
		free(id);
	map_clear(&t->ids);
}

uint64_t
tokens_get(const struct tokens *t, struct str token)
{
	const uint64_t *id = map_get(&t->ids, token);

	return id != NULL ? *id : 0;
}

void
tokens_set(struct tokens *t, struct str token, uint64_t id)
{
	uint64_t *value = xcalloc(1, sizeof(*value));

	*value = id;
	free(map_set(&t->ids, token, value));
}

bool
tokens_del(struct tokens *t, struct str token)
{
	void *id = map_del(&t->ids, token);

	free(id);
	return id != NULL;
}

void
tokens_put(const struct tokens *t, struct buf *out)
{
	const uint64_t *id;
	struct str token;
	size_t pos = 0;

	wire_put_u64(out, t->ids.n);
	while ((id = map_next(&t->ids, &pos, &token)) != NULL) {
		wire_put_u64(out, *id);
		buf_add(out, token);
	}
}

bool
tokens_take(struct tokens *t, struct str *in)
{
	uint64_t n, id;
	struct str token;

	if (!wire_take_u64(in, &n))
		return false;
	for (uint64_t i = 0; i < n; i++) {
		if (!wire_take_u64(in, &id) || id == 0)
			return false;
		token = str_take(in, TOKEN);
		if (token.n != TOKEN)
			return false;
		tokens_set(t, token, id);
	}
	return true;
}
