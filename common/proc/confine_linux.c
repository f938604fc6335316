#include "proc/confine.h"

#include <linux/landlock.h>
#include <seccomp.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/str.h"
#include "proc/note.h"
#include "proc/roles.h"

/* --- Landlock: which files ------------------------------------------- */

#define READ_RIGHTS                                                            \
	((uint64_t)(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR))
/* Pipes and sockets: to move aside what somebody dropped; seccomp lets nobody
 * make them. */
#define WRITE_RIGHTS                                                           \
	((uint64_t)(LANDLOCK_ACCESS_FS_WRITE_FILE |                            \
	    LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |   \
	    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |        \
	    LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_MAKE_FIFO |       \
	    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REFER))
#define OTHER_RIGHTS                                                           \
	((uint64_t)(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
	    LANDLOCK_ACCESS_FS_MAKE_BLOCK))

/* The rights of a file alone, for a rule on something that is no folder. */
#define FILE_RIGHTS                                                            \
	((uint64_t)(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE))

static void
add_rule(int ruleset, const struct confine_dir *d)
{
	struct landlock_path_beneath_attr rule = { .parent_fd = d->fd,
		.allowed_access = READ_RIGHTS | (d->writable ? WRITE_RIGHTS : 0) };
	struct stat st;

	if (fstat(d->fd, &st) == -1)
		fatal_errno("confine: folder %d", d->fd);
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= FILE_RIGHTS;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
	    &rule, 0) == -1)
		fatal_errno("confine: Landlock rule");
}

void
confine_files(const struct confine_dir *dirs, size_t ndirs)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = READ_RIGHTS |
		    WRITE_RIGHTS | OTHER_RIGHTS };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	int ruleset;

	if (abi < 2) {
		note(NOTE_WARN, "landlock-missing");
		note_u64("abi", abi > 0 ? (uint64_t)abi : 0);
		note_end();
		return;
	}
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset == -1)
		fatal_errno("confine: Landlock rule set");
	for (size_t i = 0; i < ndirs; i++)
		add_rule(ruleset, &dirs[i]);
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) == -1)
		fatal_errno("confine: Landlock");
	close(ruleset);
}

/* --- seccomp: which system calls -------------------------------------- */

/* What computing and talking over descriptors that one holds needs. */
static const int calls_all[] = { SCMP_SYS(read), SCMP_SYS(write),
	SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(pread64),
	SCMP_SYS(pwrite64), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg),
	SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(recvmmsg),
	SCMP_SYS(sendmmsg), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select),
	SCMP_SYS(pselect6), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_create1),
	SCMP_SYS(eventfd2), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime),
	SCMP_SYS(pipe2), SCMP_SYS(socketpair), SCMP_SYS(futex), SCMP_SYS(munmap),
	SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday),
	SCMP_SYS(time), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid),
	SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
	SCMP_SYS(getegid), SCMP_SYS(tgkill), SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(close), SCMP_SYS(close_range), SCMP_SYS(dup), SCMP_SYS(dup2),
	SCMP_SYS(dup3), SCMP_SYS(fcntl), SCMP_SYS(fstat), SCMP_SYS(lseek),
	SCMP_SYS(getrandom), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt), SCMP_SYS(shutdown), SCMP_SYS(accept),
	SCMP_SYS(accept4), SCMP_SYS(uname), SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq), SCMP_SYS(membarrier), SCMP_SYS(sysinfo),
	SCMP_SYS(getrusage), SCMP_SYS(set_tid_address), SCMP_SYS(fdatasync),
	SCMP_SYS(newfstatat), SCMP_SYS(umask) };

static const int calls_files[] = { SCMP_SYS(open), SCMP_SYS(openat),
	SCMP_SYS(openat2), SCMP_SYS(creat), SCMP_SYS(stat), SCMP_SYS(lstat),
	SCMP_SYS(statx), SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(access),
	SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(ftruncate),
	SCMP_SYS(truncate), SCMP_SYS(fsync), SCMP_SYS(syncfs),
	SCMP_SYS(sync_file_range), SCMP_SYS(fallocate), SCMP_SYS(fadvise64),
	SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(rename), SCMP_SYS(renameat),
	SCMP_SYS(renameat2), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rmdir),
	SCMP_SYS(getdents64), SCMP_SYS(chdir), SCMP_SYS(fchdir),
	SCMP_SYS(getcwd), SCMP_SYS(utimensat), SCMP_SYS(fchmod),
	SCMP_SYS(fchmodat), SCMP_SYS(chmod), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(copy_file_range), SCMP_SYS(flock),
	SCMP_SYS(inotify_init1), SCMP_SYS(inotify_add_watch),
	SCMP_SYS(inotify_rm_watch), SCMP_SYS(msync) };

static void
allow(scmp_filter_ctx ctx, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (calls[i] >= 0 &&
		    seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0) != 0)
			fatal("confine: system call %d", calls[i]);
}

static void
allow_if(scmp_filter_ctx ctx, int call, struct scmp_arg_cmp cmp)
{
	if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call, 1, cmp) != 0)
		fatal("confine: system call %d", call);
}

static void
allow_sockets(scmp_filter_ctx ctx, uint32_t fences)
{
	static const int calls[] = { SCMP_SYS(connect), SCMP_SYS(bind) };

	if ((fences & (FENCE_SOCKETS | FENCE_UNIX)) == 0)
		return;
	allow(ctx, calls, sizeof(calls) / sizeof(calls[0]));
	if ((fences & FENCE_SOCKETS) != 0) {
		allow_if(ctx, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_INET, 0));
		allow_if(ctx, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_INET6, 0));
	}
	if ((fences & FENCE_UNIX) != 0)
		allow_if(ctx, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
}

#ifdef POSTERN_SANITIZE
/* The sanitizers read /proc and map as they like: only the worst is shut. */
static scmp_filter_ctx
make_filter(uint32_t fences)
{
	static const int denied[] = { SCMP_SYS(execve), SCMP_SYS(execveat),
		SCMP_SYS(mount), SCMP_SYS(bpf), SCMP_SYS(keyctl),
		SCMP_SYS(io_uring_setup), SCMP_SYS(unshare), SCMP_SYS(setuid),
		SCMP_SYS(process_vm_writev), SCMP_SYS(userfaultfd) };
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	(void)fences;
	(void)calls_all;
	(void)calls_files;
	(void)allow_sockets;
	for (size_t i = 0; ctx != NULL && i < sizeof(denied) / sizeof(*denied); i++)
		seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), denied[i], 0);
	return ctx;
}
#else
enum { THREAD_FLAGS = 0x00010000 /* CLONE_THREAD */ };

/* A call outside the list fails with EPERM. */
static scmp_filter_ctx
make_filter(uint32_t fences)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));

	if (ctx == NULL)
		return NULL;
	allow(ctx, calls_all, sizeof(calls_all) / sizeof(calls_all[0]));
	if ((fences & FENCE_FILES) != 0)
		allow(ctx, calls_files,
		    sizeof(calls_files) / sizeof(calls_files[0]));
	allow_sockets(ctx, fences);
	/* Memory that is never executable: nothing new can be run. */
	allow_if(ctx, SCMP_SYS(mmap),
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	allow_if(ctx, SCMP_SYS(mprotect),
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* Threads, not processes; clone3 hides its flags: glibc then uses
	 * clone. */
	allow_if(ctx, SCMP_SYS(clone),
	    SCMP_A0(SCMP_CMP_MASKED_EQ, THREAD_FLAGS, THREAD_FLAGS));
	seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	allow_if(ctx, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, 0x541b /* FIONREAD */, 0));
	allow_if(ctx, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, 0x5421 /* FIONBIO */, 0));
	allow_if(ctx, SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0));
	/* Limits may be read, not changed. */
	allow_if(ctx, SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0, 0));
	/* Landlock only ever narrows. */
	seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(landlock_create_ruleset), 0);
	seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(landlock_add_rule), 0);
	seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(landlock_restrict_self), 0);
	return ctx;
}
#endif

static void
confine_calls(uint32_t fences)
{
	scmp_filter_ctx ctx = make_filter(fences);
	int r;

	if (ctx == NULL)
		fatal("confine: no memory for the filter");
	/* Threads that a library started before are confined too. */
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	r = seccomp_load(ctx);
	if (r != 0)
		fatal("confine: seccomp: %s", strerror(-r));
	seccomp_release(ctx);
}

/* --- the whole ------------------------------------------------------- */

static void
enter_empty(int dirfd)
{
	if (dirfd == -1)
		return;
	if (fchdir(dirfd) == -1 || chroot(".") == -1)
		fatal_errno("confine: chroot");
	close(dirfd);
}

/* CAP_SYS_CHROOT was lent for enter_empty; nothing is kept. */
static void
drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) == -1)
		fatal_errno("confine: capabilities");
}

static void
prove(uint32_t fences)
{
	if (syscall(SYS_execve, "/", NULL, NULL) != -1 || errno != EPERM)
		fatal("confine: execve is still there");
	if ((fences & FENCE_FILES) == 0 &&
	    open("/etc/passwd", O_RDONLY | O_CLOEXEC) != -1)
		fatal("confine: /etc/passwd can still be opened");
	if (geteuid() != 0 && setuid(0) != -1)
		fatal("confine: root can be regained");
}

void
confine_process(uint32_t fences, int empty_dirfd,
    const struct confine_dir *dirs, size_t ndirs)
{
	struct rlimit no_core = { 0, 0 };

	enter_empty(empty_dirfd);
	drop_capabilities();
	setrlimit(RLIMIT_CORE, &no_core);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		fatal_errno("confine: no_new_privs");
	confine_files(dirs, ndirs);
	confine_calls(fences);
	prove(fences);
}
