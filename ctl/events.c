#include <stdio.h>
#include <string.h>

#include "ctl/ask.h"
#include "ctl/table.h"
#include "msg/control.h"

/* "2026-11-23 01:02:03 smtpd accepted id=... from=...": as people read it. */
static void
on_row(void *arg, const json_t *row)
{
	static const struct column first[] = {
		{ "time", "", COL_TIME }, { "level", "", COL_TEXT },
		{ "program", "", COL_TEXT }, { "event", "", COL_TEXT } };
	struct buf line;
	const char *key;
	json_t *value;

	(void)arg;
	buf_init(&line, BUF_NO_MAX);
	for (size_t i = 0; i < 4; i++) {
		table_cell(&first[i], row, &line);
		buf_add_char(&line, ' ');
	}
	json_object_foreach((json_t *)(uintptr_t)row, key, value) {
		struct column field = { key, "", COL_TEXT };
		bool known = false;

		for (size_t i = 0; i < 4; i++)
			known = known || strcmp(key, first[i].field) == 0;
		if (known)
			continue;
		buf_addf(&line, " %s=", key);
		table_cell(&field, row, &line);
	}
	puts(buf_cstr(&line));
	buf_clear(&line);
}

static void
on_rows(void *arg, struct str rows)
{
	(void)table_each(rows, on_row, arg);
	out_check(); /* with --follow somebody waits for it */
}

int
cmd_events(struct ctl *c, const struct cmd *cmd, size_t argc, char *argv[])
{
	struct str words[CONTROL_WORDS_MAX] = { STR("events"), STR("show") };
	struct table raw;
	struct ask a = { .target = cmd->target, .words = words, .nwords = 2,
		.fd = -1, .on_rows = c->json ? table_rows : on_rows,
		.arg = &raw };

	for (size_t i = 0; i < argc; i++)
		if (strcmp(argv[i], "--follow") == 0)
			a.timeout = ASK_PATIENT; /* nothing may happen */
	for (size_t i = 0; i < argc && a.nwords < CONTROL_WORDS_MAX; i++)
		words[a.nwords++] = str_c(argv[i]);
	table_init(&raw, c, NULL);
	return ask(c, &a);
}
