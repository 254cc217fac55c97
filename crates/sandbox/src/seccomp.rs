//! The system call filter of programs, as classic BPF for `seccomp(2)`.
//!
//! A list of what is denied: Python programs may use most of the kernel's interface, and what they may reach with it is
//! bounded by Landlock, namespaces and limits. Denied is what opens another way: sockets, tracing, mounts, namespaces,
//! asynchronous rings (which pass filters by), settings of other processes, locks on files of the machine, and memory
//! that no look at a process finds: files without a path, pages that sit in pipes, shared pages that nobody has mapped.

use libc::{c_int, c_long};

const LOAD_WORD: u16 = 0x20;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_AT_LEAST: u16 = 0x35;
const JUMP_ANY_BIT: u16 = 0x45;
const AND: u16 = 0x54;
const RETURN: u16 = 0x06;

const ALLOW: u32 = 0x7fff_0000;
const KILL_PROCESS: u32 = 0x8000_0000;
const ERRNO: u32 = 0x0005_0000;
const DENY: u32 = ERRNO | libc::EPERM as u32;
/// What a file says that knows no such request.
const NO_REQUEST: u32 = ERRNO | libc::ENOTTY as u32;
const UNKNOWN: u32 = ERRNO | libc::ENOSYS as u32;
/// The call is skipped and says that it succeeded.
const PRETEND: u32 = ERRNO;

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

const NUMBER: u32 = 0;
const ARCHITECTURE_FIELD: u32 = 4;
/// Flags of `clone(2)` that make namespaces.
const NAMESPACES: u32 = 0x7e02_0000;

/// What has to be made up for, because nothing else at the level does. The zygote itself could not work under it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Guards {
    /// Signals may only go to the program's first process and its group: nothing else keeps them from the runner.
    pub signals: bool,
    /// Changes of modes, owners and times are skipped: the files of the runner's user have no other protection.
    pub metadata: bool,
    /// `truncate(2)` by path is denied: Landlock before ABI 3 does not see it.
    pub truncate: bool,
    /// New sessions and process groups are skipped: the group is what names a run's processes as a whole.
    pub groups: bool,
}

/// Whether the zygote can count the sockets of a run that are on their way from one process to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocketsInFlight {
    /// A network namespace of the run's own lists them all.
    Counted,
    /// They are not seen, and so not allowed.
    Denied,
}

/// A filter and the places in it where the number of the program's first process goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Instructions of eight bytes, in the machine's byte order.
    pub code: Vec<u8>,
    /// Instructions whose operand is the process number, to be set when it is known.
    pub pid_sites: Vec<usize>,
}

#[derive(Default)]
struct Assembler {
    instructions: Vec<(u16, u8, u8, u32)>,
    pid_sites: Vec<usize>,
}

impl Assembler {
    /// The machine's own table of calls, and no other.
    fn started() -> Self {
        let mut assembler = Self::default();
        assembler.put(LOAD_WORD, 0, 0, ARCHITECTURE_FIELD);
        assembler.put(JUMP_EQUAL, 1, 0, ARCHITECTURE);
        assembler.put(RETURN, 0, 0, KILL_PROCESS);
        assembler.put(LOAD_WORD, 0, 0, NUMBER);
        // The other table of calls of x86-64 (x32) has the same calls under other numbers.
        assembler.put(JUMP_AT_LEAST, 0, 1, 0x4000_0000);
        assembler.put(RETURN, 0, 0, UNKNOWN);
        assembler
    }

    fn put(&mut self, code: u16, if_true: u8, if_false: u8, operand: u32) {
        self.instructions.push((code, if_true, if_false, operand));
    }

    fn argument(&mut self, index: u32) {
        let low = if cfg!(target_endian = "big") { 4 } else { 0 };
        self.put(LOAD_WORD, 0, 0, 16 + index * 8 + low);
    }

    /// A block for one call: `body` sees only it, and every path of the body that falls through allows the call.
    fn call(&mut self, number: c_long, body: impl FnOnce(&mut Self)) {
        let at = self.instructions.len();
        self.put(JUMP_EQUAL, 0, 0, number as u32);
        body(self);
        self.put(RETURN, 0, 0, ALLOW);
        // The blocks are a dozen instructions at most.
        let length = u8::try_from(self.instructions.len() - at - 1).unwrap_or(u8::MAX);
        self.instructions[at].2 = length;
    }

    fn always(&mut self, numbers: &[c_long], result: u32) {
        for &number in numbers {
            self.put(JUMP_EQUAL, 0, 1, number as u32);
            self.put(RETURN, 0, 0, result);
        }
    }

    /// Denies the call unless the argument is one of the values; `None` stands for the process number.
    fn only(&mut self, number: c_long, argument: u32, values: &[Option<u32>]) {
        self.call(number, |block| {
            block.argument(argument);
            for (index, value) in values.iter().enumerate() {
                if value.is_none() {
                    block.pid_sites.push(block.instructions.len());
                }
                let over = (values.len() - index) as u8;
                block.put(JUMP_EQUAL, over, 0, value.unwrap_or(u32::MAX));
            }
            block.put(RETURN, 0, 0, DENY);
        });
    }

    fn finish(mut self) -> Filter {
        self.put(RETURN, 0, 0, ALLOW);
        let mut code = Vec::with_capacity(self.instructions.len() * 8);
        for (operation, if_true, if_false, operand) in self.instructions {
            code.extend(operation.to_ne_bytes());
            code.extend([if_true, if_false]);
            code.extend(operand.to_ne_bytes());
        }
        Filter { code, pid_sites: self.pid_sites }
    }
}

/// The filter of zygotes and programs.
pub(crate) fn base(in_flight: SocketsInFlight) -> Filter {
    let mut assembler = Assembler::started();
    // Calls that are told apart by an argument are not in the kernel's table of calls that always pass: first, then.
    memory(&mut assembler);
    descriptors(&mut assembler);
    processes(&mut assembler);
    assembler.always(DENIED, DENY);
    assembler.always(SKIPPED, PRETEND);
    #[cfg(target_arch = "x86_64")]
    assembler.always(DENIED_X86_64, DENY);
    // Libraries then fall back to `clone`, whose flags can be seen.
    assembler.always(&[libc::SYS_clone3], UNKNOWN);
    if in_flight == SocketsInFlight::Denied {
        assembler.always(&[libc::SYS_sendmsg, libc::SYS_sendmmsg], DENY);
    }
    assembler.finish()
}

/// Memory that is not in the resident set of any process while it is in use.
fn memory(assembler: &mut Assembler) {
    assembler.call(libc::SYS_mmap, |block| {
        block.argument(3);
        // A mapping that grows downwards is a stack to the kernel, and not counted as data.
        block.put(JUMP_ANY_BIT, 2, 0, (libc::MAP_HUGETLB | libc::MAP_GROWSDOWN) as u32);
        block.put(JUMP_ANY_BIT, 0, 2, libc::MAP_ANONYMOUS as u32);
        // Shared, in either of its two forms: such pages stay as long as one of them is mapped anywhere, touched or not.
        block.put(JUMP_ANY_BIT, 0, 1, libc::MAP_SHARED as u32);
        block.put(RETURN, 0, 0, DENY);
    });
    assembler.call(libc::SYS_madvise, |block| {
        block.argument(2);
        // Pages that the kernel's own thread compares with those of other programs, in time that is nobody's.
        block.put(JUMP_EQUAL, 1, 0, libc::MADV_MERGEABLE as u32);
        block.put(JUMP_EQUAL, 0, 1, libc::MADV_PAGEOUT as u32);
        block.put(RETURN, 0, 0, DENY);
    });
}

/// Requests to files and sockets. Their lists say what passes: what is new in a kernel does not.
fn descriptors(assembler: &mut Assembler) {
    assembler.call(libc::SYS_ioctl, |block| {
        block.argument(1);
        for (index, &request) in REQUESTS.iter().enumerate() {
            block.put(JUMP_EQUAL, (REQUESTS.len() - index) as u8, 0, request);
        }
        block.put(RETURN, 0, 0, NO_REQUEST);
    });
    assembler.call(libc::SYS_fcntl, |block| {
        block.argument(1);
        // Flags may be set, but not the one that sends signals.
        block.put(JUMP_EQUAL, 0, 3, libc::F_SETFL as u32);
        block.argument(2);
        block.put(JUMP_ANY_BIT, 0, 1 + FILE_COMMANDS.len() as u8 + 1, libc::O_ASYNC as u32);
        block.put(RETURN, 0, 0, DENY);
        for (index, &command) in FILE_COMMANDS.iter().enumerate() {
            block.put(JUMP_EQUAL, (FILE_COMMANDS.len() - index) as u8, 0, command as u32);
        }
        block.put(RETURN, 0, 0, DENY);
    });
    assembler.call(libc::SYS_socketpair, |block| {
        // Datagram sockets could be sent through to any address.
        block.argument(0);
        block.put(JUMP_EQUAL, 0, 3, libc::AF_UNIX as u32);
        block.argument(1);
        block.put(AND, 0, 0, 0xf);
        block.put(JUMP_EQUAL, 1, 0, libc::SOCK_STREAM as u32);
        block.put(RETURN, 0, 0, DENY);
    });
    assembler.call(libc::SYS_sendto, |block| {
        // With an address: 64 bits, both halves.
        block.argument(4);
        block.put(JUMP_EQUAL, 0, 2, 0);
        block.put(LOAD_WORD, 0, 0, 16 + 4 * 8 + 4);
        block.put(JUMP_EQUAL, 1, 0, 0);
        block.put(RETURN, 0, 0, DENY);
    });
    assembler.call(libc::SYS_mknodat, |block| {
        block.argument(2);
        block.put(AND, 0, 0, libc::S_IFMT);
        block.put(JUMP_EQUAL, 1, 0, libc::S_IFIFO);
        block.put(RETURN, 0, 0, DENY);
    });
    #[cfg(target_arch = "x86_64")]
    assembler.call(libc::SYS_mknod, |block| {
        block.argument(1);
        block.put(AND, 0, 0, libc::S_IFMT);
        block.put(JUMP_EQUAL, 1, 0, libc::S_IFIFO);
        block.put(RETURN, 0, 0, DENY);
    });
}

/// Processes: that they are accounted for, and that they are left alone.
fn processes(assembler: &mut Assembler) {
    assembler.call(libc::SYS_rt_sigaction, |block| {
        // Of children whose end is ignored, nobody ever hears what they used. The call is skipped; a question passes.
        block.argument(0);
        block.put(JUMP_EQUAL, 0, 5, libc::SIGCHLD as u32);
        block.argument(1);
        block.put(JUMP_EQUAL, 0, 2, 0);
        block.put(LOAD_WORD, 0, 0, 16 + 8 + 4);
        block.put(JUMP_EQUAL, 1, 0, 0);
        block.put(RETURN, 0, 0, PRETEND);
    });
    assembler.call(libc::SYS_clone, |block| {
        block.argument(0);
        block.put(JUMP_ANY_BIT, 2, 0, NAMESPACES);
        // A parent that waits for its child's start shares its memory with it: the zygote counts such a pair once.
        block.put(AND, 0, 0, (libc::CLONE_VFORK | libc::CLONE_VM) as u32);
        block.put(JUMP_EQUAL, 0, 1, libc::CLONE_VFORK as u32);
        block.put(RETURN, 0, 0, DENY);
    });
    assembler.call(libc::SYS_prctl, |block| {
        block.argument(0);
        block.put(JUMP_EQUAL, 4, 0, 62); // PR_SCHED_CORE
        block.put(JUMP_EQUAL, 3, 0, 67); // PR_SET_MEMORY_MERGE, as MADV_MERGEABLE of all pages
        // The zygote has to be able to look at what it counts.
        block.put(JUMP_EQUAL, 0, 3, libc::PR_SET_DUMPABLE as u32);
        block.argument(1);
        block.put(JUMP_EQUAL, 1, 0, 1);
        block.put(RETURN, 0, 0, DENY);
    });
    assembler.only(libc::SYS_personality, 0, &[Some(0), Some(u32::MAX)]);
    // Settings of other processes: the zygote has the same user.
    for number in
        [libc::SYS_prlimit64, libc::SYS_sched_setparam, libc::SYS_sched_setscheduler, libc::SYS_sched_setattr]
    {
        assembler.only(number, 0, &[Some(0)]);
    }
    assembler.call(libc::SYS_setpriority, |block| {
        // Of this process, not of its group or its user.
        block.argument(0);
        block.put(JUMP_EQUAL, 0, 2, libc::PRIO_PROCESS);
        block.argument(1);
        block.put(JUMP_EQUAL, 1, 0, 0);
        block.put(RETURN, 0, 0, DENY);
    });
}

/// The filter of programs only, on top of the base.
pub(crate) fn guard(guards: Guards) -> Filter {
    let mut assembler = Assembler::started();
    // A run stays on the processor that the zygote gives it, and in the class and at the priority that it starts with: what
    // is last to get its turn there is last to end, too, however hard it is killed, and nobody waits that long for a verdict.
    for number in [
        libc::SYS_sched_setaffinity,
        libc::SYS_sched_setparam,
        libc::SYS_sched_setscheduler,
        libc::SYS_sched_setattr,
    ] {
        assembler.call(number, |block| {
            block.argument(0);
            block.put(JUMP_EQUAL, 1, 0, 0);
            block.put(RETURN, 0, 0, DENY);
            block.put(RETURN, 0, 0, PRETEND);
        });
    }
    assembler.call(libc::SYS_setpriority, |block| {
        block.argument(0);
        block.put(JUMP_EQUAL, 0, 2, libc::PRIO_PROCESS);
        block.argument(1);
        block.put(JUMP_EQUAL, 1, 0, 0);
        block.put(RETURN, 0, 0, DENY);
        block.put(RETURN, 0, 0, PRETEND);
    });
    if guards.truncate {
        assembler.always(&[libc::SYS_truncate], DENY);
    }
    if guards.groups {
        assembler.always(&[libc::SYS_setsid, libc::SYS_setpgid], PRETEND);
    }
    if guards.metadata {
        assembler.always(METADATA, PRETEND);
        #[cfg(target_arch = "x86_64")]
        assembler.always(METADATA_X86_64, PRETEND);
        assembler.always(ATTRIBUTES, DENY);
    }
    if guards.signals {
        for number in [
            libc::SYS_kill,
            libc::SYS_tkill,
            libc::SYS_tgkill,
            libc::SYS_rt_sigqueueinfo,
            libc::SYS_rt_tgsigqueueinfo,
        ] {
            assembler.only(number, 0, &[Some(0), None]);
        }
    }
    assembler.finish()
}

/// Requests of `ioctl(2)` that programs make: is it a terminal, how much is there, wait or not, keep or not.
const REQUESTS: &[u32] = &[
    0x5401, // TCGETS
    0x540f, // TIOCGPGRP
    0x5413, // TIOCGWINSZ
    0x541b, // FIONREAD
    0x5421, // FIONBIO
    0x5450, // FIONCLEX
    0x5451, // FIOCLEX
];

/// Commands of `fcntl(2)` that pass. Not among them: owners and signals of descriptors, leases, notifications, the size
/// of pipes.
const FILE_COMMANDS: &[c_int] = &[
    libc::F_DUPFD,
    libc::F_DUPFD_CLOEXEC,
    libc::F_GETFD,
    libc::F_SETFD,
    libc::F_GETFL,
    libc::F_GETLK,
    libc::F_SETLK,
    libc::F_SETLKW,
    libc::F_OFD_GETLK,
    libc::F_OFD_SETLK,
    libc::F_OFD_SETLKW,
    libc::F_GETOWN,
    libc::F_GETLEASE,
    libc::F_GETPIPE_SZ,
    libc::F_ADD_SEALS,
    libc::F_GET_SEALS,
];

/// Calls that wait for disks, uninterruptibly, for files that go with the run; and the sizes of sockets' buffers, which
/// the kernel bounds in silence, too.
const SKIPPED: &[c_long] = &[
    libc::SYS_sync,
    libc::SYS_syncfs,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_sync_file_range,
    libc::SYS_setsockopt,
];

const DENIED: &[c_long] = &[
    // Networks. Pairs of connected sockets are another matter: event loops need them.
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_ioprio_set,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
    // Mounts and namespaces.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    457, // statmount
    458, // listmount
    467, // open_tree_attr
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    // Ways around the filter, and wide interfaces of the kernel.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_io_setup,
    libc::SYS_io_submit,
    // Pages that stay in pipes after their process has let them go; rules, watches and events in the kernel's memory.
    libc::SYS_vmsplice,
    libc::SYS_splice,
    libc::SYS_tee,
    libc::SYS_inotify_init1,
    libc::SYS_landlock_create_ruleset,
    libc::SYS_landlock_add_rule,
    // Locks that a reader of any file can take. Those of `fcntl` exclude others only where the file can be written.
    libc::SYS_flock,
    // Memory and queues that outlive a process or have no path.
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_shmdt,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semctl,
    libc::SYS_semtimedop,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    libc::SYS_mq_timedsend,
    libc::SYS_mq_timedreceive,
    libc::SYS_mq_notify,
    libc::SYS_mq_getsetattr,
    // The machine.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_lookup_dcookie,
    libc::SYS_nfsservctl,
];

#[cfg(target_arch = "x86_64")]
const DENIED_X86_64: &[c_long] = &[
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_inotify_init,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS__sysctl,
];

const METADATA: &[c_long] = &[
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchmodat2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
];

#[cfg(target_arch = "x86_64")]
const METADATA_X86_64: &[c_long] = &[
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
];

const ATTRIBUTES: &[c_long] = &[
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    463, // setxattrat
    466, // removexattrat
];

#[cfg(test)]
mod tests;
