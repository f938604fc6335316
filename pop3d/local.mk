# The two machines, and what the tests drive.
noinst_LIBRARIES += pop3d/libpop3d.a
pop3d_libpop3d_a_SOURCES = \
	pop3d/capa.c pop3d/capa.h \
	pop3d/door.c pop3d/door.h \
	pop3d/session.c pop3d/session.h

pop3d_base = common/mail/libmail.a common/msg/libmsg.a \
	common/proc/libproc.a common/conf/libconf.a \
	common/event/libevent.a common/base/libbase.a \
	$(EVENT_LIBS) $(SSL_LIBS) $(SECCOMP_LIBS)

pkglibexec_PROGRAMS += pop3d/pop3d pop3d/pop3
pop3d_pop3d_SOURCES = pop3d/pop3d_main.c pop3d/pop3d.c pop3d/pop3d.h \
	pop3d/client.c
pop3d_pop3d_LDADD = pop3d/libpop3d.a common/front/libfront.a $(pop3d_base)
pop3d_pop3_SOURCES = pop3d/pop3_main.c pop3d/conn.c pop3d/maildrop.c \
	pop3d/maildrop.h pop3d/worker.c pop3d/worker.h
pop3d_pop3_LDADD = pop3d/libpop3d.a common/store/libstore.a $(pop3d_base)

check_PROGRAMS += tests/unit/pop3d/test_pop3
tests_unit_pop3d_test_pop3_SOURCES = tests/unit/pop3d/test_pop3.c
tests_unit_pop3d_test_pop3_LDADD = pop3d/libpop3d.a common/mail/libmail.a \
	common/base/libbase.a $(CHECK_LIBS)
EXTRA_DIST += tests/proto/pop3-errors.txt tests/proto/pop3-gone.txt \
	tests/proto/pop3-http.txt tests/proto/pop3-login.txt \
	tests/proto/pop3-pipeline.txt tests/proto/pop3-refused.txt \
	tests/proto/pop3-sasl.txt tests/proto/pop3-session.txt \
	tests/proto/pop3-stls.txt tests/proto/pop3-stls-inject.txt
dist_man_MANS += pop3d/pop3d.8 pop3d/pop3.8
EXTRA_DIST += tests/fuzz/fuzz_pop3.c tests/fuzz/seeds/pop3
EXTRA_DIST += tests/system/test_pop3.py
