# The zygote: waits for jobs, forks a process for each, watches it, kills everything at its end, and says how it ended.
# It never reads what a program is given or what it prints, so there is nothing in its memory for a fork to find.
JOB = struct.Struct("<QQQQQQQQ")
REPLY = struct.Struct("<QBiQQQI")
ENDED_EXIT, ENDED_SIGNAL, ENDED_CPU, ENDED_WALL, ENDED_MEMORY, ENDED_KILLED, ENDED_FAULT = range(7)
PAGE = os.sysconf("SC_PAGESIZE")
CLOCK = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count() or 1


# Signals that wait, and timers: the kernel keeps them in its own memory.
SIGNALS = 1024
RAW = ctypes.PyDLL(None)


class Job:
    __slots__ = ("number", "cpu", "wall", "memory", "file_bytes", "processes", "open_files", "stack")

    def __init__(self, body):
        (self.number, cpu, wall, self.memory, self.file_bytes, self.processes, self.open_files, self.stack) = JOB.unpack(body)
        self.cpu, self.wall = cpu / 1e6, wall / 1e6


class Hangup(Exception):
    """The runner is gone, and with it the reason to live."""


class Zygote:
    def __init__(self, config, connection, box, program, ruleset, abi, kept):
        self.level = config["level"]
        self.config = config
        self.turn = turn(config["priority"], 0)
        self.box = box
        self.work = box + "/work"
        # Not in the box: a program that looks for files finds none but its own.
        self.program_folder = program
        self.program = program + "/main.py"
        self.source = None
        # Out of the way of the descriptors 0 to 15, which belong to the programs.
        self.connection = socket.socket(fileno=high(connection.detach()))
        self.ruleset = None if ruleset is None else high(ruleset)
        self.abi = abi
        self.kept = kept
        self.alone = config["level"] == "L3" or (config["uid"] is not None and config["level"] != "L0")
        # Whether the run's processes can neither leave their groups nor be told from others by anything else.
        self.grouped = not self.alone and config["level"] != "L0"
        self.in_memory = config["in_memory"]
        self.swap = config["swap"]
        self.socket_bytes = self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) + SOCKET_SLACK
        self.base_sockets = sockets_of_namespace() if self.level == "L3" else 0
        # A core dump through a pipe of the host ignores any limit on its size but that of one byte.
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        self.core_limit = 1 if hard == resource.RLIM_INFINITY or hard >= 1 else 0
        # What must not be dumped cannot be looked at. Below Landlock, nothing else keeps programs out of each other.
        self.sees_descriptors = self.level in ("L2", "L3")
        words = lambda *numbers: tuple(map(ctypes.c_long, numbers))
        # Calls of every run, with their arguments made once: each object made after a fork is memory to copy.
        self.close_from = {first: words(SYS["close_range"], first, 0xFFFFFFFF, 0) for first in (4, 5, 6)}
        self.restrict = None if ruleset is None else words(SYS["landlock_restrict_self"], self.ruleset, 0)
        self.capset = None
        if self.level != "L0":
            self.capability_buffers = capability_buffers(kept)
            self.capset = (ctypes.c_long(SYS["capset"]), *self.capability_buffers)
        self.filter, self.guard, self.pid_sites = None, None, []
        if config["filters"] is not None:
            chosen = config["filters"][min(abi, 6)]
            self.filter = code_buffer(chosen["base"])
            self.guard, self.pid_sites = code_buffer(chosen["guard"]), chosen["pid_sites"]
        self.kill_guarded = bool(self.pid_sites)
        self.poll = select.poll()
        self.poll.register(self.connection.fileno(), select.POLLIN)
        self.buffer = b""
        self.descriptors = []
        self.base_anonymous, self.base_size, self.base_data = memory_of("self")
        # The processor of the job; None where the library does not say which it is.
        self.processor = None
        # Those whose process groups have the job's processes, as long as they are not reaped.
        self.leaders = set()
        self.clean = None
        self.prepare_environment()
        self.fresh_program()
        self.fresh_box()

    def prepare_environment(self):
        """What programs find when they start, made once: variables, and streams on the descriptors 0, 1 and 2."""
        os.environ.clear()
        os.environ.update(
            {
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "HOME": self.work,
                "TMPDIR": self.box + "/tmp",
                "LANG": "C.UTF-8",
                "LC_ALL": "C.UTF-8",
                "PYTHONHASHSEED": "0",
                "PYTHONUTF8": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
            }
        )
        complaints = high(os.dup(2))
        null = os.open("/dev/null", os.O_RDWR)
        reading, writing = os.pipe()
        # A stream asks its descriptor once whether it can seek: an input is a file, the outputs are pipes.
        for descriptor, target in ((null, 0), (writing, 1), (writing, 2)):
            os.dup2(descriptor, target)
        sys.stdin = sys.__stdin__ = open(0, "r", encoding="utf-8", errors="surrogateescape", closefd=False)
        sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)
        sys.stderr = sys.__stderr__ = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1)
        os.dup2(null, 1)
        os.dup2(complaints, 2)
        for descriptor in (null, reading, writing, complaints):
            os.close(descriptor)

    def hurry(self):
        """Asks for short turns, and soon, where it has not its turn at once: until the zygote has looked, a run can take more
        than it may. Before Linux 6.12 the kernel gives no turns of other lengths."""
        if os.sched_getscheduler(0) != os.SCHED_FIFO:
            set_turn(turn(os.getpriority(os.PRIO_PROCESS, 0), 100_000))

    def lock(self):
        """Puts the zygote itself, and so every fork of it, under what does not keep it from its work."""
        self.hurry()
        for limit in (resource.RLIMIT_RTPRIO, resource.RLIMIT_NICE):
            resource.setrlimit(limit, (0, 0))
        if self.alone:
            resource.setrlimit(resource.RLIMIT_SIGPENDING, (SIGNALS, SIGNALS))
        if self.level != "L0":
            # A core dump through a pipe of the host ignores the limit on its size.
            prctl("dumpable", PR_SET_DUMPABLE, 0)
            prctl("no new privileges", PR_SET_NO_NEW_PRIVS, 1)
        if self.filter is not None:
            # The filter keeps programs from changing what happens when a child ends. With a handler in place already,
            # those of programs, which Python calls, are heard all the same.
            signal.signal(signal.SIGCHLD, nobody_hears)
            signal.siginterrupt(signal.SIGCHLD, False)
            # With the kernel's handler in place and no function behind it, Python takes a signal for a fault of its own.
            signal.signal = keep_a_handler(signal.signal)
            install_filter(self.filter)

    def greet(self):
        facts = {
            "level": self.level,
            "abi": self.abi,
            "kill_guarded": self.kill_guarded,
            "at_once": os.sched_getscheduler(0) == os.SCHED_FIFO,
            "kept": self.kept,
            "python": sys.version.split()[0],
        }
        send_frame(self.connection, b"H", json.dumps(facts).encode())

    # --- the box

    def fresh_box(self):
        os.chmod(self.box, 0o755)
        for name in os.listxattr(self.box):
            os.removexattr(self.box, name)
        for name, mode in (("work", 0o755), ("tmp", 0o1777), ("shm", 0o1777)):
            os.mkdir(self.box + "/" + name, mode)
            os.chmod(self.box + "/" + name, mode)
        self.clean = self.trace()

    def fresh_program(self):
        """The file that each program's source is written to. Only without Landlock can a program have touched it."""
        if self.source is not None:
            try:
                if os.path.samestat(os.lstat(self.program), os.fstat(self.source)):
                    return
            except OSError:
                pass
            os.close(self.source)
            self.source = None
        os.chmod(self.program_folder, 0o755)
        empty(self.program_folder)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
        self.source = high(os.open(self.program, flags, 0o644))

    def trace(self):
        """What changes when anything in the box was made, removed, renamed or given other attributes."""
        return [
            (s.st_mode, s.st_ctime_ns, s.st_ino, s.st_uid)
            for s in (os.stat(self.box + name) for name in ("", "/work", "/tmp", "/shm"))
        ]

    def tidy_box(self):
        self.fresh_program()
        try:
            untouched = self.trace() == self.clean
        except OSError:
            untouched = False
        if untouched:
            return
        os.chdir("/")
        empty(self.box)
        self.fresh_box()

    # --- the connection

    def receive(self, block):
        """One frame (kind, body), or None where none is there yet."""
        while True:
            if len(self.buffer) >= 4:
                length = struct.unpack_from("<I", self.buffer)[0]
                if len(self.buffer) >= 4 + length:
                    frame = self.buffer[4 : 4 + length]
                    self.buffer = self.buffer[4 + length :]
                    return frame[:1], frame[1:]
            try:
                data, ancillary, _, _ = self.connection.recvmsg(
                    65536, socket.CMSG_SPACE(8 * 4), socket.MSG_CMSG_CLOEXEC | (0 if block else socket.MSG_DONTWAIT)
                )
            except BlockingIOError:
                return None
            if not data:
                raise Hangup
            for level, kind, payload in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    count = len(payload) // 4
                    self.descriptors += struct.unpack("=%di" % count, payload[: count * 4])
            self.buffer += data

    def serve(self):
        try:
            while True:
                kind, body = self.receive(True)
                if kind == b"K":
                    continue
                job = Job(body)
                descriptors, self.descriptors = self.descriptors, []
                try:
                    reply = self.run(job, kind, descriptors)
                except (Refused, OSError, MemoryError, ValueError) as error:
                    self.kill_all(None)
                    reply = REPLY.pack(job.number, ENDED_FAULT, 0, 0, 0, 0, 0) + str(error).encode("utf-8", "replace")[:1000]
                send_frame(self.connection, b"R", reply)
                self.tidy_box()
        except Hangup:
            pass
        except BaseException as error:
            self.last_words(error)
        finally:
            try:
                self.kill_all(None)
                if self.level != "L3":
                    os.chdir("/")
                    empty(self.box)
                    empty(self.program_folder)
            finally:
                os._exit(0)

    def last_words(self, error):
        try:
            os.write(2, ("%s: %s\n" % (type(error).__name__, error)).encode("utf-8", "replace")[:1000])
        except OSError:
            pass

    # --- one job

    def run(self, job, kind, descriptors):
        self.process_limit = process_limit(self, job)
        # Where the kernel has let the zygote wake up, there is time, and will be when it sleeps again.
        processor = RAW.sched_getcpu()
        self.processor = None if processor < 0 else (processor,)
        ready, signal_ready = map(high, os.pipe())
        descriptors[:] = map(high, descriptors)
        # Where all of them start, tests and their program in the same folder. Once a program runs, it can close it.
        os.chdir(self.work)
        try:
            if kind == b"S":
                source, stdin, stdout, stderr = descriptors
                children = [(self.fork(job, signal_ready, CONFINED_PROGRAM, run_script, (source, self.source), stdin, stdout, stderr), "program")]
                main = children[0][0]
            elif kind == b"F":
                candidate, tests, results, output = descriptors
                here, there = socket.socketpair()
                null = high(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC))
                descriptors += [null, high(here.detach()), high(there.detach())]
                tester_end, candidate_end = descriptors[-2:]
                first = self.fork(job, signal_ready, CONFINED_PROGRAM, serve_candidate, (candidate, candidate_end, self.source), null, output, output)
                main = self.fork(job, signal_ready, CONFINED_TESTS, run_tests, (tests, tester_end, results), null, output, output)
                children = [(first, "candidate"), (main, "tester")]
            else:
                raise ValueError("a frame of an unknown kind")
        finally:
            os.close(signal_ready)
            for descriptor in descriptors:
                os.close(descriptor)
            self.ready = ready
        try:
            return self.watch(job, main, children, time.monotonic())
        finally:
            os.close(ready)

    def fork(self, job, signal_ready, mark, body, arguments, stdin, stdout, stderr):
        pid = RAW.fork()
        if pid:
            self.leaders.add(pid)
            return pid
        try:
            confine(self, job, signal_ready, mark, body, arguments, stdin, stdout, stderr)
        except BaseException as error:
            self.last_words(error)
        finally:
            os._exit(255)

    def watch(self, job, main, children, started):
        pidfd = os.pidfd_open(main) if hasattr(os, "pidfd_open") else syscall("pidfd_open", SYS["pidfd_open"], main, 0)
        self.poll.register(pidfd, select.POLLIN)
        os.set_blocking(self.ready, False)
        self.confined, self.started, self.program_confined = 0, len(children), False
        watched = Watched(self, main)
        forced = None
        try:
            while forced is None:
                left = max(0.0, job.wall - (time.monotonic() - started))
                events = self.poll.poll(min(watched.pace, left) * 1000)
                done = False
                for descriptor, _ in events:
                    if descriptor == pidfd:
                        done = True
                    else:
                        frame = self.receive(False)
                        if frame is not None and frame[0] == b"K" and struct.unpack("<Q", frame[1])[0] == job.number:
                            forced = ENDED_KILLED
                if done:
                    break
                if forced is None and time.monotonic() - started > job.wall:
                    forced = ENDED_WALL
                if forced is None and not events:
                    forced = watched.look(job)
        finally:
            self.poll.unregister(pidfd)
            os.close(pidfd)
        if forced is None:
            self.wait_for_confinement(started + job.wall)
        self.kill_all(watched)
        # Everything has been reaped: this is exact.
        watched.cpu = watched.reaped_cpu
        wall = time.monotonic() - started
        if not self.all_confined():
            # What is used up while the tests are still on their way is what the program used.
            by_program = self.program_confined and forced in (ENDED_CPU, ENDED_MEMORY)
            if forced in (None, ENDED_CPU, ENDED_MEMORY) and not by_program:
                raise Refused("a process could not be confined")
        ending, detail = self.ending(job, watched, forced)
        peak = max(watched.peak, watched.main_peak)
        other = watched.endings.get(children[0][0], -1) if len(children) > 1 else -1
        return REPLY.pack(
            job.number, ending, detail, int(watched.cpu * 1e6), int(wall * 1e6), peak, other & 0xFFFFFFFF
        )

    def ending(self, job, watched, forced):
        status = watched.status
        if forced is not None:
            return forced, signal.SIGXFSZ if forced == ENDED_SIGNAL else 0
        if watched.cpu > job.cpu:
            return ENDED_CPU, 0
        if watched.main_peak > job.memory:
            return ENDED_MEMORY, 0
        if status is None:
            raise Refused("the program's status was lost")
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            return (ENDED_CPU, 0) if number == signal.SIGXCPU else (ENDED_SIGNAL, number)
        return ENDED_EXIT, os.WEXITSTATUS(status)

    def kill_all(self, watched):
        """Ends every process but this one, and reaps it. Afterwards nothing of the job is left."""
        deadline = time.monotonic() + 10
        while True:
            if self.alone:
                try:
                    os.kill(-1, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            elif self.grouped:
                for leader in tuple(self.leaders):
                    kill_group(leader)
            else:
                freeze_and_kill()
            try:
                while True:
                    # With nobody left that could fork, all that is left has been killed and will come.
                    pid, status, usage = os.wait4(-1, os.WNOHANG if self.level == "L0" else 0)
                    if pid == 0:
                        time.sleep(0.0005)
                        break
                    self.leaders.discard(pid)
                    if watched is not None:
                        watched.reaped(pid, status, usage)
            except ChildProcessError:
                return
            if time.monotonic() > deadline:
                raise Refused("processes of the program could not be ended")

    def next_processor(self):
        allowed = sorted(os.sched_getaffinity(0))
        self.processor = (next((one for one in allowed if one > self.processor[0]), allowed[0]),)

    def settle(self, names):
        """Puts processes on the processor of the job, with all that they start."""
        for name in names:
            try:
                for thread in os.listdir("/proc/%s/task" % name):
                    os.sched_setaffinity(int(thread), self.processor)
            except OSError:
                # It has ended.
                continue

    # --- what the watch asks

    def all_confined(self):
        """Whether every process that was forked for the job has put itself under its limits, and runs the program."""
        try:
            marks = os.read(self.ready, 16)
            self.confined += len(marks)
            self.program_confined |= CONFINED_PROGRAM in marks
        except BlockingIOError:
            pass
        return self.confined >= self.started

    def wait_for_confinement(self, until):
        """Tests that need no program can be over before its process has put itself under its limits."""
        poll = select.poll()
        poll.register(self.ready, select.POLLIN)
        while not self.all_confined():
            events = poll.poll(max(0.0, until - time.monotonic()) * 1000)
            # Without anything to read, time is up or nobody is left to say anything.
            if not events or not events[0][1] & select.POLLIN:
                return

    def processes(self):
        if self.level == "L3":
            return [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]
        return [str(pid) for pid in descendants()]

    def swapped(self, name):
        """Anonymous memory of a process that is on a disk."""
        try:
            return kilobytes(name, "status", b"VmSwap:") if self.swap else 0
        except (OSError, ValueError):
            return 0

    def share_of(self, name):
        """A process's part of the anonymous memory that it has, alone or with others."""
        try:
            return kilobytes(name, "smaps_rollup", (b"Pss_Anon:", b"SwapPss:"))
        except (OSError, ValueError):
            pass
        try:
            # Where it does not let itself be looked at, everything is its own.
            return memory_of(name)[0] + self.swapped(name)
        except (OSError, ValueError):
            return 0

    def box_bytes(self):
        found = os.statvfs(self.box)
        return (found.f_blocks - found.f_bfree) * found.f_frsize

    def visible_files(self, job):
        """Bytes of the files below the box: where no file system of its own bounds them."""
        try:
            if self.trace() == self.clean:
                return 0
        except OSError:
            pass
        total, count, todo = 0, 0, [self.box]
        while todo:
            folder = todo.pop()
            try:
                found = files_in(folder)
            except PermissionError:
                # Closed by the program, which has files in it all the same.
                try:
                    self.open_up(folder)
                    found = files_in(folder)
                except PermissionError:
                    return job.file_bytes + 1
                except OSError:
                    continue
            except OSError:
                continue
            count += len(found)
            total += sum(size for _, size in found)
            todo += [path for path, _ in found if path is not None]
            if count > MOST_FILES or total > job.file_bytes:
                return job.file_bytes + max(1, total)
        return total

    def open_up(self, folder):
        """Makes a folder of the run readable; no other, whatever the program has put on the way to it meanwhile."""
        handle = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            itself = "/proc/self/fd/%d" % handle
            if not os.readlink(itself).startswith(self.box + "/"):
                raise PermissionError
            os.chmod(itself, 0o700)
        finally:
            os.close(handle)


def files_in(folder):
    """What is in a folder, as its path where it is a folder itself, and its bytes; a few more than there may be at most."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            about = entry.stat(follow_symlinks=False)
            found.append((entry.path if stat.S_ISDIR(about.st_mode) else None, about.st_blocks * 512))
            if len(found) > MOST_FILES:
                break
    return found


def turn(priority, length):
    """Of the usual class, with a priority, and of so many nanoseconds: 0 for the usual."""
    return ctypes.create_string_buffer(struct.pack("=IIQiIQQQ", 48, os.SCHED_OTHER, 0, priority, 0, length, 0, 0))


def set_turn(wanted):
    return LIBC.syscall(ctypes.c_long(SYS["sched_setattr"]), ctypes.c_long(0), wanted, ctypes.c_long(0))


def nobody_hears(number, frame):
    pass


def keep_a_handler(setting):
    """`signal.signal`, for which no handler at `SIGCHLD` is one that does nothing."""

    @functools.wraps(setting)
    def signal_(signalnum, handler):
        if signalnum == signal.SIGCHLD and handler in (signal.SIG_IGN, signal.SIG_DFL):
            handler = nobody_hears
        return setting(signalnum, handler)

    return signal_


def code_buffer(text):
    raw = bytes.fromhex(text)
    return ctypes.create_string_buffer(raw, len(raw))


def high(descriptor):
    """Moves a descriptor above those that programs see."""
    if descriptor > 15:
        return descriptor
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 16)
    os.close(descriptor)
    return moved


def empty(folder):
    """Removes everything below a folder, however deep, whatever its modes; follows no link."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    here = os.open(folder, flags)
    depth, names = 0, []
    try:
        while True:
            inner = None
            with os.scandir(here) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        try:
                            os.rmdir(entry.name, dir_fd=here)
                        except OSError:
                            inner = entry.name
                            break
                    else:
                        os.unlink(entry.name, dir_fd=here)
            if inner is not None:
                os.chmod(inner, 0o700, dir_fd=here)
                below = os.open(inner, flags, dir_fd=here)
                os.close(here)
                here, depth = below, depth + 1
                names.append(inner)
            elif depth:
                above = os.open("..", flags, dir_fd=here)
                os.close(here)
                here, depth = above, depth - 1
                os.rmdir(names.pop(), dir_fd=here)
            else:
                return
    finally:
        os.close(here)
