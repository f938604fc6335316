noinst_LIBRARIES += common/front/libfront.a
common_front_libfront_a_SOURCES = \
	common/front/keys.c common/front/keys.h \
	common/front/listen.c common/front/listen.h \
	common/front/login.c common/front/login.h \
	common/front/pump.c common/front/pump.h
