dist_man_MANS += smtpd/smtpd.8
pkglibexec_PROGRAMS += smtpd/smtpd
# The session machine alone, for its tests.
noinst_LIBRARIES += smtpd/libsmtpd.a
smtpd_libsmtpd_a_SOURCES = \
	smtpd/cmd_auth.c smtpd/cmd_mail.c smtpd/cmds.c smtpd/data.c \
	smtpd/nets.c smtpd/nets.h smtpd/reply.c \
	smtpd/session.c smtpd/session.h smtpd/session_int.h \
	smtpd/trace.c smtpd/trace.h smtpd/tx.c smtpd/tx.h
smtpd_smtpd_SOURCES = \
	smtpd/conn.c smtpd/conn.h smtpd/conn_calls.c smtpd/conn_int.h \
	smtpd/main.c smtpd/names.c smtpd/names.h smtpd/options.c \
	smtpd/queue.c smtpd/queue.h smtpd/router.c smtpd/router.h \
	smtpd/smtpd.c smtpd/smtpd.h
smtpd_smtpd_LDADD = smtpd/libsmtpd.a common/front/libfront.a \
	common/msg/libmsg.a common/proc/libproc.a common/conf/libconf.a \
	common/mail/libmail.a common/event/libevent.a common/base/libbase.a \
	$(EVENT_LIBS) $(SECCOMP_LIBS) $(SSL_LIBS) $(UNISTRING_LIBS) \
	$(IDN2_LIBS)

check_PROGRAMS += tests/unit/smtpd/test_session tests/unit/smtpd/test_trace
tests_unit_smtpd_test_session_SOURCES = tests/unit/smtpd/test_session.c \
	tests/unit/smtpd/rig.c tests/unit/smtpd/rig.h
tests_unit_smtpd_test_session_LDADD = smtpd/libsmtpd.a common/msg/libmsg.a \
	common/mail/libmail.a common/base/libbase.a $(CHECK_LIBS)
tests_unit_smtpd_test_trace_SOURCES = tests/unit/smtpd/test_trace.c
tests_unit_smtpd_test_trace_LDADD = smtpd/libsmtpd.a common/msg/libmsg.a \
	common/mail/libmail.a common/base/libbase.a $(CHECK_LIBS)
EXTRA_DIST += $(smtp_transcripts) tests/fuzz/fuzz_smtp_session.c \
	tests/fuzz/seeds/smtp_session/two-messages \
	tests/fuzz/seeds/smtp_session/lmtp-early \
	tests/fuzz/seeds/smtp_session/raw-auth \
	tests/fuzz/seeds/smtp_session/raw-data
smtp_transcripts = \
	tests/proto/smtp-auth-login.txt tests/proto/smtp-bare-lf-command.txt \
	tests/proto/smtp-basic.txt tests/proto/smtp-early.txt \
	tests/proto/smtp-http.txt tests/proto/smtp-limits.txt \
	tests/proto/smtp-lmtp.txt tests/proto/smtp-local.txt \
	tests/proto/smtp-local-drop.txt \
	tests/proto/smtp-no-queue.txt tests/proto/smtp-order.txt \
	tests/proto/smtp-reset-after-refusal.txt tests/proto/smtp-smuggle.txt \
	tests/proto/smtp-starttls.txt tests/proto/smtp-starttls-inject.txt \
	tests/proto/smtp-submission.txt tests/proto/smtp-syntax.txt
