//! Filters are run here by an interpreter of the few instructions that they use.

use super::*;

/// What a filter says to a call.
fn decide(filter: &Filter, architecture: u32, number: c_long, arguments: [u64; 6]) -> u32 {
    let mut data = Vec::new();
    data.extend((number as u32).to_ne_bytes());
    data.extend(architecture.to_ne_bytes());
    data.extend(0_u64.to_ne_bytes());
    data.extend(arguments.iter().flat_map(|argument| argument.to_ne_bytes()));
    let code: Vec<(u16, u8, u8, u32)> = filter
        .code
        .chunks(8)
        .map(|c| (u16::from_ne_bytes([c[0], c[1]]), c[2], c[3], u32::from_ne_bytes([c[4], c[5], c[6], c[7]])))
        .collect();
    let (mut at, mut accumulator) = (0, 0_u32);
    loop {
        let (operation, if_true, if_false, operand) = code[at];
        at += 1;
        let holds = match operation {
            LOAD_WORD => {
                let offset = operand as usize;
                accumulator = u32::from_ne_bytes(data[offset..offset + 4].try_into().unwrap());
                continue;
            }
            AND => {
                accumulator &= operand;
                continue;
            }
            RETURN => return operand,
            JUMP_EQUAL => accumulator == operand,
            JUMP_AT_LEAST => accumulator >= operand,
            JUMP_ANY_BIT => accumulator & operand != 0,
            other => panic!("instruction {other:#x}"),
        };
        at += usize::from(if holds { if_true } else { if_false });
    }
}

fn says(filter: &Filter, number: c_long, arguments: &[u64]) -> u32 {
    let mut six = [0; 6];
    six[..arguments.len()].copy_from_slice(arguments);
    decide(filter, ARCHITECTURE, number, six)
}

#[test]
fn ordinary_calls_pass() {
    let base = base(SocketsInFlight::Counted);
    for number in [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_openat,
        libc::SYS_mmap,
        libc::SYS_exit_group,
        libc::SYS_kill,
    ] {
        assert_eq!(says(&base, number, &[]), ALLOW, "{number}");
    }
}

#[test]
fn every_denied_call_is_denied() {
    let base = base(SocketsInFlight::Counted);
    for &number in DENIED {
        assert_eq!(says(&base, number, &[]), DENY, "{number}");
    }
    assert_eq!(says(&base, libc::SYS_clone3, &[]), UNKNOWN);
}

#[test]
fn other_tables_of_calls_are_closed() {
    let base = base(SocketsInFlight::Counted);
    assert_eq!(decide(&base, ARCHITECTURE ^ 1, libc::SYS_read, [0; 6]), KILL_PROCESS);
    assert_eq!(says(&base, libc::SYS_read | 0x4000_0000, &[]), UNKNOWN);
    // A number is an unsigned word: -1 is not below the table.
    assert_eq!(says(&base, -1, &[]), UNKNOWN);
}

#[test]
fn arguments_decide_where_they_have_to() {
    let base = base(SocketsInFlight::Counted);
    let stream = libc::SOCK_STREAM as u64;
    let cloexec = libc::SOCK_CLOEXEC as u64;
    assert_eq!(says(&base, libc::SYS_socketpair, &[1, stream | cloexec]), ALLOW);
    assert_eq!(says(&base, libc::SYS_socketpair, &[1, libc::SOCK_DGRAM as u64 | cloexec]), DENY);
    assert_eq!(says(&base, libc::SYS_socketpair, &[1, libc::SOCK_SEQPACKET as u64]), DENY);
    assert_eq!(says(&base, libc::SYS_socketpair, &[2, stream]), DENY);
    assert_eq!(says(&base, libc::SYS_clone, &[libc::SIGCHLD as u64]), ALLOW);
    assert_eq!(says(&base, libc::SYS_clone, &[libc::CLONE_NEWUSER as u64]), DENY);
    assert_eq!(says(&base, libc::SYS_clone, &[libc::CLONE_NEWNS as u64 | 17]), DENY);
    assert_eq!(says(&base, libc::SYS_sendto, &[3, 0, 0, 0, 0, 0]), ALLOW);
    assert_eq!(says(&base, libc::SYS_sendto, &[3, 0, 0, 0, 8, 0]), DENY);
    assert_eq!(says(&base, libc::SYS_sendto, &[3, 0, 0, 0, 1 << 40, 0]), DENY);
    assert_eq!(says(&base, libc::SYS_mknodat, &[0, 0, u64::from(libc::S_IFIFO) | 0o600]), ALLOW);
    assert_eq!(says(&base, libc::SYS_mknodat, &[0, 0, u64::from(libc::S_IFBLK) | 0o600]), DENY);
    for request in [0x5412, 0x541c, 0x5452, 0x8901, 0x8902, 0x4008_6602] {
        // TIOCSTI, TIOCLINUX, FIOASYNC, FIOSETOWN, SIOCSPGRP, FS_IOC_SETFLAGS.
        assert_eq!(says(&base, libc::SYS_ioctl, &[0, request]), NO_REQUEST, "{request:#x}");
    }
    assert_eq!(says(&base, libc::SYS_ioctl, &[0, 0x5401]), ALLOW);
    assert_eq!(says(&base, libc::SYS_prlimit64, &[0]), ALLOW);
    assert_eq!(says(&base, libc::SYS_prlimit64, &[1]), DENY);
    assert_eq!(says(&base, libc::SYS_setpriority, &[0, 0, 5]), ALLOW);
    assert_eq!(says(&base, libc::SYS_setpriority, &[0, 1, 5]), DENY);
    for which in [libc::PRIO_PGRP, libc::PRIO_USER] {
        assert_eq!(says(&base, libc::SYS_setpriority, &[which as u64, 0, 5]), DENY);
    }
    assert_eq!(says(&base, libc::SYS_personality, &[0xffff_ffff]), ALLOW);
    assert_eq!(says(&base, libc::SYS_personality, &[0x0040_0000]), DENY);
}

#[test]
fn memory_that_no_look_finds_is_denied() {
    let base = base(SocketsInFlight::Counted);
    let (shared, private, validated) =
        (libc::MAP_SHARED as u64, libc::MAP_PRIVATE as u64, libc::MAP_SHARED_VALIDATE as u64);
    let (anonymous, huge) = (libc::MAP_ANONYMOUS as u64, libc::MAP_HUGETLB as u64);
    let map = |flags| says(&base, libc::SYS_mmap, &[0, 4096, 3, flags]);
    assert_eq!(map(private | anonymous), ALLOW);
    assert_eq!(map(private | anonymous | libc::MAP_STACK as u64), ALLOW);
    assert_eq!(map(shared), ALLOW, "a file, whose size counts");
    assert_eq!(map(shared | anonymous), DENY);
    assert_eq!(map(validated | anonymous | libc::MAP_NORESERVE as u64), DENY);
    assert_eq!(map(private | anonymous | huge), DENY);
    assert_eq!(map(private | anonymous | libc::MAP_GROWSDOWN as u64), DENY);
    assert_eq!(map(shared | huge), DENY);
    assert_eq!(says(&base, libc::SYS_madvise, &[0, 0, libc::MADV_PAGEOUT as u64]), DENY);
    assert_eq!(says(&base, libc::SYS_madvise, &[0, 0, libc::MADV_MERGEABLE as u64]), DENY);
    assert_eq!(says(&base, libc::SYS_madvise, &[0, 0, libc::MADV_DONTNEED as u64]), ALLOW);
    assert_eq!(says(&base, libc::SYS_setsockopt, &[3, 1, 7]), PRETEND);
    assert_eq!(says(&base, libc::SYS_sendmsg, &[3]), ALLOW);
    let unseen = super::base(SocketsInFlight::Denied);
    assert_eq!(says(&unseen, libc::SYS_sendmsg, &[3]), DENY);
    assert_eq!(says(&unseen, libc::SYS_sendmmsg, &[3]), DENY);
}

#[test]
fn descriptors_send_no_signals_and_take_no_leases() {
    let base = base(SocketsInFlight::Counted);
    let control = |command: u64, argument| says(&base, libc::SYS_fcntl, &[3, command, argument]);
    for command in [8, 10, 15, 1024, 1026, 1031] {
        // Owner, signal, owner by kind, lease, notification, size of a pipe.
        assert_eq!(control(command, 1), DENY, "{command}");
    }
    assert_eq!(control(libc::F_SETFL as u64, libc::O_NONBLOCK as u64), ALLOW);
    assert_eq!(control(libc::F_SETFL as u64, (libc::O_ASYNC | libc::O_NONBLOCK) as u64), DENY);
    for &command in FILE_COMMANDS {
        assert_eq!(control(command as u64, u64::MAX), ALLOW, "{command}");
    }
    assert_eq!(says(&base, libc::SYS_flock, &[3, 2]), DENY);
}

#[test]
fn children_cannot_leave_the_account() {
    let base = base(SocketsInFlight::Counted);
    let action = |signal: i32, action: u64| says(&base, libc::SYS_rt_sigaction, &[signal as u64, action]);
    assert_eq!(action(libc::SIGCHLD, 0), ALLOW, "a question");
    assert_eq!(action(libc::SIGCHLD, 0x7fff_0000), PRETEND);
    assert_eq!(action(libc::SIGCHLD, 1 << 40), PRETEND);
    assert_eq!(action(libc::SIGTERM, 0x7fff_0000), ALLOW);
    let clone = |flags: i32| says(&base, libc::SYS_clone, &[flags as u64]);
    assert_eq!(clone(libc::CLONE_VFORK | libc::CLONE_VM | libc::SIGCHLD), ALLOW);
    assert_eq!(clone(libc::CLONE_VFORK | libc::SIGCHLD), DENY);
    assert_eq!(clone(libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND), ALLOW);
    assert_eq!(says(&base, libc::SYS_prctl, &[libc::PR_SET_DUMPABLE as u64, 1]), ALLOW);
    assert_eq!(says(&base, libc::SYS_prctl, &[libc::PR_SET_DUMPABLE as u64, 0]), DENY);
    assert_eq!(says(&base, libc::SYS_prctl, &[62]), DENY);
    assert_eq!(says(&base, libc::SYS_prctl, &[67, 1]), DENY);
    let groups = guard(Guards { groups: true, ..Guards::default() });
    assert_eq!(says(&groups, libc::SYS_setsid, &[]), PRETEND);
    assert_eq!(says(&groups, libc::SYS_setpgid, &[0, 0]), PRETEND);
}

#[test]
fn guards_are_only_there_where_they_are_needed() {
    let least = guard(Guards::default());
    assert!(least.pid_sites.is_empty());
    for number in [libc::SYS_kill, libc::SYS_fchmodat, libc::SYS_truncate, libc::SYS_setsid] {
        assert_eq!(says(&least, number, &[1, 9]), ALLOW);
    }
    let metadata = guard(Guards { metadata: true, ..Guards::default() });
    assert_eq!(says(&metadata, libc::SYS_fchmodat, &[]), PRETEND);
    assert_eq!(says(&metadata, libc::SYS_setxattr, &[]), DENY);
    assert_eq!(says(&metadata, libc::SYS_kill, &[1, 9]), ALLOW);
    let truncate = guard(Guards { truncate: true, ..Guards::default() });
    assert_eq!(says(&truncate, libc::SYS_truncate, &[]), DENY);
}

#[test]
fn programs_choose_neither_processor_nor_class_and_the_zygote_does() {
    for guards in [Guards::default(), Guards { signals: true, groups: true, ..Guards::default() }] {
        for number in [
            libc::SYS_sched_setaffinity,
            libc::SYS_sched_setscheduler,
            libc::SYS_sched_setattr,
            libc::SYS_sched_setparam,
        ] {
            assert_eq!(says(&guard(guards), number, &[0, 8, 1]), PRETEND);
            assert_eq!(says(&guard(guards), number, &[7, 8, 1]), DENY);
        }
        let process = u64::from(libc::PRIO_PROCESS);
        assert_eq!(says(&guard(guards), libc::SYS_setpriority, &[process, 0, 19]), PRETEND);
        assert_eq!(says(&guard(guards), libc::SYS_setpriority, &[process, 7, 19]), DENY);
        assert_eq!(says(&guard(guards), libc::SYS_setpriority, &[u64::from(libc::PRIO_USER), 0, 19]), DENY);
        assert_eq!(says(&guard(guards), libc::SYS_sched_getaffinity, &[0, 8, 1]), ALLOW);
    }
    assert_eq!(says(&base(SocketsInFlight::Denied), libc::SYS_sched_setaffinity, &[7, 8, 1]), ALLOW);
}

#[test]
fn signals_go_to_the_first_process_and_its_group_only() {
    let mut guarded = guard(Guards { signals: true, ..Guards::default() });
    assert!(!guarded.pid_sites.is_empty());
    for site in guarded.pid_sites.clone() {
        guarded.code[site * 8 + 4..site * 8 + 8].copy_from_slice(&4711_u32.to_ne_bytes());
    }
    for number in [libc::SYS_kill, libc::SYS_tgkill, libc::SYS_tkill, libc::SYS_rt_sigqueueinfo] {
        assert_eq!(says(&guarded, number, &[4711, 9]), ALLOW);
        assert_eq!(says(&guarded, number, &[0, 9]), ALLOW);
        assert_eq!(says(&guarded, number, &[1, 9]), DENY);
        assert_eq!(says(&guarded, number, &[u64::from(u32::MAX), 9]), DENY, "everybody");
        assert_eq!(says(&guarded, number, &[u64::from((-4711_i32) as u32), 9]), DENY, "another group");
    }
}
