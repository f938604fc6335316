noinst_LIBRARIES += helpers/dnsd/libdnsd.a
helpers_dnsd_libdnsd_a_SOURCES = \
	helpers/dnsd/dnsd.c helpers/dnsd/dnsd.h \
	helpers/dnsd/packet.c helpers/dnsd/packet.h \
	helpers/dnsd/query.c helpers/dnsd/query.h \
	helpers/dnsd/resolver.c helpers/dnsd/resolver.h
dnsd_links = common/event/libevent.a common/base/libbase.a $(UNBOUND_LIBS) \
	$(IDN2_LIBS) $(EVENT_LIBS) $(SSL_LIBS)

pkglibexec_PROGRAMS += helpers/dnsd/dnsd
helpers_dnsd_dnsd_SOURCES = helpers/dnsd/main.c
helpers_dnsd_dnsd_LDADD = helpers/dnsd/libdnsd.a common/msg/libmsg.a \
	common/proc/libproc.a common/conf/libconf.a $(dnsd_links) \
	$(SECCOMP_LIBS)
dist_man_MANS += helpers/dnsd/dnsd.8

check_PROGRAMS += tests/unit/dnsd/test_packet tests/unit/dnsd/test_dnsd
tests_unit_dnsd_test_packet_SOURCES = tests/unit/dnsd/test_packet.c
tests_unit_dnsd_test_packet_LDADD = helpers/dnsd/libdnsd.a \
	common/base/libbase.a $(CHECK_LIBS)
tests_unit_dnsd_test_dnsd_SOURCES = tests/unit/dnsd/test_dnsd.c
tests_unit_dnsd_test_dnsd_LDADD = helpers/dnsd/libdnsd.a \
	common/msg/libmsg.a common/proc/libproc.a $(dnsd_links) $(CHECK_LIBS)
EXTRA_DIST += tests/fuzz/fuzz_dns_packet.c tests/fuzz/seeds/dns_packet/mx
