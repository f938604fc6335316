/*
 * sched_rig -- a scheduler, its sites and a clock of our own, for tests.
 */
#ifndef POSTERN_TESTS_SCHED_RIG_H
#define POSTERN_TESTS_SCHED_RIG_H

#include <stddef.h>
#include <stdint.h>

#include "qmgr/sched.h"

enum { JOB_RCPTS = 100, DAY = 24 * 3600 * 1000 };

extern struct sched sched;
extern struct sites sites;
extern int64_t now;
extern struct message *made[20000];
extern size_t nmade;

/* Before and after each test. */
void rig_setup(void);
void rig_teardown(void);

struct site *site(const char *name);
/* A message to n recipients there, in a bundle that is not queued. */
struct message *message_for(struct site *site, uint32_t n);
void add(struct site *site, struct message *m, uint64_t sender);
void add_as(struct site *site, struct message *m, uint64_t sender,
    enum sched_class class);
/* A job of up to 100 recipients; the rest has to wait for its turn. */
struct message *start_one(uint64_t sender);
/* As many as may be at once. */
uint32_t fill(struct site *s);
enum site_change result(struct site *s, enum site_state what);

#endif
