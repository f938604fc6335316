/*
 * pump -- octets both ways between a client's stream and its worker, with
 * back-pressure: a side that does not read stops the other one.  When one
 * side has said all (EOF), the other is told so (half-close) and may go on
 * until it has said all too.
 *
 * Takes over both ends; they are closed when pump_free is called or after
 * on_end.  The client's stream gets the pump's callbacks (stream_set_ops).
 */
#ifndef POSTERN_FRONT_PUMP_H
#define POSTERN_FRONT_PUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "event/loop.h"
#include "event/stream.h"

struct pump;

/* It is over: everything was said and written, or a side is lost.  worker_lost:
 * the worker went first, without the client having closed.  The pump is freed
 * when this returns. */
typedef void pump_end_fn(void *arg, bool worker_lost);

/*
 * first goes to the worker before anything else: the front_hello, whose early
 * part must hold what waits in client (the caller drops that from the
 * stream).
 */
struct pump *pump_new(struct loop *loop, struct stream *client, int worker,
    struct str first, pump_end_fn *on_end, void *arg);
/* Ends it at once, without on_end; what is written to the client goes out. */
void pump_free(struct pump *p);
/* Octets moved so far, for the log. */
uint64_t pump_to_client(const struct pump *p);
uint64_t pump_to_worker(const struct pump *p);

#endif
