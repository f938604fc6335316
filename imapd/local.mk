# What both programs are made of, and the tests drive.
noinst_LIBRARIES += imapd/libimapd.a
imapd_libimapd_a_SOURCES = \
	imapd/appending.c imapd/appending.h \
	imapd/capability.c imapd/capability.h \
	imapd/cmd_any.c imapd/cmd_copy.c imapd/cmd_fetch.c imapd/cmd_list.c \
	imapd/cmd_mailbox.c imapd/cmd_search.c imapd/cmd_select.c \
	imapd/cmd_status.c imapd/cmd_store.c \
	imapd/commands.c imapd/commands.h \
	imapd/fetch.c imapd/fetch.h \
	imapd/fetch_items.c imapd/fetch_items.h \
	imapd/flags.c imapd/flags.h \
	imapd/fold.c imapd/fold.h \
	imapd/lex.c imapd/lex.h \
	imapd/match.c imapd/match.h \
	imapd/prelogin.c imapd/prelogin.h \
	imapd/reader.c imapd/reader.h \
	imapd/search_eval.c imapd/search_eval.h \
	imapd/search_keys.c imapd/search_keys.h \
	imapd/section.c imapd/section.h \
	imapd/seq.c imapd/seq.h \
	imapd/session.c imapd/session.h \
	imapd/tell.c imapd/tell.h \
	imapd/text_search.c imapd/text_search.h \
	imapd/user.c imapd/user.h \
	imapd/walk.c imapd/walk.h \
	imapd/window.c imapd/window.h

imapd_base = common/mail/libmail.a common/msg/libmsg.a \
	common/proc/libproc.a common/conf/libconf.a \
	common/event/libevent.a common/base/libbase.a \
	$(UNISTRING_LIBS) $(EVENT_LIBS) $(SSL_LIBS) $(SECCOMP_LIBS)

pkglibexec_PROGRAMS += imapd/imapd imapd/imap
imapd_imapd_SOURCES = imapd/imapd_main.c imapd/imapd.c imapd/imapd.h \
	imapd/client.c
imapd_imapd_LDADD = imapd/libimapd.a common/front/libfront.a $(imapd_base)
imapd_imap_SOURCES = imapd/imap_main.c imapd/worker.c imapd/worker.h \
	imapd/conn.c
imapd_imap_LDADD = imapd/libimapd.a common/store/libstore.a $(imapd_base)
dist_man_MANS += imapd/imapd.8 imapd/imap.8

check_PROGRAMS += tests/unit/imapd/test_parse tests/unit/imapd/test_reader \
	tests/unit/imapd/test_prelogin tests/unit/imapd/test_text \
	tests/unit/imapd/test_session
tests_unit_imapd_test_parse_SOURCES = tests/unit/imapd/test_parse.c
tests_unit_imapd_test_parse_LDADD = imapd/libimapd.a $(imapd_base) \
	$(CHECK_LIBS)
tests_unit_imapd_test_reader_SOURCES = tests/unit/imapd/test_reader.c
tests_unit_imapd_test_reader_LDADD = imapd/libimapd.a $(imapd_base) \
	$(CHECK_LIBS)
tests_unit_imapd_test_prelogin_SOURCES = tests/unit/imapd/test_prelogin.c
tests_unit_imapd_test_prelogin_LDADD = imapd/libimapd.a $(imapd_base) \
	$(CHECK_LIBS)
tests_unit_imapd_test_text_SOURCES = tests/unit/imapd/test_text.c
tests_unit_imapd_test_text_LDADD = imapd/libimapd.a $(imapd_base) \
	$(CHECK_LIBS)
tests_unit_imapd_test_session_SOURCES = tests/unit/imapd/test_session.c
tests_unit_imapd_test_session_LDADD = imapd/libimapd.a \
	common/store/libstore.a $(imapd_base) $(CHECK_LIBS)
EXTRA_DIST += tests/proto/imap-condstore.txt tests/proto/imap-errors.txt \
	tests/proto/imap-mailboxes.txt tests/proto/imap-messages.txt \
	tests/proto/imap-select.txt tests/proto/imap-two.txt
EXTRA_DIST += tests/system/test_imap.py
