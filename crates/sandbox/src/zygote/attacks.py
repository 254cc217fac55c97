# What a program could try first. Prints what got through.
import ctypes, errno, fcntl, json, mmap, os, resource, sys

targets = json.load(sys.stdin)
libc = ctypes.CDLL(None, use_errno=True)


def succeeds(attack):
    try:
        return bool(attack())
    except (OSError, ValueError):
        return False


def write():
    with open(targets["folder"] + "/written", "w") as file:
        file.write("x")
    return True


def read():
    with open(targets["folder"] + "/secret") as file:
        return targets["secret"] in file.read()


def connect(family, kind, address):
    import socket

    with socket.socket(family, kind) as connection:
        connection.settimeout(1)
        connection.connect(address)
        connection.send(b"probe")
    return True


def children():
    reading, writing = os.pipe()
    here = []
    for _ in range(targets["children"]):
        try:
            child = os.fork()
        except OSError:
            break
        if child == 0:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
        here.append(child)
    os.close(writing)
    for child in here:
        os.waitpid(child, 0)
    os.close(reading)
    return len(here)


def descriptors():
    count = 0
    for number in range(3, 4096):
        try:
            os.fstat(number)
            count += 1
        except OSError:
            pass
    return count


def signals(process):
    if process <= 1 and os.getppid() == 1:
        # Process 1 of a namespace can be spoken to but not ended from inside: what counts is whether it lives on.
        libc.kill(1, 9)
        return False
    return libc.kill(process, 0) == 0


def renices():
    """To the priority that they have: nothing changes where it succeeds. The kernel's own refusal is another one."""
    try:
        os.setpriority(os.PRIO_USER, 0, os.getpriority(os.PRIO_USER, 0))
        return True
    except OSError as error:
        return error.errno == errno.EACCES


def owns():
    """A descriptor that would send its signals to somebody else; it never has one to send."""
    reading, writing = os.pipe()
    try:
        fcntl.fcntl(reading, fcntl.F_SETOWN, os.getppid())
        return True
    finally:
        os.close(reading)
        os.close(writing)


def leases():
    with open("leased", "w"):
        pass
    with open("leased") as file:
        os.unlink("leased")
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    return True


def locks():
    with open(os.__file__) as file:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return True


def limits():
    return bool(resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE))


def shares():
    mmap.mmap(-1, 4096).close()
    return True


def shares_zeros():
    with open("/dev/zero", "r+b", buffering=0) as file:
        mmap.mmap(file.fileno(), 4096).close()
    return True


def hides():
    os.close(os.memfd_create("hidden"))
    return True


def widens():
    reading, writing = os.pipe()
    try:
        return fcntl.fcntl(reading, 1031, 1 << 20) > 0
    finally:
        os.close(reading)
        os.close(writing)


def swells():
    import socket

    here, there = socket.socketpair()
    with here, there:
        before = here.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, before * 2)
        return here.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) > before


found = {"descriptors": descriptors()}
found["others"] = [
    attack.__name__
    for attack in (renices, owns, leases, locks, limits)
    if succeeds(attack)
]
found["hidden"] = [attack.__name__ for attack in (shares, shares_zeros, hides, widens, swells) if succeeds(attack)]
found["wrote"] = succeeds(write)
found["read"] = succeeds(read)
found["tcp"] = succeeds(lambda: connect(2, 1, ("127.0.0.1", targets["tcp"])))
found["udp"] = succeeds(lambda: connect(2, 2, ("127.0.0.1", targets["udp"])))
found["unix"] = succeeds(lambda: connect(1, 1, "\0" + targets["unix"]))
found["signalled"] = signals(os.getppid())
# Seizing, unlike attaching, stops nobody.
found["traced"] = libc.ptrace(0x4206, os.getppid(), None, None) == 0
# In a namespace of its own the runner's number means nothing, or another process.
same = os.getppid() > 1
found["runner_signalled"] = same and libc.kill(targets["runner"], 0) == 0
found["runner_read"] = same and succeeds(lambda: open("/proc/%d/environ" % targets["runner"], "rb").read(1))
found["children"] = children()
print(json.dumps(found))
