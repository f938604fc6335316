noinst_LIBRARIES += common/proc/libproc.a
common_proc_libproc_a_SOURCES = \
	common/proc/confine.h common/proc/confine_linux.c \
	common/proc/link.c common/proc/link.h \
	common/proc/note.c common/proc/note.h \
	common/proc/proc.c common/proc/proc.h \
	common/proc/roles.c common/proc/roles.h
