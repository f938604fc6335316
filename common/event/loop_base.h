/* loop_base -- the libevent base behind a loop, for common/event and for the
 * one library that brings its own libevent code (libunbound in dnsd). */
#ifndef POSTERN_EVENT_LOOP_BASE_H
#define POSTERN_EVENT_LOOP_BASE_H

struct event_base;
struct loop;

struct event_base *loop_base(struct loop *l);

#endif
