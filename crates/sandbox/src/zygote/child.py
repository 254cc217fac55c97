# What a forked process does before and around the code from outside: puts itself under every limit, says so, and runs it.


# What a process says when it is under its limits: one that runs the program, one that runs its tests.
CONFINED_PROGRAM, CONFINED_TESTS = b"p", b"t"


def confine(zygote, job, signal_ready, mark, body, arguments, stdin, stdout, stderr):
    """Applies every limit of the level, reports that it holds, and only then goes on. An error here is no verdict.

    What the zygote could put itself under without losing what it needs, every fork of it has already: the filter, no
    new privileges, no core dumps. What differs from run to run, or would bind the zygote, is done here.
    """
    os.setsid()
    # The runner's priority, and the class and the turns that everybody has. Where that is refused, it is not needed: the
    # zygote is no further ahead then than it may go back.
    if set_turn(zygote.turn) < 0 and os.sched_getscheduler(0) == os.SCHED_FIFO:
        raise Refused("the program would have its turn at once")
    # All that the run starts shares one processor: its limit is on the sum, so that several gain it nothing, and until the
    # zygote has looked it can use no more than one can give. On several at once, processes that wake each other up can
    # keep a zygote that has to wait for its turn from looking for seconds (Linux 6.18).
    if zygote.processor is not None:
        try:
            os.sched_setaffinity(0, zygote.processor)
        except OSError:
            # Taken away just now by the machine's owner.
            pass
    # Without a process namespace nothing else ends a program whose zygote was killed.
    prctl("parent death signal", PR_SET_PDEATHSIG, signal.SIGKILL)
    os.dup2(stdin, 0)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    if zygote.capset is not None:
        checked(LIBC.syscall(*zygote.capset), "capset")
    if zygote.restrict is not None:
        checked(LIBC.syscall(*zygote.restrict), "landlock_restrict_self")
    load = body(arguments)
    os.dup2(signal_ready, 3)
    # Descriptors that stay are above 15 before, and next to each other from 4 on after.
    for place, descriptor in enumerate(load.keep, 4):
        os.dup2(descriptor, place, False)
    checked(LIBC.syscall(*zygote.close_from[4 + len(load.keep)]), "close_range")
    set_limits(zygote, job)
    if zygote.sees_descriptors:
        prctl("dumpable", PR_SET_DUMPABLE, 1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if zygote.guard is not None:
        for site in zygote.pid_sites:
            struct.pack_into("=I", zygote.guard, site * 8 + 4, os.getpid())
        install_filter(zygote.guard)
    os.write(3, mark)
    os.close(3)
    load.go(zygote)


def install_filter(code):
    header = ctypes.create_string_buffer(struct.pack("@HP", len(code) // 8, ctypes.addressof(code)), struct.calcsize("@HP"))
    prctl("seccomp", PR_SET_SECCOMP, 2, ctypes.addressof(header))


# Beyond the limit of memory and what the zygote has itself: sixteen stacks of threads, and 256 MiB of address space.
DATA_SLACK, SIZE_SLACK = 128 << 20, 256 << 20


def set_limits(zygote, job):
    set_limit = resource.setrlimit
    seconds = int(job.cpu) + 1
    set_limit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    # What a process can write to is what it can fill before anybody looks. Its address space has room for libraries, and
    # for what threads set aside and never touch, on top.
    for limit, base, slack in ((resource.RLIMIT_DATA, zygote.base_data, DATA_SLACK), (resource.RLIMIT_AS, zygote.base_size, SIZE_SLACK)):
        size = job.memory + base + slack
        set_limit(limit, (size, size))
    set_limit(resource.RLIMIT_FSIZE, (job.file_bytes, job.file_bytes))
    set_limit(resource.RLIMIT_NOFILE, (job.open_files, job.open_files))
    set_limit(resource.RLIMIT_CORE, (zygote.core_limit, zygote.core_limit))
    set_limit(resource.RLIMIT_MEMLOCK, (0, 0))
    set_limit(resource.RLIMIT_MSGQUEUE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    stack = job.stack if hard == resource.RLIM_INFINITY else min(job.stack, hard)
    set_limit(resource.RLIMIT_STACK, (stack, stack))
    set_limit(resource.RLIMIT_NPROC, zygote.process_limit)


# Room for the other processes of a user that programs share with the runner: they come and go.
SHARED_ROOM = 64


def process_limit(zygote, job):
    """The kernel counts the processes and threads of a user in a user namespace, the runner's own among them."""
    # The launcher that waits for the namespaces, the zygote, and the program's first process.
    own = 3 if zygote.level == "L3" else 2
    if not zygote.alone:
        own = threads_of_user() + SHARED_ROOM
    limit = job.processes + own
    hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    return limit, limit


def threads_of_user():
    user, count = os.getuid(), 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.stat("/proc/" + name).st_uid == user or name == str(os.getpid()):
                    with open("/proc/%s/stat" % name, "rb") as file:
                        count += int(file.read().rpartition(b")")[2].split()[17])
            except (OSError, ValueError, IndexError):
                continue
    return count


def read_all(descriptor):
    size, parts, offset = os.fstat(descriptor).st_size, [], 0
    while offset < size:
        part = os.pread(descriptor, size - offset, offset)
        if not part:
            break
        parts.append(part)
        offset += len(part)
    return b"".join(parts)


def write_source(target, source):
    os.ftruncate(target, 0)
    offset = 0
    while offset < len(source):
        offset += os.pwrite(target, source[offset:] if offset else source, offset)


def write_all(descriptor, data):
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def fresh_module(name, path):
    module = type(sys)(name)
    module.__file__ = path
    module.__builtins__ = __builtins__ if not isinstance(__builtins__, dict) else sys.modules["builtins"]
    sys.modules[name] = module
    return module


class run_script:
    """A program of its own: standard input to standard output, as `python main.py`."""

    def __init__(self, arguments):
        source, target = arguments
        self.source = read_all(source)
        write_source(target, self.source)
        self.keep = []

    def go(self, zygote):
        path = zygote.program
        sys.argv = [path]
        sys.path.insert(0, zygote.work)
        module = fresh_module("__main__", path)
        source, self.source = self.source, None
        gc.enable()
        status = 0
        try:
            exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)
        except BaseException as error:
            status = failed(error)
        finish(module, status)


def failed(error):
    """What the interpreter does with an exception that nobody caught; returns the exit status."""
    if isinstance(error, SystemExit):
        code = error.code
        if code is None:
            return 0
        if isinstance(code, int):
            return code & 0xFF
        try:
            sys.stdout.flush()
            print(code, file=sys.stderr)
        except BaseException:
            pass
        return 1
    traceback = error.__traceback__
    error.__traceback__ = None if traceback is None else traceback.tb_next
    try:
        sys.stdout.flush()
    except BaseException:
        pass
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except BaseException:
        pass
    return 130 if isinstance(error, KeyboardInterrupt) else 1


def finish(module, status):
    """The end of an interpreter, without taking down the modules that the zygote had loaded."""
    try:
        threading._shutdown()
    except BaseException as error:
        failed(error)
    try:
        atexit._run_exitfuncs()
    except BaseException:
        pass
    flushed = flush_streams()
    try:
        names = module.__dict__
        for name in [name for name in names if name.startswith("_") and name != "__builtins__"] + [
            name for name in names if name != "__builtins__"
        ]:
            names[name] = None
        module = names = None
        gc.collect()
    except BaseException:
        pass
    flushed = flush_streams() and flushed
    os._exit(status if flushed else 120)


def flush_streams():
    flushed = True
    try:
        if sys.stdout is not None and not sys.stdout.closed:
            sys.stdout.flush()
    except BaseException:
        flushed = False
    try:
        if sys.stderr is not None and not sys.stderr.closed:
            sys.stderr.flush()
    except BaseException:
        pass
    return flushed
