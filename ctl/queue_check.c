/* queue_check -- queue check: the queue in memory, then the spool on disk. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "ctl/generic.h"
#include "ctl/progress.h"

struct check {
	struct table table;
	struct progress progress;
	uint64_t problems;
	json_t *total;     /* the reader's last row */
};

static uint64_t
number(const json_t *row, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(row, key));
}

static void
on_row(struct check *k, struct str line, json_t *row)
{
	if (json_object_get(row, "progress") != NULL) {
		progress_set(&k->progress, number(row, "progress"),
		    number(row, "of"));
	} else if (json_object_get(row, "total") != NULL) {
		json_decref(k->total);
		k->total = json_incref(row);
	} else {
		progress_clear(&k->progress);
		k->problems++;
		table_rows(&k->table, line);
	}
}

static void
on_rows(void *arg, struct str rows)
{
	while (rows.n != 0) {
		const size_t n = str_find(rows, '\n') + 1;
		const struct str line = str_take(&rows, n > rows.n ? rows.n : n);
		json_t *row = json_loadb(line.p, line.n, 0, NULL);

		if (row != NULL)
			on_row(arg, line, row);
		json_decref(row);
	}
}

/* Where all went whose acceptance the log still tells. */
static void
tell_ends(struct ctl *c, const json_t *total)
{
	static const struct {
		const char *key, *text;
	} ends[] = { { "queue", "in the queue" }, { "mailbox", "in mailboxes" },
		{ "next_hop", "at next hosts" }, { "returned", "returned" },
		{ "failed", "failed with nobody to tell" },
		{ "dropped", "dropped" }, { "list", "lists" },
		{ "same_mailbox", "with a copy in the same mailbox" },
		{ "done", "done" }, { "forgotten", "done before what the log "
		                                   "still tells" } };
	struct buf text;

	if (number(total, "accepted") == 0)
		return;
	buf_init(&text, BUF_NO_MAX);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (number(total, ends[i].key) != 0)
			buf_addf(&text, "%s%llu %s",
			    buf_len(&text) != 0 ? ", " : "",
			    (unsigned long long)number(total, ends[i].key),
			    ends[i].text);
	say(c, "%llu recipients accepted: %s",
	    (unsigned long long)number(total, "accepted"), buf_cstr(&text));
	buf_clear(&text);
}

static void
tell_total(struct ctl *c, struct check *k)
{
	char *text;

	if (k->total == NULL)
		return;
	json_object_set_new(
	    k->total, "problems", json_integer((json_int_t)k->problems));
	if (c->json && (text = json_dumps(k->total, JSON_COMPACT)) != NULL) {
		printf("%s\n", text);
		free(text);
	}
	if (c->json)
		return;
	tell_ends(c, k->total);
	say(c, "%llu messages to %llu recipients, %llu records in %llu "
	    "segments, %llu large bodies: %llu problems",
	    (unsigned long long)number(k->total, "messages"),
	    (unsigned long long)number(k->total, "recipients"),
	    (unsigned long long)number(k->total, "records"),
	    (unsigned long long)number(k->total, "segments"),
	    (unsigned long long)number(k->total, "bodies"),
	    (unsigned long long)k->problems);
}

/* The reader's exit code, or that of the daemon, whichever is worse. */
static int
look(struct ctl *c, const struct cmd *cmd, struct check *k)
{
	struct words w = { .n = 0 };
	struct ask a = { .target = cmd->target, .words = w.word, .nwords = 2,
		.fd = -1, .on_rows = on_rows, .arg = k };
	int code = 0;

	words_add(&w, cmd->noun);
	words_add(&w, cmd->verb);
	if (server_is_up(c) && (code = ask(c, &a)) != 0 && code != CTL_FOUND)
		return code;
	if (k->progress.wanted)
		words_add(&w, "--progress");
	code = queue_read(c, &w, on_rows, k);
	progress_clear(&k->progress);
	if (code == CTL_DENIED || code == CTL_NO_INPUT)
		return code;
	if (code != 0 && code != CTL_FOUND)
		return CTL_IO;
	return k->problems != 0 ? CTL_FOUND : 0;
}

int
cmd_queue_check(struct ctl *c, const struct cmd *cmd, size_t argc, char *argv[])
{
	struct check k = { .problems = 0 };
	int code;

	(void)argv;
	if (argc != 0)
		return usage(cmd);
	table_init(&k.table, c, cmd->columns);
	progress_init(&k.progress, c, "checking");
	code = look(c, cmd, &k);
	table_end(&k.table);
	if (code == 0 || code == CTL_FOUND)
		tell_total(c, &k);
	json_decref(k.total);
	return code;
}
