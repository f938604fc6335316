check_PROGRAMS += tests/unit/store/test_damage tests/unit/store/test_account tests/unit/store/test_batch \
	tests/unit/store/test_flush tests/unit/store/test_mailbox \
	tests/unit/store/test_view
store_test_libs = common/store/libstore.a common/mail/libmail.a \
	common/base/libbase.a $(SSL_LIBS) $(UNISTRING_LIBS) $(CHECK_LIBS)
tests_unit_store_test_account_SOURCES = tests/unit/store/test_account.c \
	tests/unit/store/box.h
tests_unit_store_test_account_LDADD = $(store_test_libs)
tests_unit_store_test_batch_SOURCES = tests/unit/store/test_batch.c \
	tests/unit/store/box.h
tests_unit_store_test_batch_LDADD = $(store_test_libs)
tests_unit_store_test_flush_SOURCES = tests/unit/store/test_flush.c \
	tests/unit/store/box.h
tests_unit_store_test_flush_LDADD = $(store_test_libs)
tests_unit_store_test_mailbox_SOURCES = tests/unit/store/test_mailbox.c \
	tests/unit/store/box.h
tests_unit_store_test_mailbox_LDADD = $(store_test_libs)
tests_unit_store_test_view_SOURCES = tests/unit/store/test_view.c \
	tests/unit/store/box.h
tests_unit_store_test_view_LDADD = $(store_test_libs)
tests_unit_store_test_damage_SOURCES = tests/unit/store/test_damage.c \
	tests/unit/store/box.h
tests_unit_store_test_damage_LDADD = $(store_test_libs)
EXTRA_DIST += tests/fuzz/fuzz_store_cold.c tests/fuzz/fuzz_store_log.c \
	tests/fuzz/fuzz_store_snap.c tests/fuzz/seeds/store_cold/record \
	tests/fuzz/seeds/store_log/frame tests/fuzz/seeds/store_log/ops \
	tests/fuzz/seeds/store_snap/rows
check_PROGRAMS += tests/unit/store/test_syncpick
tests_unit_store_test_syncpick_SOURCES = tests/unit/store/test_syncpick.c
tests_unit_store_test_syncpick_LDADD = $(store_test_libs)
check_PROGRAMS += tests/unit/store/test_look
tests_unit_store_test_look_SOURCES = tests/unit/store/test_look.c \
	tests/unit/store/box.h
tests_unit_store_test_look_LDADD = $(store_test_libs)
check_PROGRAMS += tests/unit/store/test_repeat
tests_unit_store_test_repeat_SOURCES = tests/unit/store/test_repeat.c \
	tests/unit/store/box.h
tests_unit_store_test_repeat_LDADD = $(store_test_libs)
check_PROGRAMS += tests/unit/store/test_cold
tests_unit_store_test_cold_SOURCES = tests/unit/store/test_cold.c \
	tests/unit/store/box.h tests/unit/mail/flood.h
tests_unit_store_test_cold_LDADD = $(store_test_libs)
