# The first program of a worker. It builds the place in which programs will run (as far as the level asks for one),
# gives up whatever it does not need, and becomes the zygote. Everything here runs before any code from outside.
import _symtable
import atexit
import ctypes
import errno
import fcntl
import functools
import gc
import json
import os
import resource
import select
import signal
import socket
import stat
import struct
import sys
import threading
import time

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long

NEW_NS, NEW_CGROUP, NEW_UTS, NEW_IPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
NEW_USER, NEW_PID, NEW_NET = 0x10000000, 0x20000000, 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 1, 2, 4
AT_RECURSIVE, AT_EMPTY_PATH = 0x8000, 0x1000

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_KEEPCAPS = 1, 4, 8
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 36, 38, 22
CAP_DAC_READ_SEARCH = 2
M_ARENA_MAX = -8
CAPABILITY_VERSION_3 = 0x20080522


# How far the zygote's priority is above the programs' where the runner may give it.
AHEAD = 10


class Refused(Exception):
    """The machine does not give what the level needs."""


def checked(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise Refused("%s: %s" % (what, errno.errorcode.get(number, number)))
    return result


def syscall(what, number, *arguments):
    words = [
        a if isinstance(a, (bytes, ctypes.Array, ctypes.Structure)) or a is None else ctypes.c_long(a)
        for a in arguments
    ]
    return checked(LIBC.syscall(ctypes.c_long(number), *words), what)


def prctl(what, option, argument=0, second=0):
    words = [ctypes.c_ulong(word) for word in (argument, second, 0, 0)]
    checked(LIBC.prctl(ctypes.c_int(option), *words), what)


def mount(source, target, kind, flags, data=None):
    encode = lambda text: None if text is None else os.fsencode(text)
    result = LIBC.mount(encode(source), encode(target), encode(kind), ctypes.c_ulong(flags), encode(data))
    checked(result, "mount %s on %s" % (kind or source, target))


def become(uid, capabilities=0):
    """Changes to an unprivileged user; of the capabilities of root only those of the mask stay."""
    if capabilities:
        prctl("keep capabilities", PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    if capabilities:
        set_capabilities(capabilities)


def set_capabilities(mask):
    syscall("capset", SYS["capset"], *capability_buffers(mask))


def capability_buffers(mask):
    header = struct.pack("=II", CAPABILITY_VERSION_3, 0)
    data = struct.pack("=IIIIII", mask, mask, 0, 0, 0, 0)
    return ctypes.create_string_buffer(header), ctypes.create_string_buffer(data)


def unshare(flags, what):
    checked(LIBC.unshare(ctypes.c_int(flags)), "unshare(%s)" % what)


def map_ids(uid, gid):
    for name, text in (("setgroups", "deny"), ("uid_map", "1000 %d 1" % uid), ("gid_map", "1000 %d 1" % gid)):
        try:
            with open("/proc/self/" + name, "w") as file:
                file.write(text)
        except OSError as error:
            raise Refused("write %s: %s" % (name, errno.errorcode.get(error.errno, error.errno)))


def bind(source, target):
    """Makes a file or a folder of the host visible in the new tree, for reading only."""
    if os.path.isdir(source):
        os.makedirs(target, mode=0o755, exist_ok=True)
        attributes = ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV
    else:
        os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
        if not os.path.lexists(target):
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
        attributes = 0 if stat.S_ISCHR(os.stat(source).st_mode) else ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV
    mount(source, target, None, MS_BIND | MS_REC)
    if attributes:
        wanted = ctypes.create_string_buffer(struct.pack("=QQQQ", attributes, 0, 0, 0), 32)
        handle = os.open(target, os.O_PATH | os.O_CLOEXEC)
        try:
            syscall("mount_setattr " + target, SYS["mount_setattr"], handle, b"", AT_EMPTY_PATH | AT_RECURSIVE, wanted, 32)
        finally:
            os.close(handle)


def build_root(root, paths):
    """A tree in memory with nothing in it but what the interpreter needs; then the host's tree is let go."""
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=2m,nr_inodes=4096")
    os.umask(0o022)
    done = []
    for path in sorted(set(paths), key=lambda path: (path.count("/"), path)):
        if any(path == other or path.startswith(other + "/") for other in done):
            continue
        if os.path.islink(path) and path.count("/") == 1:
            os.symlink(os.readlink(path), root + path)
        else:
            bind(path, root + path)
            done.append(path)
    for name in ("null", "zero", "full", "random", "urandom"):
        bind("/dev/" + name, root + "/dev/" + name)
    for name, to in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2"), ("shm", "/box/run/shm")):
        os.symlink(to, root + "/dev/" + name)
    for folder in ("/box/run", "/program", "/proc", "/etc", "/var"):
        os.makedirs(root + folder, mode=0o755, exist_ok=True)
    for folder in ("/tmp", "/var/tmp"):
        # Something that programs may read can lie there, and is then all there is.
        if not os.path.lexists(root + folder):
            os.symlink("/box/run/tmp", root + folder)
    for name, text in (("passwd", "program:x:1000:1000::/box/run/work:/bin/sh\n"), ("group", "program:x:1000:\n")):
        with open(root + "/etc/" + name, "w") as file:
            file.write(text)
    # The namespace of the programs may only mount a /proc of its own while it still sees the host's.
    mount("/proc", root + "/proc", None, MS_BIND | MS_REC)
    os.chdir(root)
    syscall("pivot_root", SYS["pivot_root"], b".", b".")
    checked(LIBC.umount2(b".", MNT_DETACH), "umount the host's tree")
    os.chdir("/")
    mount(None, "/", None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)


def enter_namespaces(config):
    """Ends in process 1 of fresh namespaces; the process that came in waits for it and never returns."""
    flags = NEW_USER | NEW_NS | NEW_PID | NEW_NET | NEW_IPC | NEW_UTS | NEW_CGROUP
    names = "user, mnt, pid, net, ipc, uts, cgroup"
    uid, gid = os.getuid(), os.getgid()
    if config["uid"] is None:
        unshare(flags, names)
        map_ids(uid, gid)
        build_root(config["folder"], config["visible"])
    else:
        uid = gid = config["uid"]
        unshare(NEW_NS, "mnt")
        build_root(config["folder"], config["visible"])
        become(uid)
        prctl("dumpable", PR_SET_DUMPABLE, 1)
        unshare(flags, names)
        map_ids(uid, gid)
    child = os.fork()
    if child:
        # Nobody may keep the worker's end of the connection but the zygote: its end is how the runner learns.
        os.dup2(os.open("/dev/null", os.O_RDWR), 0)
        os.closerange(3, 1 << 16)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while True:
            if os.waitpid(child, 0)[0] == child:
                os._exit(0)
    prctl("parent death signal", PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getpid() != 1:
        raise Refused("the zygote is not process 1 of its namespace")
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    try:
        mount("proc", "/proc", "proc", flags, "subset=pid")
    except Refused:
        mount("proc", "/proc", "proc", flags)
    checked(LIBC.sethostname(b"box", 3), "sethostname")
    mount("tmpfs", "/program", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=32m,nr_inodes=16")
    mount_box(config["file_bytes"])


def mount_box(size):
    mount("tmpfs", "/box/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=%d,nr_inodes=8192" % size)


def landlock_ruleset(config, box, program):
    """A ruleset made once; every program puts itself under it. Returns (descriptor, ABI) or (None, 0)."""
    abi = LIBC.syscall(ctypes.c_long(SYS["landlock_create_ruleset"]), None, ctypes.c_long(0), ctypes.c_long(1))
    if abi < 1:
        return None, 0
    everything = (1 << 13) - 1
    for version, bit in ((2, 13), (3, 14), (5, 15)):
        if abi >= version:
            everything |= 1 << bit
    network = 3 if abi >= 4 else 0
    scopes = 3 if abi >= 6 else 0
    attributes = struct.pack("=QQQ", everything, network, scopes)[: 24 if abi >= 6 else 16 if abi >= 4 else 8]
    ruleset = syscall("landlock_create_ruleset", SYS["landlock_create_ruleset"], attributes, len(attributes), 0)
    read = 1 << 0 | 1 << 2 | 1 << 3
    # Devices are not made, and no ioctl reaches one; everything else is allowed below the box.
    write = everything & ~(1 << 6 | 1 << 11 | 1 << 15)
    file_rights = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15

    def allow(path, rights):
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not os.path.isdir(path):
                rights &= file_rights
            rule = struct.pack("=Qi", rights & everything, handle)
            syscall("landlock_add_rule " + path, SYS["landlock_add_rule"], ruleset, 1, rule, 0)
        finally:
            os.close(handle)

    for path in ["/"] if config["level"] == "L3" else config["visible"] + [program]:
        if os.path.exists(path):
            allow(path, read)
    # Of /dev/zero, opened for writing, memory could be mapped that no process seems to have.
    for name, rights in (("null", 6), ("zero", 4), ("full", 6), ("random", 6), ("urandom", 6)):
        allow("/dev/" + name, rights)
    allow(box, write)
    return ruleset, abi


def launch():
    global SYS
    connection = socket.socket(fileno=os.dup(0))
    config = json.loads(receive_exactly(connection, struct.unpack("<I", receive_exactly(connection, 4))[0]))
    SYS = config["syscalls"]
    try:
        zygote = prepare(config, connection)
    except (Refused, OSError) as error:
        send_frame(connection, b"X", json.dumps({"reason": str(error)}).encode())
        os._exit(0)
    zygote.serve()


def prepare(config, connection):
    os.umask(0o022)
    sys.path[:] = config["search"]
    # A soft limit of the runner must not become one of the programs.
    for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_STACK):
        hard = resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (hard if limit == resource.RLIMIT_NOFILE else resource.getrlimit(limit)[0], hard))
    for option in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(option, signal.SIG_DFL)
    level = config["level"]
    config["priority"] = os.getpriority(os.PRIO_PROCESS, 0)
    get_ahead(config["priority"])
    if os.getuid() == 0 and level != "L0":
        # Without privileges no program could get the one limit that keeps dumps from going through a pipe.
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
        except ValueError:
            pass
    if config["uid"] is not None and level in ("L1", "L2"):
        reach = interpreter_reach(config["uid"])
        if not reach and level == "L1":
            raise Refused("the interpreter lies in a folder that only root may enter")
        preload()
        keep = 0 if reach else 1 << CAP_DAC_READ_SEARCH
        become(config["uid"], keep)
        config["keep"] = keep
    if hasattr(LIBC, "mallopt"):
        # One heap for all threads: each of its own would set 64 MiB of address space aside, which stacks of threads need.
        LIBC.mallopt(ctypes.c_int(M_ARENA_MAX), ctypes.c_int(1))
    if level == "L3":
        enter_namespaces(config)
        box, program, kept = "/box/run", "/program", 0
        preload()
    else:
        os.chdir("/")
        preload()
        box, program, kept = config["folder"] + "/run", config["folder"] + "/program", config.get("keep", 0)
        for folder in (box, program):
            os.makedirs(folder, mode=0o755, exist_ok=True)
    ruleset, abi = (None, 0)
    if level in ("L2", "L3"):
        ruleset, abi = landlock_ruleset(config, "/box" if level == "L3" else box, program)
        if ruleset is None:
            raise Refused("landlock is not available")
    if level != "L3":
        prctl("child subreaper", PR_SET_CHILD_SUBREAPER, 1)
    zygote = Zygote(config, connection, box, program, ruleset, abi, kept)
    zygote.lock()
    prepare_function_tests()
    gc.collect()
    # What compiling all this took goes back to the machine: each fork would copy the tables of those pages.
    if hasattr(LIBC, "malloc_trim"):
        LIBC.malloc_trim(ctypes.c_size_t(0))
    gc.freeze()
    zygote.greet()
    return zygote


def get_ahead(priority):
    """Ahead of its programs, which get back what the runner has, and of whatever else fills the machine. Where the kernel
    deals out time by sessions first, priorities count within one only: a program of twenty sessions would get twenty
    times the zygote's share, and the zygote be late. So it is in a session of its own, which is ahead as a whole. And processes
    that wake each other up without end can keep a sleeper of their class waiting for seconds there, whatever its priority
    (seen on Linux 6.18): so it is of the class that has its turn at once, where it may."""
    try:
        os.setsid()
    except OSError:
        # It leads one already.
        pass
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        # Only with privileges, or where the user may; and not in every control group.
        pass
    try:
        os.setpriority(os.PRIO_PROCESS, 0, max(-20, priority - AHEAD))
        with open("/proc/self/autogroup", "w") as file:
            file.write(str(-AHEAD))
    except OSError:
        # Only with privileges; and not every kernel has such groups.
        pass


def interpreter_reach(uid):
    """Whether an unprivileged user gets to the interpreter's library: asked of a child that is that user."""
    child = os.fork()
    if child == 0:
        try:
            become(uid)
            folder = os.path.dirname(os.__file__)
            os._exit(0 if os.path.exists(folder + "/os.py") and os.listdir(folder) else 1)
        except BaseException:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def preload():
    """The modules that programs usually import, so that importing them costs a look-up."""
    for name in PRELOADED:
        try:
            __import__(name)
        except ImportError:
            pass
    # With hashes and this the same everywhere, a program does the same in every run and at every worker.
    import random

    random.seed(0)
    # What the site module would have added. Modules of it that run code of the machine's stay out.
    import _sitebuiltins
    import builtins

    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")
    builtins.help = _sitebuiltins._Helper()


PRELOADED = (
    "__future__ abc array ast base64 binascii bisect calendar cmath collections collections.abc contextlib copy copyreg "
    "dataclasses datetime decimal enum fractions functools heapq io itertools json keyword linecache math numbers operator "
    "os.path queue random re select statistics string struct textwrap time traceback types typing unicodedata warnings "
    "weakref zlib _strptime"
).split()


def receive_exactly(connection, count):
    parts = []
    while count:
        part = connection.recv(count)
        if not part:
            os._exit(0)
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def send_frame(connection, kind, body):
    connection.sendall(struct.pack("<I", len(body) + 1) + kind + body)
