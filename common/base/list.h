/*
 * list -- the system's queue(3) macros, and the safe walks that it lacks.
 * "Safe": the current element may be removed and freed.
 */
#ifndef POSTERN_BASE_LIST_H
#define POSTERN_BASE_LIST_H

#include <sys/queue.h>

#ifndef TAILQ_FOREACH_SAFE
#define TAILQ_FOREACH_SAFE(var, head, field, next)                             \
	for ((var) = TAILQ_FIRST(head);                                        \
	    (var) != NULL && ((next) = TAILQ_NEXT(var, field), 1);             \
	    (var) = (next))
#endif
#ifndef LIST_FOREACH_SAFE
#define LIST_FOREACH_SAFE(var, head, field, next)                              \
	for ((var) = LIST_FIRST(head);                                         \
	    (var) != NULL && ((next) = LIST_NEXT(var, field), 1);              \
	    (var) = (next))
#endif

#endif
