# What a forked process does before and around the code from outside: puts itself under every limit, says so, and runs it.


def confine(zygote, job, signal_ready, body, arguments, stdin, stdout, stderr):
    """Applies every limit of the level, reports that it holds, and only then goes on. An error here is no verdict."""
    os.setsid()
    os.dup2(stdin, 0)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    load = body(arguments)
    kept = sorted(load.keep + [signal_ready] + ([] if zygote.ruleset is None else [zygote.ruleset]))
    previous = 2
    for descriptor in kept + [1 << 31]:
        if descriptor - 1 > previous:
            syscall("close_range", SYS["close_range"], previous + 1, min(descriptor - 1, 0xFFFFFFFF), 0)
        previous = descriptor
    set_limits(zygote, job)
    os.chdir(load.folder(zygote))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if zygote.level != "L0":
        # A core dump through a pipe of the host ignores the limit on its size.
        prctl("dumpable", PR_SET_DUMPABLE, 0)
        prctl("no new privileges", PR_SET_NO_NEW_PRIVS, 1)
        set_capabilities(zygote.kept)
    if zygote.ruleset is not None:
        syscall("landlock_restrict_self", SYS["landlock_restrict_self"], zygote.ruleset, 0)
        os.close(zygote.ruleset)
    if zygote.filter is not None:
        for site in zygote.pid_sites:
            struct.pack_into("<I", zygote.filter, site * 8 + 4, os.getpid())
        address = ctypes.addressof(zygote.program_header)
        result = LIBC.prctl(PR_SET_SECCOMP, ctypes.c_ulong(2), ctypes.c_ulong(address), ctypes.c_ulong(0), ctypes.c_ulong(0))
        checked(result, "seccomp")
    os.write(signal_ready, b"+")
    os.close(signal_ready)
    os.environ.clear()
    os.environ.update(zygote.environment)
    load.go(zygote)


def set_limits(zygote, job):
    set_limit = resource.setrlimit
    seconds = int(job.cpu) + 2
    set_limit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    size = job.memory + zygote.base_size + (256 << 20)
    set_limit(resource.RLIMIT_AS, (size, size))
    set_limit(resource.RLIMIT_FSIZE, (job.file_bytes, job.file_bytes))
    set_limit(resource.RLIMIT_NOFILE, (job.open_files, job.open_files))
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    core = 1 if hard == resource.RLIM_INFINITY or hard >= 1 else 0
    set_limit(resource.RLIMIT_CORE, (core, core))
    set_limit(resource.RLIMIT_MEMLOCK, (0, 0))
    set_limit(resource.RLIMIT_MSGQUEUE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    stack = job.stack if hard == resource.RLIM_INFINITY else min(job.stack, hard)
    set_limit(resource.RLIMIT_STACK, (stack, stack))
    set_limit(resource.RLIMIT_NPROC, process_limit(zygote, job))


def process_limit(zygote, job):
    """The kernel counts the processes and threads of a user in a user namespace, the runner's own among them."""
    # The launcher that waits for the namespaces, the zygote, and the program's first process.
    own = 3 if zygote.level == "L3" else 2
    if not zygote.alone:
        own = threads_of_user()
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


def fresh_streams():
    """The standard streams of a Python that was started anew on these descriptors."""
    sys.stdin = sys.__stdin__ = open(0, "r", encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stderr = sys.__stderr__ = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1)


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

    def folder(self, zygote):
        return zygote.work

    def go(self, zygote):
        fresh_streams()
        path = zygote.program
        sys.argv = [path]
        sys.path.insert(0, zygote.work)
        sys.path_importer_cache.clear()
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
    import atexit
    import threading

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
