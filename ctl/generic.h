/* generic -- questions whose words are what the caller wrote, and whose
 * answer is rows. */
#ifndef POSTERN_CTL_GENERIC_H
#define POSTERN_CTL_GENERIC_H

#include "base/str.h"
#include "ctl/ask.h"
#include "ctl/ctl.h"
#include "ctl/table.h"
#include "msg/control.h"

/* The words of a question: noun, verb and what the caller wrote. */
struct words {
	struct str word[CONTROL_WORDS_MAX];
	size_t n;
};
/* false: too many. */
bool words_add(struct words *w, const char *word);

/* Takes --option out of the arguments: whether it was there, and, of one with
 * a value, the value (else NULL). */
bool take_flag(size_t *argc, char *argv[], const char *flag);
const char *take_option(size_t *argc, char *argv[], const char *option);

/* Asks, and shows the rows with the columns of cmd. */
int ask_rows(struct ctl *c, const struct cmd *cmd, struct ask *a);
/* Nothing to show is said, so that it is not taken for a failure. */
void table_over(struct ctl *c, const struct cmd *cmd, struct table *t, int code);

/* The queue of a server that is down, through qmgr-read; its exit code.  The
 * rows go to on_rows. */
int queue_read(struct ctl *c, const struct words *w,
    void (*on_rows)(void *arg, struct str rows), void *arg);
/* Of the server, or, of verbs that only read, of the spool when it is down. */
int queue_rows(struct ctl *c, const struct cmd *cmd, const struct words *w,
    void (*on_rows)(void *arg, struct str rows), void *arg);
/* Messages to read, as rows of `queue show`; arg is a struct table. */
void show_rows(void *arg, struct str rows);
/* For `-`: ids from stdin, so many to a question as fit. */
int queue_rows_stdin(struct ctl *c, const struct cmd *cmd, struct words *w,
    void (*on_rows)(void *arg, struct str rows), void *arg);
/* Takes "-" out of the arguments, unless it is an option's value. */
bool take_stdin(size_t *argc, char *argv[]);
/* Times behind --since and --until, local ones of a FILTER, become UTC. */
int local_times(struct words *w);
/* What to do with more ids than fit. */
extern const char too_many_fix[];
/* A server is there to be asked. */
bool server_is_up(struct ctl *c);

#endif
