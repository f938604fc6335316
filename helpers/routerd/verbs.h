/* verbs -- what postern(8) asks routerd (ctl/VERBS.md): one table for each
 * noun. */
#ifndef POSTERN_ROUTERD_VERBS_H
#define POSTERN_ROUTERD_VERBS_H

#include "helpers/routerd/routerd.h"
#include "msg/control_server.h"

/* Handlers: words are in a->words. */
void verb_domain_list(void *arg, struct control_ask *a);
void verb_domain_show(void *arg, struct control_ask *a);
void verb_domain_add(void *arg, struct control_ask *a);
void verb_domain_remove(void *arg, struct control_ask *a);
void verb_account_list(void *arg, struct control_ask *a);
void verb_account_show(void *arg, struct control_ask *a);
void verb_account_quota(void *arg, struct control_ask *a);
void verb_account_remove(void *arg, struct control_ask *a);
void verb_alias_list(void *arg, struct control_ask *a);
void verb_alias_add(void *arg, struct control_ask *a);
void verb_alias_remove(void *arg, struct control_ask *a);
void verb_alias_expand(void *arg, struct control_ask *a);
void verb_alias_reload(void *arg, struct control_ask *a);
void verb_address_test(void *arg, struct control_ask *a);

/* A word as an address in the pool; answers 65 and "" when it is none. */
struct str verb_address(struct routerd *d, struct control_ask *a,
    struct pool *pool, struct str word);
/* Commits and ends with 0, or ends with 74 when the change r failed. */
void verb_end_change(struct routerd *d, struct control_ask *a, int r);
const char *source_name(enum source s);

#endif
