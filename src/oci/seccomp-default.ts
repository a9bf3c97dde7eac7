/**
 * The default seccomp profile: the allow-list that rootless Podman applies (containers-common, seccomp.json), as
 * ctr's own table. test/unit/oci/seccomp-default.test.ts compares the two where the file is installed.
 *
 * What is not listed fails with ENOSYS, so that programs fall back to an older call; what is known to be dangerous
 * or privileged fails with EPERM. mount, unshare and clone are allowed on purpose: they act inside the container's
 * own user namespace, and nested containers need them.
 */
import type { SeccompProfile, SeccompRule } from './seccomp.ts';

const EPERM = 1;
const EINVAL = 22;
const ENOSYS = 38;

const words = (text: string) => text.trim().split(/\s+/);

const allowed = [
  // Files and directories
  `access chdir chmod chown chown32 close close_range creat dup dup2 dup3 faccessat faccessat2 fallocate fadvise64
   fadvise64_64 fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync flock fstat fstat64
   fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd getdents getdents64 lchown lchown32 link
   linkat _llseek lseek lstat lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2
   readdir readlink readlinkat rename renameat renameat2 rmdir stat stat64 statfs statfs64 statx symlink symlinkat
   sync syncfs sync_file_range truncate truncate64 umask unlink unlinkat utime utimensat utimensat_time64 utimes`,
  `fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat llistxattr
   lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat`,
  `cachestat copy_file_range pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readv sendfile sendfile64
   splice tee write writev`,
  'fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch',
  // Mounts: within the container's own mount namespace
  `fsconfig fsmount fsopen fspick listmount mount mount_setattr move_mount open_tree pivot_root statmount umount
   umount2`,
  // Waiting for descriptors, events and asynchronous input and output
  `_newselect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old
   eventfd eventfd2 io_cancel io_destroy io_getevents io_setup io_submit ioctl pipe pipe2 poll ppoll ppoll_time64
   pselect6 pselect6_time64 select`,
  // Sockets; socket itself has rules of its own
  `accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64
   recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair`,
  // Memory
  `brk get_mempolicy madvise map_shadow_stack mbind membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall
   mmap mmap2 mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect
   process_mrelease remap_file_pages set_mempolicy`,
  // System V and POSIX inter-process communication, keys
  `ipc keyctl mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64
   mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget`,
  // Processes and threads
  `clone clone3 execve execveat exit exit_group fork getpgid getpgrp getpid getppid getsid gettid pidfd_getfd
   pidfd_open pidfd_send_signal prctl process_vm_readv process_vm_writev ptrace set_tid_address setns setpgid setsid
   unshare vfork wait4 waitid waitpid`,
  `futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list get_thread_area restart_syscall
   rseq set_robust_list set_thread_area`,
  `getcpu getpriority getrlimit getrusage ioprio_get ioprio_set prlimit64 sched_get_priority_max
   sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
   sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield
   setpriority setrlimit ugetrlimit`,
  // Identity and confinement
  `capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid getresgid32
   getresuid getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups
   setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32`,
  'landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp',
  // Signals
  `kill pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
   rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaction sigaltstack signal signalfd signalfd4 sigpending sigprocmask
   sigreturn sigsuspend tgkill tkill`,
  // Time; setting the clock fails by the capability that the user namespace does not give
  `adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
   clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create timer_delete
   timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd timerfd_create
   timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times`,
  // The system
  'getrandom reboot syscall sysinfo syslog uname',
];

const refused = `bdflush io_pgetevents kexec_file_load kexec_load migrate_pages move_pages nfsservctl nice oldfstat
  oldlstat oldolduname oldstat olduname pciconfig_iobase pciconfig_read pciconfig_write sgetmask ssetmask swapcontext
  swapoff swapon sysfs uselib userfaultfd ustat vm86 vm86old vmsplice`;

/** Allowed with the capability, EPERM without it. */
const byCapability: Readonly<Record<string, string>> = {
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_SYS_ADMIN: 'bpf fanotify_init lookup_dcookie perf_event_open quotactl setdomainname sethostname',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'delete_module finit_module init_module query_module',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp process_madvise',
  CAP_SYS_RAWIO: 'ioperm iopl',
  CAP_SYS_TIME: 'clock_settime clock_settime64 settimeofday stime',
  CAP_SYS_TTY_CONFIG: 'vhangup',
};

/** personality(2): Linux, 32-bit uname (UNAME26 and PER_LINUX32), and 0xffffffff, which only asks. */
const personalities = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

const AF_NETLINK = 16;
const NETLINK_AUDIT = 9;

const allow = (names: string, more: Partial<SeccompRule> = {}): SeccompRule => ({
  names: words(names),
  action: 'SCMP_ACT_ALLOW',
  ...more,
});
const refuse = (names: string, errnoRet: number, more: Partial<SeccompRule> = {}): SeccompRule => ({
  names: words(names),
  action: 'SCMP_ACT_ERRNO',
  errnoRet,
  ...more,
});

/** The audit socket needs CAP_AUDIT_WRITE; without it, EINVAL makes libaudit believe in a kernel without audit. */
const audit = { caps: ['CAP_AUDIT_WRITE'] };
const argIs = (index: number, value: number) => ({ index, value, op: 'SCMP_CMP_EQ' as const });
const argIsNot = (index: number, value: number) => ({ index, value, op: 'SCMP_CMP_NE' as const });

export const defaultSeccompProfile: SeccompProfile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: ENOSYS,
  archMap: [
    { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
    { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
  ],
  syscalls: [
    refuse(refused, EPERM),
    allow(allowed.join(' ')),
    ...personalities.map((value) => allow('personality', { args: [argIs(0, value)] })),
    allow('arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2', {
      includes: { arches: ['arm64'] },
    }),
    allow('arch_prctl modify_ldt', { includes: { arches: ['amd64'] } }),
    ...Object.entries(byCapability).flatMap(([cap, names]) => [
      allow(names, { includes: { caps: [cap] } }),
      refuse(names, EPERM, { excludes: { caps: [cap] } }),
    ]),
    refuse('socket', EINVAL, { args: [argIs(0, AF_NETLINK), argIs(2, NETLINK_AUDIT)], excludes: audit }),
    allow('socket', { args: [argIsNot(0, AF_NETLINK)], excludes: audit }),
    allow('socket', { args: [argIsNot(2, NETLINK_AUDIT)], excludes: audit }),
    allow('socket', { includes: audit }),
  ],
};
