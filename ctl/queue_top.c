/* queue_top -- queue top: the next hops whose mail grows, again and again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/num.h"
#include "ctl/generic.h"

enum { EVERY = 2 /* s */, LINES = 24, ABOVE = 4 /* lines above the table */ };

struct top {
	json_t *now;    /* rows of this look: an array */
	json_t *before; /* site -> messages at the look before, or NULL */
	json_t *total;
};

static json_int_t
number(const json_t *row, const char *key)
{
	return json_integer_value(json_object_get(row, key));
}

static void
on_row(void *arg, const json_t *row)
{
	struct top *t = arg;
	json_t *mine = json_deep_copy(row);
	const char *site =
	    json_string_value(json_object_get(row, "site"));
	const json_t *old = NULL;

	if (site == NULL) {
		json_decref(t->total);
		t->total = mine;
		return;
	}
	if (t->before != NULL)
		old = json_object_get(t->before, site);
	json_object_set_new(mine, "growth", json_integer(t->before == NULL ? 0 :
	    number(row, "messages") - json_integer_value(old)));
	json_array_append_new(t->now, mine);
}

static void
on_rows(void *arg, struct str rows)
{
	(void)table_each(rows, on_row, arg);
}

static int
by_growth(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	const json_int_t g = number(y, "growth") - number(x, "growth");
	const json_int_t n = number(y, "messages") - number(x, "messages");

	return g != 0 ? (g > 0 ? 1 : -1) : n > 0 ? 1 : n < 0 ? -1 : 0;
}

/* Lines that fit a terminal; in a pipe all. */
static size_t
room(const struct ctl *c)
{
	struct winsize size;

	if (!c->out_tty)
		return SIZE_MAX;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1 || size.ws_row == 0)
		size.ws_row = LINES;
	return size.ws_row > ABOVE ? (size_t)size.ws_row - ABOVE : 1;
}

static void
show(struct ctl *c, const struct cmd *cmd, const struct top *t)
{
	const size_t n = json_array_size(t->now), most = room(c);
	json_t **rows = xcalloc(n + 1, sizeof(json_t *));
	struct table table;

	for (size_t i = 0; i < n; i++)
		rows[i] = json_array_get(t->now, i);
	qsort(rows, n, sizeof(json_t *), by_growth);
	if (c->out_tty && !c->json)
		printf("\033[H\033[J%lld messages to %lld recipients wait, "
		    "%lld deferred, %lld on hold\n\n",
		    (long long)number(t->total, "messages"),
		    (long long)number(t->total, "recipients"),
		    (long long)number(t->total, "deferred"),
		    (long long)number(t->total, "hold"));
	table_init(&table, c, cmd->columns);
	for (size_t i = 0; i < n && i < most; i++) {
		char *text = json_dumps(rows[i], JSON_COMPACT);
		struct buf line;

		buf_init(&line, BUF_NO_MAX);
		buf_addf(&line, "%s\n", text);
		table_rows(&table, buf_str(&line));
		buf_clear(&line);
		free(text);
	}
	table_end(&table);
	free(rows);
}

/* What is there now is what was before, for the next look. */
static void
remember(struct top *t)
{
	size_t i;
	json_t *row;

	json_decref(t->before);
	t->before = json_object();
	json_array_foreach(t->now, i, row)
		json_object_set(t->before,
		    json_string_value(json_object_get(row, "site")),
		    json_object_get(row, "messages"));
}

static int
look(struct ctl *c, const struct cmd *cmd, struct top *t, bool shown)
{
	struct words w = { .n = 0 };
	int code;

	words_add(&w, cmd->noun);
	words_add(&w, "summary");
	json_decref(t->now);
	t->now = json_array();
	code = queue_rows(c, cmd, &w, on_rows, t);
	if (code == 0 && shown)
		show(c, cmd, t);
	remember(t);
	return code;
}

static bool
take_count(size_t *argc, char *argv[], const char *option, uint64_t *n)
{
	const char *text = take_option(argc, argv, option);

	return text == NULL ||
	    (num_u64(str_c(text), n) && *n != 0 && *n <= 1000000);
}

int
cmd_queue_top(struct ctl *c, const struct cmd *cmd, size_t argc, char *argv[])
{
	struct top t = { NULL, NULL, NULL };
	uint64_t every = EVERY, count = c->out_tty ? UINT64_MAX : 1;
	const bool up = server_is_up(c);
	int code = 0;

	if (!take_count(&argc, argv, "--every", &every) ||
	    !take_count(&argc, argv, "--count", &count) || argc != 0)
		return usage(cmd);
	if (!up)
		count = 1; /* nothing moves */
	/* In a pipe the first look is only to know what grows. */
	if (up && !c->out_tty)
		code = look(c, cmd, &t, false);
	for (uint64_t i = 0; i < count && code == 0; i++) {
		const struct timespec pause = { .tv_sec = (time_t)every };

		if (t.before != NULL)
			nanosleep(&pause, NULL);
		code = look(c, cmd, &t, true);
	}
	json_decref(t.now);
	json_decref(t.before);
	json_decref(t.total);
	return code;
}
