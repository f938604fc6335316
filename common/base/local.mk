noinst_LIBRARIES += common/base/libbase.a
common_base_libbase_a_SOURCES = \
	common/base/base64.c common/base/base64.h \
	common/base/buf.c common/base/buf.h \
	common/base/clock.c common/base/clock.h \
	common/base/crc32c.c common/base/crc32c.h \
	common/base/dir.c common/base/dir.h \
	common/base/fatal.c common/base/fatal.h \
	common/base/fill.c common/base/fill.h \
	common/base/id.c common/base/id.h \
	common/base/json.c common/base/json.h \
	common/base/list.h \
	common/base/map.c common/base/map.h \
	common/base/num.c common/base/num.h \
	common/base/pool.c common/base/pool.h \
	common/base/str.c common/base/str.h \
	common/base/wire.c common/base/wire.h
