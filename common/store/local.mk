noinst_LIBRARIES += common/store/libstore.a
common_store_libstore_a_SOURCES = \
	common/store/account.c common/store/account.h \
	common/store/append.c common/store/append.h \
	common/store/batch.c common/store/batch.h \
	common/store/batchask.c common/store/batchask.h \
	common/store/batchbox.c common/store/batchbox.h \
	common/store/batchfile.c common/store/batchfile.h \
	common/store/boxindex.c common/store/boxindex.h \
	common/store/boxlog.c common/store/boxlog_read.c common/store/boxlog.h \
	common/store/boxname.c \
	common/store/coldfiles.c common/store/coldfiles.h \
	common/store/coldrec.c common/store/coldrec.h \
	common/store/commit.c \
	common/store/copy.c \
	common/store/disk.c common/store/disk.h \
	common/store/flags.c \
	common/store/folders.c common/store/fresh.c \
	common/store/frame.c common/store/frame_op.c common/store/frame.h \
	common/store/guid.c common/store/guid.h \
	common/store/inner.h \
	common/store/keywords.c common/store/keywords.h \
	common/store/load.c \
	common/store/look.c \
	common/store/mailbox.c common/store/mailbox.h \
	common/store/maildir.c common/store/maildir.h \
	common/store/manage.c \
	common/store/merge.c \
	common/store/message.c common/store/message.h \
	common/store/recheck.c \
	common/store/rank.c common/store/rank.h \
	common/store/rows.c common/store/rows.h \
	common/store/scan.c \
	common/store/seen.c \
	common/store/settings.c common/store/settings.h \
	common/store/snap.c common/store/snap.h \
	common/store/status.c \
	common/store/store.h \
	common/store/syncpick.c common/store/syncpick.h \
	common/store/syncset.c common/store/syncset.h \
	common/store/uids.c \
	common/store/view.c common/store/view.h
EXTRA_DIST += common/store/FORMAT.md

include tests/unit/store/local.mk
