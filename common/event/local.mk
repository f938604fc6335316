noinst_LIBRARIES += common/event/libevent.a
common_event_libevent_a_SOURCES = \
	common/event/loop.c common/event/loop.h common/event/loop_base.h \
	common/event/stream.c common/event/stream.h
