check_PROGRAMS += tests/unit/store/test_batch tests/unit/store/test_mailbox
store_test_libs = common/store/libstore.a common/mail/libmail.a \
	common/base/libbase.a $(SSL_LIBS) $(UNISTRING_LIBS) $(CHECK_LIBS)
tests_unit_store_test_batch_SOURCES = tests/unit/store/test_batch.c \
	tests/unit/store/box.h
tests_unit_store_test_batch_LDADD = $(store_test_libs)
tests_unit_store_test_mailbox_SOURCES = tests/unit/store/test_mailbox.c \
	tests/unit/store/box.h
tests_unit_store_test_mailbox_LDADD = $(store_test_libs)
