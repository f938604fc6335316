noinst_LIBRARIES += common/msg/libmsg.a
common_msg_libmsg_a_SOURCES = \
	common/msg/agent.c common/msg/agent.h \
	common/msg/auth.c common/msg/auth.h \
	common/msg/control.c common/msg/control.h \
	common/msg/control_server.c common/msg/control_server.h \
	common/msg/dns.c common/msg/dns.h \
	common/msg/drop.c common/msg/drop.h \
	common/msg/envelope.c common/msg/envelope.h \
	common/msg/front.c common/msg/front.h \
	common/msg/job.c common/msg/job.h \
	common/msg/key.c common/msg/key.h \
	common/msg/nss.c common/msg/nss.h \
	common/msg/route.c common/msg/route.h \
	common/msg/route_cache.c common/msg/route_cache.h \
	common/msg/submit.c common/msg/submit.h
