/*
 * commands -- the functions behind the rows of the table in commands.c, a
 * file for each group.  Each judges its arguments before it does anything.
 */
#ifndef POSTERN_IMAPD_COMMANDS_H
#define POSTERN_IMAPD_COMMANDS_H

#include "imapd/session.h"

cmd_fn cmd_capability, cmd_noop, cmd_logout, cmd_id, cmd_enable, cmd_idle,
    cmd_namespace, cmd_late;                                /* cmd_any.c */
cmd_fn cmd_select, cmd_examine, cmd_close, cmd_unselect;    /* cmd_select.c */
cmd_fn cmd_create, cmd_delete, cmd_rename, cmd_subscribe,
    cmd_unsubscribe;                                        /* cmd_mailbox.c */
cmd_fn cmd_list, cmd_lsub;                                  /* cmd_list.c */
cmd_fn cmd_status;                                          /* cmd_status.c */
cmd_fn cmd_append;                                          /* cmd_any.c */
cmd_fn cmd_fetch;                                           /* cmd_fetch.c */
cmd_fn cmd_store;                                           /* cmd_store.c */
cmd_fn cmd_search;                                          /* cmd_search.c */
cmd_fn cmd_copy, cmd_move;                                  /* cmd_copy.c */
cmd_fn cmd_expunge, cmd_uid_expunge;                        /* cmd_copy.c */

/* STATUS's items in parentheses as bits, and their answer; cmd_status.c, for
 * LIST RETURN (STATUS (...)) too. */
bool status_items_take(struct session *s, struct str *in, unsigned *items);
enum store_result status_put(
    struct session *s, struct str name, unsigned items);

#endif
